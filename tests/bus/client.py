"""A caller on the bus, on the library's plain connection: it shares no code with hbd's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message

from hbd.bus.names import BUS_NAME, ROOT, Interface, Standard

DEADLINE_SECONDS = 10.0


async def leave(bus: MessageBus) -> None:
    """End a connection and close its socket, which the library would leave open."""
    if bus.connected:
        bus.disconnect()  # type: ignore[no-untyped-call]  # the library's own
    with contextlib.suppress(EOFError, OSError):
        await asyncio.wait_for(bus.wait_for_disconnect(), DEADLINE_SECONDS)  # type: ignore[no-untyped-call]  # the library's own
    with contextlib.suppress(OSError):
        bus._stream.close()
    bus._sock.close()


class Client:
    """Calls methods and keeps the signals it subscribed to."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self._signals: asyncio.Queue[Message] = asyncio.Queue(maxsize=1000)
        bus.add_message_handler(self._keep)

    @classmethod
    async def open(cls, address: str) -> Client:
        """Join the bus at `address`."""
        return cls(await MessageBus(bus_address=address).connect())

    @property
    def name(self) -> str:
        """What the bus calls us."""
        return str(self.bus.unique_name)

    async def send(self, message: Message) -> Message:
        """Send a call and give the reply, be it an answer or an error."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            reply = await self.bus.call(message)
        assert reply is not None
        return reply

    async def call(
        self,
        interface: str,
        member: str,
        signature: str = "",
        *body: object,
        path: str = ROOT,
        destination: str = BUS_NAME,
        flags: MessageFlag = MessageFlag.NONE,
    ) -> Message:
        """Call a method of hbd's and give the reply."""
        return await self.send(
            Message(
                destination=destination,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
                flags=flags,
            )
        )

    async def get(self, path: str, interface: Interface, name: str) -> object:
        """The value of one property."""
        reply = await self.call(Standard.PROPERTIES, "Get", "ss", interface, name, path=path)
        assert reply.message_type is MessageType.METHOD_RETURN, reply.error_name
        return reply.body[0].value

    async def subscribe(self) -> None:
        """Keep every signal from now on."""
        dbus = "org.freedesktop.DBus"
        await self.call(
            dbus,
            "AddMatch",
            "s",
            "type='signal'",
            path="/org/freedesktop/DBus",
            destination=dbus,
        )

    async def signal(self, member: str, path: str | None = None) -> Message:
        """The next signal of that name (from that object); those before it are dropped."""

        def fits(message: Message) -> bool:
            return message.member == member and path in (None, message.path)

        return await self.signal_that(fits)

    async def signal_that(self, fits: Callable[[Message], bool]) -> Message:
        """The next signal for which `fits` is true; those before it are dropped."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                message = await self._signals.get()
                if fits(message):
                    return message

    def kept(self) -> list[Message]:
        """Every signal that has arrived and was not asked for yet."""
        return [self._signals.get_nowait() for _ in range(self._signals.qsize())]

    async def close(self) -> None:
        """Leave the bus, be it still there or not."""
        await leave(self.bus)

    def _keep(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL and not self._signals.full():
            self._signals.put_nowait(message)
        return False
