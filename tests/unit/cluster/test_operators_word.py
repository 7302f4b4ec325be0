"""What an operator may say with their own word: the peer is off; what failed is mended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.cluster.action import FinishJob, StartGroup, StopGroup
from hbd.cluster.event import (
    FailureCleared,
    LinkHeard,
    PeerConfirmedDown,
    ResourceLost,
    StandbyRequested,
)
from hbd.cluster.terms import GroupState, JobId, JobResult, PeerStatus, Scope
from tests.unit.cluster.driven import (
    DISK,
    ETHERNET,
    HERE,
    MAIL,
    THERE,
    Actions,
    Driven,
    fresh,
    only,
    serving,
    watching,
)

JOB = JobId(9)


def confirm(driven: Driven) -> tuple[Actions, JobResult]:
    """An operator says that the peer is off; what follows, and the answer."""
    actions = driven.happens(PeerConfirmedDown(JOB))
    [answer] = only(FinishJob, actions)
    assert answer.job == JOB
    return actions, answer.result


# --- the peer is off ----------------------------------------------------------------------------


def test_a_lost_peer_is_as_good_as_fenced_by_a_device() -> None:
    """Goal: no device, no deadlock. Method: lost, the word, the start."""
    driven = watching()
    driven.is_lost()
    actions, result = confirm(driven)
    assert result is JobResult.DONE
    assert (driven.status(), driven.peer.proven) == (PeerStatus.FENCED, True)
    assert len(only(StartGroup, actions)) == 1


def test_it_covers_a_group_that_the_peer_could_not_stop() -> None:
    """Goal: what ha.cf's word does not cover. Method: stuck, fenced unproven, then the word."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STOP_FAILED)
    driven.is_lost()
    assert only(StartGroup, driven.fence_is_confirmed(proven=False)) == []
    actions, result = confirm(driven)
    assert result is JobResult.DONE
    assert len(only(StartGroup, actions)) == 1


def test_it_covers_a_peer_that_died_in_maintenance() -> None:
    """Goal: maintenance that ends in smoke. Method: maintenance, silence, the word."""
    driven = watching()
    driven.said = replace(driven.said, maintenance=True)
    driven.hears()
    driven.passes(60)
    actions, result = confirm(driven)
    assert (result, driven.disk.owner) == (JobResult.DONE, HERE)
    assert len(only(StartGroup, actions)) == 1


def test_a_peer_that_is_heard_is_not_off() -> None:
    """Goal: the most dangerous word is checked. Method: active, then late."""
    driven = watching()
    assert confirm(driven)[1] is JobResult.REFUSED
    driven.passes(4)
    assert driven.status() is PeerStatus.LATE
    actions, result = confirm(driven)
    assert result is JobResult.REFUSED
    assert (only(StartGroup, actions), driven.disk.owner) == ([], THERE)


def test_a_link_that_still_speaks_is_believed_more_than_a_person() -> None:
    """Goal: somebody is at the other end. Method: lost, and then an old message on a link."""
    driven = watching()
    driven.is_lost()
    driven.happens(LinkHeard(ETHERNET))
    assert confirm(driven)[1] is JobResult.REFUSED
    assert driven.status() is PeerStatus.LOST


def test_a_peer_that_left_or_was_never_waited_for_needs_no_word() -> None:
    """Goal: the word is for the lost. Method: after a goodbye; and before initdead."""
    left = watching()
    left.hears_goodbye()
    assert confirm(left)[1] is JobResult.REFUSED
    unknown = fresh({DISK: THERE})
    unknown.ticks()
    assert confirm(unknown)[1] is JobResult.REFUSED


def test_the_word_ends_with_the_peers_next_word() -> None:
    """Goal: proof ends with life. Method: confirmed, then heard."""
    driven = watching()
    driven.is_lost()
    confirm(driven)
    driven.peer_restarts()
    assert (driven.status(), driven.peer.proven) == (PeerStatus.ACTIVE, False)


# --- it is mended -------------------------------------------------------------------------------


def failed_everywhere() -> Driven:
    """The disk is ours and starts on neither node."""
    driven = serving()
    driven.peer_says(DISK, GroupState.START_FAILED)
    driven.happens(StandbyRequested(JobId(1), Scope.ALL))  # refused: it fails there
    driven.observes(DISK, GroupState.STOPPED)
    driven.start_fails()
    driven.stopped()
    assert (driven.state(), driven.disk.owner) == (GroupState.START_FAILED, HERE)
    return driven


@pytest.mark.parametrize("groups", [(), (DISK,)])
def test_a_start_that_failed_is_tried_again(groups: tuple[()]) -> None:
    """Goal: mended, so served. Method: clear all, or by name."""
    driven = failed_everywhere()
    actions = driven.happens(FailureCleared(JOB, groups))
    assert only(FinishJob, actions) == [FinishJob(JOB, JobResult.DONE, "")]
    assert len(only(StartGroup, actions)) == 1
    driven.started()
    assert driven.disk.failure == ""


def test_a_failure_of_another_group_stays() -> None:
    """Goal: exactly what was named. Method: clear the mail."""
    driven = failed_everywhere()
    actions = driven.happens(FailureCleared(JOB, (MAIL,)))
    assert only(StartGroup, actions) == []
    assert driven.state() is GroupState.START_FAILED


def test_a_failed_start_of_the_peers_group_makes_room_for_its_return() -> None:
    """Goal: a mended standby can take over again. Method: failed here, the peer's; cleared."""
    driven = failed_everywhere()
    driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=9)
    assert driven.state() is GroupState.START_FAILED
    actions = driven.happens(FailureCleared(JOB))
    assert only(StartGroup, actions) == []
    assert driven.state() is GroupState.STOPPED


def test_a_stop_that_failed_is_tried_again_at_once() -> None:
    """Goal: no waiting for the retry. Method: a stop fails; cleared in the same second."""
    driven = serving()
    driven.happens(StandbyRequested(JobId(1), Scope.ALL))
    driven.stop_fails()
    actions = driven.happens(FailureCleared(JOB))
    assert only(StopGroup, actions) == [StopGroup(DISK, driven.disk.operation)]


def test_where_nothing_failed_nothing_happens() -> None:
    """Goal: harmless. Method: clear on a healthy node; it says that there was nothing."""
    driven = serving()
    before = driven.node
    [answer] = only(FinishJob, driven.happens(FailureCleared(JOB)))
    assert answer.result is JobResult.DONE
    assert answer.why
    assert driven.node == before


def test_a_cleared_failure_forgets_the_revivals_too() -> None:
    """Goal: what was mended has its chances again. Method: lost twice, failed, cleared, lost."""
    driven = serving()
    lost = ResourceLost(DISK, "disk-last", "died")
    driven.happens(lost)
    driven.started()
    driven.peer_says(DISK, GroupState.START_FAILED)
    driven.happens(lost)
    driven.stopped()
    assert driven.state() is GroupState.START_FAILED
    driven.happens(FailureCleared(JOB))
    driven.started()
    assert len(only(StartGroup, driven.happens(lost))) == 1
