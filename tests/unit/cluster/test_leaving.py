"""`systemctl stop hbd`: release everything, hand it over, say goodbye three times, end."""

from __future__ import annotations

import pytest

from hbd.cluster.action import (
    Announce,
    ProveAlive,
    Quit,
    SayGoodbye,
    SendHeartbeat,
    StartGroup,
    StopGroup,
)
from hbd.cluster.event import LeaveRequested
from hbd.cluster.terms import GroupState, Phase
from tests.unit.cluster.driven import DISK, HERE, THERE, alone, fresh, only, serving, watching

LEAVE = LeaveRequested()


def test_a_leaving_node_releases_and_hands_over_before_it_says_goodbye() -> None:
    """Goal: the peer need not wait. Method: leave, stop, and look at the first goodbye."""
    driven = serving()
    actions = driven.happens(LEAVE)
    assert len(only(StopGroup, actions)) == 1
    assert only(SayGoodbye, actions) == []
    (goodbye,) = only(SayGoodbye, driven.stopped())
    assert driven.disk.owner == THERE
    assert goodbye.report.groups[0].owner == THERE
    assert goodbye.report.groups[0].state is GroupState.STOPPED


def test_a_node_that_holds_nothing_leaves_at_once() -> None:
    """Goal: nothing to wait for. Method: leave while the peer serves."""
    driven = watching()
    assert len(only(SayGoodbye, driven.happens(LEAVE))) == 1


def test_goodbye_is_said_three_times_and_then_the_daemon_ends() -> None:
    """Goal: one lost message is no unclean end. Method: count, and look at the last."""
    driven = watching()
    actions = driven.happens(LEAVE) + driven.passes(1)
    assert len(only(SayGoodbye, actions)) == 3
    assert actions[-1] == Quit()
    assert len(only(Quit, actions)) == 1
    assert driven.phase() is Phase.LEFT


def test_goodbyes_are_a_tenth_of_a_second_apart() -> None:
    """Goal: one burst of noise does not swallow all. Method: the moments of the other two."""
    driven = watching()
    driven.happens(LEAVE)
    assert only(SayGoodbye, driven.passes(0.099)) == []
    assert len(only(SayGoodbye, driven.passes(0.001))) == 1
    assert len(only(SayGoodbye, driven.passes(0.1))) == 1


def test_a_node_that_has_said_goodbye_says_nothing_else() -> None:
    """Goal: no heartbeat takes it back. Method: listen to it while it ends, and after."""
    driven = watching()
    actions = driven.happens(LEAVE)
    actions += driven.passes(0.15) + driven.hears() + driven.passes(0.2)
    driven.sleeps(5)
    actions += driven.hears()
    assert only(SendHeartbeat, actions) == []
    assert only(Announce, actions) == []


def test_a_leaving_node_goes_on_with_its_heartbeats_while_it_stops() -> None:
    """Goal: a slow umount is no silence. Method: ten seconds of stopping."""
    driven = serving()
    driven.happens(LEAVE)
    actions = driven.listens(10)
    assert len(only(SendHeartbeat, actions)) == 10
    assert len(only(ProveAlive, actions)) >= 23


def test_a_leaving_node_that_cannot_stop_says_no_goodbye() -> None:
    """Goal: the peer may not take over what runs here. Method: the stop fails, then succeeds."""
    driven = serving()
    driven.happens(LEAVE)
    driven.stop_fails()
    assert only(SayGoodbye, driven.listens(4)) == []
    driven.listens(1)
    assert len(only(SayGoodbye, driven.stopped())) == 1


def test_a_leaving_node_that_has_looked_at_nothing_says_no_goodbye_yet() -> None:
    """Goal: not looked at is not gone. Method: leave right after the start."""
    driven = fresh()
    driven.ticks()
    assert only(SayGoodbye, driven.happens(LEAVE)) == []
    assert len(only(SayGoodbye, driven.observes(DISK, GroupState.STOPPED))) == 1


def test_a_leaving_node_abandons_a_start() -> None:
    """Goal: leaving does not wait for a start. Method: leave while starting."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.peer_says(DISK, GroupState.STOPPED)
    assert driven.state() is GroupState.STARTING
    assert len(only(StopGroup, driven.happens(LEAVE))) == 1


def test_a_lone_node_leaves_without_an_heir() -> None:
    """Goal: nobody to give to is no reason to stay. Method: leave with the peer fenced."""
    driven = alone()
    driven.happens(LEAVE)
    assert len(only(SayGoodbye, driven.stopped())) == 1
    assert driven.disk.owner == HERE


def test_a_node_leaves_past_a_peer_that_is_leaving_too() -> None:
    """Goal: both can be shut down at once. Method: the peer says that it leaves."""
    driven = serving()
    driven.peer_is(Phase.LEAVING)
    driven.happens(LEAVE)
    assert len(only(SayGoodbye, driven.stopped())) == 1
    assert driven.disk.owner == HERE, "nothing is given to a node that leaves"


def test_asking_twice_is_asking_once() -> None:
    """Goal: an impatient operator breaks nothing. Method: leave again while leaving, and after."""
    driven = watching()
    driven.happens(LEAVE)
    actions = driven.happens(LEAVE) + driven.passes(1) + driven.happens(LEAVE)
    assert len(only(SayGoodbye, actions)) == 2
    assert len(only(Quit, actions)) == 1


def test_a_leaving_node_takes_nothing_over() -> None:
    """Goal: it does not pick up what it is about to drop. Method: the peer leaves meanwhile."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STARTED)
    driven.node = serving().node
    driven.happens(LEAVE)
    actions = driven.hears_goodbye()
    assert only(StartGroup, actions) == []


@pytest.mark.parametrize("state", [GroupState.PARTIAL, GroupState.STARTED])
def test_a_look_that_ends_after_the_goodbye_changes_nothing(state: GroupState) -> None:
    """Goal: a goodbye cannot be taken back. Method: found running between two goodbyes."""
    driven = watching()
    driven.happens(LEAVE)
    assert driven.observes(DISK, state) == ()
    assert only(Quit, driven.passes(1)) == [Quit()]


def test_a_node_that_left_starts_nothing_whatever_it_hears() -> None:
    """Goal: the end is the end. Method: words, answers and looks after the last goodbye."""
    driven = watching()
    driven.happens(LEAVE)
    driven.passes(1)
    actions = driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=7)
    actions += driven.observes(DISK, GroupState.PARTIAL)
    actions += driven.hears_goodbye() + driven.is_lost()
    assert only(StartGroup, actions) == []
    assert only(StopGroup, actions) == []
    assert driven.phase() is Phase.LEFT
