"""The witness of the virtual machines reads iSCSI right: else it would swear to anything."""

from __future__ import annotations

import pytest

from tests.vm.harness.iscsi import GOOD, RESERVATION_CONFLICT, Command, Conversation

WRITE_10 = bytes([0x2A, 0, 0, 0, 0x12, 0x34, 0, 0, 8, 0])
TEST_UNIT_READY = bytes(6)
PREEMPT_AND_ABORT = bytes([0x5F, 0x05, 0x03, 0, 0, 0, 0, 0, 24, 0])
WROTE = Command("write", 0x1234, 8)


def pdu(code: int, tag: int, tail: bytes, *, status: int = 0, data: bytes = b"") -> bytes:
    """A PDU as RFC 7143 draws it: 48 bytes of header, then data padded to 4."""
    head = bytearray(48)
    head[0], head[3] = code, status
    head[1] = 0x81 if code == 0x25 else 0x80
    head[5:8] = len(data).to_bytes(3, "big")
    head[16:20] = tag.to_bytes(4, "big")
    head[32 : 32 + len(tail)] = tail
    return bytes(head) + data + bytes(-len(data) % 4)


def ask(tag: int, cdb: bytes, data: bytes = b"") -> bytes:
    return pdu(0x01, tag, cdb, data=data)


def answer(tag: int, status: int) -> bytes:
    return pdu(0x21, tag, b"", status=status)


@pytest.mark.parametrize("piece", [1, 7, 48, 53, 4096])
def test_a_write_is_seen_however_the_stream_is_cut(piece: int) -> None:
    """Goal: TCP has no borders. Method: the same bytes in pieces of several sizes."""
    talk = Conversation()
    stream = ask(1, TEST_UNIT_READY) + ask(2, WRITE_10, b"x" * 4097) + ask(3, WRITE_10, b"yz")
    begun = [
        command
        for place in range(0, len(stream), piece)
        for command in talk.asks(stream[place : place + piece])
    ]
    assert begun == [WROTE, WROTE]


def test_a_command_is_what_its_own_answer_says() -> None:
    """Goal: a refused write is no write. Method: two writes, answered in the other order."""
    talk = Conversation()
    talk.asks(ask(1, WRITE_10) + ask(2, WRITE_10))
    assert talk.answers(answer(2, RESERVATION_CONFLICT)) == [(WROTE, RESERVATION_CONFLICT)]
    assert list(talk.open) == [(1).to_bytes(4, "big")]
    assert talk.answers(answer(1, GOOD)) == [(WROTE, GOOD)]
    assert talk.open == {}


def test_data_that_looks_like_a_command_is_none() -> None:
    """Goal: what a file holds is no deed. Method: a write whose data is a write's PDU."""
    talk = Conversation()
    assert talk.asks(ask(1, WRITE_10, ask(7, WRITE_10))) == [WROTE]


def test_a_reservation_is_told_by_its_service_action() -> None:
    """Goal: who preempts is seen. Method: PERSISTENT RESERVE OUT, and what else is a write."""
    talk = Conversation()
    assert talk.asks(ask(1, PREEMPT_AND_ABORT)) == [Command("preempt-abort")]
    write_16 = bytes([0x8A, 0]) + (1 << 33).to_bytes(8, "big") + (16).to_bytes(4, "big") + b"\0\0"
    assert talk.asks(ask(2, write_16)) == [Command("write", 1 << 33, 16)]
    assert not Command("preempt-abort").changes_data
