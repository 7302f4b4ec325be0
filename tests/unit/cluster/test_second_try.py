"""A group that once would not start here is tried again when this node is made its owner anew."""

from __future__ import annotations

import pytest

from hbd.cluster.action import StartGroup
from hbd.cluster.terms import GroupState
from tests.unit.cluster.driven import DISK, HERE, THERE, Driven, fresh, only


def failed_here() -> Driven:
    """The disk would not start here, so the peer was given it and serves it."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.peer_says(DISK, GroupState.STOPPED)
    driven.start_fails()
    driven.stopped()
    driven.peer_says(DISK, GroupState.STARTED)
    assert (driven.state(), driven.disk.owner) == (GroupState.START_FAILED, THERE)
    return driven


def test_a_group_that_a_peer_gives_away_is_tried_here_again() -> None:
    """Goal: a planned stop there does not leave the group down. Method: it is given, then goodbye.

    The giver knows that the start failed here, and gives all the same: there is nobody else.
    """
    driven = failed_here()
    actions = driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=driven.disk.epoch + 1)
    actions += driven.hears_goodbye()
    assert len(only(StartGroup, actions)) == 1
    driven.started()
    assert (driven.state(), driven.disk.failure) == (GroupState.STARTED, "")


@pytest.mark.parametrize("word", [GroupState.START_FAILED, GroupState.STARTED])
def test_two_nodes_that_both_fail_do_not_throw_a_group_at_each_other(word: GroupState) -> None:
    """Goal: a new try is one try. Method: given back, it fails again; the peer's word is no offer.

    Only a peer whose own start has not failed, and that is stopped, is offered the group.
    """
    driven = failed_here()
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=driven.disk.epoch + 1)
    driven.peer_says(DISK, word)
    driven.start_fails()
    driven.stopped()
    assert (driven.state(), driven.disk.owner) == (GroupState.START_FAILED, HERE)
    assert only(StartGroup, driven.listens(60)) == []
