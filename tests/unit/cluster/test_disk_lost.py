"""A disk that went to the peer: who owns the group then, and when a node reboots to let go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hbd.cluster.action import Fence, Reboot, StartGroup, StopGroup
from hbd.cluster.event import (
    LeaveRequested,
    MaintenanceSet,
    ResourceChanged,
    ResourceLost,
    StandbyRequested,
)
from hbd.cluster.node import Limits
from hbd.cluster.terms import (
    SECOND,
    Fencing,
    GroupState,
    JobId,
    PeerStatus,
    Phase,
    ResourceState,
    Scope,
)
from tests.unit.cluster.driven import (
    DISK,
    HERE,
    MAIL,
    THERE,
    Actions,
    Driven,
    equipped,
    fresh,
    joined,
    only,
    serving,
    watching,
)

LET_GO = Limits().lost_stop_usec / SECOND
STOP = Limits().stop_usec / SECOND
RETRY = Limits().stop_retry_usec / SECOND
LEAVE = Limits().leave_usec / SECOND


# --- whose the group is ---------------------------------------------------------------------------


def test_a_preempted_server_makes_the_peer_the_owner_and_lets_go() -> None:
    """Goal: the disk's word goes before any on a link. Method: preempted while the peer is lost."""
    driven = equipped(serving())
    driven.is_lost()
    epoch = driven.disk.epoch
    actions = driven.loses_disk()
    assert (driven.disk.owner, driven.disk.epoch) == (THERE, epoch + 1)
    assert [stop.group for stop in only(StopGroup, actions)] == [DISK]
    assert driven.disk.deadline == driven.now + LET_GO * SECOND
    assert driven.status() is PeerStatus.LATE, "who preempts is alive"
    assert driven.peer.report is None


def test_what_a_preempted_server_let_go_of_is_not_started_again() -> None:
    """Goal: no ping-pong. Method: stopped; then the peer is silent, but not for deadtime."""
    driven = equipped(serving())
    driven.loses_disk()
    actions = driven.stopped() + driven.passes(4)
    assert driven.state() is GroupState.STOPPED
    assert not driven.disk.disk_lost
    assert only(StartGroup, actions) == []


def test_the_peers_own_record_wins_over_the_guess() -> None:
    """Goal: both come to the same record. Method: the peer, which took over, says so."""
    driven = equipped(serving())
    driven.is_lost()
    driven.loses_disk()
    driven.stopped()
    driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=1)
    assert (driven.disk.owner, driven.disk.epoch) == (THERE, 1)


def test_only_the_group_of_the_disk_is_let_go_of() -> None:
    """Goal: one disk, one group. Method: two groups served, one preempted."""
    driven = equipped(joined({DISK: HERE, MAIL: HERE}))
    driven.loses_disk()
    assert driven.state(DISK) is GroupState.STOPPING
    assert (driven.state(MAIL), driven.group(MAIL).owner) == (GroupState.STARTED, HERE)


def stopped_here() -> Driven:
    return watching()


def start_failed() -> Driven:
    driven = serving()
    driven.peer_says(DISK, GroupState.START_FAILED)
    driven.happens(ResourceLost(DISK, "disk-last", "died"))
    driven.start_fails()
    driven.stopped()
    assert driven.state() is GroupState.START_FAILED
    return driven


@pytest.mark.parametrize("begin", [stopped_here, start_failed])
def test_a_disk_that_nothing_here_uses_cannot_be_lost(begin: Callable[[], Driven]) -> None:
    """Goal: a late word about what is stopped changes nothing. Method: both stopped states."""
    driven = equipped(begin())
    before, peer = driven.disk, driven.peer
    assert only(StopGroup, driven.loses_disk()) == []
    assert (driven.disk, driven.peer) == (before, peer)


def unknown() -> Driven:
    driven = fresh()
    driven.ticks()
    return driven


def found_serving() -> Driven:
    driven = unknown()
    driven.observes(DISK, GroupState.STARTED)
    return driven


def partial() -> Driven:
    driven = unknown()
    driven.observes(DISK, GroupState.PARTIAL)
    return driven


def starting() -> Driven:
    driven = serving()
    driven.happens(ResourceLost(DISK, "disk-last", "died"))
    assert driven.state() is GroupState.STARTING
    return driven


def stopping() -> Driven:
    driven = serving()
    driven.happens(StandbyRequested(JobId(1), Scope.ALL))
    assert driven.state() is GroupState.STOPPING
    return driven


def stop_failed() -> Driven:
    driven = stopping()
    driven.stop_fails()
    return driven


def giving() -> Driven:
    driven = serving()
    driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    return driven


@pytest.mark.parametrize(
    "begin",
    [unknown, found_serving, partial, starting, serving, giving, stopping, stop_failed],
)
def test_in_every_state_that_may_write_the_group_is_the_peers_and_goes(
    begin: Callable[[], Driven],
) -> None:
    """Goal: whatever was under way, it ends stopped, and the peer owns it.

    Method: preempted in each state; what is unknown is found in part, every stop succeeds.
    """
    driven = equipped(begin())
    record = driven.disk.record
    driven.loses_disk()
    assert driven.disk.owner == THERE
    assert driven.disk.record > record
    assert not driven.disk.giving
    if driven.state() is GroupState.UNKNOWN:
        driven.observes(DISK, GroupState.PARTIAL)
    if driven.state() is GroupState.STOP_FAILED:
        driven.passes(RETRY)
    assert driven.state() is GroupState.STOPPING
    assert driven.disk.deadline is not None
    assert driven.disk.deadline <= driven.now + LET_GO * SECOND
    driven.stopped()
    assert (driven.state(), driven.disk.disk_lost) == (GroupState.STOPPED, False)


def test_what_a_starting_daemon_finds_serving_on_the_peers_disk_is_not_claimed() -> None:
    """Goal: no claim against the disk. Method: the peer's group, found here, then preempted."""
    driven = fresh({DISK: THERE})
    driven.ticks()
    equipped(driven)
    driven.observes(DISK, GroupState.STARTED)
    actions = driven.loses_disk()
    assert [stop.group for stop in only(StopGroup, actions)] == [DISK]
    driven.stopped()
    driven.passes(60)
    assert driven.disk.owner == THERE


def test_what_is_found_serving_after_the_loss_is_not_claimed_either() -> None:
    """Goal: the same when the loss is told first. Method: lost, the peer heard, then found."""
    driven = fresh({DISK: THERE})
    driven.ticks()
    equipped(driven)
    driven.loses_disk()
    driven.hears()
    actions = driven.observes(DISK, GroupState.STARTED)
    assert driven.phase() is Phase.ACTIVE
    assert (driven.disk.owner, driven.disk.epoch) == (THERE, 0)
    assert [stop.group for stop in only(StopGroup, actions)] == [DISK]


def test_a_mount_of_a_lost_disk_goes_though_the_peer_gives_the_group_back() -> None:
    """Goal: what was mounted before is not served. Method: lost unseen, given back, found."""
    driven = fresh()
    driven.ticks()
    equipped(driven)
    driven.loses_disk()
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=7)
    stops = only(StopGroup, driven.observes(DISK, GroupState.STARTED))
    assert [stop.group for stop in stops] == [DISK]
    starts = only(StartGroup, driven.stopped())
    assert [start.group for start in starts] == [DISK]


def test_no_disk_is_claimed_for_a_mount_that_was_given_back_but_is_stale() -> None:
    """Goal: the order is stop, then claim. Method: lost unseen, given back, peer lost, found."""
    driven = fresh()
    driven.ticks()
    equipped(driven)
    driven.loses_disk()
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=7)
    driven.is_lost()
    actions = driven.observes(DISK, GroupState.PARTIAL)
    assert only(Fence, actions) == []
    assert [stop.group for stop in only(StopGroup, actions)] == [DISK]


def test_a_group_found_stopped_has_lost_no_disk() -> None:
    """Goal: an old loss threatens no later start. Method: lost unseen, found stopped, taken over.

    A stop that fails then is any stop that fails, and no reason to reboot.
    """
    driven = fresh()
    driven.ticks()
    equipped(driven)
    driven.loses_disk()
    driven.observes(DISK, GroupState.STOPPED)
    assert not driven.disk.disk_lost
    driven.passes(20)
    driven.fence_is_confirmed(proven=True)
    driven.started()
    assert not driven.disk.disk_lost


def test_a_group_that_is_already_the_peers_keeps_its_record() -> None:
    """Goal: no epoch is burnt. Method: the peer's by its own word; then preempted as well."""
    driven = equipped(serving())
    driven.peer_says(DISK, GroupState.STOPPED, owner=THERE, epoch=4)
    driven.loses_disk()
    assert (driven.disk.owner, driven.disk.epoch) == (THERE, 4)
    assert driven.disk.disk_lost


def test_a_preemption_by_a_peer_that_had_left_calls_it_back() -> None:
    """Goal: a goodbye that the disk contradicts is void. Method: left, and then preempted."""
    driven = equipped(serving())
    driven.hears_goodbye()
    driven.loses_disk()
    assert driven.status() is PeerStatus.LATE
    assert driven.peer.report is None
    assert driven.disk.owner == THERE
    actions = driven.stopped()
    assert only(StartGroup, actions) == [], "who has just preempted has not left"


def test_a_preempted_node_in_maintenance_lets_go_as_well() -> None:
    """Goal: two writers are worse than a broken promise. Method: preempted in maintenance."""
    driven = equipped(serving())
    driven.happens(MaintenanceSet(JobId(1), on=True))
    assert [stop.group for stop in only(StopGroup, driven.loses_disk())] == [DISK]


def test_a_repeated_loss_gives_no_more_time() -> None:
    """Goal: the budget is one. Method: told every second while it stops."""
    driven = equipped(serving())
    actions: Actions = driven.loses_disk()
    epoch = driven.disk.epoch
    for _ in range(int(LET_GO)):
        actions += driven.passes(1)
        actions += driven.loses_disk()
    assert len(only(Reboot, actions)) == 1
    assert driven.disk.epoch == epoch


def test_a_disk_is_not_claimed_while_it_is_mounted_from_before() -> None:
    """Goal: yesterday's mount never writes again. Method: preempted, the stop hangs, peer lost."""
    driven = equipped(serving())
    driven.loses_disk()
    actions = driven.passes(LET_GO - 1)
    assert driven.status() is PeerStatus.LOST
    assert only(Fence, actions) == []
    actions = driven.stopped() + driven.passes(1)
    assert [fence.groups for fence in only(Fence, actions)] == [(DISK,)]


@pytest.mark.parametrize("state", [GroupState.STARTED, GroupState.PARTIAL])
def test_a_starting_daemon_claims_no_disk_that_it_finds_mounted_from_before(
    state: GroupState,
) -> None:
    """Goal: the same after a restart. Method: found mounted, the disk another's, peer never heard.

    The loss may be told before or in the moment of the look.
    """
    driven = fresh()
    driven.ticks()
    equipped(driven)
    actions = driven.loses_disk() + driven.passes(12) + driven.observes(DISK, state)
    actions += driven.passes(LET_GO - 1)
    assert only(Fence, actions) == []
    assert driven.state() is GroupState.STOPPING
    actions = driven.stopped() + driven.passes(1)
    assert [fence.groups for fence in only(Fence, actions)] == [(DISK,)]


# --- when a node reboots --------------------------------------------------------------------------


def test_a_preempted_node_that_cannot_let_go_in_time_reboots() -> None:
    """Goal: what hangs is not waited for. Method: no answer; the moment before and the moment."""
    driven = equipped(serving())
    driven.loses_disk()
    assert only(Reboot, driven.passes(LET_GO - 0.001)) == []
    assert [reboot.group for reboot in only(Reboot, driven.passes(0.001))] == [DISK]


def test_a_preempted_node_that_cannot_let_go_at_all_reboots_at_once() -> None:
    """Goal: a failure is an answer. Method: the first stop fails."""
    driven = equipped(serving())
    driven.loses_disk()
    assert [reboot.group for reboot in only(Reboot, driven.stop_fails())] == [DISK]


def test_a_stop_under_way_when_the_disk_is_lost_has_the_short_budget() -> None:
    """Goal: no two minutes are left from before. Method: preempted in the middle of a stop."""
    driven = equipped(stopping())
    driven.passes(1)
    driven.loses_disk()
    assert only(Reboot, driven.passes(LET_GO - 0.001)) == []
    assert len(only(Reboot, driven.passes(0.001))) == 1


def test_a_stop_that_is_nearly_over_gets_no_more_time_by_a_loss() -> None:
    """Goal: the shorter of two limits. Method: preempted a second before the stop's own."""
    driven = equipped(stopping())
    driven.listens(STOP - 1)
    driven.loses_disk()
    driven.passes(1)
    assert driven.state() is GroupState.STOP_FAILED


def stops_in_vain(driven: Driven, times: int) -> list[int]:
    """After which of so many failed stops in a row the node rebooted."""
    rebooted = []
    for number in range(1, times + 1):
        assert driven.state() is GroupState.STOPPING
        if only(Reboot, driven.stop_fails()):
            rebooted.append(number)
        driven.listens(RETRY + 1)
    return rebooted


def test_a_standby_that_cannot_unmount_is_rebooted_after_three_tries() -> None:
    """Goal: the peer waits, and the disk can be given up. Method: stop after stop fails."""
    driven = equipped(stopping())
    assert stops_in_vain(driven, 4) == [3, 4]


def test_the_peers_group_that_runs_here_is_worth_a_reboot_too() -> None:
    """Goal: a healed partition ends. Method: a newer record makes it the peer's; no stop helps."""
    driven = equipped(serving())
    driven.peer_says(DISK, GroupState.STOPPED, owner=THERE, epoch=4)
    assert stops_in_vain(driven, 3) == [3]


@pytest.mark.parametrize(
    ("fencing", "disk"),
    [(Fencing.AUTO, False), (Fencing.AUTO, None), (Fencing.NONE, True), (Fencing.STONITH, True)],
)
def test_without_a_reservation_nothing_is_given_up(fencing: Fencing, disk: bool | None) -> None:
    """Goal: a reboot would be no proof for the peer. Method: five failed stops."""
    driven = equipped(stopping(), fencing=fencing, disk=disk, stonith=True)
    assert stops_in_vain(driven, 5) == []


def test_nobody_reboots_for_a_peer_that_cannot_take_over() -> None:
    """Goal: half a service is better than none. Method: the peer starts and is not ready."""
    driven = equipped(serving())
    driven.peer_says(DISK, GroupState.STOPPED, owner=THERE, epoch=4)
    driven.peer_is(Phase.STARTING)
    assert stops_in_vain(driven, 5) == []


def test_a_stop_that_succeeded_makes_the_next_failure_the_first() -> None:
    """Goal: only failures in a row count. Method: two, a success, and two more."""
    driven = equipped(stopping())
    assert stops_in_vain(driven, 2) == []
    driven.stopped()
    assert driven.disk.stop_failures == 0


@pytest.mark.parametrize(
    ("at_peer", "reboots"), [(GroupState.STOPPED, [3]), (GroupState.START_FAILED, [])]
)
def test_a_group_that_fails_here_altogether_is_given_up_if_the_peer_could_start_it(
    at_peer: GroupState, reboots: list[int]
) -> None:
    """Goal: a lost path to the disk ends in a takeover. Method: no start and no stop succeeds."""
    driven = equipped(serving())
    driven.peer_says(DISK, at_peer)
    driven.happens(ResourceLost(DISK, "disk-last", "died"))
    driven.start_fails()
    assert driven.disk.owner == HERE
    assert stops_in_vain(driven, 3) == reboots


def leaving(*, disk: bool = True) -> Driven:
    """It serves, its disk protects or not, and `systemctl stop hbd` is under way."""
    driven = equipped(serving(), disk=disk)
    driven.happens(LeaveRequested())
    assert driven.state() is GroupState.STOPPING
    return driven


def test_a_node_that_leaves_and_cannot_unmount_reboots_after_three_tries() -> None:
    """Goal: the peer waits for what leaves, too. Method: leave; stops fail."""
    assert stops_in_vain(leaving(), 4) == [3, 4]


def test_a_node_that_leaves_and_hears_no_answer_reboots_before_systemd_kills_it() -> None:
    """Goal: a hung unmount ends. Method: leave; silence; the moment before and the moment."""
    driven = leaving()
    assert only(Reboot, driven.listens(LEAVE - 1) + driven.passes(0.999)) == []
    assert [reboot.group for reboot in only(Reboot, driven.passes(0.001))] == [DISK]
    assert driven.state() is GroupState.STOP_FAILED


def test_a_node_that_gets_on_with_leaving_has_time_for_the_next_resource() -> None:
    """Goal: slow is not hung. Method: one resource is stopped a second before the end."""
    driven = leaving()
    driven.listens(LEAVE - 1)
    driven.happens(ResourceChanged(DISK, "disk-last", ResourceState.STOPPED, ""))
    assert only(Reboot, driven.listens(LEAVE - 1) + driven.passes(0.999)) == []
    assert len(only(Reboot, driven.passes(0.001))) == 1


def test_a_node_that_leaves_an_open_disk_behind_does_not_reboot_by_itself() -> None:
    """Goal: a reboot would be no proof for the peer. Method: no reservation; failures, silence."""
    driven = leaving(disk=False)
    assert stops_in_vain(driven, 5) == []
    assert only(Reboot, driven.listens(3 * LEAVE)) == []
    assert driven.phase() is Phase.LEAVING


def test_a_node_that_leaves_with_nobody_to_give_to_does_not_reboot() -> None:
    """Goal: nobody waits. Method: the peer leaves as well; the stop hangs."""
    driven = leaving()
    driven.peer_is(Phase.LEAVING)
    assert only(Reboot, driven.listens(2 * LEAVE)) == []
