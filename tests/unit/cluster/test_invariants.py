"""A belief that must not be stops the daemon: each promise of `invariants`, broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hbd.cluster import invariants
from hbd.cluster.event import ClockTicked
from hbd.cluster.node import Group, Node
from hbd.cluster.step import step
from hbd.cluster.terms import (
    SECOND,
    Epoch,
    GroupState,
    Instant,
    PeerStatus,
    Phase,
    Usec,
)
from hbd.cluster.timing import Timing, default_initdead, default_warntime
from tests.unit.cluster.driven import DISK, HERE, MAIL, THERE, joined, serving, watching

LATER = Instant(10**15)


def with_disk(node: Node, change: Callable[[Group], Group]) -> Node:
    """The same node with its disk believed otherwise."""
    group = node.group(DISK)
    assert group is not None
    return node.with_group(change(group))


def with_peer(node: Node, status: PeerStatus, *, proven: bool = False) -> Node:
    """The same node with its peer believed otherwise, its report kept."""
    return replace(node, peer=replace(node.peer, status=status, proven=proven))


BROKEN: dict[str, Callable[[Node], Node]] = {
    "a group forgotten": lambda n: replace(n, groups=()),
    "a group renamed": lambda n: replace(n, groups=(replace(n.groups[0], name=MAIL),)),
    "an epoch gone back": lambda n: with_disk(n, lambda g: replace(g, epoch=Epoch(4))),
    "an owner changed within an epoch": lambda n: with_disk(n, lambda g: replace(g, owner=THERE)),
    "an operation gone back": lambda n: with_disk(n, lambda g: replace(g, operation=0)),
    "a start without a deadline": lambda n: with_disk(
        n, lambda g: replace(g, state=GroupState.STARTING)
    ),
    "a deadline for nothing": lambda n: with_disk(n, lambda g: replace(g, deadline=LATER)),
    "a start of the peer's group": lambda n: with_disk(
        n,
        lambda g: replace(
            g, epoch=Epoch(6), owner=THERE, state=GroupState.STARTING, deadline=LATER
        ),
    ),
    "the peer's group served": lambda n: with_disk(
        n, lambda g: replace(g, epoch=Epoch(6), owner=THERE)
    ),
    "the peer's group given": lambda n: with_disk(
        n,
        lambda g: replace(g, epoch=Epoch(6), owner=THERE, state=GroupState.STOPPED, giving=True),
    ),
    "a failure without a memory of it": lambda n: with_disk(
        n, lambda g: replace(g, state=GroupState.START_FAILED)
    ),
    "a start in maintenance": lambda n: replace(
        with_disk(
            n,
            lambda g: replace(g, state=GroupState.STARTING, deadline=LATER, operation=4),
        ),
        maintenance=True,
    ),
    "a node that left and serves": lambda n: replace(n, phase=Phase.LEFT),
    "a lost peer that nobody fences": lambda n: replace(
        n, peer=replace(n.peer, status=PeerStatus.LOST, report=None)
    ),
    "a lost peer that is believed": lambda n: replace(
        n, peer=replace(n.peer, status=PeerStatus.LOST, fence_due=LATER)
    ),
    "a proof for a peer that speaks": lambda n: with_peer(n, PeerStatus.ACTIVE, proven=True),
    "a proof for a peer that left": lambda n: with_peer(n, PeerStatus.LEFT, proven=True),
}


def sound() -> Node:
    """A node that serves its disk at epoch 5, after some operations: nothing is wrong with it."""
    node = with_disk(serving().node, lambda g: replace(g, epoch=Epoch(5), operation=3))
    invariants.check(node, node)
    return node


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_belief_that_must_not_be_stops_the_daemon(broken: Callable[[Node], Node]) -> None:
    """Goal: our own mistake never moves a disk. Method: one broken promise at a time."""
    node = sound()
    with pytest.raises((AssertionError, ValueError)):
        invariants.check(replace(node, maintenance=broken(node).maintenance), broken(node))


def test_the_invariants_are_checked_after_every_step() -> None:
    """Goal: in production too. Method: a broken belief, and the most harmless event."""
    driven = serving()
    node = with_disk(driven.node, lambda g: replace(g, deadline=LATER))
    with pytest.raises(AssertionError):
        step(node, ClockTicked(), driven.now)


def test_time_does_not_go_back() -> None:
    """Goal: one clock. Method: a step before the last one."""
    driven = serving()
    with pytest.raises(AssertionError):
        step(driven.node, ClockTicked(), Instant(driven.now - 1))


@pytest.mark.parametrize("state", GroupState)
def test_only_two_states_are_proof_that_nothing_runs(state: GroupState) -> None:
    """Goal: in doubt, held. Method: every state."""
    proven_stopped = (GroupState.STOPPED, GroupState.START_FAILED)
    assert state.is_held is (state not in proven_stopped)


def test_sound_beliefs_pass() -> None:
    """Goal: the check says no to nothing good. Method: serving one group, watching another."""
    for driven in (serving(), watching(), joined({DISK: HERE, MAIL: THERE})):
        invariants.check(driven.node, driven.node)


# --- the four times -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keepalive", "warntime", "deadtime", "initdead"),
    [(0, 1, 5, 5), (1, 0, 5, 5), (1, 1, 2, 5), (1, 1, 5, 4)],
)
def test_times_that_contradict_each_other_are_not_built(
    keepalive: int, warntime: int, deadtime: int, initdead: int
) -> None:
    """Goal: no node with impossible times. Method: each of ha.cf's four rules broken."""
    times = [Usec(t * SECOND) for t in (keepalive, warntime, deadtime, initdead)]
    with pytest.raises(AssertionError):
        Timing(*times)


@pytest.mark.parametrize(
    ("deadtime", "initdead"),
    [(5.9, 12), (6, 12), (8, 16), (10, 20), (10.1, 10.1), (30, 30)],
)
def test_initdead_follows_from_deadtime(deadtime: float, initdead: float) -> None:
    """Goal: heartbeat's own rule. Method: both sides of its two borders."""
    assert default_initdead(Usec(int(deadtime * SECOND))) == int(initdead * SECOND)


def test_warntime_is_half_of_deadtime() -> None:
    """Goal: heartbeat's own rule. Method: an odd number of microseconds, too."""
    assert default_warntime(Usec(30 * SECOND)) == 15 * SECOND
    assert default_warntime(Usec(5)) == 2
