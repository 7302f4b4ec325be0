"""The null-modem cable of the lab: carries, counts, is cut, keeps to its rate."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator

import pytest

from tests.lab.harness.serial import NullModem

WITHIN = 5.0  # s for bytes to come through


@pytest.fixture
def cable() -> Iterator[NullModem]:
    """A running cable of 19200 baud."""
    null_modem = NullModem()
    null_modem.start()
    yield null_modem
    null_modem.close()


def received(fd: int, count: int, within: float = WITHIN) -> bytes:
    """What arrives until `count` bytes are there or time is up."""
    data, deadline = b"", time.monotonic() + within
    while len(data) < count and (left := deadline - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            data += os.read(fd, count - len(data))
    return data


def reached(is_so: Callable[[], bool]) -> None:
    """The pump counts on its own thread, just after a byte has arrived."""
    deadline = time.monotonic() + WITHIN
    while not is_so():
        assert time.monotonic() < deadline, "the pump never counted so far"
        time.sleep(0.001)


def test_bytes_cross_both_ways_and_are_counted(cable: NullModem) -> None:
    """Goal: a real null-modem. Method: every byte value, both directions."""
    ends = [os.open(path, os.O_RDWR | os.O_NOCTTY) for path in cable.paths]
    alphabet = bytes(range(256))
    for here, there in (ends, ends[::-1]):
        os.write(here, alphabet)
        assert received(there, 256) == alphabet
    reached(lambda: cable.carried == (256, 256))
    for end in ends:
        os.close(end)


def test_nothing_crosses_a_cut_cable_and_nothing_comes_late(cable: NullModem) -> None:
    """Goal: cut bytes are lost, not queued. Method: cut, send, mend, send again."""
    here, there = (os.open(path, os.O_RDWR | os.O_NOCTTY) for path in cable.paths)
    cable.cut()
    os.write(here, b"lost")
    reached(lambda: cable.lost == (4, 0))
    cable.mend()
    os.write(here, b"kept")
    assert received(there, 4) == b"kept"
    reached(lambda: cable.carried == (4, 0))
    os.close(here)
    os.close(there)


def test_the_line_is_no_faster_than_its_baud_rate(cable: NullModem) -> None:
    """Goal: a slow line is slow. Method: half a second's worth of bytes, timed."""
    here, there = (os.open(path, os.O_RDWR | os.O_NOCTTY) for path in cable.paths)
    began = time.monotonic()
    os.write(here, bytes(960))
    assert len(received(there, 960)) == 960
    assert time.monotonic() - began > 0.4
    os.close(here)
    os.close(there)
