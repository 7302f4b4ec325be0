"""What a node says, and when: the heartbeat's rhythm, news between two beats, the watchdog."""

from __future__ import annotations

from hbd.cluster.action import Announce, ProveAlive, SendHeartbeat
from hbd.cluster.node import report_of
from hbd.cluster.step import next_deadline
from hbd.cluster.terms import SECOND, GroupState, Phase
from tests.unit.cluster.driven import (
    DISK,
    LIFE,
    TIMING,
    Actions,
    fresh,
    only,
    serving,
    watching,
)


def test_the_first_thing_a_node_does_is_to_say_that_it_is_there() -> None:
    """Goal: the peer hears of a start at once. Method: the first tick of a new daemon."""
    driven = fresh()
    (heartbeat,) = only(SendHeartbeat, driven.ticks())
    assert heartbeat.report.phase is Phase.STARTING
    assert heartbeat.report.deadtime_usec == TIMING.deadtime_usec
    assert [group.state for group in heartbeat.report.groups] == [GroupState.UNKNOWN]


def test_a_heartbeat_goes_out_every_keepalive() -> None:
    """Goal: the rhythm of ha.cf. Method: count them over a minute."""
    driven = serving()
    assert len(only(SendHeartbeat, driven.passes(60))) == 60


def test_a_late_timer_does_not_shift_the_rhythm() -> None:
    """Goal: small delays do not add up. Method: wake 0.3 s late, then look at the next beat."""
    driven = serving()
    due = driven.node.heartbeat_due
    driven.sleeps((due - driven.now) / SECOND + 0.3)
    driven.ticks()
    assert driven.node.heartbeat_due == due + SECOND


def test_missed_beats_are_not_made_up_for() -> None:
    """Goal: no burst after a delay. Method: wake two beats late: one beat, then one keepalive."""
    driven = serving()
    driven.sleeps(3.2)
    assert len(only(SendHeartbeat, driven.ticks())) == 1
    assert driven.node.heartbeat_due == driven.now + SECOND


def test_news_is_told_at_once_and_only_once() -> None:
    """Goal: the peer need not wait for the next beat. Method: a change between two beats."""
    driven = watching()
    driven.passes(0.5)
    actions = driven.peer_says(DISK, GroupState.STOPPED, owner=driven.node.name, epoch=1)
    (news,) = only(Announce, actions)
    assert news.report == report_of(driven.node)
    assert only(Announce, driven.ticks()) == []


def test_nothing_new_is_not_announced() -> None:
    """Goal: silence where nothing happens. Method: the same word of the peer, many times."""
    driven = serving()
    assert only(Announce, driven.listens(10)) == []


def test_a_heartbeat_says_what_an_announcement_would() -> None:
    """Goal: one message, not two. Method: a change at the very moment of the beat."""
    driven = watching()
    driven.now = driven.node.heartbeat_due
    actions = driven.peer_says(DISK, GroupState.STOPPED, owner=driven.node.name, epoch=1)
    (heartbeat,) = only(SendHeartbeat, actions)
    assert heartbeat.report == report_of(driven.node)
    assert only(Announce, actions) == []


def test_the_watchdog_is_fed_in_a_rhythm_of_deadtime_and_not_by_mere_activity() -> None:
    """Goal: three times while it waits once, busy or not. Method: events every 10 ms for 5 s."""
    driven = serving()
    actions: Actions = ()
    for _ in range(500):
        driven.sleeps(0.01)
        actions += driven.hears()
    assert 11 <= len(only(ProveAlive, actions)) <= 13


def test_a_report_names_the_life_of_the_peer_that_it_answers() -> None:
    """Goal: a restarted peer can tell new from old. Method: `heard` before and after a restart."""
    driven = serving()
    assert report_of(driven.node).heard == driven.peer_life
    driven.peer_restarts()
    assert report_of(driven.node).heard == driven.peer_life
    assert fresh().node.generation == LIFE
    assert report_of(fresh().node).heard == 0


def test_the_timer_is_never_armed_for_a_moment_already_dealt_with() -> None:
    """Goal: no busy loop. Method: after each due tick the next deadline lies ahead."""
    driven = serving()
    for _ in range(100):
        driven.now = next_deadline(driven.node)
        driven.ticks()
        assert next_deadline(driven.node) > driven.now
