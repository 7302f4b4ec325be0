"""What a null-modem cable's modem lines tell: that the other end was there, and went.

Only asked of UARTs on the board, where it is the read of a register; a USB adapter would be asked
over its bus, for which nobody may wait here, and a pty has no such lines. Source: ioctl_tty(2),
Linux's devices.txt.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios

from hbd.cluster.terms import LineState

BOARD_UARTS = frozenset({4, 204})  # majors of ttyS*, and of ttyAMA* and other on-chip UARTs
FROM_OTHER_END = termios.TIOCM_CTS | termios.TIOCM_DSR | termios.TIOCM_CD


class ModemLines:
    """The lines that the other end drives, watched for all of them falling."""

    def __init__(self, fd: int) -> None:
        """`fd` is an open serial device and stays so as long as this is asked."""
        self._fd = fd
        self._can_ask = os.major(os.fstat(fd).st_rdev) in BOARD_UARTS
        self._were_seen = False

    def state(self) -> LineState:
        """DEAD: some line was up since the device was opened, and now none is.

        A 3-wire cable never has any up: it tells nothing.
        """
        if not self._can_ask:
            return LineState.UNKNOWN
        try:
            answer = fcntl.ioctl(self._fd, termios.TIOCMGET, bytes(4))
        except OSError:  # no such lines here
            self._can_ask = False
            return LineState.UNKNOWN
        return self.state_with(struct.unpack("I", answer)[0])

    def state_with(self, lines: int) -> LineState:
        """The answer for one reading of the lines, which it remembers."""
        are_up = bool(lines & FROM_OTHER_END)
        self._were_seen |= are_up
        if not self._were_seen:
            return LineState.UNKNOWN
        return LineState.LIVE if are_up else LineState.DEAD
