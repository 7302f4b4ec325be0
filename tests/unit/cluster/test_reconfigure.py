"""A reload: what did not change does not move, what goes is let go of first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.cluster.action import (
    Announce,
    FinishJob,
    ForgetGroup,
    ProveAlive,
    ReviseGroup,
    SendHeartbeat,
    StartGroup,
    StopGroup,
)
from hbd.cluster.event import (
    ConfigurationChanged,
    GroupDefinition,
    GroupObserved,
    GroupStopped,
    LinkDefinition,
    TakeoverRequested,
)
from hbd.cluster.node import Group
from hbd.cluster.step import next_deadline
from hbd.cluster.terms import (
    SECOND,
    AutoFailback,
    Epoch,
    GroupName,
    GroupReport,
    GroupState,
    JobId,
    JobResult,
    LinkName,
    LinkStatus,
    PeerStatus,
    Phase,
    Scope,
    Usec,
)
from hbd.cluster.timing import Timing
from tests.unit.cluster.driven import (
    DISK,
    ETHERNET,
    HERE,
    MAIL,
    ROUTER,
    SERIAL,
    THERE,
    TIMING,
    Actions,
    Driven,
    alone,
    joined,
    only,
    serving,
    watching,
)

FIRST, LAST = "disk-first", "disk-last"
SLOW = Timing(Usec(2 * SECOND), Usec(5 * SECOND), Usec(20 * SECOND), Usec(20 * SECOND))
FAST = Timing(Usec(SECOND // 2), Usec(SECOND), Usec(2 * SECOND), Usec(12 * SECOND))


def same(group: Group) -> GroupDefinition:
    """The line of a group that did not change."""
    texts = tuple(resource.text for resource in group.resources)
    return GroupDefinition(group.name, group.preferred, texts, len(texts))


def reloaded(driven: Driven, *groups: GroupDefinition, timing: Timing = TIMING) -> Actions:
    """The files say this of the groups now."""
    links = tuple(
        LinkDefinition(link.name, link.leads_to_peer, link.deadtime_usec)
        for link in driven.node.links
    )
    failback = driven.node.auto_failback
    return driven.happens(ConfigurationChanged(timing, failback, links, groups))


def revised(*texts: str, kept: int) -> GroupDefinition:
    """The disk's line with other resources."""
    return GroupDefinition(DISK, HERE, texts, kept)


def observes_new(driven: Driven, state: GroupState, name: GroupName = DISK) -> Actions:
    """The group was looked at by its newest definition."""
    return driven.happens(GroupObserved(name, state, driven.group(name).definition))


def test_a_reload_of_the_same_files_does_nothing() -> None:
    """Goal: what did not change does not move. Method: the same again; compare the belief."""
    driven = serving()
    before = driven.node
    actions = reloaded(driven, same(driven.disk))
    assert {type(action) for action in actions} <= {ProveAlive, SendHeartbeat}
    assert driven.node.groups == before.groups
    assert driven.node.links == before.links
    assert driven.node.peer == before.peer


def test_longer_times_are_told_at_once_and_the_old_rhythm_ends_in_time() -> None:
    """Goal: a peer that knows only the old times is not left waiting. Method: 1 s to 2 s."""
    driven = serving()
    driven.listens(3)
    due = driven.node.heartbeat_due
    actions = reloaded(driven, same(driven.disk), timing=SLOW)
    assert driven.node.timing == SLOW
    assert driven.node.heartbeat_due == due
    [said] = only(Announce, actions)
    assert said.report.deadtime_usec == SLOW.deadtime_usec
    assert only(ProveAlive, actions)


def test_shorter_times_kill_no_link_of_a_peer_that_still_has_the_longer_ones() -> None:
    """Goal: nodes are reloaded one after another. Method: 5 s to 2 s, the peer silent for 3."""
    driven = serving()
    driven.listens(3)
    reloaded(driven, same(driven.disk), timing=FAST)
    driven.passes(3)
    assert driven.link_status(ETHERNET) is LinkStatus.UP
    assert driven.status() is not PeerStatus.LOST
    driven.passes(2)
    assert driven.link_status(ETHERNET) is LinkStatus.DEAD
    assert driven.status() in (PeerStatus.LOST, PeerStatus.FENCED)


def test_links_come_and_go_and_those_that_stay_are_as_they_were() -> None:
    """Goal: no link dies of a reload. Method: one of each: stays, opened anew, goes, comes."""
    driven = serving()
    driven.listens(2)
    driven.hears(link=SERIAL)
    before = driven.node.links
    eth2 = LinkName("eth2")
    links = (
        LinkDefinition(ETHERNET),
        LinkDefinition(SERIAL, is_new=True),
        LinkDefinition(eth2, is_new=True),
    )
    failback = AutoFailback.OFF
    driven.happens(ConfigurationChanged(TIMING, failback, links, (same(driven.disk),)))
    assert [link.name for link in driven.node.links] == [ETHERNET, SERIAL, eth2]
    assert driven.node.links[0] == before[0]
    assert driven.link_status(SERIAL) is LinkStatus.DEAD
    assert driven.link_status(eth2) is LinkStatus.DEAD
    assert driven.node.auto_failback is failback
    assert ROUTER not in [link.name for link in driven.node.links]
    driven.hears(link=SERIAL)
    assert driven.link_status(SERIAL) is LinkStatus.UP


def test_an_appended_resource_starts_and_nothing_stops() -> None:
    """Goal: what runs goes on. Method: append; see it adopted, looked at, and started."""
    driven = serving()
    actions = reloaded(driven, revised(FIRST, LAST, "nfs", kept=2))
    assert only(StopGroup, actions) == []
    assert only(ReviseGroup, actions) == [ReviseGroup(DISK, 1)]
    assert driven.state() is GroupState.UNKNOWN
    assert len(only(StartGroup, observes_new(driven, GroupState.PARTIAL))) == 1
    driven.started()
    assert driven.state() is GroupState.STARTED
    assert [resource.text for resource in driven.disk.resources] == [FIRST, LAST, "nfs"]


def test_from_the_first_difference_on_old_resources_stop_and_new_ones_start() -> None:
    """Goal: the old definition stops what it started. Method: exchange the last resource."""
    driven = serving()
    actions = reloaded(driven, revised(FIRST, "other", kept=1))
    [stop] = only(StopGroup, actions)
    assert stop.leave == 1
    assert only(ReviseGroup, actions) == []
    actions = driven.stopped()
    assert only(ReviseGroup, actions) == [ReviseGroup(DISK, 1)]
    assert len(only(StartGroup, observes_new(driven, GroupState.PARTIAL))) == 1
    driven.started()
    assert driven.node.owns(driven.disk)


def test_a_group_that_changes_from_the_left_stops_as_a_whole_and_stays_here() -> None:
    """Goal: nothing moves to the peer. Method: exchange the first resource."""
    driven = serving()
    [stop] = only(StopGroup, reloaded(driven, revised("other", LAST, kept=0)))
    assert stop.leave == 0
    driven.stopped()
    assert driven.state() is GroupState.UNKNOWN
    assert len(only(StartGroup, observes_new(driven, GroupState.STOPPED))) == 1
    assert driven.node.owns(driven.disk)


def test_a_stop_that_fails_keeps_the_old_definition() -> None:
    """Goal: nothing new starts over what may still run. Method: fail, retry, then succeed."""
    driven = serving()
    reloaded(driven, revised(FIRST, "other", kept=1))
    assert only(ReviseGroup, driven.stop_fails()) == []
    assert driven.state() is GroupState.STOP_FAILED
    [retry] = only(StopGroup, driven.listens(6))
    assert retry.leave == 0
    assert only(ReviseGroup, driven.stopped()) == [ReviseGroup(DISK, 1)]


def test_a_removed_group_is_forgotten_when_it_is_proven_stopped() -> None:
    """Goal: nothing is left running that nobody knows. Method: remove; fail first, then stop."""
    driven = serving()
    actions = reloaded(driven)
    assert len(only(StopGroup, actions)) == 1
    driven.stop_fails()
    assert driven.node.group(DISK) is not None
    driven.listens(6)
    assert only(ForgetGroup, driven.stopped()) == [ForgetGroup(DISK)]
    assert driven.node.groups == ()


def test_a_removed_group_that_runs_elsewhere_is_forgotten_at_once() -> None:
    """Goal: nothing of the peer's is touched. Method: remove a group of the peer's."""
    driven = watching()
    actions = reloaded(driven)
    assert only(ForgetGroup, actions) == [ForgetGroup(DISK)]
    assert only(StopGroup, actions) == []


def test_a_new_group_waits_until_the_peer_knows_it() -> None:
    """Goal: doubt starts nothing. Method: add a group; the peer mentions it later."""
    driven = serving()
    new = GroupDefinition(MAIL, HERE, ("mail",))
    actions = reloaded(driven, same(driven.disk), new)
    assert only(ReviseGroup, actions) == [ReviseGroup(MAIL, 1)]
    assert driven.state(MAIL) is GroupState.UNKNOWN
    observes_new(driven, GroupState.STOPPED, MAIL)
    assert only(StartGroup, driven.listens(10)) == []
    assert len(only(StartGroup, driven.peer_says(MAIL, GroupState.STOPPED))) == 1


def test_a_new_group_belongs_to_who_the_peer_says() -> None:
    """Goal: what was forgotten here is not forgotten there. Method: the peer owns it, stopped."""
    driven = serving()
    word = GroupReport(MAIL, Epoch(3), THERE, GroupState.STOPPED)
    driven.said = replace(driven.said, groups=(*driven.said.groups, word))
    driven.hears()
    reloaded(driven, same(driven.disk), GroupDefinition(MAIL, HERE, ("mail",)))
    assert driven.group(MAIL).owner == THERE
    assert only(StartGroup, observes_new(driven, GroupState.STOPPED, MAIL)) == []


def test_a_new_group_starts_where_no_peer_is_left() -> None:
    """Goal: a cluster of one can grow. Method: add a group while the peer is out."""
    driven = alone()
    new = GroupDefinition(MAIL, THERE, ("mail",))
    reloaded(driven, same(driven.disk), new)
    assert len(only(StartGroup, observes_new(driven, GroupState.STOPPED, MAIL))) == 1
    assert driven.node.owns(driven.group(MAIL))


def test_a_new_group_waits_for_the_disk_of_one_that_goes() -> None:
    """Goal: a renamed group is one disk, not two. Method: the new line has the old one's disk."""
    driven = serving()
    new = GroupDefinition(MAIL, HERE, ("mail", LAST))
    actions = reloaded(driven, new)
    assert only(ReviseGroup, actions) == []
    actions = driven.stopped()
    assert only(ForgetGroup, actions) == [ForgetGroup(DISK)]
    assert only(ReviseGroup, actions) == [ReviseGroup(MAIL, 1)]


def test_what_was_looked_at_by_an_old_definition_is_not_believed() -> None:
    """Goal: no answer is taken for another's. Method: a late observation of definition 0."""
    driven = serving()
    reloaded(driven, revised("other", kept=0))
    driven.stopped()
    driven.observes(DISK, GroupState.STOPPED)
    assert driven.state() is GroupState.UNKNOWN


def test_a_second_reload_takes_the_place_of_the_first() -> None:
    """Goal: the newest files count. Method: change, and change back before the stop is over."""
    driven = serving()
    reloaded(driven, revised(FIRST, "other", kept=1))
    reloaded(driven, revised(FIRST, LAST, kept=2))
    assert driven.disk.revision is None
    [start] = only(StartGroup, driven.stopped())
    assert start.group == DISK
    assert driven.disk.definition == 0
    driven.started()
    assert driven.state() is GroupState.STARTED


def test_in_maintenance_what_runs_keeps_its_definition_until_the_end() -> None:
    """Goal: maintenance moves nothing. Method: reload in it, each kind of change; then end it."""
    for change in (revised(FIRST, "other", kept=1), revised(FIRST, LAST, "nfs", kept=2), None):
        driven = serving()
        driven.node = replace(driven.node, maintenance=True)
        actions = reloaded(driven, *([change] if change else []))
        assert not [a for a in actions if isinstance(a, StopGroup | ReviseGroup)]
        assert driven.state() is GroupState.STARTED
        driven.listens(3)
        driven.node = replace(driven.node, maintenance=False)
        actions = driven.ticks()
        assert [a for a in actions if isinstance(a, StopGroup | ReviseGroup)]


def test_another_home_moves_nothing_and_is_younger_than_what_was_known() -> None:
    """Goal: where it runs, it stays. Method: the disk is to prefer the peer; the record grows."""
    driven = serving()
    driven.listens(2)
    before = driven.disk
    actions = reloaded(driven, replace(same(before), preferred=THERE))
    assert only(StopGroup, actions) == []
    assert driven.disk.preferred == THERE
    assert driven.disk.owner == HERE
    assert driven.disk.epoch > before.epoch
    assert driven.state() is GroupState.STARTED


def test_a_job_on_a_removed_group_ends_with_the_reason() -> None:
    """Goal: no caller waits for nothing. Method: takeover, then a reload without its group."""
    driven = watching()
    driven.happens(TakeoverRequested(JobId(1), Scope.ALL))
    [end] = only(FinishJob, reloaded(driven))
    assert (end.job, end.result) == (JobId(1), JobResult.FAILED)


def test_a_group_that_is_being_removed_is_not_moved_any_more() -> None:
    """Goal: a request by name is refused, one for all leaves it out. Method: ask for both."""
    driven = serving()
    reloaded(driven)
    [end] = only(
        FinishJob, driven.happens(TakeoverRequested(JobId(1), Scope.ALL, (GroupName(DISK),)))
    )
    assert end.result is JobResult.REFUSED
    [end] = only(FinishJob, driven.happens(TakeoverRequested(JobId(2), Scope.ALL)))
    assert end.result is JobResult.DONE


def test_a_node_that_leaves_takes_no_new_configuration() -> None:
    """Goal: what is being released is released. Method: leave, then reload."""
    driven = serving()
    driven.node = replace(driven.node, phase=Phase.LEAVING)
    reloaded(driven, timing=SLOW)
    assert driven.node.timing == TIMING
    assert driven.node.group(DISK) is not None


@pytest.mark.parametrize("peer_first", [True, False])
def test_a_group_removed_on_one_node_only_starts_on_neither(*, peer_first: bool) -> None:
    """Goal: two haresources are doubt. Method: one of the two no longer mentions the disk."""
    driven = serving()
    if peer_first:
        driven.said = replace(driven.said, groups=())
        assert only(StartGroup, driven.listens(5)) == []
        assert driven.state() is GroupState.STARTED
    else:
        reloaded(driven)
        driven.stopped()
        assert only(StartGroup, driven.listens(5)) == []


def test_the_timer_never_lies_in_the_past_after_a_reload() -> None:
    """Goal: no busy loop. Method: shorter and longer times at odd moments."""
    driven = joined({DISK: HERE, MAIL: THERE})
    for timing in (FAST, SLOW, FAST, TIMING):
        driven.passes(0.3)
        reloaded(driven, same(driven.disk), same(driven.group(MAIL)), timing=timing)
        driven.ticks()
        assert next_deadline(driven.node) > driven.now
        driven.hears()
    word = driven.peer.word_on(DISK)
    assert isinstance(word, GroupReport)
    assert driven.happens(GroupStopped(DISK, 99)) == ()
