"""A ping node: something in the network that should answer, such as a router, asked each keepalive.

Heartbeat carries a signed message to itself in the echo; here each request carries a random token
instead, so that nobody who does not see the request can answer for the node. A group is alive
while any of its addresses answers. Heartbeats never travel on this link. It knows no peer: an
answer is `on_alive`, silence is for the core to notice.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import os
import socket

from hbd.cluster.terms import SECOND, LinkName, Usec
from hbd.link.icmp import IDENTIFIER_VALUES, EchoSocket, Reply
from hbd.link.link import Condition, Counters, OnAlive, OnFault
from hbd.link.retry import Retry
from hbd.wire.session import Outgoing

TOKEN_BYTES = 16
ROUNDS_REMEMBERED = 8  # a reply later than this many keepalives is not believed any more
BATCH = 32  # replies read before the loop's other work gets its turn
NOT_PERMITTED = "not permitted: CAP_NET_RAW or a group in net.ipv4.ping_group_range is needed"


class PingLink:
    """A link that only asks whether somebody is there; see `link.Link`."""

    def __init__(
        self,
        name: LinkName,
        addresses: tuple[str, ...],
        interval_usec: Usec,
        on_alive: OnAlive,
        on_fault: OnFault,
    ) -> None:
        """`addresses` are numeric, IPv4 and IPv6 mixed as you like; `on_alive` at each reply."""
        assert addresses, "a ping node has an address"
        self.name = name
        self.kind = "ping"
        self.interface: str | None = None
        self.counters = Counters()
        self._addresses = addresses
        self._interval_s = interval_usec / SECOND
        self._on_alive = on_alive
        self._condition = Condition(name, on_fault)
        self._retry = Retry(self._try_to_open)
        self._wanted = False  # between open() and close()
        self._sockets: dict[socket.AddressFamily, EchoSocket] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._sequence = int.from_bytes(os.urandom(2), "big")
        self._asked: dict[int, tuple[str, bytes]] = {}  # by sequence, oldest first

    @property
    def fault(self) -> str | None:
        """Why nobody can be asked; that nobody answers is no fault."""
        return self._condition.fault

    def open(self) -> None:
        """Ask now and then at every interval."""
        self._wanted = True
        if not self._sockets:
            self._retry.now()

    def send(self, outgoing: Outgoing) -> None:
        """Nothing: a ping node is no place for heartbeats."""

    def interface_changed(self) -> None:
        """Ask at once if nobody could be asked."""
        if self._wanted and self.fault is not None:
            if self._sockets:
                self._ask()
            else:
                self._retry.now()

    async def drain(self) -> None:
        """Nothing to wait for."""

    def retime(self, interval_usec: Usec) -> None:
        """Ask in another rhythm, beginning now."""
        if interval_usec / SECOND != self._interval_s:
            self._interval_s = interval_usec / SECOND
            if self._sockets:
                self._ask()

    def close(self) -> None:
        """Ask no more."""
        self._wanted = False
        self._retry.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for echo in self._sockets.values():
            asyncio.get_running_loop().remove_reader(echo.socket)
            echo.close()
        self._sockets.clear()
        self._asked.clear()

    def _try_to_open(self) -> None:
        opened: dict[socket.AddressFamily, EchoSocket] = {}
        try:
            for family in {_family(address) for address in self._addresses}:
                opened[family] = EchoSocket(family)
        except OSError as error:
            for echo in opened.values():
                echo.close()
            self._failed(NOT_PERMITTED if isinstance(error, PermissionError) else _words(error))
            if self._wanted:  # unless telling it was a reason to close the link
                self._retry.later()
            return
        self._sockets = opened
        for echo in opened.values():
            asyncio.get_running_loop().add_reader(echo.socket, self._readable, echo)
        self._retry.succeeded()
        self._ask()

    def _ask(self) -> None:
        """One request to each address, and the next round in an interval."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._ask)
        problems = [error for address in self._addresses if (error := self._ask_one(address))]
        while len(self._asked) > ROUNDS_REMEMBERED * len(self._addresses):
            del self._asked[next(iter(self._asked))]
        if len(problems) == len(self._addresses):
            self._failed(_words(problems[0]))
        else:
            self._condition.works()

    def _ask_one(self, address: str) -> OSError | None:
        self._sequence = (self._sequence + 1) % IDENTIFIER_VALUES
        token = os.urandom(TOKEN_BYTES)
        try:
            count = self._sockets[_family(address)].send(address, self._sequence, token)
        except OSError as error:
            self.counters.errors += 1
            return error
        self._asked[self._sequence] = (address.partition("%")[0], token)
        self.counters.messages_sent += 1
        self.counters.bytes_sent += count
        return None

    def _readable(self, echo: EchoSocket) -> None:
        for _ in range(BATCH):
            if not self._sockets:  # closed by the owner at the reply before
                return
            try:
                reply = echo.receive()
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # an ICMP error of an earlier request: the answer's absence says it
                self.counters.errors += 1
                return
            if reply is not None:
                self._believe(reply)

    def _believe(self, reply: Reply) -> None:
        """Take an answer to a question that was asked, of the one who was asked, once."""
        address, token = self._asked.get(reply.sequence, ("", b""))
        if not token or not hmac.compare_digest(reply.payload, token):
            return
        if ipaddress.ip_address(reply.source) != ipaddress.ip_address(address):
            return
        del self._asked[reply.sequence]
        self.counters.messages_received += 1
        self.counters.bytes_received += len(reply.payload)
        self._on_alive(self.name)

    def _failed(self, why: str) -> None:
        self._condition.failed(f"ping {' '.join(self._addresses)}: {why}")


def _words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _family(address: str) -> socket.AddressFamily:
    is_ipv4 = ipaddress.ip_address(address).version == 4
    return socket.AF_INET if is_ipv4 else socket.AF_INET6
