"""Whatever happens in whatever order, the core holds its promises and never raises.

Hypothesis throws the seeds, and on a failure looks for the shortest life that still fails; what it
prints, `life_of(seed, length)`, is the story.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from hbd.cluster.action import (
    Fence,
    FinishJob,
    ForgetGroup,
    KeepMaintenance,
    Quit,
    Reboot,
    ReviseGroup,
    StartGroup,
    StopGroup,
)
from hbd.cluster.change import changes, holder, links_up
from hbd.cluster.event import (
    ClockTicked,
    ConfigurationChanged,
    DiskLost,
    FailureCleared,
    MaintenanceSet,
    PeerConfirmedDown,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.node import Group
from hbd.cluster.step import next_deadline
from hbd.cluster.terms import Fencing, GroupState, JobResult, Means, PeerStatus, Phase
from hbd.wire.report import decode_report, encode_report
from tests.unit.cluster.anything import Taken, life_of
from tests.unit.cluster.driven import HERE, THERE

REQUESTS = (
    TakeoverRequested,
    StandbyRequested,
    MaintenanceSet,
    PeerConfirmedDown,
    FailureCleared,
)
LIVES = settings(max_examples=30, deadline=None)

seeds = st.integers(0, 2**32 - 1)
lengths = st.integers(1, 120)


@LIVES
@given(seeds, lengths)
def test_no_sequence_of_events_breaks_an_invariant(seed: int, length: int) -> None:
    """Goal: no event, however odd or late, stops the daemon, or has its timer due for ever.

    Method: every step asserts the invariants, every tick that the next deadline lies ahead.
    """
    for taken in life_of(seed, length):
        assert taken.after.stepped_at == taken.now


@LIVES
@given(seeds, lengths)
def test_the_same_events_lead_to_the_same_belief(seed: int, length: int) -> None:
    """Goal: an incident can be replayed. Method: live twice and compare every step."""
    assert list(life_of(seed, length)) == list(life_of(seed, length))


@LIVES
@given(seeds, lengths)
def test_nothing_is_started_that_the_peer_may_run(seed: int, length: int) -> None:
    """Goal: never two writers. Method: each start has one of three licences.

    The peer is out; or it knows us and says that the group is stopped there; or the group served
    here until this very step and lost a resource.
    """
    for taken in life_of(seed, length):
        peer = taken.after.peer
        for action in taken.actions:
            if not isinstance(action, StartGroup):
                continue
            group = taken.after.group(action.group)
            assert group is not None
            assert taken.after.owns(group)
            word = peer.word_on(group.name)
            clear = taken.after.is_known_to_peer and word is not None and not word.state.is_held
            stuck = group.name in peer.stuck and not peer.proven
            out = peer.status is PeerStatus.LEFT or (peer.status is PeerStatus.FENCED and not stuck)
            was = taken.before.group(group.name)
            assert was is not None
            revived = group.revived_at == taken.now and was.state is GroupState.STARTED
            assert clear or out or revived


@LIVES
@given(seeds, lengths)
def test_nobody_is_fenced_by_what_ha_cf_forbids(seed: int, length: int) -> None:
    """Goal: the policy holds whatever happens. Method: every ask, and who it is about."""
    permitted = {
        Fencing.AUTO: tuple(Means),
        Fencing.RESERVATION: (Means.RESERVATION,),
        Fencing.STONITH: (Means.STONITH,),
        Fencing.NONE: (Means.NONE,),
        Fencing.REQUIRED: (Means.RESERVATION, Means.STONITH),
    }
    for taken in life_of(seed, length):
        for action in taken.actions:
            if not isinstance(action, Fence):
                continue
            assert action.target == THERE
            assert action.means in permitted[taken.after.fencing]
            assert action.means is not Means.STONITH or taken.after.has_stonith
            assert taken.after.peer.status is PeerStatus.LOST
            groups = [taken.after.group(name) for name in action.groups]
            exposed = [g for g in groups if g is None or (g.has_disk and not g.reserved)]
            assert action.means is not Means.RESERVATION or not exposed


@LIVES
@given(seeds, lengths)
def test_a_node_reboots_only_for_a_group_that_will_not_stop(seed: int, length: int) -> None:
    """Goal: the last resort is the last. Method: every reboot has a failed stop before it."""
    for taken in life_of(seed, length):
        for action in taken.actions:
            if isinstance(action, Reboot):
                group = taken.after.group(action.group)
                assert group is not None
                assert group.state is GroupState.STOP_FAILED
                leaves = taken.after.phase is Phase.LEAVING  # and has waited for long enough
                tried = group.stop_failures >= taken.after.limits.stop_tries
                assert group.disk_lost or leaves or tried


@LIVES
@given(seeds, lengths)
def test_a_disk_that_was_lost_is_never_served_from(seed: int, length: int) -> None:
    """Goal: no client sees yesterday's disk. Method: no lost disk in a group that is ours."""
    for taken in life_of(seed, length):
        for group in taken.after.groups:
            serves = group.state in (GroupState.STARTED, GroupState.STARTING)
            assert not (group.disk_lost and serves)


def both(taken: Taken) -> list[tuple[Group, Group]]:
    """Each group that was there before and after a step; a reload lets them come and go."""
    after = {group.name: group for group in taken.after.groups}
    return [(was, after[was.name]) for was in taken.before.groups if was.name in after]


def claimed(taken: Taken, group: Group) -> bool:
    """Whether this step ends the start, and with it makes ours what was found serving."""
    joins = taken.before.phase is Phase.STARTING and taken.after.phase is Phase.ACTIVE
    return joins and group.epoch == 1 and group.state is GroupState.STARTED


@LIVES
@given(seeds, lengths)
def test_in_maintenance_nothing_is_started_taken_or_fenced(seed: int, length: int) -> None:
    """Goal: somebody works on the machine. Method: the actions and owners of every such step.

    What is stopped is not ours, or mounted from a lost disk, or a start that was begun before, or
    the node leaves. What the disk says goes: it may make the peer the owner.
    """
    for taken in life_of(seed, length):
        if not (taken.before.maintenance and taken.after.maintenance):
            continue
        assert not [a for a in taken.actions if isinstance(a, StartGroup | Fence)]
        if taken.after.phase is not Phase.ACTIVE:
            continue
        for was, group in both(taken):
            word = taken.after.peer.word_on(group.name)
            told = None if word is None else (word.epoch, word.owner)
            same = (was.epoch, was.owner) == (group.epoch, group.owner)
            moved_home = was.owner == group.owner and was.preferred != group.preferred
            as_told = (group.epoch, group.owner) == told
            preempted = isinstance(taken.event, DiskLost) and group.owner == THERE
            assert same or claimed(taken, group) or as_told or moved_home or preempted
            stopped = any(isinstance(a, StopGroup) and a.group == group.name for a in taken.actions)
            begun = was.state is GroupState.STARTING
            asked = isinstance(taken.event, FailureCleared)
            ours = taken.after.owns(group) and not group.disk_lost  # a stale mount goes anyhow
            assert not stopped or not ours or begun or asked


@LIVES
@given(seeds, lengths)
def test_nothing_is_taken_from_a_silent_peer_in_maintenance(seed: int, length: int) -> None:
    """Goal: who works on the other machine may let it fall silent. Method: every owner change."""
    for taken in life_of(seed, length):
        peer = taken.after.peer
        if not peer.maintenance or peer.is_heard:
            continue
        assert not [a for a in taken.actions if isinstance(a, Fence)]
        for was, group in both(taken):
            ours = taken.before.owns(was)
            taken_over = not ours and taken.after.owns(group) and group.epoch > was.epoch
            assert not taken_over or claimed(taken, group)


@LIVES
@given(seeds, lengths)
def test_a_timer_that_is_obeyed_is_never_armed_in_the_past(seed: int, length: int) -> None:
    """Goal: no busy loop. Method: after every tick in time the next deadline lies ahead."""
    for taken in life_of(seed, length):
        if isinstance(taken.event, ClockTicked) and taken.after.phase is not Phase.LEFT:
            assert next_deadline(taken.after) > taken.now


@LIVES
@given(seeds, lengths)
def test_every_request_is_answered_once_and_in_time(seed: int, length: int) -> None:
    """Goal: no caller waits for ever. Method: count requests, answers and jobs under way."""
    under_way = 0
    for taken in life_of(seed, length):
        if taken.before.phase is Phase.LEFT:
            break  # the daemon ends, and with it all who wait
        under_way += isinstance(taken.event, REQUESTS)
        under_way -= sum(isinstance(action, FinishJob) for action in taken.actions)
        assert under_way == len(taken.after.jobs)
        assert all(job.deadline > taken.now for job in taken.after.jobs)


@LIVES
@given(seeds, lengths)
def test_what_a_node_says_can_be_written_and_read(seed: int, length: int) -> None:
    """Goal: no belief is unspeakable. Method: every report through the wire's own form."""
    for taken in life_of(seed, length):
        for action in taken.actions:
            report = getattr(action, "report", None)
            if report is not None:
                assert decode_report(encode_report(report)) == report


@LIVES
@given(seeds, lengths)
def test_a_reload_starts_and_stops_only_what_it_changes(seed: int, length: int) -> None:
    """Goal: what did not change does not move. Method: the actions of every reload's step.

    Nothing is given away, and only a group of which the files say something else is stopped,
    revised or forgotten; what may run is neither revised nor forgotten before it was stopped.
    """
    for taken in life_of(seed, length):
        if not isinstance(taken.event, ConfigurationChanged):
            continue
        lines = {group.name: group for group in taken.event.groups}
        for action in taken.actions:
            if not isinstance(action, StopGroup | ReviseGroup | ForgetGroup):
                continue
            was = taken.before.group(action.group)
            line = lines.get(action.group)
            texts = () if was is None else tuple(resource.text for resource in was.resources)
            changed = line is None or line.resources != texts or line.kept < len(texts)
            due = was is not None and (not taken.before.owns(was) or was.is_changing)
            late = taken.now >= next_deadline(taken.before)
            assert changed or due or late
            if isinstance(action, ForgetGroup):
                assert was is not None
                assert not (was.state.is_held and was.resources) or late


@LIVES
@given(seeds, lengths)
def test_every_difference_can_be_told(seed: int, length: int) -> None:
    """Goal: the journal never fails, and hides no move. Method: the changes of every step."""
    for taken in life_of(seed, length):
        told = {(change.name, change.now) for change in changes(taken.before, taken.after)}
        for was, group in both(taken):
            if was.state is not group.state:
                assert (group.name, group.state.value) in told
            assert holder(taken.after, group) in (HERE, THERE, None)
        assert 0 <= links_up(taken.after) <= len(taken.after.links)


def test_the_lives_are_worth_living() -> None:
    """Goal: the dice reach every corner, or the promises above mean little.

    Method: over fixed seeds, count what groups, peer and node went through.
    """
    seen: Counter[object] = Counter()
    for seed in range(40):
        for taken in life_of(seed, 80):
            seen.update(group.state for group in taken.after.groups)
            seen.update([taken.after.peer.status, taken.after.phase])
            seen.update(type(action) for action in taken.actions)
            seen.update(a.means for a in taken.actions if isinstance(a, Fence))
            seen.update(a.result for a in taken.actions if isinstance(a, FinishJob))
    ends = set(JobResult) - {JobResult.TIMEOUT}  # three minutes of nothing are rare
    acts = [StartGroup, StopGroup, Fence, Reboot, Quit]
    acts += [KeepMaintenance, ReviseGroup, ForgetGroup]
    corners = [*Means, *GroupState, *PeerStatus, *Phase, *ends, *acts]
    assert [corner for corner in corners if not seen[corner]] == []
