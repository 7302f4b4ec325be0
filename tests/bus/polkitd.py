"""A small polkitd on the private bus: real messages in polkit's signatures, scripted answers."""

from __future__ import annotations

import asyncio

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageType
from dbus_next.message import Message

from hbd.bus.polkit import POLKIT, POLKIT_INTERFACE, POLKIT_PATH
from tests.bus.client import leave

FAILED = "org.freedesktop.PolicyKit1.Error.Failed"


class Polkitd:
    """Answers CheckAuthorization with `answer`; None is silence, a text is an error's name."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self.answer: tuple[bool, bool] | str | None = (True, False)
        self.questions: list[list[object]] = []
        self.asked = asyncio.Event()
        self.cancelled: asyncio.Queue[object] = asyncio.Queue()
        bus.add_message_handler(self._on_message)

    @classmethod
    async def start(cls, address: str) -> Polkitd:
        """Own polkit's name on the bus."""
        bus = await MessageBus(bus_address=address).connect()
        polkitd = cls(bus)
        await bus.request_name(POLKIT)
        return polkitd

    async def stop(self) -> None:
        """Leave the bus."""
        await leave(self._bus)

    def _on_message(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        assert (message.path, message.interface) == (POLKIT_PATH, POLKIT_INTERFACE)
        if message.member == "CancelCheckAuthorization":
            assert message.signature == "s"
            self.cancelled.put_nowait(message.body[0])
            return True
        assert (message.member, message.signature) == ("CheckAuthorization", "(sa{sv})sa{ss}us")
        self.questions.append(message.body)
        self.asked.set()
        match self.answer:
            case None:
                return True
            case str(name):
                return Message.new_error(message, name, "scripted")
            case (authorized, challenge):
                body = [[authorized, challenge, {}]]
                return Message.new_method_return(message, "(bba{ss})", body)
