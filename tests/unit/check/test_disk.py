"""Which disk it is, by its own bytes, and whether it can be mounted where it should be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hbd.check import disk, identity
from hbd.check.finding import CheckId, Level
from hbd.check.order import Disk
from hbd.systemd.mountinfo import Mount

UUID = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize("kind", ["ext2", "ext4"])
def test_the_uuid_is_read_from_a_real_file_system(tmp_path: Path, kind: str) -> None:
    """Goal: no udev is needed. Method: mke2fs with a UUID of ours, read back."""
    image = tmp_path / "image"
    subprocess.run(
        ["mke2fs", "-q", "-t", kind, "-U", UUID, str(image), "1M"],
        check=True,
        env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"},
    )
    assert identity.read_uuid(str(image)) == UUID


def test_xfs_and_btrfs_are_known_by_their_magic() -> None:
    """Goal: the usual file systems. Method: superblocks with nothing but magic and UUID."""
    raw = bytes.fromhex(UUID.replace("-", ""))
    xfs = b"XFSB".ljust(32, b"\0") + raw
    btrfs = bytes(0x10020) + raw.ljust(0x20, b"\0") + b"_BHRfS_M"
    assert identity.filesystem_uuid(xfs) == UUID
    assert identity.filesystem_uuid(btrfs) == UUID


@pytest.mark.parametrize("start", [b"", b"XFSB", bytes(0x10048), b"XFSB".ljust(40, b"\0")])
def test_what_is_no_file_system_has_no_uuid(start: bytes) -> None:
    """Goal: no made-up identity. Method: nothing, too little, zeros, half a superblock."""
    assert identity.filesystem_uuid(start) is None


def test_the_name_of_the_whole_disk_is_found_from_its_partition(tmp_path: Path) -> None:
    """Goal: partitions of one disk have one name. Method: a sysfs of ours, scsi and nvme."""
    scsi = tmp_path / "devices/host0/block/sdb"
    (scsi / "sdb1").mkdir(parents=True)
    (scsi / "sdb1/partition").write_text("1\n")
    (scsi / "device").mkdir()
    (scsi / "device/wwid").write_text("t10.ATA   QEMU    x1\n")
    nvme = tmp_path / "devices/nvme0n1"
    nvme.mkdir()
    (nvme / "wwid").write_text("eui.0025385b\n")
    bare = tmp_path / "devices/loop0"
    bare.mkdir()
    numbers = tmp_path / "dev/block"
    numbers.mkdir(parents=True)
    for number, device in (("8:17", scsi / "sdb1"), ("8:16", scsi), ("259:0", nvme), ("7:0", bare)):
        (numbers / number).symlink_to(device)
    assert identity.disk_name("8:17", tmp_path) == "t10.ATA QEMU x1"
    assert identity.disk_name("8:16", tmp_path) == "t10.ATA QEMU x1"
    assert identity.disk_name("259:0", tmp_path) == "eui.0025385b"
    assert identity.disk_name("7:0", tmp_path) is None


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("mounted", [False, True])
def test_it_is_mounted_exactly_where_its_group_runs(
    tmp_path: Path, *, held: bool, mounted: bool
) -> None:
    """Goal: a mount by hand is an error before it costs data. Method: all four cases."""
    mounts = [Mount(1, "8:17", str(tmp_path), "ext4")] if mounted else []
    found = disk.mount_point(Disk("/dev/sdb1", str(tmp_path), held=held), mounts)
    assert found.level is (Level.OK if held == mounted else Level.ERROR)


def test_a_mount_point_is_an_empty_directory(tmp_path: Path) -> None:
    """Goal: what would be covered, or cannot be mounted on, is told. Method: one of each kind."""

    def level(path: Path) -> Level:
        return disk.mount_point(Disk("/dev/sdb1", str(path), held=False), []).level

    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "file").touch()
    assert level(tmp_path / "empty") is Level.OK
    for name in ("full", "link", "file", "none"):
        assert level(tmp_path / name) is Level.ERROR, name


@pytest.mark.parametrize("device", ["/dev/none", "LABEL=none", "/dev/null", "UUID=none"])
def test_a_disk_that_is_not_seen_is_an_error_without_an_identity(
    tmp_path: Path, device: str
) -> None:
    """Goal: nothing is compared that was not read. Method: absent ones, and no disk at all."""
    report = disk.look(Disk(device, str(tmp_path), held=False))
    [present] = [each for each in report.findings if each.check is CheckId.DISK_PRESENT]
    assert present.level is Level.ERROR
    assert report.facts == {}


def test_a_network_file_system_is_no_disk(tmp_path: Path) -> None:
    """Goal: it is said that it is not compared. Method: host:/path."""
    report = disk.look(Disk("host:/path", str(tmp_path), held=False))
    assert {each.level for each in report.findings} == {Level.OK}
    assert report.facts == {}
