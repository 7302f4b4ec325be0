"""hbd and a heartbeat in one cluster: seeds, and the stories that an administrator knows by name."""

from __future__ import annotations

import os

import pytest

from hbd.cluster.event import LeaveRequested, StandbyRequested, TakeoverRequested
from hbd.cluster.terms import SECOND, AutoFailback, JobId, JobResult, Scope
from hbd.r1.shares import ALL, FOREIGN, LOCAL
from tests.sim.mixed import MixedFaults, MixedWorld
from tests.sim.world import DISK, MAIL, A, B, Cable

SEEDS = int(os.environ.get("SEEDS", "40"))
FIRST_SEED = int(os.environ.get("FIRST_SEED", "1"))
BATCH = 10
SETTLE = 240 * SECOND


def world_of(seed: int) -> MixedWorld:
    """A world whose set-up depends on the seed too."""
    homes = ({DISK: A, MAIL: B}, {DISK: A}, {DISK: B}, {DISK: A, MAIL: A})[seed % 4]
    failback = (AutoFailback.ON, AutoFailback.OFF)[seed // 4 % 2]
    return MixedWorld(seed, homes=homes, auto_failback=failback)


def live_through(seed: int) -> int:
    """One seed: start, faults, calm; returns how many faults there were."""
    world = world_of(seed)
    first, second = world.hosts if seed % 2 else world.hosts[::-1]
    first.start_daemon()
    world.after(world.random.randrange(20 * SECOND), second.start_daemon)
    world.run_for(40 * SECOND)
    faults = MixedFaults(world)
    faults.rage(120 * SECOND)
    faults.calm()
    world.run_for(60 * SECOND)
    for host in world.hosts:
        if host.session is None:
            host.start_daemon()
    world.run_until(world.is_settled, within=SETTLE)
    world.run_for(10 * SECOND)
    if not world.is_settled():
        world.fail("settled, and then not")
    return faults.count


@pytest.mark.parametrize("first", range(FIRST_SEED, FIRST_SEED + SEEDS, BATCH))
def test_whatever_happens_to_a_mixed_pair_it_ends_with_every_group_once(first: int) -> None:
    """Goal: no group is held by both, but where silence was taken for death; and it settles."""
    assert sum(live_through(seed) for seed in range(first, first + BATCH)) > BATCH
