"""Netlink's envelope: datagrams cut into messages, errors read."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.net.exchange import HEADER, Frame, failure, frames


def message(kind: int, payload: bytes, *, sequence: int = 7) -> bytes:
    """Return one message, padded as the kernel pads."""
    data = HEADER.pack(HEADER.size + len(payload), kind, 0, sequence, 0) + payload
    return data + bytes(-len(data) % 4)


def test_a_datagram_is_cut_at_every_message() -> None:
    """Goal: padding is skipped, content kept. Method: three messages of odd lengths."""
    found = list(frames(message(16, b"abc") + message(20, b"") + message(3, b"abcde")))
    assert [(frame.type, frame.data[HEADER.size :]) for frame in found] == [
        (16, b"abc"),
        (20, b""),
        (3, b"abcde"),
    ]
    assert {frame.sequence for frame in found} == {7}


@pytest.mark.parametrize("length", [0, 15, 24])
def test_a_length_that_cannot_be_is_refused(length: int) -> None:
    """Goal: no endless loop, no reading beyond. Method: too short and too long."""
    with pytest.raises(OSError) as refused:  # noqa: PT011 - the number says which, below
        list(frames(HEADER.pack(length, 16, 0, 7, 0) + b"abcd"))
    assert refused.value.errno == errno.EBADMSG


@given(data=st.binary(max_size=200))
def test_any_bytes_are_cut_or_refused(data: bytes) -> None:
    """Goal: total. Method: noise."""
    try:
        found = list(frames(data))
    except OSError as error:
        assert error.errno == errno.EBADMSG  # noqa: PT017 - not raising is as good
    else:
        assert sum(len(frame.data) for frame in found) <= len(data)


def test_an_acknowledgement_is_not_an_error() -> None:
    """Goal: zero is done, anything else errno. Method: both."""
    assert failure(Frame(2, 0, 7, message(2, struct.pack("=i", 0)))) is None
    error = failure(Frame(2, 0, 7, message(2, struct.pack("=i", -errno.EPERM))))
    assert error is not None
    assert error.errno == errno.EPERM
