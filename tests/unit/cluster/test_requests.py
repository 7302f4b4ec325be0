"""What an operator asks for: which groups a scope means, why it is refused, how it ends."""

from __future__ import annotations

import pytest

from hbd.cluster.action import FinishJob, StartGroup, StopGroup
from hbd.cluster.event import LeaveRequested, ResourceLost, StandbyRequested, TakeoverRequested
from hbd.cluster.terms import (
    GroupName,
    GroupState,
    JobId,
    JobResult,
    Phase,
    Report,
    Scope,
)
from tests.unit.cluster.driven import (
    DISK,
    HERE,
    MAIL,
    THERE,
    Actions,
    Driven,
    alone,
    fresh,
    joined,
    only,
    serving,
    watching,
)

JOB = JobId(1)
BOTH = {DISK: HERE, MAIL: THERE}


def takeover(*groups: GroupName, scope: Scope = Scope.ALL, job: JobId = JOB) -> TakeoverRequested:
    """An operator wants groups here."""
    return TakeoverRequested(job, scope, groups)


def standby(*groups: GroupName, scope: Scope = Scope.ALL, job: JobId = JOB) -> StandbyRequested:
    """An operator wants groups to go."""
    return StandbyRequested(job, scope, groups)


def ended(actions: Actions) -> list[JobResult]:
    """How jobs ended in these steps."""
    return [finished.result for finished in only(FinishJob, actions)]


def wanted(driven: Driven) -> list[GroupName]:
    """The groups asked of the peer."""
    return [group.name for group in driven.node.groups if group.wanted]


def giving(driven: Driven) -> list[GroupName]:
    """The groups on their way to the peer."""
    return [group.name for group in driven.node.groups if group.giving]


def swapped() -> Driven:
    """Each node serves the group that prefers the other."""
    driven = joined(BOTH)
    driven.peer_says(MAIL, GroupState.STOPPED, owner=HERE, epoch=1)
    driven.started(MAIL)
    driven.happens(standby(DISK))
    driven.stopped(DISK)
    driven.peer_says(DISK, GroupState.STARTED)
    assert (driven.group(DISK).owner, driven.group(MAIL).owner) == (THERE, HERE)
    assert driven.node.jobs == ()
    return driven


# --- takeover ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "asked"),
    [(Scope.ALL, [DISK]), (Scope.LOCAL, [DISK]), (Scope.FOREIGN, []), (Scope.FAILBACK, [DISK])],
)
def test_a_takeover_asks_for_the_groups_of_its_scope_that_are_not_here(
    scope: Scope, asked: list[GroupName]
) -> None:
    """Goal: heartbeat's words. Method: each, with the peer's group here and ours there."""
    driven = swapped()
    driven.happens(takeover(scope=scope))
    assert wanted(driven) == asked


@pytest.mark.parametrize(
    ("scope", "asked"),
    [(Scope.ALL, [MAIL]), (Scope.LOCAL, []), (Scope.FOREIGN, [MAIL]), (Scope.FAILBACK, [])],
)
def test_a_takeover_of_the_peers_groups_is_all_or_foreign(
    scope: Scope, asked: list[GroupName]
) -> None:
    """Goal: heartbeat's words. Method: each, with every group at home."""
    driven = joined(BOTH)
    driven.happens(takeover(scope=scope))
    assert wanted(driven) == asked


def test_a_takeover_of_named_groups_means_those() -> None:
    """Goal: one group of many. Method: two at the peer, one named."""
    driven = joined({DISK: THERE, MAIL: THERE})
    driven.happens(takeover(MAIL))
    assert wanted(driven) == [MAIL]


def test_a_takeover_tells_the_peer_until_it_is_fulfilled() -> None:
    """Goal: a wish is state, too. Method: what this node says before and after."""
    driven = watching()
    driven.happens(takeover())
    assert driven.node.said is not None
    assert driven.node.said.groups[0].wanted
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    assert not driven.node.said.groups[0].wanted


def test_a_takeover_is_done_when_the_groups_serve_here() -> None:
    """Goal: done means done. Method: handed over, started."""
    driven = watching()
    actions = driven.happens(takeover())
    actions += driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    assert ended(actions) == []
    assert ended(driven.started()) == [JobResult.DONE]
    assert driven.node.jobs == ()


@pytest.mark.parametrize("scope", Scope)
def test_a_takeover_of_what_is_here_is_done_at_once(scope: Scope) -> None:
    """Goal: asking for what is is no fault. Method: a group of ours that serves here."""
    driven = serving()
    assert ended(driven.happens(takeover(scope=scope))) == [JobResult.DONE]


def test_a_takeover_waits_for_a_group_that_is_starting_here() -> None:
    """Goal: done means serving. Method: asked in the middle of a start."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.peer_says(DISK, GroupState.STOPPED)
    assert ended(driven.happens(takeover())) == []
    assert wanted(driven) == [], "it is ours already"
    assert ended(driven.started()) == [JobResult.DONE]


def test_a_takeover_retries_an_own_group_that_failed_to_start() -> None:
    """Goal: the administrator mended the disk. Method: failed on both nodes, then asked for."""
    driven = failed_here_and_there()
    assert driven.disk.owner == HERE
    actions = driven.happens(takeover())
    assert ended(actions) == []
    driven.peer_says(DISK, GroupState.STOPPED)
    assert driven.state() is GroupState.STARTING
    assert ended(driven.started()) == [JobResult.DONE]


def failed_here_and_there() -> Driven:
    """The disk starts on neither node, and stays with this one."""
    driven = watching()
    driven.peer_says(DISK, GroupState.START_FAILED, owner=HERE, epoch=1)
    driven.start_fails()
    driven.stopped()
    assert driven.state() is GroupState.START_FAILED
    return driven


def failed_here_serving_there() -> Driven:
    """The disk failed to start here and serves there."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    driven.start_fails()
    driven.stopped()
    driven.peer_says(DISK, GroupState.STARTED)
    assert (driven.state(), driven.disk.owner) == (GroupState.START_FAILED, THERE)
    return driven


def test_a_takeover_tries_again_what_once_failed_here_and_serves_there() -> None:
    """Goal: a mended node gets its group back. Method: failed here, served there, asked for."""
    driven = failed_here_serving_there()
    actions = driven.happens(takeover())
    assert ended(actions) == []
    assert wanted(driven) == [DISK]
    actions = driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=3)
    assert len(only(StartGroup, actions)) == 1
    assert ended(driven.started()) == [JobResult.DONE]


def test_a_takeover_calls_back_a_group_that_is_being_given() -> None:
    """Goal: the last word counts. Method: standby, and a takeover before it has gone."""
    driven = serving()
    driven.happens(standby(job=JobId(1)))
    actions = driven.happens(takeover(job=JobId(2)))
    assert ended(actions) == [JobResult.FAILED], "the standby, which will not come to pass"
    assert len(only(StartGroup, driven.stopped())) == 1
    assert ended(driven.started()) == [JobResult.DONE]


def test_a_group_that_is_called_back_does_not_go_home_by_itself() -> None:
    """Goal: the operator's last word stands. Method: due to go home, given, and called back."""
    driven = watching()
    driven.hears_goodbye()
    driven.started()
    driven.peer_restarts()
    driven.said = Report(
        Phase.ACTIVE, driven.said.deadtime_usec, driven.said.groups, heard=driven.node.generation
    )
    driven.peer_says(DISK, GroupState.PARTIAL)
    assert driven.disk.failback_due, "not yet: its node is not ready for it"
    driven.happens(standby(job=JobId(1)))
    driven.happens(takeover(job=JobId(2)))
    driven.peer_says(DISK, GroupState.STOPPED)
    assert len(only(StartGroup, driven.stopped())) == 1
    driven.started()
    assert only(StopGroup, driven.listens(5)) == []


def test_a_takeover_fails_when_the_start_does() -> None:
    """Goal: the operator hears of it. Method: handed over, start fails."""
    driven = watching()
    driven.happens(takeover())
    driven.peer_says(DISK, GroupState.STOPPED, owner=HERE, epoch=1)
    driven.start_fails()
    actions = driven.stopped()
    assert ended(actions) == [JobResult.FAILED]
    assert driven.disk.owner == THERE


def test_a_takeover_fails_when_the_group_cannot_be_stopped_here() -> None:
    """Goal: no waiting for what will not come. Method: ours, and it would not stop."""
    driven = serving()
    driven.happens(ResourceLost(DISK, "disk-last", "died"))
    driven.start_fails()
    driven.stop_fails()
    assert ended(driven.happens(takeover())) == [JobResult.FAILED]


def test_a_takeover_that_the_peer_does_not_follow_ends_in_time() -> None:
    """Goal: no job waits for ever. Method: three minutes of an unmoved peer."""
    driven = watching()
    driven.happens(takeover())
    assert ended(driven.listens(179)) == []
    assert ended(driven.listens(1)) == [JobResult.TIMEOUT]
    assert wanted(driven) == [], "and nothing is wanted any more"


def test_a_wish_outlives_one_of_two_jobs_that_hold_it() -> None:
    """Goal: jobs are apart. Method: two takeovers of one group, the older times out."""
    driven = watching()
    driven.happens(takeover(job=JobId(1)))
    driven.listens(60)
    driven.happens(takeover(job=JobId(2)))
    assert [f.job for f in only(FinishJob, driven.listens(120))] == [JobId(1)]
    assert wanted(driven) == [DISK]
    assert [f.job for f in only(FinishJob, driven.listens(60))] == [JobId(2)]
    assert wanted(driven) == []


def test_a_takeover_is_fulfilled_by_the_peers_goodbye() -> None:
    """Goal: one road for wish and failure. Method: asked for, and then the peer leaves."""
    driven = watching()
    driven.happens(takeover())
    driven.hears_goodbye()
    assert ended(driven.started()) == [JobResult.DONE]


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_takeover_is_refused_where_it_cannot_be(is_lost: bool) -> None:
    """Goal: refused at once, nothing changed. Method: while starting; while the peer is lost."""
    driven = watching() if is_lost else fresh({DISK: THERE})
    if is_lost:
        driven.is_lost()
    assert ended(driven.happens(takeover())) == [JobResult.REFUSED]
    assert wanted(driven) == []
    assert driven.node.jobs == ()


def test_a_takeover_is_refused_when_the_peer_cannot_stop_the_group() -> None:
    """Goal: what runs there comes not here. Method: the peer said that it will not stop."""
    driven = watching()
    driven.peer_says(DISK, GroupState.STOP_FAILED)
    assert ended(driven.happens(takeover())) == [JobResult.REFUSED]


def test_a_takeover_is_refused_when_the_peer_does_not_have_the_group() -> None:
    """Goal: no three minutes' wait for nothing. Method: another haresources over there."""
    driven = watching()
    driven.said = Report(Phase.ACTIVE, driven.said.deadtime_usec, (), heard=driven.node.generation)
    driven.hears()
    assert ended(driven.happens(takeover())) == [JobResult.REFUSED]


def test_a_takeover_while_leaving_is_refused() -> None:
    """Goal: a node on its way out takes nothing. Method: leave, then ask."""
    driven = watching()
    driven.node = serving().node
    driven.happens(LeaveRequested())
    assert ended(driven.happens(takeover())) == [JobResult.REFUSED]


# --- standby ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "given"),
    [(Scope.ALL, [DISK]), (Scope.LOCAL, [DISK]), (Scope.FOREIGN, []), (Scope.FAILBACK, [])],
)
def test_a_standby_gives_the_groups_of_its_scope_that_are_here(
    scope: Scope, given: list[GroupName]
) -> None:
    """Goal: heartbeat's words. Method: each, with every group at home."""
    driven = joined(BOTH)
    driven.happens(standby(scope=scope))
    assert giving(driven) == given


@pytest.mark.parametrize(
    ("scope", "given"),
    [(Scope.ALL, [MAIL]), (Scope.LOCAL, []), (Scope.FOREIGN, [MAIL]), (Scope.FAILBACK, [MAIL])],
)
def test_a_standby_sends_the_peers_groups_back(scope: Scope, given: list[GroupName]) -> None:
    """Goal: heartbeat's words. Method: each, with the peer's group here and ours there."""
    driven = swapped()
    driven.peer_says(MAIL, GroupState.STOPPED)
    driven.happens(standby(scope=scope))
    assert giving(driven) == given


def test_a_standby_of_named_groups_means_those() -> None:
    """Goal: one group of many. Method: two here, one named; a stranger's name means nothing."""
    driven = joined({DISK: HERE, MAIL: HERE})
    driven.happens(standby(MAIL))
    assert giving(driven) == [MAIL]


def test_a_standby_is_done_when_the_peer_serves() -> None:
    """Goal: done means served there. Method: stopped, handed over, started there."""
    driven = serving()
    actions = driven.happens(standby())
    assert len(only(StopGroup, actions)) == 1
    actions += driven.stopped()
    assert ended(actions) == []
    assert ended(driven.peer_says(DISK, GroupState.STARTING)) == []
    assert ended(driven.peer_says(DISK, GroupState.STARTED)) == [JobResult.DONE]


def test_a_standby_with_nothing_to_give_is_done_at_once() -> None:
    """Goal: asking for what is is no fault. Method: the peer has everything."""
    driven = watching()
    assert ended(driven.happens(standby())) == [JobResult.DONE]


def test_a_standby_fails_when_the_peer_cannot_start_it() -> None:
    """Goal: the operator hears of it. Method: it says that it failed."""
    driven = serving()
    driven.happens(standby())
    driven.stopped()
    assert ended(driven.peer_says(DISK, GroupState.START_FAILED)) == [JobResult.FAILED]


def test_a_standby_fails_when_the_peer_goes_away() -> None:
    """Goal: the group comes back and the operator hears why. Method: goodbye in the middle."""
    driven = serving()
    driven.happens(standby())
    assert ended(driven.hears_goodbye()) == [JobResult.FAILED]
    assert len(only(StartGroup, driven.stopped())) == 1


def test_a_standby_that_takes_too_long_ends_in_time() -> None:
    """Goal: no job waits for ever. Method: the peer never starts it."""
    driven = serving()
    driven.happens(standby())
    driven.stopped()
    assert ended(driven.listens(180)) == [JobResult.TIMEOUT]


def test_a_standby_fails_when_this_node_leaves() -> None:
    """Goal: every job has an end. Method: leave in the middle."""
    driven = serving()
    driven.happens(standby())
    assert ended(driven.happens(LeaveRequested())) == [JobResult.FAILED]


def refused_standby(driven: Driven) -> None:
    """The standby is refused, and nothing is different for it."""
    before = driven.node.groups
    assert ended(driven.happens(standby())) == [JobResult.REFUSED]
    assert driven.node.groups == before
    assert driven.node.jobs == ()


def test_a_standby_is_refused_while_starting() -> None:
    """Goal: first look, then move. Method: a daemon that has just been started."""
    refused_standby(fresh())


def test_a_standby_is_refused_without_a_peer_that_serves() -> None:
    """Goal: nobody to give to. Method: fenced; lost; starting; speaking to our former life."""
    refused_standby(alone())
    lost = serving()
    lost.is_lost()
    refused_standby(lost)
    starting = serving()
    starting.peer_is(Phase.STARTING)
    refused_standby(starting)
    stranger = serving()
    stranger.peer_restarts()
    refused_standby(stranger)


def test_a_standby_is_refused_to_a_peer_without_the_group() -> None:
    """Goal: another haresources serves nothing. Method: a report that does not mention it."""
    driven = serving()
    driven.said = Report(Phase.ACTIVE, driven.said.deadtime_usec, (), heard=driven.node.generation)
    driven.hears()
    refused_standby(driven)


@pytest.mark.parametrize("word", [GroupState.START_FAILED, GroupState.STOP_FAILED])
def test_a_standby_is_refused_to_a_peer_that_failed_with_the_group(word: GroupState) -> None:
    """Goal: no trip to a node that fails it. Method: its own word."""
    driven = serving()
    driven.peer_says(DISK, word)
    refused_standby(driven)


def test_a_standby_is_refused_for_a_group_that_will_not_stop() -> None:
    """Goal: what cannot go is not promised. Method: it would not stop here."""
    driven = serving()
    driven.happens(ResourceLost(DISK, "disk-last", "died"))
    driven.start_fails()
    driven.stop_fails()
    refused_standby(driven)


def test_a_refusal_of_one_group_moves_none() -> None:
    """Goal: nothing half-applied. Method: two groups, one of which cannot go."""
    driven = joined({DISK: HERE, MAIL: HERE})
    driven.peer_says(MAIL, GroupState.START_FAILED)
    refused_standby(driven)
    assert giving(driven) == []


# --- both -------------------------------------------------------------------------------------


def test_a_stall_gives_jobs_their_time_back() -> None:
    """Goal: a suspended operator's wish is not late. Method: sleep past the job's end."""
    driven = watching()
    driven.happens(takeover())
    driven.sleeps(3600)
    assert ended(driven.ticks()) == []
    assert driven.node.jobs[0].deadline > driven.now


def test_every_job_is_finished_exactly_once() -> None:
    """Goal: the bus waits for one word per job. Method: many jobs through a busy story."""
    driven = serving()
    actions: Actions = ()
    for number in range(1, 9):
        event = takeover if number % 2 else standby
        actions += driven.happens(event(job=JobId(number)))
    actions += driven.stopped() if driven.state() is GroupState.STOPPING else ()
    actions += driven.hears_goodbye()
    actions += driven.passes(200)
    assert sorted(f.job for f in only(FinishJob, actions)) == [JobId(n) for n in range(1, 9)]
