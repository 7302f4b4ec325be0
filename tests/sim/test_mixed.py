"""hbd and a heartbeat in one cluster: seeds, and the stories that operators know by name."""

from __future__ import annotations

import os

import pytest

from hbd.cluster.event import (
    FailureCleared,
    LeaveRequested,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.terms import SECOND, AutoFailback, GroupName, JobId, JobResult, Scope
from hbd.r1.shares import ALL, FOREIGN, LOCAL, Share
from tests.sim.heartbeat import Heartbeat
from tests.sim.host import Host
from tests.sim.mixed import MixedFaults, MixedWorld
from tests.sim.world import DISK, MAIL, A, B, Cable, Fencing

SEEDS = int(os.environ.get("SEEDS", "15"))
FIRST_SEED = int(os.environ.get("FIRST_SEED", "1"))
BATCH = 15
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
    world.heartbeat.clear_leftovers()
    if any(not world.serves(world.a, group) for group in world.heartbeat.unstarted):
        stop(world, world.b)  # it says that it holds them, and nobody learns otherwise: hbd(8)
        world.b.start_daemon()
    if world.heartbeat.is_stuck:  # hbd went in the middle, and was back too soon: hbd(8)
        stop(world, world.a)
        world.a.start_daemon()
    world.a.post(FailureCleared(JobId(10_000)))
    world.run_until(world.is_settled, within=SETTLE)
    world.run_for(10 * SECOND)
    if not world.is_settled():
        world.fail("settled, and then not")
    return faults.count


HOMES = {DISK: A, MAIL: B}
AT_HOME = {DISK: "ttisrv1", MAIL: "ttisrv2"}
HERE = {DISK: "ttisrv1", MAIL: "ttisrv1"}  # on hbd's machine
THERE = {DISK: "ttisrv2", MAIL: "ttisrv2"}  # on heartbeat's
SWAPPED = {DISK: "ttisrv2", MAIL: "ttisrv1"}

ON, OFF = AutoFailback.ON, AutoFailback.OFF


def pair(failback: AutoFailback = ON) -> MixedWorld:
    """Both started together, each serving its own group."""
    world = MixedWorld(1, homes=dict(HOMES), auto_failback=failback)
    for host in world.hosts:
        host.start_daemon()
    reaches(world, AT_HOME)
    return world


def reaches(world: MixedWorld, where: dict[GroupName, str], within: int = 60) -> None:
    """Wait until the groups run there, and see that they stay."""
    world.run_until(lambda: world.where() == where and world.is_settled(), within * SECOND)
    world.run_for(12 * SECOND)
    assert world.where() == where, "\n".join(world.story)


def stop(world: MixedWorld, host: Host) -> None:
    """`systemctl stop`, to its end."""
    if isinstance(host, Heartbeat):
        host.leave()
    else:
        host.post(LeaveRequested())
    world.run_until(lambda: host.session is None, 60 * SECOND)


def test_both_start_together_and_each_serves_its_own() -> None:
    """Goal: no wait beyond what must be. Method: one moment for both, virtual time."""
    world = MixedWorld(1, homes=dict(HOMES))
    for host in world.hosts:
        host.start_daemon()
    world.run_until(lambda: world.where() == AT_HOME, 5 * SECOND)


@pytest.mark.parametrize(("failback", "where"), [(ON, AT_HOME), (OFF, THERE)])
def test_hbd_joins_a_heartbeat_that_serves_everything(
    failback: AutoFailback, where: dict[GroupName, str]
) -> None:
    """Goal: nothing is taken that was not given. Method: heartbeat alone, hbd half a minute on."""
    world = MixedWorld(2, homes=dict(HOMES), auto_failback=failback)
    world.b.start_daemon()
    world.run_until(lambda: world.where() == THERE, 30 * SECOND)
    world.a.start_daemon()
    reaches(world, where)


@pytest.mark.parametrize(("failback", "where"), [(ON, AT_HOME), (OFF, HERE)])
def test_a_heartbeat_joins_hbd_that_serves_everything(
    failback: AutoFailback, where: dict[GroupName, str]
) -> None:
    """Goal: hbd gives back, or keeps. Method: hbd alone, heartbeat half a minute on."""
    world = MixedWorld(3, homes=dict(HOMES), auto_failback=failback)
    world.a.start_daemon()
    world.run_until(lambda: world.where() == HERE, 30 * SECOND)
    world.b.start_daemon()
    reaches(world, where)


SCOPES = [
    (Scope.ALL, HERE, THERE, HERE),
    (Scope.LOCAL, HERE, SWAPPED, HERE),
    (Scope.FOREIGN, HERE, AT_HOME, HERE),
    (Scope.FAILBACK, HERE, AT_HOME, AT_HOME),
]


@pytest.mark.parametrize(("scope", "before", "given", "taken"), SCOPES)
def test_hbd_gives_and_takes_by_every_scope(
    scope: Scope,
    before: dict[GroupName, str],
    given: dict[GroupName, str],
    taken: dict[GroupName, str],
) -> None:
    """Goal: heartbeat's words mean the same here. Method: standby, then takeover, jobs and all."""
    world = pair()
    ask(world, Scope.ALL, to_here=True)
    reaches(world, before)
    ask(world, scope, to_here=False)
    reaches(world, given)
    ask(world, scope, to_here=True)
    reaches(world, taken)


def ask(world: MixedWorld, scope: Scope, *, to_here: bool) -> None:
    """Let hbd's operator ask, and wait until the job is done."""
    job = JobId(len(world.a.jobs) + 100)
    request = TakeoverRequested if to_here else StandbyRequested
    world.a.post(request(job, scope))
    world.run_until(lambda: job in world.a.jobs, 60 * SECOND)
    assert world.a.jobs[job] is JobResult.DONE


@pytest.mark.parametrize(
    ("share", "given"),
    [(ALL, HERE), (LOCAL, SWAPPED), (FOREIGN, AT_HOME)],
    ids=["all", "local", "foreign"],
)
def test_heartbeat_gives_and_takes_by_every_scope(
    share: Share, given: dict[GroupName, str]
) -> None:
    """Goal: its operator's words are followed here. Method: takeover, standby and takeover."""
    world = pair()
    world.heartbeat.takeover(ALL)
    reaches(world, THERE)
    world.heartbeat.standby(share)
    reaches(world, given)
    world.heartbeat.takeover(share)
    reaches(world, THERE)


@pytest.mark.parametrize("seed", range(30))
def test_commands_that_cross_each_other_start_nothing_twice_and_come_to_an_end(seed: int) -> None:
    """Goal: two operators at once do no harm. Method: any two or three commands within 5 s.

    heartbeat puts its `me` on the wire before it refuses it; the seed says who asks for what when.
    """
    world = MixedWorld(seed, homes=dict(HOMES))
    for host in world.hosts:
        host.start_daemon()
    reaches(world, AT_HOME)
    world.run_for(world.random.randrange(SECOND))
    MixedFaults(world).crossing_words()
    world.run_for(6 * SECOND)
    world.run_until(lambda: world.is_settled() and is_at_ease(world), 60 * SECOND)
    ask(world, Scope.ALL, to_here=True)
    reaches(world, HERE)


def is_at_ease(world: MixedWorld) -> bool:
    """Whether nobody waits for anything."""
    node = world.a.node
    return node is not None and not node.jobs and world.heartbeat.is_settled


@pytest.mark.parametrize("stops_hbd", [True, False])
def test_who_stops_in_good_order_hands_everything_over(stops_hbd: bool) -> None:
    """Goal: no deadtime is waited for. Method: stop one, count from its end; start it again."""
    world = pair()
    leaver = world.a if stops_hbd else world.b
    stop(world, leaver)
    world.run_until(lambda: world.where() == (THERE if stops_hbd else HERE), 3 * SECOND)
    assert not world.excused
    world.run_for(10 * SECOND)
    leaver.start_daemon()
    reaches(world, AT_HOME)


@pytest.mark.parametrize("seed", range(40))
def test_both_stop_while_they_start_and_come_to_their_end(seed: int) -> None:
    """Goal: nobody waits for who has left. Method: stop both within 3 s, once both are active.

    A heartbeat that is told to stop before that, and whose peer goes, waits for ever.
    """
    world = MixedWorld(seed, homes=dict(HOMES))
    for host in world.hosts:
        host.start_daemon()
    world.run_until(lambda: all(world.sees_peer(host) for host in world.hosts), 10 * SECOND)
    for host in world.random.sample(world.hosts, 2):
        world.run_for(world.random.randrange(3 * SECOND // 2))
        if isinstance(host, Heartbeat):
            host.leave()
        else:
            host.post(LeaveRequested())
    world.run_until(lambda: all(host.session is None for host in world.hosts), 60 * SECOND)
    assert set(world.where().values()) == {""}


@pytest.mark.parametrize("kills_hbd", [True, False])
def test_a_machine_without_power_is_taken_over_from_and_comes_back(kills_hbd: bool) -> None:
    """Goal: death both ways. Method: no power for a minute."""
    world = pair()
    dead = world.a if kills_hbd else world.b
    dead.cut_power()
    world.run_until(lambda: world.where() == (THERE if kills_hbd else HERE), 15 * SECOND)
    world.run_for(30 * SECOND)
    dead.start_daemon()
    reaches(world, AT_HOME)


def test_a_restart_of_hbd_within_deadtime_moves_nothing() -> None:
    """Goal: a killed daemon keeps its groups. Method: systemd's restart after half a second."""
    world = pair()
    before = world.a.generation
    world.a.kill_daemon()
    world.run_for(SECOND // 2)
    world.a.start_daemon()
    assert world.a.generation > before
    reaches(world, AT_HOME)
    assert not world.excused


def test_what_a_restarted_hbd_found_running_goes_home_when_heartbeat_returns() -> None:
    """Goal: a killed daemon forgets no failback. Method: serve alone, restart, then the peer."""
    world = pair()
    stop(world, world.b)
    world.run_until(lambda: world.where() == HERE, 10 * SECOND)
    world.run_for(10 * SECOND)
    world.a.kill_daemon()
    world.run_for(SECOND // 2)
    world.a.start_daemon()
    world.run_for(20 * SECOND)
    assert world.where() == HERE
    world.b.start_daemon()
    reaches(world, AT_HOME)


def test_after_a_partition_heartbeat_serves_on_and_hbd_gives_way() -> None:
    """Goal: one of two servers ends at once, and heartbeat does not restart itself for it.

    Method: every cable cut for 20 s, without fencing; its life is the same before and after.
    """
    world = pair(OFF)
    its_life, our_life = world.b.generation, world.a.generation
    for key in world.cables:
        world.cables[key] = Cable(is_cut=True)
    world.run_for(20 * SECOND)
    assert all(world.serves(host, group) for host in world.hosts for group in HOMES)
    for key in world.cables:
        world.cables[key] = Cable()
    world.run_until(lambda: world.where() == THERE and world.is_settled(), 10 * SECOND)
    assert world.b.generation == its_life
    assert world.a.generation > our_life


def test_hbd_that_stood_still_lets_go_of_what_was_taken_over() -> None:
    """Goal: a machine that wakes serves nothing of yesterday. Method: pause beyond deadtime."""
    world = pair(OFF)
    world.a.paused = world.excused = True
    world.run_for(15 * SECOND)
    assert all(world.serves(world.b, group) for group in HOMES)
    world.a.resume()
    world.run_until(lambda: world.where() == THERE and world.is_settled(), 10 * SECOND)


def test_what_does_not_start_on_hbd_is_offered_to_heartbeat() -> None:
    """Goal: the group serves somewhere. Method: break its start here, heartbeat already there."""
    world = MixedWorld(4, homes=dict(HOMES), auto_failback=OFF)
    world.a.resources.start_fails.add(DISK)
    world.a.start_daemon()
    world.b.start_daemon()
    reaches(world, THERE)


def test_what_does_not_start_on_heartbeat_is_nobodys_until_it_is_fetched() -> None:
    """Goal: its wrong exchange after a failure harms nobody. Method: break its start, then fetch.

    heartbeat says that it holds the group; half a minute later it gives away what it has not.
    """
    world = MixedWorld(6, homes=dict(HOMES), auto_failback=OFF)
    world.b.resources.start_fails.add(MAIL)
    for host in world.hosts:
        host.start_daemon()
    world.run_until(lambda: bool(world.heartbeat.unstarted), 30 * SECOND)
    world.run_for(60 * SECOND)
    assert world.where() == {DISK: "ttisrv1", MAIL: ""}
    ask(world, Scope.ALL, to_here=True)
    reaches(world, HERE)


def test_a_disk_that_refuses_writers_is_free_for_heartbeat_once_it_is_handed_over() -> None:
    """Goal: one writer at any time, and a hand-over that works. Method: disks with reservations.

    There and back; then a partition, in which heartbeat cannot mount what hbd serves, and its end.
    """
    world = MixedWorld(7, homes=dict(HOMES), auto_failback=OFF, fencing=Fencing.RESERVATION)
    for host in world.hosts:
        host.start_daemon()
    reaches(world, AT_HOME)
    ask(world, Scope.ALL, to_here=False)
    reaches(world, THERE)
    assert {disk.holder for disk in world.disks.values()} == {None}
    ask(world, Scope.ALL, to_here=True)
    reaches(world, HERE)
    for key in world.cables:
        world.cables[key] = Cable(is_cut=True)
    world.run_for(20 * SECOND)
    assert world.where() == HERE
    assert not any(world.b.resources.writes(group) for group in HOMES)
    for key in world.cables:
        world.cables[key] = Cable()
    reaches(world, HERE)


def test_one_group_of_several_is_not_asked_of_heartbeat() -> None:
    """Goal: a group never travels without leave. Method: two groups of one home, ask for one."""
    world = MixedWorld(5, homes={DISK: A, MAIL: A})
    for host in world.hosts:
        host.start_daemon()
    reaches(world, HERE)
    world.a.post(StandbyRequested(JobId(1), Scope.ALL, (MAIL,)))
    assert world.a.jobs[JobId(1)] is JobResult.REFUSED
    ask(world, Scope.LOCAL, to_here=False)
    reaches(world, THERE)


@pytest.mark.parametrize("first", range(FIRST_SEED, FIRST_SEED + SEEDS, BATCH))
def test_whatever_happens_to_a_mixed_pair_it_ends_with_every_group_once(first: int) -> None:
    """Goal: no group is held by both, but where silence was taken for death; and it settles."""
    assert sum(live_through(seed) for seed in range(first, first + BATCH)) > BATCH
