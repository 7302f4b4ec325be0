"""Serial links on real pty pairs; no root needed.

A pty has no baud rate and its kernel buffer is invisible, so pace is tested by what the link
writes, and a slow line by a low rate.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hbd.cluster.terms import LineState, LinkName
from hbd.link import serial_writer
from hbd.link.link import Link
from hbd.link.serial import END_OF_MESSAGE, SerialLink
from hbd.link.serial_line import NOISE_BYTES
from hbd.link.serial_modem import ModemLines
from tests.unit.link.far_end import FarEnd
from tests.unit.link.recorder import Recorder, message, status, turns_until

NAME = LinkName("/dev/ttyS0")
FAST = 460_800
SLOW = 9600  # 960 bytes per second


def classic(body: bytes) -> bytes:
    """A message in the serial form; the link looks at the frame only."""
    return b">>>\n" + body + b"\n<<<\n"


class Bench:
    """One link on one device path, and the far ends it has had."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "ttyS0"
        self.recorder = Recorder()
        self.links: list[SerialLink] = []
        self.ends: list[FarEnd] = []

    def far_end(self) -> FarEnd:
        """A device appears at the path."""
        self.ends.append(FarEnd(self.path))
        return self.ends[-1]

    def link(self, baud: int = FAST) -> SerialLink:
        """A link that is being opened."""
        recorder = self.recorder
        link = SerialLink(NAME, str(self.path), baud, recorder.on_data, recorder.on_fault)
        self.links.append(link)
        link.open()
        return link

    async def pair(self, baud: int = FAST) -> tuple[SerialLink, FarEnd]:
        """A line that is open at both ends."""
        end = self.far_end()
        link = self.link(baud)
        await end.until(lambda: bytes(end.received) == END_OF_MESSAGE)
        await turns_until(lambda: link._line is not None)  # a thread opens, the loop takes over
        end.received.clear()
        return link, end

    async def close(self) -> None:
        """Nothing stays open, and no thread at work."""
        for link in self.links:
            link.close()
        for end in self.ends:
            end.hang_up()
        await turns_until(lambda: not any(link._is_elsewhere for link in self.links))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench that cleans up and leaves no descriptor behind."""
    before = len(os.listdir("/proc/self/fd"))
    bench = Bench(tmp_path)
    yield bench
    await bench.close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_messages_travel_both_ways(bench: Bench) -> None:
    """Goal: the classic bytes as they are, and whole messages up. Method: one each way."""
    opened, end = await bench.pair()
    link: Link = opened
    link.send(status(classic(b"t=status")))
    await end.until(lambda: bytes(end.received) == classic(b"t=status"))
    end.say(classic(b"t=status\nst=up"))
    await bench.recorder.until(lambda: bool(bench.recorder.data))
    assert bench.recorder.data == [(NAME, classic(b"t=status\nst=up"))]
    assert (link.kind, link.interface, link.fault) == ("serial", None, None)
    assert link.counters.messages_sent == link.counters.messages_received == 1
    assert link.counters.bytes_sent == len(classic(b"t=status"))


async def test_a_message_in_pieces_is_handed_up_once_and_whole(bench: Bench) -> None:
    """Goal: reads cut anywhere do not matter. Method: byte by byte, a turn of the loop between."""
    link, end = await bench.pair()
    for byte in classic(b"seq=1") + classic(b"seq=2"):
        end.say(bytes([byte]))
        await asyncio.sleep(0)
    await bench.recorder.until(lambda: len(bench.recorder.data) == 2)
    assert bench.recorder.heard_by(NAME) == [classic(b"seq=1"), classic(b"seq=2")]
    assert link.counters.messages_received == 2


async def test_a_slow_line_says_the_newest_and_drops_the_older(bench: Bench) -> None:
    """Goal: no queue in us or in the kernel: what is said is never old news.

    Method: at 9600 baud 20 statuses come while the first is on the line; only the last follows.
    """
    link, end = await bench.pair(SLOW)
    statuses = [classic(b"seq=%02d %s" % (number, b"x" * 90)) for number in range(20)]
    for each in statuses:
        link.send(status(each))
    async with asyncio.timeout(10):
        await link.drain()
    await end.until(lambda: statuses[-1] in end.received)
    assert bytes(end.received) == statuses[0] + statuses[-1]
    assert link.counters.dropped == 18
    assert link.counters.messages_sent == 2


async def test_messages_leave_at_the_pace_of_the_line(bench: Bench) -> None:
    """Goal: the kernel never holds much more than one message. Method: time ten of them."""
    link, end = await bench.pair(SLOW)
    started_s = asyncio.get_running_loop().time()
    for number in range(10):
        link.send(message(classic(b"seq=%d %s" % (number, b"x" * 80))))
    total = sum(len(classic(b"seq=%d %s" % (number, b"x" * 80))) for number in range(10))
    async with asyncio.timeout(10):
        await link.drain()
    assert asyncio.get_running_loop().time() - started_s >= total * 10 / SLOW
    await end.until(lambda: len(end.received) == total)
    assert link.counters.dropped == 0


async def test_a_line_that_takes_nothing_is_a_fault_until_it_does(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a reader that stops costs a bounded queue and a word, and the newest comes through.

    Method: fill the pty of a paused reader, send on, then let it read.
    """
    monkeypatch.setattr(serial_writer, "STUCK_S", 0.1)
    link, end = await bench.pair()
    end.pause()
    big = classic(b"x" * 4000)
    while link.fault is None:
        link.send(status(big))
        await asyncio.sleep(0)
    link.send(status(classic(b"old")))
    link.send(status(classic(b"newest")))
    end.resume()
    await bench.recorder.until(lambda: link.fault is None)
    await end.until(lambda: classic(b"newest") in end.received)
    text = bytes(end.received)
    assert text == big * text.count(big) + classic(b"newest")


async def test_a_hang_up_is_told_and_the_line_comes_back(bench: Bench) -> None:
    """Goal: unplugged and plugged in again elsewhere, without help. Method: another pty there."""
    link, end = await bench.pair()
    end.hang_up()
    await bench.recorder.until(lambda: link.fault is not None)
    link.send(status(classic(b"lost")))
    assert link.counters.dropped == 1

    other = bench.far_end()
    await bench.recorder.until(lambda: link.fault is None)
    link.send(status(classic(b"back")))
    await other.until(lambda: classic(b"back") in other.received)
    other.say(classic(b"welcome"))
    await bench.recorder.until(lambda: bool(bench.recorder.data))
    assert classic(b"lost") not in other.received


async def test_a_hang_up_in_the_middle_of_a_message_abandons_it(bench: Bench) -> None:
    """Goal: nothing half said goes on later. Method: hang up with two waiting."""
    link, end = await bench.pair(SLOW)
    for text in (b"on the line", b"waiting", b"waiting too"):
        link.send(message(classic(text)))
    end.hang_up()
    await bench.recorder.until(lambda: link.fault is not None)
    async with asyncio.timeout(10):
        await link.drain()
    assert link.counters.dropped >= 2
    other = bench.far_end()
    await bench.recorder.until(lambda: link.fault is None)
    assert bytes(other.received) == END_OF_MESSAGE


async def test_a_hang_up_costs_no_busy_loop(bench: Bench) -> None:
    """Goal: a hung-up line is not watched, though it stays readable. Method: count the attempts."""
    link, end = await bench.pair()
    end.hang_up()
    await bench.recorder.until(lambda: link.fault is not None)
    errors = link.counters.errors
    await asyncio.sleep(0.5)  # time itself is the subject: how often does it try in half a second
    assert link.counters.errors - errors <= 4


async def test_a_device_absent_at_start_is_used_when_it_comes(bench: Bench) -> None:
    """Goal: order of start does not matter. Method: open first, make the device later."""
    link = bench.link()
    await bench.recorder.until(lambda: link.fault is not None)
    bench.far_end()
    link.interface_changed()
    await bench.recorder.until(lambda: link.fault is None)
    assert len(bench.recorder.faults) == 2


async def test_what_is_no_serial_device_is_a_fault(bench: Bench) -> None:
    """Goal: a wrong path harms nothing. Method: a regular file, which keeps its content."""
    bench.path.write_text("precious")
    link = bench.link()
    await bench.recorder.until(lambda: link.fault is not None)
    assert bench.path.read_text() == "precious"


async def test_a_device_in_use_is_a_fault_until_it_is_free(bench: Bench) -> None:
    """Goal: two daemons cannot share a line. Method: two links on one path; the first lets go."""
    first, _end = await bench.pair()
    second = bench.link()
    await bench.recorder.until(lambda: second.fault is not None)
    assert first.fault is None
    first.close()
    await bench.recorder.until(lambda: second.fault is None)


async def test_last_words_are_heard_though_the_line_closes(bench: Bench) -> None:
    """Goal: after drain, close takes nothing back. Method: a far end that reads only later."""
    link, end = await bench.pair()
    end.pause()
    link.send(message(classic(b"goodbye")))
    async with asyncio.timeout(10):
        await link.drain()
    link.close()
    await turns_until(lambda: not link._is_elsewhere)
    end.resume()
    await end.until(lambda: bytes(end.received) == classic(b"goodbye"))


async def test_flow_control_may_be_asked_for(bench: Bench) -> None:
    """Goal: RTS/CTS as heartbeat has it, where the cable carries it. Method: a pty ignores it."""
    end = bench.far_end()
    recorder = bench.recorder
    link = SerialLink(NAME, str(bench.path), FAST, recorder.on_data, recorder.on_fault, rtscts=True)
    bench.links.append(link)
    link.open()
    await turns_until(lambda: link._line is not None)
    link.send(status(classic(b"flows")))
    await end.until(lambda: classic(b"flows") in end.received)


async def test_a_link_closed_by_its_own_fault_stays_closed(bench: Bench) -> None:
    """Goal: the owner may close a link in any callback. Method: close when told of a hang-up."""
    end = bench.far_end()

    def close_at_once(name: LinkName, fault: str | None) -> None:
        bench.recorder.on_fault(name, fault)
        link.close()

    link = SerialLink(NAME, str(bench.path), FAST, bench.recorder.on_data, close_at_once)
    bench.links.append(link)
    link.open()
    await turns_until(lambda: link._line is not None)
    end.hang_up()
    await bench.recorder.until(lambda: bool(bench.recorder.faults))
    await turns_until(lambda: not link._is_elsewhere)
    assert link._line is None
    assert link._retry._timer is None


async def test_noise_between_messages_loses_none_of_them(bench: Bench) -> None:
    """Goal: stray lines, NULs and 8-bit bytes are counted and skipped. Method: between two."""
    link, end = await bench.pair()
    end.say(classic(b"1") + b"garbage\n\0\0\xff\xfe<<<\n\n" + classic(b"2"))
    await bench.recorder.until(lambda: len(bench.recorder.data) == 2)
    assert bench.recorder.heard_by(NAME) == [classic(b"1"), classic(b"2")]
    assert link.counters.noise_bytes > 0
    assert link.fault is None


async def test_nothing_but_noise_is_a_fault_until_a_message_comes(bench: Bench) -> None:
    """Goal: another baud rate is told, not guessed. Method: garbage, then a message."""
    link, end = await bench.pair()
    end.say(b"\x81garbage\n" * (NOISE_BYTES // 8))
    await bench.recorder.until(lambda: link.fault is not None)
    end.say(classic(b"sense"))
    await bench.recorder.until(lambda: link.fault is None)
    assert bench.recorder.heard_by(NAME)[-1] == classic(b"sense")


async def test_a_link_closed_while_opening_stays_closed(bench: Bench) -> None:
    """Goal: close wins over an opening under way. Method: close at once, then wait for the end."""
    bench.far_end()
    link = bench.link()
    link.close()
    link.close()
    await turns_until(lambda: not link._is_elsewhere)
    link.interface_changed()
    assert link._line is None
    assert not link._is_elsewhere


def test_modem_lines_are_lost_only_if_they_were_ever_up() -> None:
    """Goal: a 3-wire cable is no fault, a pulled one is. Method: readings by hand."""
    read_end, write_end = os.pipe()  # any descriptor: only the judgement is tested
    try:
        lines = ModemLines(read_end)
        assert lines.state() is LineState.UNKNOWN
        readings = [0, 0x20, 0x120, 0, 0x40]  # none; CTS; CTS and DSR; none; DCD
        assert [lines.state_with(reading) for reading in readings] == [
            LineState.UNKNOWN,
            LineState.LIVE,
            LineState.LIVE,
            LineState.DEAD,
            LineState.LIVE,
        ]
    finally:
        os.close(read_end)
        os.close(write_end)
