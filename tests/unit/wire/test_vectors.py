"""Every message captured from real heartbeat 3.0.6 nodes, through our codec and back."""

from __future__ import annotations

import pytest

from hbd.wire import classic, netstring
from hbd.wire.message import Message, MessageType
from hbd.wire.session import Session
from tests.unit.wire.captures import (
    SCENARIOS,
    UNIX_TIME,
    Capture,
    Sighting,
    created_fields,
    load,
)

CAPTURED_MESSAGES = 1865


@pytest.fixture(params=SCENARIOS)
def capture(request: pytest.FixtureRequest) -> Capture:
    return load(request.param)


def encoded_again(capture: Capture, sighting: Sighting, message: Message) -> bytes:
    """What our encoder makes of it, in the form and with the key it was seen in."""
    key = capture.key(sighting.signing_index)
    if sighting.raw.startswith(b"###"):
        return netstring.encode(message, key, inner_auth=b")auth=" in sighting.raw)
    return classic.encode(message, key)


def test_every_captured_message_verifies_and_encodes_to_the_same_bytes(capture: Capture) -> None:
    """Goal: our wire is heartbeat's wire, signatures included (outer, inner and classic).

    Method: decode, which verifies, and encode again; the bytes must be those that were seen.
    """
    for sighting, message in capture.messages():
        assert encoded_again(capture, sighting, message) == sighting.raw.removesuffix(b"\0")


def test_no_captured_message_is_left_out() -> None:
    """Goal: the test above is not green because files are missing. Method: count."""
    assert sum(len(load(name).sightings) for name in SCENARIOS) == CAPTURED_MESSAGES


def test_either_form_carries_every_captured_message(capture: Capture) -> None:
    """Goal: what goes out on UDP and on serial is one message. Method: change forms, compare."""
    key = capture.keyring.signing
    for _, message in capture.messages():
        as_netstring = netstring.encode(message, key)
        as_classic = classic.encode(message, key)
        assert netstring.decode(as_netstring, capture.keyring) == message
        assert classic.decode(as_classic, capture.keyring) == message


@pytest.mark.parametrize("name", ["ucast-sha1", "serial-crc", "rexmit-sha1", "bcast-md5-2links"])
def test_a_session_says_what_a_real_node_said_byte_for_byte(name: str) -> None:
    """Goal: header fields, their order, numbering and signing are heartbeat's.

    Method: for each node's messages of one life, hand the creator's fields to a session in its
    place, which has heard the peer; it must produce the datagrams that the real node sent.
    """
    capture = load(name)
    compared = 0
    for node in {sighting.source for sighting in capture.sightings}:
        said = first_life(capture, node)
        assert said[0][1].sequence == 1, "the capture begins with the node's first message"
        session = capture.session(node)
        session._generation = said[0][1].generation
        learnt_uuid = False
        for sighting, message in said:
            if message.value("destuuid") is not None and not learnt_uuid:
                hear_the_peer(capture, session, sighting)
                learnt_uuid = True
            outgoing = session.send(
                created_fields(message),
                now=sighting.at,
                unix_time=message.hexadecimal("ts") or 0,
                load_average=message.get("ld") or "",
            )
            form = outgoing.netstring if sighting.raw.startswith(b"###") else outgoing.classic
            assert form == sighting.raw
            compared += 1
    assert compared >= 8


def first_life(capture: Capture, node: str) -> list[tuple[Sighting, Message]]:
    """The numbered messages of the node's first generation by number, up to the first gap."""
    ours = [pair for pair in capture.messages() if pair[0].source == node]
    generation = ours[0][1].generation
    by_number: dict[int, tuple[Sighting, Message]] = {}
    for sighting, message in ours:
        if message.generation == generation and message.sequence is not None:
            by_number.setdefault(message.sequence, (sighting, message))
    said: list[tuple[Sighting, Message]] = []
    while len(said) + 1 in by_number:
        pair = by_number[len(said) + 1]
        if pair[1].destination == node:
            break  # to itself: a session of ours never does that, and knows no uuid but its peer's
        said.append(pair)
    return said


def hear_the_peer(capture: Capture, session: Session, before: Sighting) -> None:
    """Let the session hear the first status of the peer, so that it knows the peer's uuid."""
    for sighting, message in capture.messages():
        if sighting.source != before.source and message.known_type is MessageType.STATUS:
            session.receive(sighting.link, sighting.raw, sighting.at, UNIX_TIME)
            return
