"""Whole captures heard by a session in one node's place: it concludes what the real node did."""

from __future__ import annotations

import pytest

from hbd.cluster.terms import SECOND, Generation, Instant, NodeName
from hbd.wire import codec
from hbd.wire.session import Received, Session, Verdict
from tests.unit.wire.captures import (
    ALPHA,
    BETA,
    SCENARIOS,
    UNIX_TIME,
    Capture,
    Sighting,
    created_fields,
    load,
)

COMPLETE = [name for name in SCENARIOS if not load(name).is_thinned]
REXMIT_SLACK = 2
LOOP_GRANULARITY = SECOND // 2  # the real node acts on a message when its main loop wakes


class Listener:
    """A session in `node`'s place, and all that came of what it heard."""

    def __init__(self, capture: Capture, node: NodeName) -> None:
        self.session: Session = capture.session(node)
        self.heard: list[tuple[Sighting, Received]] = []
        self.asked: list[tuple[Instant, int]] = []
        self._keyring = capture.keyring

    def hear(self, sighting: Sighting) -> Received:
        """Hear it at its time; what was due before is asked for before."""
        while (due := self.session.next_due()) is not None and due <= sighting.at:
            for outgoing in self.session.due(due, UNIX_TIME):
                message = codec.decode(outgoing.netstring, self._keyring)
                if message.type == "NS_rexmit":
                    assert message.value("firstseq") == message.value("lastseq")
                    self.asked.append((due, message.decimal("firstseq") or 0))
        received = self.session.receive(sighting.link, sighting.raw, sighting.at, UNIX_TIME)
        self.heard.append((sighting, received))
        return received

    def restarts(self) -> list[Instant]:
        return [sighting.at for sighting, received in self.heard if received.restarted]

    def healings(self) -> list[Instant]:
        return [sighting.at for sighting, received in self.heard if received.healed]


def listened(name: str, node: NodeName) -> Listener:
    capture = load(name)
    listener = Listener(capture, node)
    for sighting in capture.heard_by(node):
        listener.hear(sighting)
    return listener


@pytest.mark.parametrize("node", [ALPHA, BETA])
@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_that_a_real_node_said_is_refused(name: str, node: NodeName) -> None:
    """Goal: interoperation in every captured story, also with two keys. Method: count refusals."""
    assert listened(name, node).session.rejected == {}


@pytest.mark.parametrize("node", [ALPHA, BETA])
@pytest.mark.parametrize("name", COMPLETE)
def test_of_a_complete_capture_every_number_is_delivered_once(name: str, node: NodeName) -> None:
    """Goal: no message is taken for a duplicate or a hole that was none. Method: count numbers."""
    listener = listened(name, node)
    sent = {
        (message.generation, message.sequence)
        for sighting, message in load(name).messages()
        if sighting.source != node and message.sequence is not None
    }
    delivered = [
        (received.message.generation, received.message.sequence)
        for _, received in listener.heard
        if received.message is not None
        and received.message.sequence is not None
        and received.verdict in (Verdict.NEW, Verdict.LATE, Verdict.NOT_FOR_US)
    ]
    assert len(delivered) == len(set(delivered))
    assert set(delivered) == sent
    assert listener.session.missing_count == 0


@pytest.mark.parametrize(
    ("name", "node", "times"),
    [
        ("fast-restart-sha1", BETA, [24.5]),
        ("fast-restart-sha1", ALPHA, []),
        ("ucast-sha1", BETA, [60.6, 94.7]),
        ("ucast-sha1", ALPHA, []),
        ("serial-crc", ALPHA, [45.1]),
        ("bcast-md5-2links", BETA, [37.7]),
        ("ucast-sha1-2groups", ALPHA, [47.2]),
        ("rexmit-sha1", BETA, []),
    ],
)
def test_each_restart_of_the_peer_is_seen_once(
    name: str, node: NodeName, times: list[float]
) -> None:
    """Goal: `restarted` when the operator restarted it, and not otherwise. Method: the times."""
    seen = [at / SECOND for at in listened(name, node).restarts()]
    assert seen == pytest.approx(times, abs=0.6)


@pytest.mark.parametrize("node", [ALPHA, BETA])
def test_a_healed_partition_is_seen_and_then_the_restart(node: NodeName) -> None:
    """Goal: the same life after a loss is `healed`; heartbeat then restarts itself.

    Method: the peer is declared lost when the real node did, 5 s after the cut at 28.1 s. (The
    capture is thinned: of the heartbeats after the heal at 43.1 s only those at 47 s are in it.)
    """
    capture = load("partition-heal-sha1")
    listener = Listener(capture, node)
    is_lost = False
    for sighting in capture.heard_by(node):
        if sighting.at > 33.6 * SECOND and not is_lost:
            listener.session.peer_lost()
            is_lost = True
        listener.hear(sighting)
    (healed,) = listener.healings()
    assert 43 * SECOND < healed < 48 * SECOND
    (restarted,) = listener.restarts()
    assert 53 * SECOND < restarted < 56 * SECOND


def test_under_loss_it_asks_for_what_the_real_node_asked_for() -> None:
    """Goal: the same holes, the same pace, and all filled in the end.

    Method: hpb dropped a quarter of what it received; drop what it must have dropped (every copy
    of a number it asked for, but the last) and compare the requests with those it sent.
    """
    capture = load("rexmit-sha1")
    wanted: dict[int, list[Instant]] = {}
    copies: dict[int, int] = {}
    for sighting, message in capture.messages():
        if sighting.source == BETA and message.type == "NS_rexmit":
            wanted.setdefault(message.decimal("firstseq") or 0, []).append(sighting.at)
        if sighting.source == ALPHA and message.sequence is not None:
            copies[message.sequence] = copies.get(message.sequence, 0) + 1

    listener = Listener(capture, BETA)
    for sighting in capture.heard_by(BETA):
        number = codec.decode(sighting.raw, capture.keyring).sequence
        if number in wanted:
            copies[number] -= 1
            if copies[number] > 0:
                continue
        listener.hear(sighting)

    asked: dict[int, list[Instant]] = {}
    for at, number in listener.asked:
        asked.setdefault(number, []).append(at)
    assert set(asked) == set(wanted)
    assert listener.session.missing_count == 0
    for number, times in wanted.items():
        assert abs(len(asked[number]) - len(times)) <= REXMIT_SLACK
        assert abs(asked[number][0] - times[0]) <= LOOP_GRANULARITY


def test_a_message_that_was_withheld_is_asked_for_and_arrives() -> None:
    """Goal: the capture in which one number was skipped once. Method: who was asked, for what."""
    listener = listened("independent-peer-skip", ALPHA)
    assert {number for _, number in listener.asked} == {15}
    late = [
        r.message.sequence for _, r in listener.heard if r.verdict is Verdict.LATE and r.message
    ]
    assert late == [15]


def test_two_links_deliver_once_and_are_both_alive() -> None:
    """Goal: serial and Ethernet carry the same. Method: copies are duplicates, both refresh."""
    listener = listened("serial+ucast-sha1", BETA)
    refreshed = {sighting.link for sighting, r in listener.heard if r.refreshes_link}
    assert refreshed == {sighting.link for sighting, _ in listener.heard}
    duplicates = [s.link for s, r in listener.heard if r.verdict is Verdict.DUPLICATE]
    assert duplicates


@pytest.mark.parametrize("name", ["ucast-sha1", "serial-crc", "rexmit-sha1"])
def test_the_real_node_s_acknowledgements_let_our_history_go(name: str) -> None:
    """Goal: heartbeat's ACKs are understood. Method: say what hpa said, hear hpb's answers."""
    capture = load(name)
    session = capture.session(ALPHA)
    generation = next(m.generation for s, m in capture.messages() if s.source == ALPHA)
    session._generation = Generation(generation)
    said = 0
    for sighting, message in capture.messages():
        if message.generation != generation and sighting.source == ALPHA:
            break
        if sighting.source == ALPHA and message.sequence == said + 1:
            session.send(
                created_fields(message),
                now=sighting.at,
                unix_time=UNIX_TIME,
                load_average="",
            )
            said += 1
        if sighting.source == BETA:
            session.receive(sighting.link, sighting.raw, sighting.at, UNIX_TIME)
    assert said > 20
    assert len(session._history) <= 15
