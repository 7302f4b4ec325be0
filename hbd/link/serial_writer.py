"""Puts messages on an open serial line at the line's own pace.

The kernel would gladly take 4 kB (a pty 15 kB) and deliver old news seconds later, so a message is
handed to it only when the one before has left: after the time its bytes take at this baud rate,
and when the kernel says that nothing is waiting (TIOCOUTQ; a pty always says so). Everything
newer waits in a `SendQueue`, where a newer status replaces an older one. A message once begun is
completed, or abandoned with the line.

Source: ioctl_tty(2). Times are seconds of the loop's clock, which never enter the cluster.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from typing import Protocol

from hbd.link.link import Counters
from hbd.link.serial_queue import SendQueue
from hbd.wire.session import Outgoing

BITS_PER_BYTE = 10  # 8N1: a start bit, eight data bits, a stop bit
SHORTEST_PAUSE_S = 0.002
LONGEST_PAUSE_S = 0.25  # how often a line that does not move is looked at
STUCK_S = 2.0  # a line of 9600 baud moves 1920 bytes in this time


class StuckChanged(Protocol):
    """Told when the line begins or ceases to take no data."""

    def __call__(self, *, is_stuck: bool) -> None: ...


class SerialWriter:
    """The sending half of one open line; made anew each time the line is opened."""

    def __init__(
        self,
        fd: int,
        baud: int,
        counters: Counters,
        on_broken: Callable[[OSError], None],
        on_stuck: StuckChanged,
    ) -> None:
        """`on_broken`: the line is gone. `on_stuck`: it takes no data, or does so again."""
        self._fd = fd
        self._baud = baud
        self._counters = counters
        self._on_broken = on_broken
        self._on_stuck = on_stuck
        self._queue = SendQueue()
        self._rest = memoryview(b"")  # of the message begun
        self._timer: asyncio.TimerHandle | None = None
        self._in_kernel = 0  # when last looked at
        self._moved_at_s = 0.0
        self._is_stuck = False
        self._is_stopped = False
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def put(self, outgoing: Outgoing) -> None:
        """Send as soon as the line is free."""
        self._counters.dropped += self._queue.put(outgoing)
        if self._timer is None:
            self._is_idle.clear()
            self._moved_at_s = asyncio.get_running_loop().time()
            self._pump()

    async def drain(self) -> None:
        """Return when all has left, or `stop` was called."""
        await self._is_idle.wait()

    def stop(self) -> None:
        """Abandon what has not been handed to the kernel, and count it."""
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._counters.dropped += self._queue.clear() + int(bool(self._rest))
        self._rest = memoryview(b"")
        self._is_idle.set()

    def _pump(self) -> None:
        self._timer = None
        try:
            in_kernel = output_waiting(self._fd)
            if in_kernel:
                self._wait_for_line(in_kernel)
            elif self._begin():
                self._write()
            else:
                self._is_idle.set()
        except OSError as error:
            self._on_broken(error)

    def _begin(self) -> bool:
        """Whether there is something to write; a message begun goes on first."""
        if not self._rest:
            self._rest = memoryview(self._queue.take() or b"")
        return bool(self._rest)

    def _write(self) -> None:
        try:
            count = os.write(self._fd, self._rest)
        except BlockingIOError:
            count = 0
        if not count:
            self._wait_for_line(len(self._rest))
            return
        self._moved()
        self._in_kernel = count
        self._rest = self._rest[count:]
        self._counters.bytes_sent += count
        self._counters.messages_sent += int(not self._rest)
        self._pause(self._wire_time_s(count))

    def _wait_for_line(self, waiting: int) -> None:
        """The kernel is not done: look again when it should be."""
        if waiting < self._in_kernel:
            self._moved()
        elif asyncio.get_running_loop().time() - self._moved_at_s > STUCK_S:
            self._stuck(now_is=True)
        self._in_kernel = waiting
        self._pause(min(self._wire_time_s(waiting), LONGEST_PAUSE_S))

    def _moved(self) -> None:
        self._moved_at_s = asyncio.get_running_loop().time()
        self._stuck(now_is=False)

    def _stuck(self, *, now_is: bool) -> None:
        if now_is != self._is_stuck:
            self._is_stuck = now_is
            self._on_stuck(is_stuck=now_is)

    def _pause(self, pause_s: float) -> None:
        if self._is_stopped:  # by what it told its owner
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(pause_s, SHORTEST_PAUSE_S), self._pump)

    def _wire_time_s(self, count: int) -> float:
        return count * BITS_PER_BYTE / self._baud


def output_waiting(fd: int) -> int:
    """How many bytes the kernel holds that have not left yet."""
    answer = fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4))
    count: int = struct.unpack("i", answer)[0]
    return count
