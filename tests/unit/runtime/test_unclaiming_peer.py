"""A shared disk and a peer that knows no reservations: what is given to it must be free."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.fencing import ioctl
from hbd.fencing.key import guard_of, is_guard
from tests.unit.fencing.disk import ReservationDisk
from tests.unit.runtime.machines import ALPHA, Machine, machine
from tests.unit.runtime.test_disks import ONE, scene

HEARTBEATS = "the node with heartbeat"  # it writes as anybody does, if the disk lets it


@pytest.fixture
def disk() -> ReservationDisk:
    """An empty one."""
    return ReservationDisk()


async def alone(directory: Path, disk: ReservationDisk) -> Machine:
    """A machine whose peer runs heartbeat, with the group's disk mounted."""
    alpha = await machine(directory, ALPHA, disk)
    alpha.claim.peer_claims = False
    await alpha.start()
    return alpha


async def test_while_it_serves_it_keeps_a_heartbeat_out(
    tmp_path: Path, disk: ReservationDisk
) -> None:
    """Goal: never two writers, whoever the peer is. Method: mount; the other one tries."""
    alpha = await alone(tmp_path, disk)
    assert (alpha.may_write(), disk.may_write(HEARTBEATS)) == (True, False)


async def test_what_is_handed_over_to_a_heartbeat_is_free(
    tmp_path: Path, disk: ReservationDisk
) -> None:
    """Goal: heartbeat can mount it. Method: a served group, and the daemon was started anew.

    A new life does not know whom its former one took the disk from: for an hbd it would stay kept.
    """
    alpha = await alone(tmp_path, disk)
    alpha.live()
    alpha.claim.peer_claims = False
    await alpha.observe()
    await alpha.stop()
    assert (disk.keys, disk.holder) == ({}, None)
    assert disk.may_write(HEARTBEATS)


@pytest.mark.parametrize("claims", [True, False])
async def test_a_guard_is_lifted_once_the_peer_is_a_heartbeat(
    tmp_path: Path, disk: ReservationDisk, *, claims: bool
) -> None:
    """Goal: nothing is left for it to remove. Method: a guard from the time of an hbd; look."""
    disk.keys[ALPHA], disk.holder = guard_of(ALPHA), ALPHA
    disk.type = ioctl.PR_WRITE_EXCLUSIVE_REG_ONLY
    alpha = await machine(tmp_path, ALPHA, disk)
    alpha.claim.peer_claims = claims
    await alpha.claim.look()
    assert is_guard(alpha.keys()) if claims else disk.keys == {}


async def test_nothing_is_lifted_under_a_mount(tmp_path: Path, disk: ReservationDisk) -> None:
    """Goal: the same look harms no service. Method: mounted under a claim; looks."""
    alpha = await alone(tmp_path, disk)
    for _ in range(3):
        await alpha.claim.look()
    assert alpha.may_write()


async def test_every_claim_learns_who_the_peer_is(tmp_path: Path) -> None:
    """Goal: also of a group that comes later. Method: told once; a group is forgotten and met."""
    async with scene(tmp_path) as here:
        here.disks.meet_peer(claims=False)
        group = next(each for each in here.config.groups if each.name == ONE)
        here.disks.forget(ONE)
        here.disks.meet_group(group)
        assert [claim.peer_claims for claim in here.disks._claims.values()] == [False, False]
