"""Starting, stopping, failing, losing: what is done to a group on one node."""

from __future__ import annotations

import pytest

from hbd.cluster.action import StartGroup, StopGroup
from hbd.cluster.event import (
    GroupObserved,
    GroupStarted,
    GroupStartFailed,
    GroupStopFailed,
    GroupStopped,
    ResourceChanged,
    ResourceLost,
)
from hbd.cluster.terms import SECOND, GroupName, GroupState, ResourceState
from tests.unit.cluster.driven import (
    DISK,
    HERE,
    THERE,
    Driven,
    alone,
    fresh,
    joined,
    only,
    serving,
    watching,
)

LOST = ResourceLost(DISK, "disk-last", "the unit failed")


def starting() -> Driven:
    """This node has just been told to start the disk."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.peer_says(DISK, GroupState.STOPPED)
    assert driven.state() is GroupState.STARTING
    return driven


def stopping() -> Driven:
    """The disk went to the peer while this node served it."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=1)
    assert driven.state() is GroupState.STOPPING
    return driven


# --- starting ---------------------------------------------------------------------------------


def test_a_start_that_succeeds_serves() -> None:
    """Goal: the plain road. Method: one answer."""
    driven = starting()
    assert driven.started() == driven.ticks() or driven.state() is GroupState.STARTED
    assert driven.disk.deadline is None
    assert driven.disk.failure == ""


def test_a_start_is_asked_for_once() -> None:
    """Goal: no second start beside the first. Method: a minute of heartbeats while it starts."""
    driven = starting()
    assert only(StartGroup, driven.listens(60)) == []


def test_a_failed_start_releases_what_was_started_and_offers_the_group() -> None:
    """Goal: the peer tries what fails here. Method: fail, stop, and see the owner change."""
    driven = starting()
    actions = driven.start_fails()
    assert only(StopGroup, actions) == [StopGroup(DISK, driven.disk.operation)]
    assert driven.disk.owner == HERE, "not before it is proven stopped"
    driven.stopped()
    assert driven.state() is GroupState.START_FAILED
    assert (driven.disk.owner, driven.disk.epoch) == (THERE, 1)
    assert driven.disk.failure == "no such disk"


@pytest.mark.parametrize("at_peer", [s for s in GroupState if s is not GroupState.STOPPED])
def test_a_failed_start_stays_here_unless_the_peer_can_try(at_peer: GroupState) -> None:
    """Goal: no game of ping-pong. Method: the peer cannot start it either, or is busy with it."""
    driven = starting()
    driven.start_fails()
    driven.peer_says(DISK, at_peer)
    driven.stopped()
    assert driven.state() is GroupState.START_FAILED
    assert driven.disk.owner == HERE
    assert only(StartGroup, driven.listens(60)) == [], "nobody retries it unasked"


def test_a_failed_start_is_offered_when_the_peer_can_try() -> None:
    """Goal: late help is help. Method: both failed; then the peer says that it is ready again."""
    driven = starting()
    driven.peer_says(DISK, GroupState.START_FAILED)
    driven.start_fails()
    driven.stopped()
    assert driven.disk.owner == HERE
    driven.peer_says(DISK, GroupState.STOPPED)
    assert driven.disk.owner == THERE


def test_a_start_without_an_answer_has_failed() -> None:
    """Goal: a lost answer is an answer. Method: two minutes of nothing."""
    driven = starting()
    deadline = driven.disk.deadline
    assert deadline is not None
    actions = driven.listens((deadline - driven.now) / SECOND + 1)
    assert len(only(StopGroup, actions)) == 1
    assert driven.disk.start_failed


def test_a_started_group_that_moved_away_meanwhile_is_released() -> None:
    """Goal: a start does not outlive the right to it. Method: epoch 1 arrives in the middle."""
    driven = starting()
    first = driven.disk.operation
    actions = driven.peer_says(DISK, GroupState.STARTING, owner=THERE, epoch=1)
    assert only(StopGroup, actions) == [StopGroup(DISK, first + 1)]
    driven.happens(GroupStarted(DISK, first))
    assert driven.state() is GroupState.STOPPING, "the late answer is for nobody"


@pytest.mark.parametrize("state", [GroupState.START_FAILED, GroupState.STOPPED])
def test_what_failed_here_is_retried_when_nobody_else_is_left(state: GroupState) -> None:
    """Goal: better a second try than no service. Method: it failed here, then the peer leaves."""
    driven = starting()
    driven.start_fails()
    driven.stopped()
    driven.peer_says(DISK, state)
    actions = driven.hears_goodbye()
    assert len(only(StartGroup, actions)) == 1
    assert driven.disk.owner == HERE


# --- stopping ---------------------------------------------------------------------------------


def test_a_stop_that_succeeds_is_proof() -> None:
    """Goal: stopped is stopped. Method: one answer."""
    driven = stopping()
    driven.stopped()
    assert driven.state() is GroupState.STOPPED
    assert driven.disk.deadline is None


def test_a_failed_stop_is_kept_said_and_retried() -> None:
    """Goal: what may run here is never offered. Method: fail, wait five seconds, fail again."""
    driven = stopping()
    driven.stop_fails()
    assert driven.state() is GroupState.STOP_FAILED
    assert driven.node.said is not None
    assert driven.node.said.groups[0].state is GroupState.STOP_FAILED
    assert only(StopGroup, driven.listens(4)) == []
    assert len(only(StopGroup, driven.listens(1))) == 1
    driven.stop_fails()
    assert len(only(StopGroup, driven.listens(5))) == 1
    driven.stopped()
    assert driven.state() is GroupState.STOPPED
    assert driven.disk.failure == ""


def test_a_stop_without_an_answer_has_failed() -> None:
    """Goal: no answer is no proof. Method: two minutes of nothing."""
    driven = stopping()
    deadline = driven.disk.deadline
    assert deadline is not None
    driven.listens((deadline - driven.now) / SECOND + 1)
    assert driven.state() is GroupState.STOP_FAILED


@pytest.mark.parametrize("state", [GroupState.STOPPED, GroupState.PARTIAL, GroupState.STARTED])
def test_a_look_is_no_answer_to_a_stop_that_failed(state: GroupState) -> None:
    """Goal: only a stop that succeeds is proof. Method: every look at what would not stop."""
    driven = stopping()
    driven.stop_fails()
    before = driven.disk
    driven.observes(DISK, state)
    assert driven.disk == before


def test_a_look_that_finds_a_failed_start_stopped_is_no_new_try() -> None:
    """Goal: nobody retries it unasked. Method: failed on both nodes, a stall, and a look."""
    driven = starting()
    driven.peer_says(DISK, GroupState.START_FAILED)
    driven.start_fails()
    driven.stopped()
    driven.sleeps(60)
    actions = driven.ticks() + driven.hears() + driven.observes(DISK, GroupState.STOPPED)
    assert only(StartGroup, actions + driven.listens(10)) == []
    assert driven.state() is GroupState.START_FAILED


def test_a_start_that_succeeds_makes_an_earlier_failure_forgotten() -> None:
    """Goal: an old failure colours no later stop. Method: failed, found in part, started, given."""
    driven = starting()
    driven.peer_says(DISK, GroupState.START_FAILED)
    driven.start_fails()
    driven.stopped()
    driven.observes(DISK, GroupState.PARTIAL)
    driven.started()
    driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    driven.stopped()
    assert driven.state() is GroupState.STOPPED


def test_a_group_that_would_not_stop_is_not_started_over() -> None:
    """Goal: first gone, then anew. Method: it becomes ours again while it does not stop."""
    driven = stopping()
    driven.stop_fails()
    actions = driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=2)
    assert only(StartGroup, actions) == []
    driven.listens(5)
    assert len(only(StartGroup, driven.stopped())) == 1


def test_a_failed_start_that_also_will_not_stop_is_not_offered() -> None:
    """Goal: half a group is a group. Method: the start fails, and so does its release."""
    driven = starting()
    driven.start_fails()
    driven.stop_fails()
    assert driven.state() is GroupState.STOP_FAILED
    assert driven.disk.owner == HERE
    driven.listens(5)
    driven.stopped()
    assert driven.state() is GroupState.START_FAILED, "that is how it began"
    assert driven.disk.owner == THERE


# --- late answers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        GroupStarted(DISK, 1),
        GroupStartFailed(DISK, 1, "late"),
        GroupStopped(DISK, 1),
        GroupStopFailed(DISK, 1, "late"),
    ],
)
def test_an_answer_to_an_older_ask_is_ignored(
    answer: GroupStarted | GroupStartFailed | GroupStopped | GroupStopFailed,
) -> None:
    """Goal: only the newest ask counts. Method: every answer to the start, during the stop."""
    driven = stopping()
    assert driven.disk.operation == 2
    before = driven.disk
    driven.happens(answer)
    assert driven.disk == before


@pytest.mark.parametrize("kind", [GroupStarted, GroupStopped])
def test_an_answer_of_the_wrong_kind_is_ignored(kind: type) -> None:
    """Goal: a stop does not end a start. Method: the number fits, the kind does not."""
    driven = starting() if kind is GroupStopped else stopping()
    before = driven.disk
    driven.happens(kind(DISK, driven.disk.operation))
    assert driven.disk == before


@pytest.mark.parametrize(
    "event",
    [
        GroupObserved(GroupName("ghost"), GroupState.STARTED),
        GroupStarted(GroupName("ghost"), 1),
        GroupStartFailed(GroupName("ghost"), 1, "no"),
        GroupStopped(GroupName("ghost"), 1),
        GroupStopFailed(GroupName("ghost"), 1, "no"),
        ResourceChanged(GroupName("ghost"), "ghost", ResourceState.STARTED),
        ResourceLost(GroupName("ghost"), "ghost", "gone"),
    ],
)
def test_an_event_on_a_group_that_we_do_not_have_changes_nothing(
    event: GroupObserved | GroupStarted | GroupStopped | ResourceChanged | ResourceLost,
) -> None:
    """Goal: no group appears by hearsay. Method: every event that names one."""
    driven = serving()
    before = driven.node.groups
    driven.happens(event)
    assert driven.node.groups == before


# --- resources --------------------------------------------------------------------------------


def test_a_resource_that_changes_is_shown_and_decides_nothing() -> None:
    """Goal: display only. Method: a failure while starting; the answer is what counts."""
    driven = starting()
    actions = driven.happens(
        ResourceChanged(DISK, "disk-last", ResourceState.FAILED, "no such device")
    )
    assert actions == ()
    assert [resource.state for resource in driven.disk.resources] == [
        ResourceState.STOPPED,
        ResourceState.FAILED,
    ]
    assert driven.disk.resources[1].why == "no such device"
    assert driven.state() is GroupState.STARTING


def test_a_lost_resource_is_revived_in_place() -> None:
    """Goal: a dead smbd moves no disk. Method: lost once: one start, no stop."""
    driven = serving()
    actions = driven.happens(LOST)
    assert only(StartGroup, actions) == [StartGroup(DISK, driven.disk.operation)]
    assert only(StopGroup, actions) == []
    assert driven.disk.owner == HERE


def test_a_resource_lost_again_soon_fails_the_group() -> None:
    """Goal: no endless reviving. Method: lost, revived, lost within a minute."""
    driven = serving()
    driven.happens(LOST)
    driven.started()
    driven.listens(50)
    actions = driven.happens(LOST)
    assert len(only(StopGroup, actions)) == 1
    driven.stopped()
    assert driven.disk.owner == THERE


def test_a_resource_lost_again_much_later_is_revived_again() -> None:
    """Goal: one death a day is no pattern. Method: lost, revived, lost after a minute."""
    driven = serving()
    driven.happens(LOST)
    driven.started()
    driven.listens(60)
    actions = driven.happens(LOST)
    assert len(only(StartGroup, actions)) == 1


def test_the_minute_counts_from_the_last_revival() -> None:
    """Goal: two deaths within a minute are a pattern, whenever. Method: at 0, at 60 and at 70 s."""
    driven = serving()
    for pause in (60, 10):
        driven.happens(LOST)
        driven.started()
        driven.listens(pause)
    assert len(only(StopGroup, driven.happens(LOST))) == 1


def test_a_revival_that_fails_is_a_failed_start() -> None:
    """Goal: the peer tries it then. Method: lost, and the start fails."""
    driven = serving()
    driven.happens(LOST)
    driven.start_fails()
    driven.stopped()
    assert driven.disk.owner == THERE


def test_a_resource_is_revived_while_the_peer_is_silent() -> None:
    """Goal: what serves here goes on, whatever the peer does. Method: lost during a silence."""
    driven = serving()
    driven.is_lost()
    assert len(only(StartGroup, driven.happens(LOST))) == 1


def test_a_resource_lost_while_the_group_is_released_is_no_loss() -> None:
    """Goal: what is being stopped may stop. Method: lost while stopping."""
    driven = stopping()
    before = driven.disk
    driven.happens(LOST)
    assert driven.disk == before


def test_a_lone_node_revives_and_then_retries_nothing_unasked() -> None:
    """Goal: no endless loop on a broken disk. Method: lost, then the start fails; no peer."""
    driven = alone()
    driven.happens(LOST)
    driven.start_fails()
    driven.stopped()
    assert driven.state() is GroupState.START_FAILED
    assert only(StartGroup, driven.passes(300)) == []


def test_a_revival_long_ago_is_no_licence_to_start_leftovers() -> None:
    """Goal: in doubt nothing is started. Method: revived, slept, found in part, peer not heard."""
    driven = serving()
    driven.happens(LOST)
    driven.started()
    driven.listens(120)
    driven.sleeps(3600)
    driven.ticks()
    actions = driven.observes(DISK, GroupState.PARTIAL)
    assert only(StartGroup, actions) == [], "the peer may have taken over while we slept"
    actions = driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=1)
    assert only(StartGroup, actions) == []
    assert len(only(StopGroup, actions)) == 1


def test_nothing_is_revived_before_the_peer_is_heard_after_a_stall() -> None:
    """Goal: what serves here may be served there by now. Method: sleep, then a loss, then words."""
    driven = serving()
    driven.sleeps(3600)
    assert only(StartGroup, driven.happens(LOST)) == []
    assert driven.state() is GroupState.PARTIAL
    assert len(only(StartGroup, driven.peer_says(DISK, GroupState.STOPPED))) == 1


def test_one_failing_group_does_not_touch_another() -> None:
    """Goal: groups are apart. Method: two of ours; one fails."""
    mail = GroupName("mail")
    driven = joined({DISK: HERE, mail: HERE})
    driven.happens(LOST)
    driven.start_fails()
    driven.stopped()
    assert driven.disk.owner == THERE
    assert driven.group(mail).owner == HERE
    assert driven.state(mail) is GroupState.STARTED


def test_a_group_revived_at_the_owner_that_gives_it_is_released_instead() -> None:
    """Goal: on its way out it is not started again. Method: lost while it is being given."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    assert driven.state() is GroupState.STOPPING
    assert driven.happens(LOST) == ()
    driven.stopped()
    assert driven.disk.owner == THERE


def test_a_watching_node_loses_nothing() -> None:
    """Goal: only what serves can be lost. Method: a loss on the node that does not serve."""
    driven = watching()
    before = driven.disk
    driven.happens(LOST)
    assert driven.disk == before
