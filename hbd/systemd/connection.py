"""One D-Bus connection to systemd: calls under a deadline, signals, and its end.

It does not know units or jobs. dbus-next 0.2.3 is kept behind these walls:

- its `connect()` blocks, and its handshake spins for ever if the other side closes: ours is here;
- after the connection is lost, a call never returns: `call` refuses at once;
- a call has no deadline: a missed one ends the connection, since the reply would be of no use.
  systemd answers one call after the other, so a deadline is of its silence: while it answers other
  calls of this connection, ours only waits its turn.

Besides the system bus it speaks to systemd's own socket /run/systemd/private, as systemctl does,
so that a failover does not need dbus-daemon. That socket is no bus: no Hello, no match rules, all
signals come by themselves, thousands at a daemon-reload; `sieve` has the rules then.
Source: the D-Bus specification, "Authentication Protocol".
"""

# mypy: allow-untyped-calls
# The library's inner functions have no annotations.

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from dbus_next._private.unmarshaller import MarshallerStreamEndError, Unmarshaller
from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError, NoAnswer
from hbd.systemd import sieve
from hbd.systemd.sieve import Sieve

SYSTEMD: Final = "org.freedesktop.systemd1"
DBUS: Final = "org.freedesktop.DBus"

# PID 1 answers in well under a millisecond; on a machine that swaps it may take seconds.
CALL_LIMIT_USEC: Final = Usec(10 * SECOND)
CONNECT_LIMIT_USEC: Final = Usec(5 * SECOND)  # then the other way to systemd is tried
MESSAGES_PER_TURN: Final = 16  # read before the loop may turn to the heartbeats: some 5 ms
LINE_MAX: Final = 16 * 1024  # of the handshake; dbus-daemon's own limit


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where systemd can be spoken to: a Unix socket, with a bus behind it or systemd itself."""

    path: str
    is_bus: bool


SYSTEM_BUS: Final = Endpoint("/run/dbus/system_bus_socket", is_bus=True)
PRIVATE: Final = Endpoint("/run/systemd/private", is_bus=False)


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal from systemd; `body` is as dbus-next decodes it."""

    path: str
    interface: str
    member: str
    body: Sequence[object]


class CallFailed(AdapterError):
    """The other side answered with an error; `name` is the D-Bus error's."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class Connection:
    """A connection that is open until it is lost or closed, and then never again."""

    def __init__(self, bus: _Bus, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._bus = bus
        self._waiting: dict[asyncio.Timeout, float] = {}  # s of silence that each call can bear
        bus.on_answer = self._answered
        self._watcher = asyncio.create_task(self._watch(), name="systemd-connection")

    @staticmethod
    async def open(endpoint: Endpoint, on_signal: Callable[[Signal], None]) -> Connection:
        """Connect and authenticate. Raises AdapterError; nothing stays open then."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        sock.settimeout(0)
        try:
            async with asyncio.timeout(CONNECT_LIMIT_USEC / SECOND):
                await _authenticate(sock, endpoint.path)
                bus = _Bus(sock)
                bus.add_message_handler(_signal_filter(on_signal))
                await (bus.connect() if endpoint.is_bus else bus.connect_directly())
        except (OSError, EOFError, TimeoutError, AdapterError) as error:
            sock.close()
            raise AdapterError(
                f"Failed to connect to systemd at '{endpoint.path}': {_reason(error)}"
            ) from error
        except BaseException:
            sock.close()
            raise
        return Connection(bus, endpoint)

    async def call(
        self,
        member: str,
        signature: str = "",
        *body: object,
        path: str = "/org/freedesktop/systemd1",
        interface: str = f"{SYSTEMD}.Manager",
        destination: str = SYSTEMD,
        limit_usec: Usec = CALL_LIMIT_USEC,
    ) -> list[object]:
        """Call a method and return the reply's body.

        Raises CallFailed for an error reply, NoAnswer when the connection is lost or when nothing
        is answered for the limit; the latter also ends the connection.
        """
        if self.lost.done():
            raise NoAnswer(f"Failed to call {member}: {self.lost.result()}")
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
            flags=MessageFlag.NO_AUTOSTART,
        )
        try:
            reply = await self._answer(message, limit_usec / SECOND)
        except TimeoutError as error:
            self._end(f"no answer to {member} within {limit_usec // SECOND} s")
            raise NoAnswer(f"Failed to call {member}: {self.lost.result()}") from error
        except (OSError, EOFError) as error:
            raise NoAnswer(f"Failed to call {member}: {_reason(error)}") from error
        if reply is None:
            raise NoAnswer(f"Failed to call {member}: the connection was closed")
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else str(reply.error_name)
            raise CallFailed(str(reply.error_name), text)
        return list(reply.body)

    async def _answer(self, message: Message, limit: float) -> Message | None:
        async with asyncio.timeout(limit) as patience:
            self._waiting[patience] = limit
            try:
                return await self._bus.call(message)
            finally:
                del self._waiting[patience]

    def _answered(self) -> None:
        """A call was answered: the patience of all that wait begins anew."""
        now = asyncio.get_running_loop().time()
        for patience, limit in self._waiting.items():
            if not patience.expired():
                patience.reschedule(now + limit)

    async def match(self, rule: str) -> None:
        """Hear more signals from systemd; its own socket sends all, and the sieve lets them by."""
        self._bus.sieve.add(rule)
        await self._tell_bus("AddMatch", rule)

    async def unmatch(self, rule: str) -> None:
        """Hear these no more."""
        self._bus.sieve.remove(rule)
        await self._tell_bus("RemoveMatch", rule)

    async def _tell_bus(self, method: str, rule: str) -> None:
        if self.endpoint.is_bus:
            await self.call(
                method,
                "s",
                f"type='signal',sender='{SYSTEMD}',{rule}",
                path="/org/freedesktop/DBus",
                interface=DBUS,
                destination=DBUS,
            )

    async def close(self) -> None:
        """Close and wait until the library has let go of the socket."""
        self._end("closed by hbd")
        await asyncio.wait([self._watcher])

    def _end(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_result(why)
        self._bus.hang_up()

    async def _watch(self) -> None:
        """Learn of the end from the library, and say why."""
        why = "the connection was closed"
        try:
            await self._bus.disconnected()
        except EOFError:
            pass
        except Exception as error:  # noqa: BLE001 - the library passes on whatever its parser met
            why = f"the connection broke: {_reason(error)}"
        self._end(why)


class _Unmarshaller(Unmarshaller):
    """Reads one message; `message` is None afterwards if it was a signal that nobody wants."""

    def __init__(self, stream: object, wanted: Sieve) -> None:
        super().__init__(stream)
        self._wanted = wanted

    def unmarshall(self) -> bool:
        """Go on reading; False if the rest has not arrived yet. Raise EOFError at the end."""
        try:
            self.offset = 0
            self.read(sieve.FIXED_HEADER, prefetch=True)
            self.read(sieve.length(self.buf), prefetch=True)
            if self._wanted.wants(self.buf):
                self._unmarshall()
        except MarshallerStreamEndError:
            return False
        return True


class _Bus(MessageBus):
    """dbus-next's bus on a socket that is already connected and authenticated."""

    def __init__(self, sock: socket.socket) -> None:
        self._ready_socket = sock
        self._is_over = False
        self.sieve = Sieve()
        self.on_answer: Callable[[], None] = lambda: None
        super().__init__(bus_address="unix:path=/")  # not used: `_setup_socket` brings the socket

    def _setup_socket(self) -> None:
        self._sock = self._ready_socket
        self._stream = self._sock.makefile("rwb")
        self._fd = self._sock.fileno()

    def _create_unmarshaller(self) -> _Unmarshaller:
        return _Unmarshaller(self._stream, self.sieve)

    def _message_reader(self) -> None:
        """Take what has come, but not for ever: the heartbeats share this loop.

        The stream has a buffer of its own, so the selector need not call again for what is in it.
        """
        if self._is_over:
            return
        try:
            for _ in range(MESSAGES_PER_TURN):
                if self._is_over or not self._unmarshaller.unmarshall():
                    return
                message = self._unmarshaller.message
                self._unmarshaller = self._create_unmarshaller()
                if message is not None:
                    if message.message_type is not MessageType.SIGNAL:
                        self.on_answer()
                    self._on_message(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the connection's end
            self._is_over = True
            self._finalize(error)
            return
        self._loop.call_soon(self._message_reader)

    async def _authenticate(self) -> None:
        """Done before the socket was handed over."""

    async def connect_directly(self) -> None:
        """Talk to a peer that is no bus: nobody gives us a name, so there is no Hello."""
        self._loop.add_reader(self._fd, self._message_reader)
        self.unique_name = ":direct"  # type: ignore[assignment]  # typed as None there

    async def disconnected(self) -> None:
        """Return or raise at the end of the connection."""
        await self._disconnect_future

    def hang_up(self) -> None:
        """Close now; pending calls end, `wait_for_disconnect` returns."""
        self._user_disconnect = self._is_over = True
        self._finalize(EOFError())
        with contextlib.suppress(OSError):
            self._stream.close()
        self._sock.close()


async def _authenticate(sock: socket.socket, path: str) -> None:
    """SASL EXTERNAL: the kernel tells the other side who we are.

    BEGIN goes out with AUTH, as systemctl does. Sent after the OK, it may arrive together with the
    first call, and systemd's own socket then leaves that call lying until there is a second one.
    """
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, path)
    uid = str(os.geteuid()).encode().hex()
    await loop.sock_sendall(sock, b"\0AUTH EXTERNAL " + uid.encode() + b"\r\nBEGIN\r\n")
    line = b""
    while not line.endswith(b"\r\n"):
        received = await loop.sock_recv(sock, 1)  # what follows the line is the library's
        line += received
        if not received or len(line) > LINE_MAX:
            raise EOFError
    if not line.startswith(b"OK "):
        raise AdapterError(f"not let in: {line[:80]!r}")


def _signal_filter(on_signal: Callable[[Signal], None]) -> Callable[[Message], bool]:
    def handle(message: Message) -> bool:
        if message.message_type is not MessageType.SIGNAL:
            return message.message_type is MessageType.METHOD_CALL  # we serve nothing here
        on_signal(Signal(message.path, message.interface, message.member, message.body))
        return False

    return handle


def _reason(error: BaseException) -> str:
    match error:
        case TimeoutError():
            return "no answer in time"
        case EOFError():
            return "the connection was closed"
        case OSError():
            return error.strerror or str(error)
        case _:
            return str(error) or type(error).__name__
