"""One UDP heartbeat link: `bcast`, `mcast` or `ucast` on one interface, in IPv4 or IPv6.

It hears on a socket shared with the other media of its interface and port (`udp_receiver`) and
speaks on one of its own, as heartbeat does. An interface may be absent at start, go, and come back
as another one of the same name: the link follows by trying again, at once when told
`interface_changed`. It knows no peer and no key; datagrams go up as they came.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from hbd.cluster.terms import LinkName
from hbd.link.interface import interface_index
from hbd.link.link import Condition, Counters, OnData, OnFault
from hbd.link.retry import Retry
from hbd.link.udp_media import (
    Address,
    Broadcast,
    Medium,
    claim_of,
    destination_of,
    family_of,
    group_of,
    kind_of,
    open_sender,
)
from hbd.link.udp_receiver import Claim, Receivers
from hbd.wire.session import Outgoing

# The kernel has no room now or the message is too large for UDP: this message's misfortune,
# not the link's. EAGAIN is raised as BlockingIOError.
MESSAGE_LOST = frozenset({errno.ENOBUFS, errno.ENOMEM, errno.EMSGSIZE})


class UdpLink:
    """A link over UDP; see `link.Link` for what its members promise."""

    def __init__(
        self,
        name: LinkName,
        medium: Medium,
        receivers: Receivers,
        on_data: OnData,
        on_fault: OnFault,
    ) -> None:
        """`receivers` is one object for all UDP links of the daemon."""
        self.name = name
        self.kind = kind_of(medium)
        self.interface: str | None = medium.interface
        self.counters = Counters()
        self._medium = medium
        self._interface = medium.interface
        self._receivers = receivers
        self._on_data = on_data
        self._condition = Condition(name, on_fault)
        self._retry = Retry(self._try_to_open)
        self._wanted = False  # between open() and close()
        self._sockets: _Sockets | None = None
        self._destination: Address | None = None

    @property
    def fault(self) -> str | None:
        """Why it cannot work now: what the kernel said when it was opened or last used."""
        return self._condition.fault

    def open(self) -> None:
        """Bind to the interface now, or as soon as there is one."""
        self._wanted = True
        if self._sockets is None:
            self._retry.now()

    def send(self, outgoing: Outgoing) -> None:
        """One datagram to this medium's address; counted as dropped when the kernel refuses it."""
        if self._sockets is None:
            self.counters.dropped += 1
            return
        try:
            if self._destination is None:
                self._destination = destination_of(self._medium, self._sockets.index)
            count = self._sockets.sender.sendto(outgoing.netstring, self._destination)
        except BlockingIOError:
            self.counters.dropped += 1
        except OSError as error:
            self.counters.dropped += 1
            self._send_failed(error)
        else:
            self.counters.bytes_sent += count
            self.counters.messages_sent += 1
            self._condition.works()

    def interface_changed(self) -> None:
        """Open again if the interface is another one now; read its broadcast address again."""
        if self._sockets is None:
            if self._wanted:
                self._retry.now()
            return
        if self._is_bound_rightly():
            self._read_destination()

    async def drain(self) -> None:
        """Nothing to wait for: the kernel has it or it is lost."""

    def close(self) -> None:
        """Close its sockets and stop trying."""
        self._wanted = False
        self._retry.stop()
        self._close_sockets()

    def claim(self, destination: str, source: str) -> Claim:
        """What its receive socket asks where several links share it."""
        own = self._destination[0] if self._destination is not None else ""
        return claim_of(self._medium, own, destination, source)

    def deliver(self, data: bytes) -> None:
        """One datagram from the shared socket."""
        self.counters.bytes_received += len(data)
        self.counters.messages_received += 1
        self._on_data(self.name, data)

    def receive_failed(self, error: OSError) -> None:
        """The shared socket is broken: leave it and open another."""
        self.counters.errors += 1
        self._start_over(error)

    def _try_to_open(self) -> None:
        try:
            self._sockets = _Sockets(self._medium, self._receivers, self)
        except OSError as error:
            self._start_over(error)
            return
        self._retry.succeeded()
        if self._read_destination():
            self._condition.works()

    def _read_destination(self) -> bool:
        """Know the own address early, so that the first datagram received finds its link."""
        assert self._sockets is not None, "asked of an open link only"
        try:
            self._destination = destination_of(self._medium, self._sockets.index)
        except OSError as error:
            self._destination = None
            self._condition.failed(self._explain(error))
        return self._destination is not None

    def _send_failed(self, error: OSError) -> None:
        self.counters.errors += 1
        if error.errno in MESSAGE_LOST:
            return
        # An interface that was replaced needs new sockets; its error tells so in IPv4 only. If it
        # is merely down, without an address or without a route, the sockets stay good, we may
        # still hear the peer, and the next heartbeat tries again.
        if self._is_bound_rightly():
            self._destination = None
            self._condition.failed(self._explain(error))

    def _is_bound_rightly(self) -> bool:
        """Whether the interface is still the one we are bound to; if not, we have begun again."""
        assert self._sockets is not None, "asked of an open link only"
        try:
            is_ours = interface_index(self._interface) == self._sockets.index
        except OSError as error:
            self._start_over(error)
            return False
        if not is_ours:
            self._close_sockets()
            self._retry.now()
        return is_ours

    def _start_over(self, error: OSError) -> None:
        self._close_sockets()
        self._condition.failed(self._explain(error))
        if self._wanted:  # unless telling it was a reason to close the link
            self._retry.later()

    def _close_sockets(self) -> None:
        if self._sockets is not None:
            self._sockets.close()
            self._sockets = None

    def _explain(self, error: OSError) -> str:
        """What is wrong with which interface, in the words an administrator can act on."""
        what = f"{self.kind} on {self._interface} port {self._medium.port}"
        if error.errno == errno.EADDRNOTAVAIL and isinstance(self._medium, Broadcast):
            return f"{what}: the interface has no IPv4 address"
        if error.errno == errno.EPERM:
            return f"{what}: not permitted to send: a firewall rule or a missing capability"
        if error.errno == errno.EADDRINUSE:
            return f"{what}: another program has the port"
        return f"{what}: {os.strerror(error.errno) if error.errno else error}"


class _Sockets:
    """The two sockets of one open link, both bound to the interface of one index."""

    def __init__(self, medium: Medium, receivers: Receivers, member: UdpLink) -> None:
        self.sender, self.index = open_sender(medium)
        self._leave: Callable[[], None]
        try:
            self._leave = receivers.join(
                member,
                interface=medium.interface,
                index=self.index,
                family=family_of(medium),
                port=medium.port,
                group=group_of(medium),
            )
        except OSError:
            self.sender.close()
            raise

    def close(self) -> None:
        self._leave()
        self.sender.close()
