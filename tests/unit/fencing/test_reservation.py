"""One disk, two nodes, and what the kernel's calls do to it: at the ioctl boundary."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from hbd.cluster.terms import NodeName
from hbd.errors import AdapterError, ReservationConflict
from hbd.fencing.disk import DiskKind
from hbd.fencing.ioctl import PR_WRITE_EXCLUSIVE_REG_ONLY
from hbd.fencing.key import key_of
from hbd.fencing.reservation import Reservation, probe
from tests.unit.fencing.disk import CONFLICT, GOOD, ReservationDisk
from tests.unit.fencing.kernel import Device, ModelKernel

A1, A2, A3 = (key_of(NodeName("alpha"), count) for count in (1, 2, 3))
B1 = key_of(NodeName("beta"), 1)


@dataclass(slots=True)
class Node:
    """A node's kernel, its name for the disk, its paths to it and its reservation."""

    kernel: ModelKernel
    device: str
    nexus: str
    reservation: Reservation


def kernel_of(tmp_path: Path, name: str) -> ModelKernel:
    """A machine without disks."""
    return ModelKernel(tmp_path / name)


def attach(kernel: ModelKernel, disk: ReservationDisk, kind: DiskKind, name: str) -> str:
    """The disk as one kind of device; a map has two paths."""
    if kind is DiskKind.NVME:
        return kernel.add("nvme0n1", Device(disk, kind, (name,)), "eui.0025385b71b0")
    if kind is DiskKind.SCSI:
        return kernel.add("sda", Device(disk, kind, (name,)))
    for number, path in enumerate(("sda", "sdb")):
        kernel.add(path, Device(disk, DiskKind.SCSI, (f"{name}-{path}",)), minor=16 * number)
    paths = (f"{name}-sda", f"{name}-sdb")
    uuid = "mpath-36001405aaaa"
    return kernel.add_map("dm-0", Device(disk, kind, paths), ["sda", "sdb"], uuid, 0)


async def node_of(tmp_path: Path, disk: ReservationDisk, kind: DiskKind, name: str) -> Node:
    """A machine with the disk."""
    kernel = kernel_of(tmp_path, name)
    device = attach(kernel, disk, kind, name)
    nexus = kernel.devices[device].paths[-1]
    capability = await probe(device, kernel=kernel)
    return Node(kernel, device, nexus, Reservation(capability, kernel=kernel))


@pytest.fixture(params=list(DiskKind), ids=lambda kind: str(kind.value))
def kind(request: pytest.FixtureRequest) -> DiskKind:
    """Every kind of disk answers to the same interface."""
    assert isinstance(request.param, DiskKind)
    return request.param


async def pair(tmp_path: Path, kind: DiskKind) -> tuple[ReservationDisk, Node, Node]:
    """Two nodes on one disk, alpha serving: registered with A1 and holding."""
    disk = ReservationDisk()
    alpha = await node_of(tmp_path, disk, kind, "alpha")
    beta = await node_of(tmp_path, disk, kind, "beta")
    await alpha.reservation.register(A1)
    await alpha.reservation.reserve(A1)
    return disk, alpha, beta


async def test_only_the_registered_node_writes(tmp_path: Path, kind: DiskKind) -> None:
    """Goal: a mount on the standby cannot write. Method: both write, on every path of theirs."""
    disk, alpha, beta = await pair(tmp_path, kind)
    assert disk.submit(alpha.nexus, 1, b"a") == GOOD
    assert disk.submit(beta.nexus, 1, b"b") == CONFLICT
    state = await beta.reservation.read()
    assert state.is_only(A1)
    assert (state.keys, state.holder, state.type) == ((A1,), A1, PR_WRITE_EXCLUSIVE_REG_ONLY)
    assert state.registrations == (2 if kind is DiskKind.MULTIPATH else 1)


async def test_a_takeover_leaves_the_former_holder_without_a_word(
    tmp_path: Path, kind: DiskKind
) -> None:
    """Goal: after preempt and abort nothing of the victim is written, late or new.

    Method: alpha has a write inside the disk; beta takes over; alpha tries everything it has.
    """
    disk, alpha, beta = await pair(tmp_path, kind)
    assert disk.submit(alpha.nexus, 1, b"late") == GOOD
    await beta.reservation.register(B1)
    await beta.reservation.preempt_and_abort(B1, A1)
    disk.settle()
    assert disk.written == []
    assert (await beta.reservation.read()).is_only(B1)

    with pytest.raises(ReservationConflict):
        await alpha.reservation.rotate(A1, A2)
    with pytest.raises(ReservationConflict):
        await alpha.reservation.reserve(A1)
    await alpha.reservation.unregister()
    disk.attentions.clear()
    assert disk.submit(alpha.nexus, 1, b"new") == CONFLICT
    assert (await alpha.reservation.read()).is_only(B1)


async def test_a_rotation_moves_the_key_and_keeps_the_reservation(
    tmp_path: Path, kind: DiskKind
) -> None:
    """Goal: the key is a heartbeat, at no moment unprotected. Method: rotate; look at the disk."""
    disk, alpha, beta = await pair(tmp_path, kind)
    holder = disk.holder
    await alpha.reservation.rotate(A1, A2)
    await alpha.reservation.rotate(A2, A3)
    assert disk.holder == holder
    assert (await beta.reservation.read()).is_only(A3)
    with pytest.raises(ReservationConflict):
        await alpha.reservation.rotate(A1, A2)


async def test_a_stale_key_preempts_nobody(tmp_path: Path, kind: DiskKind) -> None:
    """Goal: what was read too early permits nothing. Method: preempt the key before the last."""
    _, alpha, beta = await pair(tmp_path, kind)
    await alpha.reservation.rotate(A1, A2)
    await beta.reservation.register(B1)
    with pytest.raises(ReservationConflict):
        await beta.reservation.preempt_and_abort(B1, A1)
    state = await beta.reservation.read()
    assert (state.holder, state.keys) == (A2, tuple(sorted((A2, B1))))


async def test_the_holder_may_leave_and_the_other_reserves(tmp_path: Path, kind: DiskKind) -> None:
    """Goal: a planned move needs no preemption. Method: unregister, register, reserve."""
    disk, alpha, beta = await pair(tmp_path, kind)
    with pytest.raises(ReservationConflict):
        await beta.reservation.reserve(B1)
    await alpha.reservation.unregister()
    assert (disk.holder, disk.keys) == (None, {})
    await alpha.reservation.unregister()
    await beta.reservation.register(B1)
    await beta.reservation.reserve(B1)
    await beta.reservation.reserve(B1)
    assert (await alpha.reservation.read()).is_only(B1)


async def test_registering_replaces_whatever_this_node_had(tmp_path: Path, kind: DiskKind) -> None:
    """Goal: a daemon that starts anew owns its registration. Method: register over an old key."""
    _, alpha, _ = await pair(tmp_path, kind)
    await alpha.reservation.register(A3)
    assert (await alpha.reservation.read()).is_only(A3)


async def test_attentions_are_heard_and_the_command_is_done(tmp_path: Path, kind: DiskKind) -> None:
    """Goal: a reset or a preemption elsewhere fails no call. Method: three attentions pending."""
    if kind is DiskKind.NVME:
        pytest.skip("NVMe has none")
    disk, alpha, _ = await pair(tmp_path, kind)
    disk.attentions[alpha.kernel.devices[alpha.device].paths[0]] = 3
    await alpha.reservation.reserve(A1)
    disk.attentions[alpha.kernel.devices[alpha.device].paths[0]] = 3
    assert (await alpha.reservation.read()).is_only(A1)


@pytest.mark.parametrize("status", [0x118, 0x18, 0x83, 0x4083])
async def test_a_conflict_is_known_in_every_kernels_words(tmp_path: Path, status: int) -> None:
    """Goal: an answer is not taken for a breakdown. Method: the values of 6.1, 6.12 and NVMe."""
    disk = ReservationDisk()
    node = await node_of(tmp_path, disk, DiskKind.SCSI, "alpha")
    node.kernel.conflict = status
    with pytest.raises(ReservationConflict):
        await node.reservation.rotate(A1, A2)


@pytest.mark.parametrize("status", [0x02, 0x08, 0x10000, 0x30000, 0xE0000, 0x777])
async def test_any_other_status_is_a_failure_and_no_answer(tmp_path: Path, status: int) -> None:
    """Goal: positive statuses are not lost. Method: the driver answers each instead of 0."""
    disk = ReservationDisk()
    node = await node_of(tmp_path, disk, DiskKind.SCSI, "alpha")
    node.kernel.conflict = status
    with pytest.raises(AdapterError) as caught:
        await node.reservation.rotate(A1, A2)
    assert not isinstance(caught.value, ReservationConflict)
    assert node.device in str(caught.value)


async def test_an_errno_names_the_disk_and_closes_it(tmp_path: Path, kind: DiskKind) -> None:
    """Goal: a dying path is an AdapterError and leaks nothing. Method: every call fails by EIO."""
    _, alpha, _ = await pair(tmp_path, kind)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    alpha.kernel.before = fail
    for call in (
        alpha.reservation.read(),
        alpha.reservation.register(A2),
        alpha.reservation.reserve(A1),
        alpha.reservation.rotate(A1, A2),
        alpha.reservation.preempt_and_abort(A1, B1),
        alpha.reservation.unregister(),
    ):
        with pytest.raises(AdapterError, match=alpha.device):
            await call
    assert alpha.kernel.opened == {}


async def test_another_disk_under_the_name_is_not_touched(tmp_path: Path, kind: DiskKind) -> None:
    """Goal: names wander, reservations do not. Method: the identity in sysfs becomes another's."""
    disk, alpha, _ = await pair(tmp_path, kind)
    for place in alpha.kernel.sys.rglob("wwid"):
        place.write_text("naa.another\n")
    before = list(alpha.kernel.requests)
    with pytest.raises(AdapterError, match="another disk"):
        await alpha.reservation.rotate(A1, A2)
    assert alpha.kernel.requests == before
    assert A1 in disk.keys.values()


async def test_a_cleared_disk_is_seen_by_its_holder(tmp_path: Path, kind: DiskKind) -> None:
    """Goal: a third party that clears the keys is noticed. Method: CLEAR, then read and rotate."""
    disk, alpha, beta = await pair(tmp_path, kind)
    await beta.reservation.register(B1)
    assert disk.clear(beta.nexus, B1) == GOOD
    assert not (await alpha.reservation.read()).is_only(A1)
    with pytest.raises(ReservationConflict):
        await alpha.reservation.rotate(A1, A2)


async def test_many_keys_are_read_whole(tmp_path: Path, kind: DiskKind) -> None:
    """Goal: no key hides behind the end of a buffer. Method: 300 strangers are registered."""
    disk, alpha, _ = await pair(tmp_path, kind)
    for number in range(300):
        disk.register(f"stranger-{number}", 0, 1000 + number)
    state = await alpha.reservation.read()
    assert len(state.keys) == 301
    assert state.holder == A1


async def test_short_host_identifiers_are_read_too(tmp_path: Path) -> None:
    """Goal: an NVMe disk on PCIe as well as one on a fabric. Method: the older report."""
    _, alpha, _ = await pair(tmp_path, DiskKind.NVME)
    alpha.kernel.devices[alpha.device].long_host_id = False
    assert (await alpha.reservation.read()).is_only(A1)
