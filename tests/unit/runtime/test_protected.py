"""A mount under its claim: never without one, never an old one, nothing kept after it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hbd.cluster.event import DiskLost
from hbd.cluster.terms import ResourceState
from hbd.errors import AdapterError
from tests.unit.fencing.disk import ReservationDisk
from tests.unit.runtime.machines import ALPHA, BETA, Machine, machine
from tests.unit.runtime.parts import some_turns


def incapable(machine: Machine) -> None:
    """Its disk knows no reservations."""
    machine.kernel.devices[machine.devices[0]].knows_reservations = False


async def test_the_disk_is_claimed_before_the_mount_and_let_go_of_after_the_unmount(
    tmp_path: Path,
) -> None:
    """Goal: at every moment of a mount it is ours. Method: ask the disk from within."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    mount = alpha.mounts[0]
    seen: list[str | None] = []
    mount.on_mount = mount.on_unmount = lambda: seen.append(disk.holder)
    await alpha.start()
    await alpha.stop()
    assert seen == [ALPHA, ALPHA]
    assert disk.keys == {}


async def test_a_mount_that_is_found_without_a_claim_is_undone_first(tmp_path: Path) -> None:
    """Goal: what is in memory is old. Method: lost while mounted; a start mounts anew."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    beta = await machine(tmp_path, BETA, disk)
    await alpha.start()
    await beta.start()
    await beta.stop()
    await alpha.claim.look()
    writable: list[bool] = []
    alpha.mounts[0].on_unmount = lambda: writable.append(alpha.may_write())
    await alpha.start()
    assert writable == [False]
    assert alpha.mounts[0].is_mounted
    assert alpha.may_write()


async def test_an_old_mount_that_cannot_be_undone_is_not_claimed_for(tmp_path: Path) -> None:
    """Goal: better not served than old data written. Method: the unmount fails."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    beta = await machine(tmp_path, BETA, disk)
    await alpha.start()
    await beta.claim.claim()
    await alpha.claim.look()
    alpha.mounts[0].stop_fails = "busy"
    with pytest.raises(AdapterError):
        await alpha.start()
    assert not alpha.may_write()


async def test_nothing_is_mounted_on_what_was_taken_meanwhile(tmp_path: Path) -> None:
    """Goal: a claim of a moment ago is verified. Method: taken by beta between claim and start."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    beta = await machine(tmp_path, BETA, disk)
    await alpha.claim.claim()
    await beta.start()
    with pytest.raises(AdapterError):
        await alpha.start()
    assert not alpha.mounts[0].is_mounted
    assert beta.may_write()


async def test_a_start_that_was_abandoned_may_have_mounted(tmp_path: Path) -> None:
    """Goal: the disk is not let go of under it. Method: cancel after the mount; looks; a stop."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    beta = await machine(tmp_path, BETA, disk)
    alpha.mounts[0].gate = asyncio.Event()
    start = asyncio.create_task(alpha.start())
    async with asyncio.timeout(10):
        while not alpha.mounts[0].is_mounted:
            await some_turns()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    await beta.claim.claim()
    await alpha.claim.look()
    with pytest.raises(AdapterError):
        await alpha.claim.claim()  # over a mount that nobody was told of
    assert len(alpha.posted.of(DiskLost)) == 1
    await alpha.stop()
    await alpha.claim.claim()


async def test_the_disks_stay_until_the_last_of_them_is_unmounted(tmp_path: Path) -> None:
    """Goal: one claim for the group. Method: two file systems; stop one, then the other."""
    first, second = ReservationDisk(), ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, first, second)
    await alpha.start()
    await alpha.protected[1].stop()
    assert (first.holder, second.holder) == (ALPHA, ALPHA)
    await alpha.protected[0].stop()
    assert (first.keys, second.keys) == ({}, {})


async def test_an_unmount_that_fails_keeps_the_disk(tmp_path: Path) -> None:
    """Goal: what may be mounted is not let go of. Method: a busy file system."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.start()
    alpha.mounts[0].stop_fails = "busy"
    with pytest.raises(AdapterError):
        await alpha.stop()
    assert (disk.holder, alpha.claim.is_held) == (ALPHA, True)


@pytest.mark.parametrize("is_demanded", [True, False])
async def test_without_a_reservation_it_depends_on_what_is_demanded(
    tmp_path: Path, *, is_demanded: bool
) -> None:
    """Goal: `fencing reservation` mounts nothing bare. Method: a disk that cannot, both ways."""
    alpha = Machine(tmp_path, ALPHA, ReservationDisk(), is_demanded=is_demanded)
    incapable(alpha)
    assert await alpha.observe() == [ResourceState.STOPPED]
    if is_demanded:
        with pytest.raises(AdapterError):
            await alpha.start()
    else:
        await alpha.start()
    assert alpha.mounts[0].is_mounted is not is_demanded
    assert alpha.disks[0].keys == {}


async def test_a_disk_that_comes_late_is_not_claimed_under_a_bare_mount(tmp_path: Path) -> None:
    """Goal: nobody was kept out since it was mounted. Method: unknown, mounted, then found."""
    disk = ReservationDisk()
    alpha = Machine(tmp_path, ALPHA, disk, is_demanded=False)
    number = alpha.kernel.numbers.pop(alpha.devices[0])
    await alpha.observe()
    await alpha.start()
    alpha.kernel.numbers[alpha.devices[0]] = number
    await alpha.claim.resolve()
    assert not alpha.claim.is_settled
    await alpha.stop()
    await alpha.start()
    assert (alpha.claim.is_held, disk.holder) == (True, ALPHA)


async def test_an_adoption_is_the_mounts(tmp_path: Path) -> None:
    """Goal: what wraps a mount hides nothing of it. Method: prepare, adopt, text and unit."""
    alpha = await machine(tmp_path, ALPHA, ReservationDisk())
    each = alpha.protected[0]
    each.prepare()
    await each.adopt()
    assert (each.text, each.unit) == (alpha.mounts[0].text, alpha.mounts[0].unit)
    assert alpha.mounts[0].adopted == 1
