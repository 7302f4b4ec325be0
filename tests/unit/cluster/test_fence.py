"""When the peer must be fenced, and what an answer permits."""

from __future__ import annotations

import pytest

from hbd.cluster.action import Fence, StartGroup
from hbd.cluster.event import FenceConfirmed, FenceFailed
from hbd.cluster.terms import GroupState, Means, NodeName, PeerStatus
from tests.unit.cluster.driven import DISK, HERE, THERE, Driven, only, serving, watching

ASKED = Fence(THERE, Means.NONE, (DISK,))


def test_fencing_is_asked_for_once() -> None:
    """Goal: no hail of power cuts. Method: count the asks within the retry time."""
    driven = watching()
    assert only(Fence, driven.passes(5)) == [ASKED]
    assert only(Fence, driven.passes(9.9)) == []


def test_fencing_is_asked_for_again_when_no_answer_comes() -> None:
    """Goal: a lost answer does not end it. Method: ten seconds and ten more."""
    driven = watching()
    driven.is_lost()
    assert only(Fence, driven.passes(10)) == [ASKED]
    assert only(Fence, driven.passes(10)) == [ASKED]


def test_a_failed_fencing_permits_nothing_and_is_tried_again() -> None:
    """Goal: no proof, no takeover. Method: a failure, then the retry."""
    driven = watching()
    driven.is_lost()
    actions = driven.happens(FenceFailed(THERE, "no answer from the switch"))
    assert actions == ()
    assert driven.status() is PeerStatus.LOST
    assert driven.disk.owner == THERE
    assert only(Fence, driven.passes(10)) == [ASKED]


@pytest.mark.parametrize("proven", [True, False])
def test_a_confirmed_fencing_hands_over_the_peers_groups(proven: bool) -> None:
    """Goal: the one licence to acquire. Method: lost, confirmed, started."""
    driven = watching()
    driven.is_lost()
    actions = driven.fence_is_confirmed(proven=proven)
    assert driven.status() is PeerStatus.FENCED
    assert driven.peer.proven is proven
    assert only(StartGroup, actions) == [StartGroup(DISK, driven.disk.operation)]
    assert (driven.disk.owner, driven.disk.epoch) == (HERE, 1)


def test_a_fenced_peer_is_not_fenced_again() -> None:
    """Goal: enough is enough. Method: silence after the confirmation."""
    driven = watching()
    driven.is_lost()
    driven.fence_is_confirmed()
    driven.started()
    assert only(Fence, driven.passes(100)) == []


@pytest.mark.parametrize("proven", [True, False])
def test_a_stale_confirmation_permits_nothing(proven: bool) -> None:
    """Goal: the peer spoke meanwhile. Method: lost, heard, and only then the confirmation."""
    driven = watching()
    driven.is_lost()
    driven.hears()
    actions = driven.fence_is_confirmed(proven=proven)
    assert only(StartGroup, actions) == []
    assert driven.status() is PeerStatus.ACTIVE
    assert not driven.peer.proven


def test_a_confirmation_before_any_loss_permits_nothing() -> None:
    """Goal: nobody fences a node that speaks. Method: a confirmation out of nowhere."""
    driven = watching()
    before = driven.node.peer
    driven.fence_is_confirmed(proven=True)
    assert driven.peer == before


def test_a_confirmation_after_a_goodbye_changes_nothing() -> None:
    """Goal: it left by itself. Method: lost, goodbye, confirmation."""
    driven = watching()
    driven.is_lost()
    driven.hears_goodbye()
    driven.fence_is_confirmed(proven=True)
    assert driven.status() is PeerStatus.LEFT


@pytest.mark.parametrize("event", [FenceConfirmed, FenceFailed])
def test_fencing_anybody_but_the_peer_is_a_mistake_of_ours(event: type) -> None:
    """Goal: no third machine is ever meant. Method: another name must stop the daemon."""
    driven = watching()
    other = NodeName("ttisrv3")
    answer = event(other, proven=True) if event is FenceConfirmed else event(other, "no")
    with pytest.raises(AssertionError):
        driven.happens(answer)


# --- groups that the peer could not stop ----------------------------------------------------


def stuck_and_lost() -> Driven:
    """The peer said that it cannot stop the disk, and then nothing more."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STOP_FAILED)
    driven.is_lost()
    return driven


def test_the_administrators_word_does_not_cover_a_group_that_would_not_stop() -> None:
    """Goal: the disk may still be mounted there. Method: an unproven confirmation."""
    driven = stuck_and_lost()
    actions = driven.fence_is_confirmed(proven=False)
    assert only(StartGroup, actions) == []
    assert driven.disk.owner == THERE
    assert only(StartGroup, driven.passes(100)) == []


def test_proof_covers_a_group_that_would_not_stop() -> None:
    """Goal: a machine without power runs nothing. Method: a proven confirmation."""
    driven = stuck_and_lost()
    actions = driven.fence_is_confirmed(proven=True)
    assert len(only(StartGroup, actions)) == 1
    assert driven.disk.owner == HERE


def test_a_goodbye_covers_a_group_that_would_not_stop() -> None:
    """Goal: it did stop in the end. Method: the peer leaves, which it only does holding nothing."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STOP_FAILED)
    actions = driven.hears_goodbye()
    assert len(only(StartGroup, actions)) == 1


def test_a_group_is_stuck_only_until_the_peer_says_otherwise() -> None:
    """Goal: an old trouble bars nothing. Method: it stopped at last, then the peer falls silent."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STOP_FAILED)
    driven.peer_says(DISK, GroupState.STARTED)
    driven.is_lost()
    assert len(only(StartGroup, driven.fence_is_confirmed(proven=False))) == 1


def test_a_stuck_group_stays_so_through_a_stall() -> None:
    """Goal: a suspend makes no disk safe. Method: sleep after the peer's last word."""
    driven = stuck_and_lost()
    driven.sleeps(3600)
    driven.ticks()
    driven.passes(5)
    assert driven.status() is PeerStatus.LOST
    assert only(StartGroup, driven.fence_is_confirmed(proven=False)) == []


def test_an_own_group_stuck_on_the_peer_is_not_started_unproven() -> None:
    """Goal: ownership alone is not enough. Method: ours, held there, silence."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=1)
    driven.stopped()
    driven.peer_says(DISK, GroupState.STOP_FAILED, owner=HERE, epoch=2)
    assert driven.state() is GroupState.STOPPED
    driven.is_lost()
    assert only(StartGroup, driven.fence_is_confirmed(proven=False)) == []
    driven.hears()
    driven.is_lost()
    assert len(only(StartGroup, driven.fence_is_confirmed(proven=True))) == 1


def test_a_fenced_peer_that_speaks_is_no_longer_proven_off() -> None:
    """Goal: proof ends with life. Method: heard after a proven fencing."""
    driven = watching()
    driven.is_lost()
    driven.fence_is_confirmed(proven=True)
    driven.peer_restarts()
    assert driven.status() is PeerStatus.ACTIVE
    assert not driven.peer.proven
