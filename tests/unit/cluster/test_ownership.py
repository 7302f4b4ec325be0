"""Who may run a group: records that only grow, and what each node does about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.cluster.action import StartGroup, StopGroup
from hbd.cluster.node import Group
from hbd.cluster.terms import (
    AutoFailback,
    Epoch,
    Generation,
    GroupName,
    GroupReport,
    GroupState,
    NodeName,
    Phase,
)
from tests.unit.cluster.driven import (
    DISK,
    HERE,
    MAIL,
    THERE,
    fresh,
    joined,
    only,
    serving,
    watching,
)


def group(epoch: int, owner: NodeName) -> Group:
    """A record, and nothing else of interest; the preferred node is HERE."""
    return Group(DISK, preferred=HERE, owner=owner, epoch=Epoch(epoch))


def test_records_are_ordered_by_epoch_and_then_by_the_preferred_node() -> None:
    """Goal: any two records have one winner. Method: the four pairs that matter."""
    assert group(2, THERE).record > group(1, HERE).record
    assert group(2, HERE).record > group(1, THERE).record
    assert group(1, HERE).record > group(1, THERE).record
    assert group(1, HERE).record == group(1, HERE).record


def test_a_larger_epoch_of_the_peer_is_adopted() -> None:
    """Goal: ownership moves by the record. Method: the peer says epoch 1 and itself."""
    driven = serving()
    actions = driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=1)
    assert (driven.disk.owner, driven.disk.epoch) == (THERE, 1)
    assert only(StopGroup, actions) == [StopGroup(DISK, driven.disk.operation)]


def test_a_smaller_epoch_of_the_peer_changes_nothing() -> None:
    """Goal: no old record undoes a new one. Method: ours is at epoch 1."""
    driven = watching()
    driven.hears_goodbye()
    driven.started()
    driven.peer_restarts()
    driven.peer_says(DISK, GroupState.STOPPED, owner=THERE, epoch=0)
    assert (driven.disk.owner, driven.disk.epoch) == (HERE, 1)
    assert driven.state() is GroupState.STARTED


def test_on_a_tie_the_preferred_node_has_it() -> None:
    """Goal: two nodes that both claim one epoch agree. Method: seen from either side."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=0)
    assert driven.disk.owner == HERE
    assert driven.state() is GroupState.STARTED
    driven = fresh({DISK: THERE})
    driven.ticks()
    driven.observes(DISK, GroupState.STARTED)
    driven.peer_says(DISK, GroupState.STOPPED)
    assert (driven.disk.owner, driven.disk.epoch) == (HERE, 1)
    driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=1)
    assert driven.disk.owner == THERE
    assert driven.state() is GroupState.STOPPING


def test_each_node_serves_the_groups_that_prefer_it() -> None:
    """Goal: active/active. Method: one group each."""
    driven = joined({DISK: HERE, MAIL: THERE})
    assert driven.state(DISK) is GroupState.STARTED
    assert driven.state(MAIL) is GroupState.STOPPED


def test_only_the_owner_starts_a_group() -> None:
    """Goal: a group that nobody serves is still its owner's. Method: it stops at the peer."""
    driven = watching()
    actions = driven.peer_says(DISK, GroupState.STOPPED)
    assert only(StartGroup, actions) == []
    assert only(StartGroup, driven.listens(60)) == []


@pytest.mark.parametrize("state", [state for state in GroupState if state.is_held])
def test_the_owner_waits_while_the_peer_may_run_any_of_it(state: GroupState) -> None:
    """Goal: one writer. Method: every word that does not prove it gone."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    actions = driven.peer_says(DISK, state)
    assert driven.phase() is Phase.ACTIVE
    assert only(StartGroup, actions) == []
    assert len(only(StartGroup, driven.peer_says(DISK, GroupState.STOPPED))) == 1


def test_the_owner_waits_for_a_peer_that_does_not_mention_the_group() -> None:
    """Goal: another haresources is doubt. Method: a report without the group."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.hears()
    assert driven.phase() is Phase.ACTIVE
    assert driven.state() is GroupState.STOPPED
    assert only(StartGroup, driven.listens(60)) == []


def test_the_owner_waits_for_a_peer_that_speaks_to_its_former_life() -> None:
    """Goal: an old word clears nothing. Method: stopped there, said before it heard this life."""
    driven = watching()
    driven.said = replace(driven.said, heard=Generation(driven.node.generation - 1))
    actions = driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    assert driven.disk.owner == HERE, "the record counts whoever it was said to"
    assert only(StartGroup, actions) == []
    driven.said = replace(driven.said, heard=driven.node.generation)
    assert len(only(StartGroup, driven.hears())) == 1


def test_a_group_that_only_the_peer_knows_is_not_ours() -> None:
    """Goal: no group appears by hearsay. Method: a word on a name we do not have."""
    driven = serving()
    word = GroupReport(GroupName("other"), Epoch(9), HERE, GroupState.STOPPED)
    driven.said = replace(driven.said, groups=(*driven.said.groups, word))
    assert only(StartGroup, driven.hears()) == []
    assert [group.name for group in driven.node.groups] == [DISK]


def test_a_record_that_names_a_stranger_leaves_the_group_to_the_stranger() -> None:
    """Goal: a damaged record starts nothing. Method: an owner that is neither node."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STOPPED, owner=NodeName("ttisrv9"), epoch=1)
    assert driven.state() is GroupState.STOPPING
    driven.stopped()
    assert only(StartGroup, driven.listens(10)) == []


# --- what is found at start -----------------------------------------------------------------------


@pytest.mark.parametrize("home", [HERE, THERE])
def test_a_restarted_daemon_keeps_what_it_finds_serving(home: NodeName) -> None:
    """Goal: a new daemon moves nothing. Method: found started; the peer knows no more than we."""
    driven = fresh({DISK: home})
    driven.ticks()
    actions = driven.observes(DISK, GroupState.STARTED)
    assert (driven.disk.owner, driven.disk.epoch) == (home, 0), "not before the peer was asked"
    actions += driven.peer_says(DISK, GroupState.STOPPED, owner=home, epoch=0)
    assert (driven.disk.owner, driven.disk.epoch) == (HERE, 1)
    assert only(StopGroup, actions) == []
    assert driven.state() is GroupState.STARTED


def test_a_restarted_daemon_learns_its_record_from_the_peer() -> None:
    """Goal: memory lives in the other node. Method: the peer says that it is ours, epoch 5."""
    driven = fresh({DISK: THERE})
    driven.ticks()
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=5)
    driven.observes(DISK, GroupState.STARTED)
    assert (driven.disk.owner, driven.disk.epoch) == (HERE, 5)
    assert driven.state() is GroupState.STARTED


@pytest.mark.parametrize("epoch", [1, 5])
def test_a_restarted_daemon_gives_way_if_the_group_has_moved_meanwhile(epoch: int) -> None:
    """Goal: what was taken over stays so, the first time too. Method: found; then the record."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STARTED)
    actions = driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=epoch)
    assert len(only(StopGroup, actions)) == 1


def test_what_was_found_serving_after_the_peer_spoke_is_released_if_it_is_the_peers() -> None:
    """Goal: the record counts, not who found it. Method: first the word, then the look."""
    driven = fresh()
    driven.ticks()
    driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=5)
    actions = driven.observes(DISK, GroupState.STARTED)
    assert len(only(StopGroup, actions)) == 1
    assert driven.disk.owner == THERE


def test_leftovers_on_the_node_that_does_not_own_them_are_released() -> None:
    """Goal: a half-stopped group does not linger. Method: found in part."""
    driven = fresh({DISK: THERE})
    driven.ticks()
    actions = driven.observes(DISK, GroupState.PARTIAL)
    assert only(StopGroup, actions) == [StopGroup(DISK, 1)]


def test_leftovers_on_the_owner_are_started_anew_when_the_peer_is_known_clear() -> None:
    """Goal: a half-stopped group serves again. Method: found in part, then the peer's word."""
    driven = fresh()
    driven.ticks()
    assert only(StartGroup, driven.observes(DISK, GroupState.PARTIAL)) == []
    actions = driven.peer_says(DISK, GroupState.STOPPED)
    assert only(StartGroup, actions) == [StartGroup(DISK, 1)]


def test_a_starting_owner_touches_nothing_that_runs() -> None:
    """Goal: what serves goes on while the daemon finds its feet. Method: found, peer unknown."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STARTED)
    assert only(StopGroup, driven.passes(11)) == []
    assert driven.phase() is Phase.STARTING


def test_an_unobserved_group_counts_as_held() -> None:
    """Goal: not looked at is not gone. Method: two groups, one observed: still starting."""
    driven = fresh({DISK: HERE, MAIL: HERE})
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.peer_says(DISK, GroupState.STOPPED)
    driven.peer_says(MAIL, GroupState.STOPPED)
    assert driven.phase() is Phase.STARTING
    actions = driven.observes(MAIL, GroupState.STOPPED)
    assert [action.group for action in only(StartGroup, actions)] == [DISK, MAIL]


def test_a_look_at_a_group_that_is_being_moved_changes_nothing() -> None:
    """Goal: only the answer ends a start. Method: observed in the middle of it."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.peer_says(DISK, GroupState.STOPPED)
    before = driven.disk
    driven.observes(DISK, GroupState.STOPPED)
    assert driven.disk == before


def test_an_owner_whose_group_is_found_stopped_starts_it_again() -> None:
    """Goal: what was stopped by hand is mended. Method: a look after a stall."""
    driven = serving()
    driven.sleeps(60)
    driven.ticks()
    assert only(StartGroup, driven.observes(DISK, GroupState.STOPPED)) == [], "peer not yet heard"
    assert len(only(StartGroup, driven.hears())) == 1


# --- taking over ----------------------------------------------------------------------------


def test_a_goodbye_is_taken_over_from_at_once() -> None:
    """Goal: no waiting for deadtime after a clean stop. Method: `shutdone`."""
    driven = watching()
    actions = driven.hears_goodbye()
    assert only(StartGroup, actions) == [StartGroup(DISK, 1)]
    assert (driven.disk.owner, driven.disk.epoch) == (HERE, 1)


def test_a_starting_node_takes_nothing_over() -> None:
    """Goal: first look, then act. Method: a goodbye before everything is observed."""
    driven = fresh({DISK: THERE, MAIL: THERE})
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    assert only(StartGroup, driven.hears_goodbye()) == []
    actions = driven.observes(MAIL, GroupState.STOPPED)
    assert [action.group for action in only(StartGroup, actions)] == [DISK, MAIL]


def test_after_a_partition_the_side_that_was_taken_over_from_gives_way() -> None:
    """Goal: one winner after a healed cable. Method: seen from both sides."""
    victim = serving()
    victim.is_lost()
    victim.fence_is_confirmed()
    assert victim.disk.epoch == 0, "it owned the group already: nothing to acquire"
    winner = watching()
    winner.is_lost()
    winner.fence_is_confirmed()
    winner.started()
    victim.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=1)
    assert victim.state() is GroupState.STOPPING
    winner.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=0)
    assert winner.state() is GroupState.STARTED


@pytest.mark.parametrize("failback", AutoFailback)
def test_taking_over_is_the_same_whatever_failback_says(failback: AutoFailback) -> None:
    """Goal: auto_failback is about the way home only. Method: a goodbye under each setting."""
    driven = watching(auto_failback=failback)
    driven.hears_goodbye()
    assert driven.state() is GroupState.STARTING
    assert driven.disk.failback_due
