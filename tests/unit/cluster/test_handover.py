"""The way from one owner to the other: asked for, going home, and only what is proven stopped."""

from __future__ import annotations

import pytest

from hbd.cluster.action import StartGroup, StopGroup
from hbd.cluster.terms import AutoFailback, GroupState, Phase, Report
from tests.unit.cluster.driven import DISK, HERE, THERE, Driven, only, serving, watching


def host() -> Driven:
    """The peer's disk is served here, because the peer was away; the peer is back, and stopped."""
    return returned(AutoFailback.ON)


def returned(failback: AutoFailback) -> Driven:
    """As `host`, up to the moment before the peer is ready to serve again."""
    driven = watching(auto_failback=failback)
    driven.hears_goodbye()
    driven.started()
    driven.peer_restarts()
    driven.said = Report(
        Phase.STARTING, driven.said.deadtime_usec, driven.said.groups, heard=driven.node.generation
    )
    driven.peer_says(DISK, GroupState.STOPPED)
    return driven


def test_a_wanted_group_is_stopped_and_then_given() -> None:
    """Goal: never two owners at work. Method: the peer wants it; see stop, then hand-over."""
    driven = serving()
    actions = driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    assert len(only(StopGroup, actions)) == 1
    assert (driven.disk.owner, driven.disk.epoch) == (HERE, 0), "not before it is proven stopped"
    driven.stopped()
    assert (driven.disk.owner, driven.disk.epoch) == (THERE, 1)
    assert not driven.disk.giving


def test_a_group_given_away_is_not_started_here_again() -> None:
    """Goal: given is given. Method: the peer's old word still wants it, and is stopped."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    driven.stopped()
    assert only(StartGroup, driven.listens(60)) == []
    assert driven.disk.epoch == 1, "and not given twice"


def test_a_group_whose_release_fails_stays_ours() -> None:
    """Goal: what may run here is not given. Method: the stop fails, later succeeds."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    driven.stop_fails()
    driven.listens(4)
    assert driven.disk.owner == HERE
    driven.listens(1)
    driven.stopped()
    assert driven.disk.owner == THERE


def test_a_group_on_its_way_comes_back_if_the_peer_goes_away() -> None:
    """Goal: nobody is left without service. Method: the peer leaves while we stop for it."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    driven.hears_goodbye()
    assert not driven.disk.giving
    assert len(only(StartGroup, driven.stopped())) == 1
    assert driven.disk.owner == HERE


def test_a_group_on_its_way_waits_for_proof_when_the_peer_falls_silent() -> None:
    """Goal: silence is not death, for our own groups too. Method: lost while we stop for it."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    driven.is_lost()
    assert only(StartGroup, driven.stopped()) == []
    assert len(only(StartGroup, driven.fence_is_confirmed())) == 1


def test_a_group_that_is_still_starting_finishes_before_it_is_given() -> None:
    """Goal: no abandoned mount. Method: wanted while it starts."""
    driven = serving()
    driven.observes(DISK, GroupState.STOPPED)
    driven.hears()
    assert driven.state() is GroupState.STARTING
    assert only(StopGroup, driven.peer_says(DISK, GroupState.STOPPED, wanted=True)) == []
    assert driven.disk.giving
    assert len(only(StopGroup, driven.started())) == 1


def test_a_group_goes_home_when_its_node_is_ready() -> None:
    """Goal: auto_failback on. Method: not while it starts; at once when it is active."""
    driven = host()
    assert driven.disk.failback_due
    assert driven.state() is GroupState.STARTED
    actions = driven.peer_is(Phase.ACTIVE)
    assert len(only(StopGroup, actions)) == 1
    driven.stopped()
    assert (driven.disk.owner, driven.disk.epoch) == (THERE, 2)


def test_a_group_stays_when_failback_is_off() -> None:
    """Goal: auto_failback off. Method: its node is ready, and nothing moves."""
    driven = returned(AutoFailback.OFF)
    assert only(StopGroup, driven.peer_is(Phase.ACTIVE)) == []
    assert only(StopGroup, driven.listens(60)) == []


def test_a_group_goes_home_under_legacy() -> None:
    """Goal: auto_failback legacy is as on. Method: its node is ready."""
    driven = returned(AutoFailback.LEGACY)
    assert len(only(StopGroup, driven.peer_is(Phase.ACTIVE))) == 1


@pytest.mark.parametrize("word", [s for s in GroupState if s is not GroupState.STOPPED])
def test_a_group_goes_home_only_where_it_can_start(word: GroupState) -> None:
    """Goal: no trip to a node that fails it. Method: its node says anything but stopped."""
    driven = host()
    driven.peer_says(DISK, word)
    assert only(StopGroup, driven.peer_is(Phase.ACTIVE)) == []
    assert driven.state() is GroupState.STARTED


def test_a_group_that_an_operator_sent_here_stays() -> None:
    """Goal: auto_failback undoes no command. Method: given by the peer, which was never away."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    driven.started()
    assert only(StopGroup, driven.listens(60)) == []


def test_a_group_that_an_operator_sent_here_goes_home_after_its_node_was_away() -> None:
    """Goal: heartbeat's rule. Method: given by the peer, which is then lost and comes back."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    driven.started()
    driven.is_lost()
    driven.fence_is_confirmed()
    actions = driven.peer_says(DISK, GroupState.STOPPED)
    assert len(only(StopGroup, actions)) == 1


def test_a_group_that_an_operator_sent_here_goes_home_after_its_node_left() -> None:
    """Goal: heartbeat's rule, for a clean absence too. Method: given, then goodbye and return."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    driven.started()
    driven.hears_goodbye()
    assert driven.disk.failback_due


@pytest.mark.parametrize(
    ("failback", "goes"),
    [(AutoFailback.ON, False), (AutoFailback.OFF, False), (AutoFailback.LEGACY, True)],
)
def test_a_restart_of_the_preferred_nodes_daemon_calls_home_under_legacy_only(
    failback: AutoFailback, goes: bool
) -> None:
    """Goal: heartbeat's old behaviour where asked for. Method: a new life without an absence."""
    driven = watching(auto_failback=failback)
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    driven.started()
    driven.peer_restarts()
    assert driven.disk.failback_due is goes


def test_our_own_groups_have_no_home_elsewhere() -> None:
    """Goal: only the peer's groups go home. Method: our own, through an absence of the peer."""
    driven = serving()
    driven.is_lost()
    driven.fence_is_confirmed()
    assert not driven.disk.failback_due
    assert only(StopGroup, driven.hears()) == []


def test_a_group_handed_to_us_is_started() -> None:
    """Goal: the receiving end. Method: the peer's record makes us the owner."""
    driven = watching()
    actions = driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    assert len(only(StartGroup, actions)) == 1


def test_a_group_handed_to_us_that_failed_here_before_is_tried_again() -> None:
    """Goal: somebody must serve it. Method: failed here, served there, and the peer leaves."""
    driven = serving()
    driven.observes(DISK, GroupState.STOPPED)
    driven.hears()
    driven.start_fails()
    driven.stopped()
    driven.peer_says(DISK, GroupState.STARTED)
    assert (driven.state(), driven.disk.owner) == (GroupState.START_FAILED, THERE)
    driven.peer_is(Phase.LEAVING)
    actions = driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=2)
    assert len(only(StartGroup, actions)) == 1


def test_nothing_is_given_to_a_peer_that_does_not_know_our_life() -> None:
    """Goal: a report to our former life asks for nothing. Method: wanted, but heard is another."""
    driven = serving()
    driven.said = Report(
        Phase.ACTIVE, driven.said.deadtime_usec, driven.said.groups, heard=driven.peer_life
    )
    assert only(StopGroup, driven.peer_says(DISK, GroupState.STOPPED, wanted=True)) == []
