"""Framing of the serial byte stream: whole messages out, whatever the line does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbd.wire import classic
from hbd.wire.stream import ClassicFramer
from tests.unit.wire.captures import load

CAPTURED = [sighting.raw for sighting in load("serial-crc").sightings]
ONE, TWO, THREE = CAPTURED[:3]


@given(st.lists(st.integers(1, 700), min_size=1, max_size=60))
def test_a_stream_cut_anywhere_gives_the_messages_that_were_sent(sizes: list[int]) -> None:
    """Goal: reads of any size do. Method: a captured line's bytes in pieces of random sizes."""
    stream = b"".join(CAPTURED[:40])
    framer = ClassicFramer()
    found = []
    position = 0
    while position < len(stream):
        for size in sizes:
            found += framer.feed(stream[position : position + size])
            position += size
    assert found == CAPTURED[:40]
    assert framer.noise_bytes == 0


def test_one_byte_at_a_time_is_enough() -> None:
    """Goal: the slowest line. Method: single bytes; each message is there with its last byte."""
    framer = ClassicFramer()
    for message in CAPTURED[:10]:
        *before, last = [framer.feed(message[i : i + 1]) for i in range(len(message))]
        assert not any(before)
        assert last == [message]


@pytest.mark.parametrize(
    ("noise", "lost_bytes"),
    [
        (b"a stray line\n", 13),
        (b"half a line", 11),
        (b"<<<\n", 4),
        (b">>>\n", 4),
        (b">>>\nt=status\nhalf a message\n", 28),
        (b"\0\0\0", 3),
        (b"\r\n\r\n", 4),
        (b"\n", 1),
        (b"login: ", 7),
    ],
)
def test_noise_between_two_messages_costs_neither(noise: bytes, lost_bytes: int) -> None:
    """Goal: resynchronise at once. Method: what a console, a BREAK or a cut leaves on a line."""
    framer = ClassicFramer()
    assert framer.feed(ONE + noise + TWO) == [ONE, TWO]
    assert framer.noise_bytes == lost_bytes


def test_a_message_cut_in_mid_line_costs_at_most_the_next_one() -> None:
    """Goal: a sender that gave up a write. Method: half a message, then whole ones."""
    framer = ClassicFramer()
    found = framer.feed(ONE[: len(ONE) // 2] + TWO + THREE)
    assert found[-1] == THREE
    assert len(found) == 2


def test_the_eighth_bit_and_carriage_returns_are_stripped() -> None:
    """Goal: what heartbeat's tty settings do, also where a device ignores them."""
    framer = ClassicFramer()
    spoilt = bytes(byte | 0x80 for byte in ONE).replace(b"\x8a", b"\x8d\x8a")
    assert framer.feed(spoilt) == [ONE]


def test_an_endless_message_is_given_up_at_the_limit() -> None:
    """Goal: bounded memory. Method: a start and no end; afterwards the next message is found."""
    framer = ClassicFramer(limit=1000)
    for _ in range(100):
        assert framer.feed(b">>>\n" + b"x=y\n" * 100) == []
        assert framer.feed(b"no newline " * 100) == []
        held = sum(map(len, framer._lines)) + len(framer._line)
        assert held <= 1000
    assert framer.feed(b"\n" + ONE) == [ONE]
    assert framer.noise_bytes == 100 * (4 + 400 + 1100) + 1


def test_after_a_hang_up_the_rest_of_a_message_is_noise() -> None:
    """Goal: two halves from before and after are never one message. Method: reset between."""
    framer = ClassicFramer()
    assert framer.feed(ONE[:50]) == []
    framer.reset()
    assert framer.feed(ONE[50:] + TWO) == [TWO]
    assert framer.noise_bytes == len(ONE)


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=80), max_size=20))
def test_what_comes_out_is_framed_and_every_other_byte_is_counted(pieces: list[bytes]) -> None:
    """Goal: total, and no byte disappears. Method: fuzz; sum up what came out and what is held."""
    framer = ClassicFramer()
    found = []
    for piece in pieces:
        found += framer.feed(piece)
    for message in found:
        assert message.startswith(classic.HEAD)
        assert message.endswith(b"\n" + classic.TAIL)
    out = sum(map(len, found))
    framer.reset()
    assert out + framer.noise_bytes == sum(map(len, pieces))
