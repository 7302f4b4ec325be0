"""The null-modem cable: two ptys and a pump that can be cut, counts bytes and keeps to a baud rate.

A pty carries no modem lines and takes any speed, so the pump sets the pace: it takes no more bytes
than the line could carry, and the rest waits in the sender's tty as it would behind a real UART.
What arrives for a port that nobody reads is lost once the tty is full, as with a real receiver.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass, field

BITS_PER_BYTE = 10  # 8 data bits, start and stop: 19200 baud carry 1920 bytes/s
_OPEN = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK
_TIOCVHANGUP = 0x5437  # <asm-generic/ioctls.h>
_BURST = 0.02  # s: how far a line may run ahead of its rate, so that short frames go at once
_FIFO = 8  # bytes: a 16550 wakes its reader when its buffer is half full, not for every byte


@dataclass(slots=True)
class Port:
    """One end of the cable; `carried` counts the bytes that went from it to the other end."""

    master: int
    slave: int  # kept open: a pty nobody has open answers EIO, which is no wire's behaviour
    path: str
    carried: int = 0
    lost: int = 0
    budget: float = field(default=0.0)
    hear: Callable[[bytes], object] = bytes  # told of all that was sent here, before any loss
    sieve: Callable[[bytes], bytes] = bytes  # what of it arrives


class NullModem:
    """A running cable. Bytes pumped while `is_cut` are lost, as on a cut wire."""

    def __init__(self, baud: int = 19200) -> None:
        self._rate = baud / BITS_PER_BYTE
        self._ports = (_open_port(), _open_port())
        self._is_cut = threading.Event()
        self._wake, self._waker = os.pipe()
        self._pump = threading.Thread(target=self._run, name="null-modem", daemon=True)

    @property
    def paths(self) -> tuple[str, str]:
        """The two tty devices, to be bound into the two nodes."""
        return self._ports[0].path, self._ports[1].path

    @property
    def carried(self) -> tuple[int, int]:
        """Bytes carried so far: from the first end to the second, and back."""
        return self._ports[0].carried, self._ports[1].carried

    @property
    def lost(self) -> tuple[int, int]:
        """Bytes lost so far, to a cut or to a port that nobody reads, from each end."""
        return self._ports[0].lost, self._ports[1].lost

    def start(self) -> None:
        """Begin to carry bytes, on a thread of its own."""
        self._pump.start()

    def cut(self) -> None:
        """From now on nothing arrives, either way."""
        self._is_cut.set()

    def mend(self) -> None:
        """From now on bytes arrive again; those lost stay lost."""
        self._is_cut.clear()

    def listen_with(self, *ears: Callable[[bytes], object]) -> None:
        """Tell each end's ear what is sent from there, on the pump's thread."""
        for port, ear in zip(self._ports, ears, strict=True):
            port.hear = ear

    def sieve_with(self, *sieves: Callable[[bytes], bytes]) -> None:
        """Let through only what each end's sieve makes of the bytes sent from there."""
        for port, sieve in zip(self._ports, sieves, strict=True):
            port.sieve = sieve

    def hang_up(self, end: int) -> None:
        """Hang up one end under whoever has it open; it can be opened again at once.

        As when a modem loses its carrier, or a serial adapter is pulled and put back.
        """
        port = self._ports[end]
        hung = os.open(port.path, _OPEN)
        fcntl.ioctl(hung, _TIOCVHANGUP)
        os.close(hung)
        anew = os.open(port.path, _OPEN)
        tty.setraw(anew)
        os.dup2(anew, port.slave)
        os.close(anew)

    def close(self) -> None:
        """Stop the pump and remove both ttys."""
        os.close(self._waker)
        if self._pump.is_alive():
            self._pump.join(timeout=5)
        os.close(self._wake)
        for port in self._ports:
            os.close(port.master)
            os.close(port.slave)

    def _run(self) -> None:
        first, second = self._ports
        last = time.monotonic()
        while True:
            waiting = [port.master for port in self._ports if port.budget >= _FIFO]
            pause = None if len(waiting) == 2 else _FIFO / self._rate
            readable, _, _ = select.select([self._wake, *waiting], [], [], pause)
            if self._wake in readable:
                return
            moment = time.monotonic()
            earned, last = (moment - last) * self._rate, moment
            for port, other in ((first, second), (second, first)):
                port.budget = min(port.budget + earned, max(_FIFO, _BURST * self._rate))
                if port.master in readable:
                    self._carry(port, other)

    def _carry(self, port: Port, other: Port) -> None:
        try:
            data = os.read(port.master, int(port.budget))
        except OSError:  # hung up: nobody has the other side open for a moment
            return
        port.budget -= len(data)
        port.hear(data)
        if self._is_cut.is_set():
            port.lost += len(data)
            return
        passed = port.sieve(data)
        try:
            arrived = os.write(other.master, passed) if passed else 0
        except BlockingIOError:
            arrived = 0
        port.carried += arrived
        port.lost += len(data) - arrived


def _open_port() -> Port:
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    return Port(master, slave, os.ttyname(slave))
