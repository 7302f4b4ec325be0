"""What every heartbeat medium offers, what it counts, and how it says that it cannot work.

A link never raises towards its owner and never blocks. A device that is absent, gone or hung up
is a `fault`: told once when it begins, once when its reason changes, once when it ends. In
between the link tries again by itself (`retry.Retry`). It does not know whether anybody listens:
silence is the core's subject, a fault is only the reason that this machine can see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hbd.cluster.terms import LineState, LinkName
from hbd.wire.session import Outgoing

OnData = Callable[[LinkName, bytes], None]  # one whole datagram, or one whole serial message
OnFault = Callable[[LinkName, str | None], None]  # changes only; None: it works again
OnAlive = Callable[[LinkName], None]  # a ping node answered
OnLine = Callable[[LinkName, LineState], None]  # changes only: what the wire says by itself


@dataclass(slots=True)
class Counters:
    """What one link has done since the daemon started; every number only grows.

    `dropped` are messages given to `send` that never left: a newer one made them worthless, the
    kernel had no room, or the link had a fault. `errors` are calls that the kernel refused.
    `noise_bytes` are bytes of a serial line that belong to no message.
    """

    bytes_sent: int = 0
    bytes_received: int = 0
    messages_sent: int = 0
    messages_received: int = 0
    dropped: int = 0
    errors: int = 0
    noise_bytes: int = 0


class Link(Protocol):
    """One medium over which heartbeats travel."""

    @property
    def name(self) -> LinkName:
        """Heartbeat's name of the medium: the interface or the device."""
        ...

    @property
    def kind(self) -> str:
        """The word of ha.cf: `bcast`, `mcast`, `ucast`, `serial` or `ping`."""
        ...

    @property
    def interface(self) -> str | None:
        """The network interface this link is bound to; None for serial lines and ping nodes."""
        ...

    @property
    def counters(self) -> Counters:
        """Numbers for display."""
        ...

    @property
    def fault(self) -> str | None:
        """Why this link cannot work now, for people to read; None: nothing is known to fail."""
        ...

    def open(self) -> None:
        """Begin to work, and go on trying where that is not possible yet. Needs a running loop."""
        ...

    def send(self, outgoing: Outgoing) -> None:
        """Put one message on the medium, or count it as dropped. Never waits, never raises."""
        ...

    def interface_changed(self) -> None:
        """Look again now: something may have changed about the device. Always harmless."""
        ...

    async def drain(self) -> None:
        """Return when everything accepted has left this machine, or cannot leave any more.

        For the last words of a leaving node. A slow line takes its time: call under a timeout.
        """
        ...

    def close(self) -> None:
        """Stop at once and let go of the device; what has not left is dropped. Idempotent."""
        ...


class Condition:
    """Whether one link works, told to its owner on every change and never twice."""

    def __init__(self, name: LinkName, on_fault: OnFault) -> None:
        self._name = name
        self._on_fault = on_fault
        self.fault: str | None = None

    def failed(self, fault: str) -> None:
        """The link cannot work, because of `fault`."""
        self._become(fault)

    def works(self) -> None:
        """Whatever was wrong is over."""
        self._become(None)

    def _become(self, fault: str | None) -> None:
        if fault == self.fault:
            return
        self.fault = fault
        self._on_fault(self._name, fault)
