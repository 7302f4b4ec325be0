"""In maintenance a node keeps beating and moves nothing; its peer takes nothing from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.cluster.action import (
    Fence,
    FinishJob,
    KeepMaintenance,
    ObserveGroup,
    SendHeartbeat,
    StartGroup,
    StopGroup,
)
from hbd.cluster.event import (
    FailureCleared,
    LeaveRequested,
    MaintenanceSet,
    ResourceLost,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.terms import GroupState, JobId, JobResult, Means, PeerStatus, Phase, Scope
from tests.unit.cluster.driven import DISK, HERE, THERE, Actions, Driven, only, serving, watching

JOB = JobId(1)
LATER_JOB = JobId(2)


def maintained(driven: Driven) -> Driven:
    """The same node, in maintenance."""
    driven.happens(MaintenanceSet(JOB, on=True))
    assert driven.node.maintenance
    return driven


def end(driven: Driven) -> Actions:
    """Maintenance ends."""
    return driven.happens(MaintenanceSet(LATER_JOB, on=False))


def moves(actions: Actions) -> list[object]:
    """Whatever touches a group or the peer's power."""
    return [a for a in actions if isinstance(a, StartGroup | StopGroup | Fence)]


def peer_in_maintenance(driven: Driven) -> Driven:
    """The same node after its peer has said that it is in maintenance."""
    driven.said = replace(driven.said, maintenance=True)
    driven.hears()
    assert driven.peer.maintenance
    return driven


# --- on and off ---------------------------------------------------------------------------------


def test_it_is_told_kept_and_answered() -> None:
    """Goal: the peer, the disk and the operator know. Method: the actions of the step."""
    driven = serving()
    actions = driven.happens(MaintenanceSet(JOB, on=True))
    assert KeepMaintenance(on=True) in actions
    assert FinishJob(JOB, JobResult.DONE, "") in actions
    [said] = [a for a in actions if hasattr(a, "report")]
    assert said.report.maintenance


def test_asking_twice_changes_nothing() -> None:
    """Goal: a script may repeat itself. Method: on, on again."""
    driven = maintained(serving())
    before = driven.node
    actions = driven.happens(MaintenanceSet(LATER_JOB, on=True))
    assert only(KeepMaintenance, actions) == []
    assert only(FinishJob, actions) == [FinishJob(LATER_JOB, JobResult.DONE, "")]
    assert driven.node == before


def test_a_node_that_leaves_refuses() -> None:
    """Goal: no promise that its next life would not keep. Method: leave, then ask."""
    driven = serving()
    driven.happens(LeaveRequested())
    actions = driven.happens(MaintenanceSet(JOB, on=True))
    assert [job.result for job in only(FinishJob, actions)] == [JobResult.REFUSED]
    assert not driven.node.maintenance


# --- on this node -------------------------------------------------------------------------------


def test_it_goes_on_beating() -> None:
    """Goal: the peer hears us. Method: one heartbeat a keepalive, no move."""
    driven = maintained(serving())
    actions = driven.listens(10)
    assert len(only(SendHeartbeat, actions)) == 10
    assert moves(actions) == []


def test_a_lost_resource_stays_lost_until_the_end() -> None:
    """Goal: who works on smb stops it as they like. Method: lose it, twice; then end."""
    driven = maintained(serving())
    assert moves(driven.happens(ResourceLost(DISK, "smb", "stopped"))) == []
    assert driven.state() is GroupState.PARTIAL
    assert moves(driven.listens(300)) == []
    assert only(ObserveGroup, end(driven)) == [ObserveGroup(DISK)]
    assert len(only(StartGroup, driven.observes(DISK, GroupState.PARTIAL))) == 1


def test_what_was_mended_by_hand_is_left_alone() -> None:
    """Goal: no needless restart. Method: lose a resource, end, observe the group whole."""
    driven = maintained(serving())
    driven.happens(ResourceLost(DISK, "smb", "stopped"))
    end(driven)
    assert moves(driven.observes(DISK, GroupState.STARTED)) == []
    assert driven.state() is GroupState.STARTED


def test_a_peer_that_dies_is_not_taken_over_from_before_the_end() -> None:
    """Goal: nothing starts on a machine somebody works on. Method: silence, the end, the fencing.

    Then the same with a confirmation that was already on its way.
    """
    driven = maintained(watching())
    assert moves(driven.passes(100)) == []
    assert driven.status() is PeerStatus.LOST
    assert moves(driven.fence_is_confirmed()) == []
    assert driven.disk.owner == THERE
    end(driven)
    assert driven.disk.owner == HERE


def test_the_end_asks_for_the_fencing_that_was_held_back() -> None:
    """Goal: no failure is forgotten. Method: silence in maintenance, then its end."""
    driven = maintained(watching())
    driven.is_lost()
    assert only(Fence, end(driven)) == [Fence(THERE, Means.NONE, (DISK,))]


def test_a_peer_that_leaves_is_not_taken_over_from_before_the_end() -> None:
    """Goal: the same for a goodbye. Method: goodbye, then the end."""
    driven = maintained(watching())
    assert moves(driven.hears_goodbye()) == []
    actions = end(driven)
    assert driven.disk.owner == HERE
    assert len(only(StartGroup, actions)) == 1


@pytest.mark.parametrize("kind", [TakeoverRequested, StandbyRequested])
def test_requests_are_refused(kind: type[TakeoverRequested] | type[StandbyRequested]) -> None:
    """Goal: a clear no. Method: one that would move the group."""
    driven = maintained(serving() if kind is StandbyRequested else watching())
    actions = driven.happens(kind(LATER_JOB, Scope.ALL))
    assert [job.result for job in only(FinishJob, actions)] == [JobResult.REFUSED]
    assert moves(actions) == []


def test_a_request_under_way_fails_at_once() -> None:
    """Goal: nobody waits for what will not come. Method: standby, then maintenance."""
    driven = serving()
    driven.happens(StandbyRequested(LATER_JOB, Scope.ALL))
    actions = driven.happens(MaintenanceSet(JOB, on=True))
    results = {job.job: job.result for job in only(FinishJob, actions)}
    assert results == {JOB: JobResult.DONE, LATER_JOB: JobResult.FAILED}
    assert moves(driven.stopped()) == []
    assert driven.disk.owner == HERE
    end(driven)
    assert len(only(StartGroup, driven.observes(DISK, GroupState.STOPPED))) == 1


def test_a_peer_that_asks_for_a_group_does_not_get_it() -> None:
    """Goal: nothing leaves a maintained machine. Method: the peer's wish."""
    driven = maintained(serving())
    actions = driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    assert moves(actions) == []
    assert driven.state() is GroupState.STARTED


def test_a_start_that_fails_is_brought_to_its_end_and_no_further() -> None:
    """Goal: no half-started group. Method: start, maintenance, failure: released, not given."""
    driven = serving()
    driven.happens(ResourceLost(DISK, "smb", "died"))
    maintained(driven)
    assert len(only(StopGroup, driven.start_fails())) == 1
    assert moves(driven.stopped()) == []
    assert (driven.state(), driven.disk.owner) == (GroupState.START_FAILED, HERE)
    assert moves(driven.listens(60)) == []


def test_a_stop_that_failed_is_not_tried_again_until_asked_for() -> None:
    """Goal: hands off; but an operator's own word counts. Method: wait, then clear it."""
    driven = serving()
    driven.happens(StandbyRequested(LATER_JOB, Scope.ALL))
    driven.stop_fails()
    maintained(driven)
    assert moves(driven.listens(60)) == []
    assert len(only(StopGroup, driven.happens(FailureCleared(LATER_JOB)))) == 1


def test_a_group_that_the_peer_runs_by_a_newer_record_is_let_go_all_the_same() -> None:
    """Goal: two writers are worse than a broken promise. Method: a partition's newer record."""
    driven = maintained(serving())
    actions = driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=5)
    assert len(only(StopGroup, actions)) == 1


def test_stopping_the_daemon_still_hands_everything_over() -> None:
    """Goal: who stops hbd means it. Method: leave in maintenance."""
    driven = maintained(serving())
    assert len(only(StopGroup, driven.happens(LeaveRequested()))) == 1
    driven.stopped()
    assert driven.disk.owner == THERE
    driven.peer_says(DISK, GroupState.STARTED, owner=THERE)
    driven.passes(1)
    assert driven.phase() is Phase.LEFT


# --- on the other node --------------------------------------------------------------------------


def test_nothing_is_taken_from_a_silent_peer_in_maintenance() -> None:
    """Goal: somebody reboots it. Method: silence for minutes, no fencing, no takeover."""
    driven = peer_in_maintenance(watching())
    assert moves(driven.passes(600)) == []
    assert (driven.status(), driven.disk.owner) == (PeerStatus.LOST, THERE)
    assert moves(driven.fence_is_confirmed(proven=False)) == []


def test_a_new_life_that_is_not_in_maintenance_ends_it() -> None:
    """Goal: no rule outlives its reason. Method: the peer restarts without it and falls silent."""
    driven = peer_in_maintenance(watching())
    driven.is_lost()
    driven.peer_restarts()
    assert not driven.peer.maintenance
    assert only(Fence, driven.is_lost()) == [Fence(THERE, Means.NONE, (DISK,))]


def test_a_goodbye_in_maintenance_is_a_goodbye() -> None:
    """Goal: what is released may be served. Method: goodbye of a maintained peer."""
    driven = peer_in_maintenance(watching())
    assert len(only(StartGroup, driven.hears_goodbye())) == 1


def test_nothing_is_given_to_a_peer_in_maintenance() -> None:
    """Goal: not by request, not by failback, not after a failed start. Method: each."""
    driven = peer_in_maintenance(serving())
    actions = driven.happens(StandbyRequested(LATER_JOB, Scope.ALL))
    assert [job.result for job in only(FinishJob, actions)] == [JobResult.REFUSED]
    assert moves(driven.peer_says(DISK, GroupState.STOPPED, wanted=True)) == []
    driven.happens(ResourceLost(DISK, "smb", "died"))
    driven.start_fails()
    driven.stopped()
    assert (driven.state(), driven.disk.owner) == (GroupState.START_FAILED, HERE)


def test_a_gift_under_way_is_taken_back_when_the_peer_goes_into_maintenance() -> None:
    """Goal: the service comes back. Method: standby, maintenance there, stopped here: start."""
    driven = serving()
    driven.happens(StandbyRequested(LATER_JOB, Scope.ALL))
    peer_in_maintenance(driven)
    assert len(only(StartGroup, driven.stopped())) == 1
    assert driven.disk.owner == HERE


def test_a_node_that_leaves_while_its_peer_is_in_maintenance_does_not_wait() -> None:
    """Goal: the stop ends. Method: leave, stopped, goodbye; nothing is handed over."""
    driven = peer_in_maintenance(serving())
    driven.happens(LeaveRequested())
    driven.stopped()
    driven.passes(1)
    assert (driven.phase(), driven.disk.owner) == (Phase.LEFT, HERE)


def test_a_peer_that_leaves_is_no_longer_in_maintenance() -> None:
    """Goal: who has released everything bars nothing. Method: maintenance there, then a goodbye."""
    driven = peer_in_maintenance(watching())
    actions = driven.hears_goodbye()
    assert not driven.peer.maintenance
    assert len(only(StartGroup, actions)) == 1


def test_a_resource_lost_again_soon_does_not_fail_the_group() -> None:
    """Goal: who works on the machine may stop smbd twice. Method: revived before, lost in it."""
    driven = serving()
    driven.happens(ResourceLost(DISK, "disk-last", "died"))
    driven.started()
    maintained(driven)
    assert moves(driven.happens(ResourceLost(DISK, "disk-last", "stopped by hand"))) == []
    assert driven.state() is GroupState.PARTIAL
