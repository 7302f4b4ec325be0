"""Seeds: whatever happens, no disk has two writers, and afterwards every group is served once."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from hbd.cluster.terms import SECOND, AutoFailback
from tests.sim.faults import Faults
from tests.sim.world import DISK, MAIL, A, B, Fencing, World

SEEDS = int(os.environ.get("SEEDS", "15"))
FIRST_SEED = int(os.environ.get("FIRST_SEED", "1"))
BATCH = 15  # seeds a test: few enough to see where, many enough to be quick

RAGE = int(os.environ.get("RAGE", "120")) * SECOND  # shorter lives for very many seeds
REST = 15 * SECOND  # enough for a failed start to be offered to the peer, and to fail there too
SETTLE = 400 * SECOND  # a hung stop is given up after 120 s, and tried again


def world_of(seed: int, fencing: Fencing) -> World:
    """A world whose set-up depends on the seed too."""
    homes = ({DISK: A}, {DISK: A, MAIL: B}, {DISK: A, MAIL: A})[seed % 3]
    failback = tuple(AutoFailback)[seed // 3 % 3]
    has_ping = fencing is Fencing.NONE and seed % 2 == 0
    return World(
        seed, homes=dict(homes), auto_failback=failback, fencing=fencing, has_ping=has_ping
    )


def live_through(seed: int, fencing: Fencing) -> int:
    """One seed: start, faults, calm; returns how many faults there were."""
    world = world_of(seed, fencing)
    world.a.start_daemon()
    world.after(world.random.randrange(15 * SECOND), world.b.start_daemon)
    world.run_for(20 * SECOND)
    faults = Faults(world)
    faults.rage(RAGE)
    faults.calm()
    for _ in range(3):  # what was hanging is given up first; a second try may fall on the peer
        world.run_until(lambda: world.is_at_rest() or world.is_one_off(), within=SETTLE)
        world.run_for(REST)
        faults.retry_failed()
    world.run_until(world.is_settled, within=SETTLE)
    return faults.count


@pytest.mark.parametrize("fencing", Fencing)
@pytest.mark.parametrize("first", range(FIRST_SEED, FIRST_SEED + SEEDS, BATCH))
def test_whatever_breaks_no_disk_has_two_writers(
    first: int, fencing: Fencing, record_property: Callable[[str, object], None]
) -> None:
    """Goal: never two writers, and every group served once when calm returns.

    Method: a batch of seeds; the checker runs after every event. With a power switch there is no
    exception; without any, only a node that heard nothing for deadtime may be taken over from.
    """
    last = min(first + BATCH, FIRST_SEED + SEEDS)
    count = sum(live_through(seed, fencing) for seed in range(first, last))
    record_property("faults", count)
    assert count > 10 * (last - first), "the seeds really broke something"
