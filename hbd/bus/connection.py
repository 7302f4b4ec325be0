"""One connection to a message bus: calls with deadlines, and every library error as AdapterError.

A connection lives once: when the bus goes away it is over, and the endpoint opens another.
"""

# mypy: allow-untyped-calls
# The library's wait_for_disconnect has no annotations.

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from dbus_next.constants import MessageFlag, MessageType, NameFlag, RequestNameReply
from dbus_next.errors import DBusError
from dbus_next.message import Message

from hbd.bus.guardedbus import GuardedBus
from hbd.errors import AdapterError

DBUS = "org.freedesktop.DBus"
DBUS_PATH = "/org/freedesktop/DBus"

OnCall = Callable[["Connection", Message], None]
OnSignal = Callable[[Message], None]

# The bus itself answers in well under a millisecond; a second without is a bus in trouble.
BUS_DEADLINE_SECONDS = 5.0


class CallFailed(AdapterError):
    """The callee answered with an error; `name` is its D-Bus name."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class CallTimedOut(AdapterError):
    """The callee did not answer in time."""


class Connection:
    """A joined bus. `on_call` gets every method call that comes in, `on_signal` every signal."""

    def __init__(self, bus: GuardedBus, on_call: OnCall, on_signal: OnSignal | None = None) -> None:
        self._bus = bus
        self._on_call = on_call
        self._on_signal = on_signal
        bus.add_message_handler(self._claim)

    @classmethod
    async def open(
        cls, address: str | None, on_call: OnCall, on_signal: OnSignal | None = None
    ) -> Connection:
        """Join the system bus, or the one at `address`. Raise AdapterError if that fails."""
        try:
            bus = await _joined(address)
        except TimeoutError as error:
            raise AdapterError("the message bus does not answer") from error
        except Exception as error:
            # Whatever the library makes of a bus that refuses, dies or talks nonsense.
            raise AdapterError(f"cannot join the message bus: {_said(error)}") from error
        return cls(bus, on_call, on_signal)

    @property
    def is_open(self) -> bool:
        """Whether messages can still be exchanged."""
        return bool(self._bus.connected)

    async def own(self, name: str) -> bool:
        """Become the owner of a name; False if another connection owns it."""
        body: list[object] = [name, int(NameFlag.DO_NOT_QUEUE)]
        answer = await self.call(DBUS, DBUS_PATH, DBUS, "RequestName", "su", body)
        owned = (RequestNameReply.PRIMARY_OWNER.value, RequestNameReply.ALREADY_OWNER.value)
        return answer[0] in owned

    async def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: list[object] | None = None,
        deadline_seconds: float = BUS_DEADLINE_SECONDS,
        *,
        autostart: bool = False,
    ) -> list[object]:
        """Call a method and give the answer's body; `autostart` may start the service called.

        Raise CallFailed for an error answer, CallTimedOut after `deadline_seconds`, AdapterError
        when the bus goes away.
        """
        if not self.is_open:
            raise AdapterError("the message bus has gone away")
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body or [],
            flags=MessageFlag.NONE if autostart else MessageFlag.NO_AUTOSTART,
            serial=self._bus.next_serial(),
        )
        reply = await self._answer(message, deadline_seconds)
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else ""
            raise CallFailed(str(reply.error_name), text)
        return list(reply.body)

    async def _answer(self, message: Message, deadline_seconds: float) -> Message:
        try:
            async with asyncio.timeout(deadline_seconds):
                reply = await self._bus.call(message)
        except TimeoutError as error:
            self._bus.forget(message.serial)
            what = f"{message.destination} did not answer {message.member}"
            raise CallTimedOut(f"{what} within {deadline_seconds:g} s") from error
        except (EOFError, OSError, BufferError, DBusError) as error:
            raise AdapterError(f"the message bus has gone away: {_said(error)}") from error
        if reply is None:
            raise AdapterError("the message bus has gone away")
        return reply

    def send(self, message: Message) -> None:
        """Queue a message without waiting; lost if the bus is lost."""
        self._bus.send(message)

    def tell(
        self, destination: str, path: str, interface: str, member: str, signature: str, word: str
    ) -> None:
        """Call a method with one argument and ask for no answer."""
        flags = MessageFlag.NO_REPLY_EXPECTED | MessageFlag.NO_AUTOSTART
        self.send(
            Message(
                destination=destination,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=[word],
                flags=flags,
            )
        )

    async def closed(self) -> None:
        """Return when the connection is over, however it ended."""
        try:
            await self._bus.wait_for_disconnect()
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001, S110  # any reason: it is over, and the caller knows why to ask
            pass

    def abandon(self) -> None:
        """Leave at once, whatever is still queued."""
        self._bus.abandon()

    async def close(self) -> None:
        """Send what is queued, then leave. Gives up on a bus that does not read."""
        if self.is_open:
            with contextlib.suppress(AdapterError):  # then nobody is there to read it
                await self.call(DBUS, DBUS_PATH, DBUS, "GetId", deadline_seconds=1.0)
        self._bus.abandon()

    def _claim(self, message: Message) -> bool:
        """Take every method call and show every signal; answers go the library's own way."""
        if message.message_type is MessageType.SIGNAL and self._on_signal is not None:
            self._on_signal(message)
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        self._on_call(self, message)
        return True


async def _joined(address: str | None) -> GuardedBus:
    bus = GuardedBus(address)
    try:
        async with asyncio.timeout(BUS_DEADLINE_SECONDS):
            await bus.connect()
    except BaseException:
        bus.abandon()
        raise
    return bus


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
