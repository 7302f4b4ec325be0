"""A heartbeat link over a null-modem cable: classic text messages on a tty.

pyserial opens and configures the device and is then out of the way; the loop reads and writes the
descriptor (`serial_line`). The line is raw, 8N1, and waits for no carrier (CLOCAL), as heartbeat's
does. Unlike heartbeat, RTS/CTS flow control is off unless asked for: on a cable without these
wires it stops all output, and messages are small enough to do without. Whatever happens to the
device is a fault, and the device is opened again by itself.

Two traps of pyserial are closed here: with its VMIN of 0 an empty read does not mean a hang-up,
and what it opens would break on a BREAK (heartbeat sends one when it opens its end).
Source: termios(3), pyserial 3.5, heartbeat 3.0.6's serial medium.
"""

from __future__ import annotations

import contextlib
import errno
import os
import termios
from functools import partial

import serial

from hbd.cluster.terms import LineState, LinkName
from hbd.link.link import Condition, Counters, OnData, OnFault, OnLine
from hbd.link.off_loop import off_loop
from hbd.link.retry import Retry
from hbd.link.serial_line import Line, Trouble
from hbd.link.serial_writer import output_waiting
from hbd.wire.session import Outgoing

END_OF_MESSAGE = b"\n<<<\n"  # ends what an earlier opening may have left half said
IFLAG, CC = 0, 6  # places in the list that tcgetattr gives

# How each trouble is told; a closed line is told with the system's own reason.
TROUBLE_WORDS = {
    Trouble.STUCK: "takes no data: flow control without its wires, or nobody reads the other end",
    Trouble.NO_SIGNAL: "no modem signal any more: cable pulled, or the other end is closed",
    Trouble.NOISE: "noise and no messages: another baud rate, or another program on the line",
}


class SerialLink:
    """A link over one serial device; see `link.Link` for what its members promise."""

    def __init__(
        self,
        name: LinkName,
        device: str,
        baud: int,
        on_data: OnData,
        on_fault: OnFault,
        on_line: OnLine | None = None,
        *,
        rtscts: bool = False,
    ) -> None:
        """`device` is a path, looked up anew at each opening: a symbolic link may move."""
        self.name = name
        self.kind = "serial"
        self.interface: str | None = None
        self.counters = Counters()
        self._device = device
        self._baud = baud
        self._rtscts = rtscts
        self._on_data = on_data
        self._on_line = on_line
        self._line_state = LineState.UNKNOWN
        self._condition = Condition(name, on_fault)
        self._troubles: dict[Trouble, str] = {}
        self._retry = Retry(self._try_to_open)
        self._line: Line | None = None
        self._wanted = False  # between open() and close()
        self._is_elsewhere = False  # a thread opens or closes the device

    @property
    def fault(self) -> str | None:
        """The weightiest trouble of the line."""
        return self._condition.fault

    def open(self) -> None:
        """Open the device beside the loop, now or as soon as it is there."""
        self._wanted = True
        if self._line is None:
            self._retry.now()

    def send(self, outgoing: Outgoing) -> None:
        """Put it on the line when the line is free; dropped while there is no line."""
        if self._line is None:
            self.counters.dropped += 1
        else:
            self._line.put(outgoing)

    def interface_changed(self) -> None:
        """Try a missing device again now; look at the modem lines of one that is there.

        A machine without power lets an Ethernet carrier and the modem lines fall together.
        """
        if self._line is not None:
            self._line.sense()
        elif self._wanted:
            self._retry.now()

    async def drain(self) -> None:
        """Return when the last message has left, at the line's pace."""
        if self._line is not None:
            await self._line.drain()

    def close(self) -> None:
        """Abandon what waits; the device is closed beside the loop."""
        self._wanted = False
        self._retry.stop()
        if self._line is not None:
            self._let_go(self._line)

    def line_said(self, message: bytes) -> None:
        """One whole message from the line."""
        self._on_data(self.name, message)

    def line_settled(self) -> None:
        """The line is well again, which opening alone does not prove."""
        self._retry.succeeded()
        self._set(Trouble.CLOSED, None)

    def line_in_trouble(self, trouble: Trouble, *, is_so: bool) -> None:
        """What the open line found out about itself."""
        self._set(trouble, TROUBLE_WORDS[trouble] if is_so else None)

    def line_sensed(self, state: LineState) -> None:
        """What the modem lines of the open line say."""
        if state is not self._line_state:
            self._line_state = state
            if self._on_line is not None:
                self._on_line(self.name, state)

    def line_lost(self, why: str) -> None:
        """The device hung up or is gone: let go of it and open it again."""
        assert self._line is not None, "only an open line can be lost"
        self.counters.errors += 1
        self._troubles.clear()
        self._let_go(self._line)
        self.line_sensed(LineState.UNKNOWN)
        self._set(Trouble.CLOSED, why)

    def _try_to_open(self) -> None:
        if not self._is_elsewhere:
            self._is_elsewhere = True
            work = partial(open_port, self._device, self._baud, rtscts=self._rtscts)
            off_loop(work, self._opened)

    def _opened(self, outcome: int | OSError) -> None:
        self._is_elsewhere = False
        if isinstance(outcome, int):
            self._line = Line(outcome, self._baud, self.counters, self)
            if not self._wanted:
                self._let_go(self._line)
        elif self._wanted:
            self.counters.errors += 1
            self._set(Trouble.CLOSED, explain(outcome))
            if self._wanted:  # unless telling it was a reason to close the link
                self._retry.later()

    def _let_go(self, line: Line) -> None:
        """Stop using the line at once; closing it, which may wait, happens elsewhere."""
        line.stop()
        self._line = None
        self._is_elsewhere = True
        off_loop(partial(close_port, line.fd), self._closed)

    def _closed(self, _outcome: object) -> None:
        self._is_elsewhere = False
        if self._wanted:
            self._retry.later()

    def _set(self, trouble: Trouble, why: str | None) -> None:
        """Note or forget one trouble, and tell the weightiest that is left."""
        if why is None:
            self._troubles.pop(trouble, None)
        else:
            self._troubles[trouble] = why
        words = [self._troubles[each] for each in Trouble if each in self._troubles]
        if words:
            self._condition.failed(f"serial {self._device}: {words[0]}")
        else:
            self._condition.works()


def open_port(device: str, baud: int, *, rtscts: bool) -> int:
    """A descriptor of the device, locked for us, raw, non-blocking. OSError if that cannot be.

    May wait in the kernel (a USB adapter that hangs): not for the loop.
    """
    try:
        port = serial.Serial(device, baud, timeout=0, rtscts=rtscts, exclusive=True)
        try:
            fd = os.dup(port.fileno())  # without pyserial's four pipes; the lock goes along
        finally:
            port.close()
    except (serial.SerialException, termios.error, ValueError) as error:
        raise _as_os_error(error) from error
    try:
        attributes = termios.tcgetattr(fd)
        attributes[IFLAG] = (attributes[IFLAG] | termios.IGNBRK) & ~termios.BRKINT
        attributes[CC][termios.VMIN] = 1
        termios.tcsetattr(fd, termios.TCSANOW, attributes)
        with contextlib.suppress(BlockingIOError):  # flow control: then it is not ours to say
            os.write(fd, END_OF_MESSAGE)
    except (OSError, termios.error) as error:
        close_port(fd)
        raise _as_os_error(error) from error
    return fd


def close_port(fd: int) -> None:
    """Close the descriptor, without the 30 s the kernel may wait for unsent data. May wait.

    Only what a UART holds is thrown away: flushing a pty would take what has arrived already.
    """
    with contextlib.suppress(OSError, termios.error):  # hung up or unplugged
        if output_waiting(fd):
            termios.tcflush(fd, termios.TCOFLUSH)
    with contextlib.suppress(OSError):
        os.close(fd)


def explain(error: OSError) -> str:
    """Why a device could not be opened, in words to act on."""
    if error.errno in (errno.EAGAIN, errno.EBUSY):
        return "another program has locked it"
    if error.errno == errno.ENOTTY:
        return "not a serial device"
    return os.strerror(error.errno) if error.errno else str(error)


def _as_os_error(error: Exception) -> OSError:
    """pyserial and termios keep the number in different places, or only in their text."""
    number = next((each for each in _chain(error) if isinstance(each, int)), None)
    return OSError(number, os.strerror(number)) if number is not None else OSError(str(error))


def _chain(error: BaseException | None) -> list[object]:
    """The first argument of an error, and of what it was made from."""
    found: list[object] = []
    while error is not None:
        found += [getattr(error, "errno", None), *error.args[:1]]
        error = error.__context__
    return found
