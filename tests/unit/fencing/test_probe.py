"""What can be protected: told from sysfs and from what the disk says, without changing anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.errors import AdapterError
from hbd.fencing import ioctl
from hbd.fencing.disk import DiskKind
from hbd.fencing.reservation import probe
from tests.unit.fencing.disk import ReservationDisk
from tests.unit.fencing.kernel import Device, ModelKernel


def scsi(disk: ReservationDisk | None = None, nexus: str = "alpha") -> Device:
    """A SCSI disk with one path."""
    return Device(disk or ReservationDisk(), DiskKind.SCSI, (nexus,))


def partition(kernel: ModelKernel, of: str, number: int) -> str:
    """A partition of a disk that stands already."""
    block = (kernel.sys / "class/block" / of).resolve() / f"{of}{number}"
    block.mkdir()
    (block / "partition").write_text(f"{number}\n")
    kernel.enter(f"/dev/{of}{number}", f"8:{number}", block)
    return f"/dev/{of}{number}"


async def test_a_partition_leads_to_its_disk(tmp_path: Path) -> None:
    """Goal: haresources names /dev/sda1, the reservation is sda's. Method: probe a partition."""
    kernel = ModelKernel(tmp_path)
    kernel.add("sda", scsi())
    found = await probe(partition(kernel, "sda", 1), kernel=kernel)
    assert (found.is_capable, found.why) == (True, "")
    assert (found.device, found.disk) == ("/dev/sda1", "/dev/sda")
    assert (found.kind, found.identity) == (DiskKind.SCSI, "naa.6001405aaaa")


async def test_a_map_and_its_partition_lead_to_the_map(tmp_path: Path) -> None:
    """Goal: multipath is used as a whole. Method: a map, and kpartx's partition of it."""
    kernel = ModelKernel(tmp_path)
    disk = ReservationDisk()
    kernel.add("sda", scsi(disk, "a"))
    kernel.add("sdb", scsi(disk, "b"), minor=16)
    whole = Device(disk, DiskKind.MULTIPATH, ("a", "b"))
    kernel.add_map("dm-0", whole, ["sda", "sdb"], "mpath-3600", 0)
    kernel.add_map("dm-1", whole, ["dm-0"], "part1-mpath-3600", 1)
    for device in ("/dev/dm-0", "/dev/dm-1"):
        found = await probe(device, kernel=kernel)
        assert (found.disk, found.kind) == ("/dev/dm-0", DiskKind.MULTIPATH)
        assert found.identity == "naa.6001405aaaa"
        assert found.is_capable


async def test_a_single_path_of_a_map_is_refused(tmp_path: Path) -> None:
    """Goal: no key that the map does not know of. Method: probe the path below the map."""
    kernel = ModelKernel(tmp_path)
    disk = ReservationDisk()
    kernel.add("sda", scsi(disk))
    kernel.add_map("dm-0", Device(disk, DiskKind.MULTIPATH, ("a",)), ["sda"], "mpath-3600", 0)
    with pytest.raises(AdapterError, match="/dev/mapper/map-dm-0"):
        await probe("/dev/sda", kernel=kernel)


@pytest.mark.parametrize(
    ("name", "uuid"),
    [("dm-0", "LVM-abc"), ("dm-0", "CRYPT-LUKS2-abc"), ("dm-0", "")],
)
async def test_other_mapped_devices_are_not_capable(tmp_path: Path, name: str, uuid: str) -> None:
    """Goal: what hides its disk is not guarded. Method: LVM, encryption and an unknown target."""
    kernel = ModelKernel(tmp_path)
    kernel.add("sda", scsi())
    kernel.add_map(name, scsi(), ["sda"], uuid, 0)
    found = await probe(f"/dev/{name}", kernel=kernel)
    assert not found.is_capable


@pytest.mark.parametrize(
    "name", ["md0", "drbd0", "loop3", "vda", "xvda", "nbd0", "rbd0", "mmcblk0", "zram0", "ida!c0"]
)
async def test_what_has_no_reservations_says_so(tmp_path: Path, name: str) -> None:
    """Goal: `auto` knows what it cannot protect. Method: each kind by the kernel's name."""
    kernel = ModelKernel(tmp_path)
    block = kernel.sys / "devices/virtual/block" / name
    block.mkdir(parents=True)
    kernel.enter(f"/dev/{name}", "7:0", block)
    found = await probe(f"/dev/{name}", kernel=kernel)
    assert not found.is_capable
    assert kernel.requests == []


@pytest.mark.parametrize(
    "device",
    [
        Device(ReservationDisk(), DiskKind.SCSI, ("a",), knows_reservations=False),
        Device(ReservationDisk(), DiskKind.SCSI, ("a",), bytes((0, 8, 0x00, 0x80, 0xEA, 1, 0, 0))),
        Device(ReservationDisk(), DiskKind.SCSI, ("a",), bytes((0, 8, 0x01, 0x80, 0xCA, 1, 0, 0))),
    ],
    ids=["unknown-command", "no-aptpl", "no-such-type"],
)
async def test_a_scsi_disk_that_lacks_something_is_not_capable(
    tmp_path: Path, device: Device
) -> None:
    """Goal: no surprise at the first takeover. Method: one ability missing each."""
    kernel = ModelKernel(tmp_path)
    found = await probe(kernel.add("sda", device), kernel=kernel)
    assert (found.is_capable, found.disk) == (False, "/dev/sda")


@pytest.mark.parametrize(("rescap", "is_capable"), [(0xFF, True), (0xF7, False), (0xFE, False)])
async def test_an_nvme_namespace_tells_what_it_can(
    tmp_path: Path, rescap: int, is_capable: bool
) -> None:
    """Goal: the same for NVMe. Method: RESCAP with and without the type and persistence."""
    kernel = ModelKernel(tmp_path)
    device = Device(ReservationDisk(), DiskKind.NVME, ("a",), rescap=rescap)
    found = await probe(kernel.add("nvme0n1", device), kernel=kernel)
    assert found.is_capable is is_capable


async def test_a_disk_that_cannot_say_what_it_can_is_asked_for_its_keys(tmp_path: Path) -> None:
    """Goal: older SPC-3 disks are protected, too. Method: REPORT CAPABILITIES is unknown to it."""
    kernel = ModelKernel(tmp_path)
    device = Device(ReservationDisk(), DiskKind.SCSI, ("a",), capabilities=b"")
    assert (await probe(kernel.add("sda", device), kernel=kernel)).is_capable


async def test_an_absent_disk_is_not_an_incapable_one(tmp_path: Path) -> None:
    """Goal: `auto` never turns to unprotected because of a cable. Method: absent, then gone."""
    kernel = ModelKernel(tmp_path)
    with pytest.raises(AdapterError):
        await probe("/dev/sda", kernel=kernel)
    device = kernel.add("sda", scsi())
    del kernel.devices[device]
    with pytest.raises(AdapterError):
        await probe(device, kernel=kernel)


async def test_what_is_no_block_device_is_not_capable(tmp_path: Path) -> None:
    """Goal: a directory or a file is answered, too. Method: a path with no number."""
    kernel = ModelKernel(tmp_path, numbers={"/srv": ""})
    assert not (await probe("/srv", kernel=kernel)).is_capable


async def test_a_disk_without_identity_is_not_used(tmp_path: Path) -> None:
    """Goal: two disks are never confused. Method: no page 0x83."""
    kernel = ModelKernel(tmp_path)
    device = kernel.add("sdzz", scsi(), wwid="")
    assert not (await probe(device, kernel=kernel)).is_capable


async def test_probing_changes_nothing(tmp_path: Path) -> None:
    """Goal: a check may run at any time. Method: no changing call; the disk is as it was."""
    kernel = ModelKernel(tmp_path)
    disk = ReservationDisk()
    disk.register("beta", 0, 7)
    disk.reserve("beta", 7, 3)
    await probe(kernel.add("sda", scsi(disk)), kernel=kernel)
    changing = {ioctl.IOC_PR_REGISTER, ioctl.IOC_PR_RESERVE, ioctl.IOC_PR_PREEMPT_ABORT}
    assert changing.isdisjoint(kernel.requests)
    assert (disk.keys, disk.holder, disk.generation) == ({"beta": 7}, "beta", 1)
    assert kernel.opened == {}
