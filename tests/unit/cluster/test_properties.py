"""Whatever happens in whatever order, the core holds its promises and never raises.

Hypothesis throws the seeds, and on a failure looks for the shortest life that still fails; what it
prints, `life_of(seed, length)`, is the story.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from hbd.cluster.action import FinishJob, Quit, StartGroup, StopGroup
from hbd.cluster.change import changes, holder, links_up
from hbd.cluster.event import StandbyRequested, TakeoverRequested
from hbd.cluster.terms import GroupState, JobResult, PeerStatus, Phase
from hbd.wire.report import decode_report, encode_report
from tests.unit.cluster.anything import life_of
from tests.unit.cluster.driven import HERE, THERE

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
def test_every_request_is_answered_once_and_in_time(seed: int, length: int) -> None:
    """Goal: no caller waits for ever. Method: count requests, answers and jobs under way."""
    under_way = 0
    for taken in life_of(seed, length):
        if taken.before.phase is Phase.LEFT:
            break  # the daemon ends, and with it all who wait
        under_way += isinstance(taken.event, TakeoverRequested | StandbyRequested)
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
def test_every_difference_can_be_told(seed: int, length: int) -> None:
    """Goal: the journal never fails, and hides no move. Method: the changes of every step."""
    for taken in life_of(seed, length):
        told = {(change.name, change.now) for change in changes(taken.before, taken.after)}
        for was, group in zip(taken.before.groups, taken.after.groups, strict=True):
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
            seen.update(a.result for a in taken.actions if isinstance(a, FinishJob))
    ends = set(JobResult) - {JobResult.TIMEOUT}  # three minutes of nothing are rare
    corners = [*GroupState, *PeerStatus, *Phase, *ends, StartGroup, StopGroup, Quit]
    assert [corner for corner in corners if not seen[corner]] == []
