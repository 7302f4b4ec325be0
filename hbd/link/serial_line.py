"""One serial line while it is open: reads messages off it, writes them on it, sees how it fares.

Made anew at each opening, so that nothing half received or half sent outlives a hang-up. It does
not open, close or repair anything; that is `serial.SerialLink`'s, which is told what happens.
"""

from __future__ import annotations

import asyncio
import os
from enum import Enum
from typing import Protocol

from hbd.cluster.terms import LineState
from hbd.link.link import Counters
from hbd.link.serial_modem import ModemLines
from hbd.link.serial_writer import SerialWriter
from hbd.wire.session import Outgoing
from hbd.wire.stream import ClassicFramer

READ_BYTES = 4096  # one read per turn of the loop: the size of the tty's own buffer
# Between two reads: a heartbeat takes 140 ms at 19200 baud, and 15 wake-ups. While it comes the
# loop does not watch the line: that would be a wake-up and two system calls more for each piece.
REST_S = 0.06
MESSAGE_BYTES_MAX = 65_536  # 34 s at 19200 baud: nothing longer could be of use on a line
NOISE_BYTES = 512  # two heartbeats' worth, and no whole message among it
SETTLE_S = 0.5  # a line that hangs up sooner after opening was never well


class Trouble(Enum):
    """Why a line cannot work now, the weightiest first."""

    CLOSED = "closed"  # absent, refused, hung up or unplugged
    STUCK = "stuck"  # takes no data
    NO_SIGNAL = "no-signal"  # the modem lines have fallen
    NOISE = "noise"  # bytes, but no messages


class Owner(Protocol):
    """Who opened the line and is told about it."""

    def line_said(self, message: bytes) -> None:
        """One whole message."""
        ...

    def line_settled(self) -> None:
        """It is well: a message came, or it has stayed open for a while."""
        ...

    def line_in_trouble(self, trouble: Trouble, *, is_so: bool) -> None:
        """The line has, or no longer has, a trouble other than being closed."""
        ...

    def line_sensed(self, state: LineState) -> None:
        """What the modem lines say; the same again and again."""
        ...

    def line_lost(self, why: str) -> None:
        """It is of no more use and must be let go of."""
        ...


class Line:
    """An open descriptor in raw mode, with VMIN 1, watched by the loop."""

    def __init__(self, fd: int, baud: int, counters: Counters, owner: Owner) -> None:
        self.fd = fd
        os.set_blocking(fd, False)  # it is also read when nobody knows whether there is anything
        self._counters = counters
        self._owner = owner
        self._framer = ClassicFramer(MESSAGE_BYTES_MAX)
        self._noise_bytes = 0  # since the last whole message
        self._modem = ModemLines(fd)
        self._is_open = True
        self._writer = SerialWriter(fd, baud, counters, self._broken, self._stuck)
        loop = asyncio.get_running_loop()
        self._settling: asyncio.TimerHandle | None = loop.call_later(SETTLE_S, self._settled)
        self._resting: asyncio.TimerHandle | None = None
        self._listen()

    def put(self, outgoing: Outgoing) -> None:
        """Send when the line is free."""
        self.sense()
        if self._is_open:  # unless that was a reason to close it
            self._writer.put(outgoing)

    def sense(self) -> None:
        """Look at the modem lines now."""
        state = self._modem.state()
        self._owner.line_sensed(state)
        self._owner.line_in_trouble(Trouble.NO_SIGNAL, is_so=state is LineState.DEAD)

    async def drain(self) -> None:
        """Return when all has left, or `stop` was called."""
        await self._writer.drain()

    def stop(self) -> None:
        """Read and write no more; the descriptor stays open, for its owner to close."""
        self._is_open = False
        asyncio.get_running_loop().remove_reader(self.fd)
        if self._resting is not None:
            self._resting.cancel()
        self._writer.stop()
        if self._settling is not None:
            self._settling.cancel()

    def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self.fd, self._readable)

    def _rest(self) -> None:
        """Let bytes gather in the kernel, which holds 4096: 89 ms at 460800 baud."""
        self._resting = asyncio.get_running_loop().call_later(REST_S, self._read)

    def _readable(self) -> None:
        """Bytes come: read what there is from time to time, until nothing came meanwhile."""
        asyncio.get_running_loop().remove_reader(self.fd)
        self._read()

    def _read(self) -> None:
        self._resting = None
        try:
            data = os.read(self.fd, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            self._listen()
            return
        except OSError as error:
            self._broken(error)
            return
        if not data:  # with VMIN 1 this is a hang-up, and it stays readable for ever
            self._owner.line_lost("hung up")
            return
        self._counters.bytes_received += len(data)
        self._rest()
        self._hand_up(self._framer.feed(data))

    def _hand_up(self, messages: list[bytes]) -> None:
        self._counters.noise_bytes += self._framer.noise_bytes
        self._noise_bytes = 0 if messages else self._noise_bytes + self._framer.noise_bytes
        self._framer.noise_bytes = 0
        if messages:
            self._settled()
        self._owner.line_in_trouble(Trouble.NOISE, is_so=self._noise_bytes >= NOISE_BYTES)
        for message in messages:
            if not self._is_open:  # closed by what the message before said
                return
            self._counters.messages_received += 1
            self._owner.line_said(message)

    def _settled(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
            self._owner.line_settled()

    def _broken(self, error: OSError) -> None:
        self._owner.line_lost(os.strerror(error.errno) if error.errno else str(error))

    def _stuck(self, *, is_stuck: bool) -> None:
        self._owner.line_in_trouble(Trouble.STUCK, is_so=is_stuck)
