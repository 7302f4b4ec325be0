"""hbd in the place of one heartbeat of a captured pair: it follows what the other one said."""

from __future__ import annotations

import pytest

from hbd.cluster.event import StandbyRequested, TakeoverRequested
from hbd.cluster.terms import SECOND, AutoFailback, GroupName, JobId, JobResult, NodeName, Scope
from hbd.wire.message import Exchange, Hold, MessageType
from tests.unit.r1.replayed import Replayed
from tests.unit.wire.captures import ALPHA, BETA, load

ONE, TWO = GroupName("Dummy1::argone"), GroupName("Dummy2")
BOTH = {ONE: ALPHA, TWO: BETA}

# What runs in our place at a moment (s), as it did in the real node's place there.
Moments = list[tuple[float, set[GroupName]]]
LADDERS: dict[tuple[str, NodeName], tuple[dict[GroupName, NodeName], float, Moments]] = {
    # The other stands by, takes over, stops, comes back, is killed, comes back.
    ("ucast-sha1", BETA): (
        {ONE: ALPHA},
        1.5,
        [
            (30, set()),
            (36, {ONE}),
            (46, set()),
            (55, {ONE}),
            (68, set()),
            (92, {ONE}),
            (104, set()),
        ],
    ),
    # We join one that serves everything, and are given what is ours.
    ("ucast-sha1-2groups", BETA): (BOTH, 17.1, [(19, set()), (24, {TWO}), (38, {TWO})]),
    # The other joins when we have taken everything for it, and is given its own.
    ("ucast-sha1-2groups", ALPHA): (BOTH, 0.0, [(12, {ONE, TWO}), (24, {ONE}), (38, {ONE})]),
    # It is killed and back before anybody missed it.
    ("fast-restart-sha1", BETA): (BOTH, 0.1, [(20, {TWO}), (45, {TWO})]),
    ("start-failure-sha1", BETA): (BOTH, 0.0, [(20, {TWO}), (50, {TWO})]),
}


@pytest.mark.parametrize(("name", "me"), LADDERS)
def test_we_hold_what_a_heartbeat_in_our_place_held(name: str, me: NodeName) -> None:
    """Goal: the real node's words move our groups. Method: what it said, at its times."""
    homes, begins, moments = LADDERS[name, me]
    replayed = Replayed(load(name), me, homes, begins=begins)
    for moment, running in moments:
        replayed.until(moment)
        assert replayed.running == running, (moment, replayed.node.groups)
    assert replayed.translator.is_heartbeat


LEGACY: dict[NodeName, tuple[float, Moments]] = {
    # We ask for our own; take the dead one's; give it back when it asks.
    BETA: (16.0, [(17.5, set()), (20, {TWO}), (37, {ONE, TWO}), (50, {TWO})]),
    # We are alone, and are asked for what is the other one's.
    ALPHA: (0.0, [(12, {ONE, TWO}), (20, {ONE}), (28, {ONE})]),
}


@pytest.mark.parametrize("me", LEGACY)
def test_in_legacy_mode_we_hold_what_a_heartbeat_in_our_place_held(me: NodeName) -> None:
    """Goal: ip-request and its answer, both roles. Method: the same."""
    begins, moments = LEGACY[me]
    capture = load("ucast-sha1-legacy")
    replayed = Replayed(
        capture, me, BOTH, failback=AutoFailback.LEGACY, begins=begins, dead=(29.6, 39.6)
    )
    for moment, running in moments:
        replayed.until(moment)
        assert replayed.running == running, (moment, replayed.node.groups)


def test_our_operator_sends_everything_away_and_has_it_back() -> None:
    """Goal: both of our operator's verbs, in the giver's place and the taker's.

    Method: the other one's part of a real standby and takeover; the words are ours, in order.
    """
    replayed = Replayed(load("ucast-sha1-2groups"), ALPHA, BOTH)
    replayed.until(65.25)
    assert replayed.running == {ONE}
    replayed.said.clear()
    replayed.post(StandbyRequested(JobId(1), Scope.LOCAL))
    replayed.until(70)
    assert (replayed.running, replayed.jobs) == (set(), {JobId(1): JobResult.DONE})
    replayed.until(73.26)
    replayed.post(TakeoverRequested(JobId(2), Scope.LOCAL))
    replayed.until(80)
    assert (replayed.running, replayed.jobs[JobId(2)]) == ({ONE}, JobResult.DONE)
    spoken = [
        (each.known_type, each.hold, each.exchange)
        for each in replayed.said
        if each.known_type in (MessageType.ASK_RESOURCES, MessageType.HB_TAKEOVER)
    ]
    assert [exchange for _, _, exchange in spoken] == [
        Exchange.ME,
        Exchange.DONE,
        None,
        Exchange.OTHER,
        Exchange.DONE,
    ]
    holds = [hold for _, hold, _ in spoken]
    assert holds == [Hold.LOCAL, Hold.LOCAL, Hold.LOCAL, Hold.FOREIGN, Hold.FOREIGN]


def test_nothing_is_started_before_the_peer_has_answered() -> None:
    """Goal: its silence is no word. Method: one that is asked, up to when it answers."""
    replayed = Replayed(load("ucast-sha1-2groups"), BETA, BOTH, begins=17.1)
    replayed.until(19)
    assert replayed.node.peer.is_heartbeat
    assert not replayed.node.is_known_to_peer
    types = [each.known_type for each in replayed.said]
    assert types.index(MessageType.REQNODES) < types.index(MessageType.STARTING)
    assert replayed.now == 19 * SECOND
    assert replayed.running == set()
