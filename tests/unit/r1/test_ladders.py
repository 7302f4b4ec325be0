"""hbd in the place of one heartbeat of a captured pair: it follows what the other one said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hbd.cluster.event import StandbyRequested, TakeoverRequested
from hbd.cluster.terms import (
    SECOND,
    AutoFailback,
    GroupName,
    JobId,
    JobResult,
    NodeName,
    PeerStatus,
    Scope,
)
from hbd.wire.message import MessageType
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
    ("serial-crc", BETA): (BOTH, 0.0, []),
}


@pytest.mark.parametrize(("name", "me"), LADDERS)
def test_we_hold_what_a_heartbeat_in_our_place_held(name: str, me: NodeName) -> None:
    """Goal: the real node's words move our groups. Method: what it said, at its times."""
    homes, begins, moments = LADDERS[name, me]
    replayed = Replayed(load(name), me, homes, begins=begins)
    for moment, running in moments:
        replayed.until(moment)
        assert replayed.running == running, (moment, replayed.node.groups)
    assert replayed.translator.is_heartbeat or not moments
