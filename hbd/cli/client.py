"""hbd's D-Bus API as typed calls: the only part of hbctl that knows the bus.

It asks for no start of the daemon: looking at a stopped cluster must not start it. Errors come as
`Trouble` with the exit status.
"""

# mypy: allow-untyped-calls
# The library's connection has few annotations; this module is where it is called.

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import assert_never

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import BusType, MessageFlag, MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

from hbd.bus.names import BUS_NAME, ROOT, Error, Interface, Standard, Verb
from hbd.cli.clientbus import ClientBus, look_away
from hbd.cli.outcome import NOT_REACHED, WENT_AWAY, Exit, Trouble, no_bus, of_error
from hbd.cli.view import Objects

DBUS = "org.freedesktop.DBus"
DBUS_PATH = "/org/freedesktop/DBus"
LOGIN = "org.freedesktop.login1"
LOGIN_PATH = "/org/freedesktop/login1"

# The daemon answers in milliseconds, and is allowed to be busy with a failover.
ANSWER_SECONDS = 10.0
# Both nodes look at their disks: 10 s by its own promise.
CHECK_SECONDS = 20.0
# polkit may ask a person meanwhile; the daemon itself gives up after two minutes.
PERMISSION_SECONDS = 150.0

# More than a job makes; a client that does not read them is not worth more memory.
MAX_SIGNALS = 10_000

# A failover changes the manager a few times in a second; a read takes some milliseconds.
MAX_READS = 5


@dataclass(frozen=True, slots=True)
class Change:
    """Properties of one object have changed."""

    path: str
    properties: dict[str, object]


@dataclass(frozen=True, slots=True)
class JobEnd:
    """A job is over; `why` is for people."""

    result: str
    why: str


class Client:
    """A conversation with the daemon of this machine."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._daemon = ""
        self._signals: asyncio.Queue[Message] = asyncio.Queue(MAX_SIGNALS)
        self._gone = asyncio.ensure_future(bus.wait_for_disconnect())
        self._gone.add_done_callback(look_away)
        bus.add_message_handler(self._keep)

    async def objects(self) -> Objects:
        """All objects with all their properties, as of one moment.

        They take two calls, between which something may change: then they are read again. What
        changes all the time gets as many tries as `MAX_READS`.
        """
        manager = await self._manager()
        for _ in range(MAX_READS):
            below = await self._call(Standard.OBJECT_MANAGER, "GetManagedObjects")
            before, manager = manager, await self._manager()
            if before == manager:
                break
        objects = {ROOT: {str(Interface.MANAGER): manager}}
        for path, interfaces in below.body[0].items():
            objects[path] = {name: _plain(values) for name, values in interfaces.items()}
        return objects

    async def _manager(self) -> dict[str, object]:
        reply = await self._call(Standard.PROPERTIES, "GetAll", "s", str(Interface.MANAGER))
        told = _plain(reply.body[0])
        told.pop("NowUSec", None)  # it is never twice the same, and this machine has the clock
        return told

    async def check(self) -> list[list[str]]:
        """What both nodes find: node, check, level, text and remedy of each line."""
        reply = await self._call(Interface.MANAGER, "Check", seconds=CHECK_SECONDS)
        return [[str(word) for word in line] for line in reply.body[0]]

    async def history(self, limit: int) -> list[dict[str, object]]:
        """The last transitions, newest first; 0: all that are kept."""
        reply = await self._call(Interface.MANAGER, "History", "u", limit)
        return [_plain(each) for each in reply.body[0]]

    async def journal(self, transition: str) -> list[tuple[int, str]]:
        """The journal's lines of a transition, oldest first: µs since 1970, and the text."""
        reply = await self._call(Interface.MANAGER, "Journal", "s", transition)
        return [(int(at_usec), str(text)) for at_usec, text in reply.body[0]]

    async def listen(self) -> None:
        """Keep what the daemon tells from now on, and notice when it goes."""
        await self._call_bus("AddMatch", f"type='signal',sender='{BUS_NAME}'")
        vanishing = f"member='NameOwnerChanged',arg0='{BUS_NAME}'"
        await self._call_bus("AddMatch", f"type='signal',sender='{DBUS}',{vanishing}")
        # Anybody may send us a signal directly; only the daemon's own are believed.
        self._daemon = str((await self._call_bus("GetNameOwner", BUS_NAME)).body[0])

    @property
    def is_running(self) -> bool:
        """Whether the daemon was on the bus by the last that was heard. Call `attend` before."""
        return bool(self._daemon)

    async def attend(self) -> None:
        """As `listen`, also while the daemon does not run: its coming and going are news, too."""
        try:
            await self.listen()
        except Trouble as trouble:
            if trouble.status is not Exit.NOT_RUNNING:
                raise

    async def news(self) -> None:
        """Wait until the daemon has told something, came or went; take all of it together."""
        await self._next_signal()
        while not self._signals.empty():
            self._signals.get_nowait()

    async def submit(self, verb: Verb, target: str, *, is_group: bool, ask: bool) -> str:
        """Ask for what a verb does; give the job's path. `ask`: a person may be asked.

        `target` is a scope or, with `is_group`, a group; verbs without groups take no notice of it.
        """
        member, signature, body = _call_of(verb, target, is_group=is_group)
        flags = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION if ask else MessageFlag.NONE
        reply = await self._call(
            Interface.MANAGER, member, signature, *body, flags=flags, seconds=PERMISSION_SECONDS
        )
        return str(reply.body[0])

    async def reload(self, *, ask: bool) -> list[str]:
        """Ask for a reload; give a line for each thing that differs. `ask`: a person may be."""
        flags = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION if ask else MessageFlag.NONE
        reply = await self._call(
            Interface.MANAGER, "Reload", flags=flags, seconds=PERMISSION_SECONDS
        )
        return [str(line) for line in reply.body[0]]

    async def is_in_session(self) -> bool:
        """Whether polkit counts this process to a login session, where an agent may be registered.

        As polkit does it: to the process's own, or else to the user's graphical one, for what a
        desktop starts beside it. Without logind(8) there are no sessions.
        """
        pid = os.getpid()
        try:
            await self._call_login("Manager", "GetSessionByPID", "u", pid)
        except Trouble:
            try:
                user = (await self._call_login("Manager", "GetUserByPID", "u", pid)).body[0]
                display = await self._call_login("User", "Display", path=user)
            except Trouble:
                return False
            return bool(display.body[0].value[0])
        return True

    async def _call_login(
        self,
        interface: str,
        member: str,
        signature: str = "",
        *body: object,
        path: str = LOGIN_PATH,
    ) -> Message:
        """Call a method of logind's; without a signature, get a property."""
        message = Message(
            destination=LOGIN,
            path=path,
            interface=f"{LOGIN}.{interface}" if signature else str(Standard.PROPERTIES),
            member=member if signature else "Get",
            signature=signature or "ss",
            body=list(body) if signature else [f"{LOGIN}.{interface}", member],
            flags=MessageFlag.NO_AUTOSTART,
        )
        return await self._send(message, ANSWER_SECONDS)

    async def follow(self, job: str) -> AsyncIterator[Change | JobEnd]:
        """What happens until the job is over, JobEnd last. Call `listen` before `submit`."""
        while True:
            signal = await self._next_signal()
            if signal.member == "JobRemoved" and signal.body[0] == job:
                yield JobEnd(signal.body[1], signal.body[2])
                return
            if signal.member == "NameOwnerChanged":
                raise Trouble(Exit.UNKNOWN, WENT_AWAY)
            if signal.member == "PropertiesChanged":
                yield Change(signal.path, _plain(signal.body[1]))

    async def _next_signal(self) -> Message:
        kept = asyncio.ensure_future(self._signals.get())
        try:
            await asyncio.wait((kept, self._gone), return_when=asyncio.FIRST_COMPLETED)
            if kept.done():
                return kept.result()
        finally:
            kept.cancel()  # or it would take the next signal for nobody
        raise Trouble(Exit.UNKNOWN, "the message bus went away; see `hbctl status`")

    async def _call(
        self,
        interface: str,
        member: str,
        signature: str = "",
        *body: object,
        flags: MessageFlag = MessageFlag.NONE,
        seconds: float = ANSWER_SECONDS,
    ) -> Message:
        message = Message(
            destination=BUS_NAME,
            path=ROOT,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
            flags=flags | MessageFlag.NO_AUTOSTART,
        )
        return await self._send(message, seconds)

    async def _call_bus(self, member: str, word: str) -> Message:
        message = Message(
            destination=DBUS,
            path=DBUS_PATH,
            interface=DBUS,
            member=member,
            signature="s",
            body=[word],
        )
        return await self._send(message, ANSWER_SECONDS)

    async def _send(self, message: Message, seconds: float) -> Message:
        try:
            # Not wait_for: Python 3.11's forgets to be cancelled when the answer comes meanwhile.
            async with asyncio.timeout(seconds):
                reply = await self._bus.call(message)
        except TimeoutError as error:
            raise Trouble(Exit.TIMEOUT, f"no answer within {seconds:g} s") from error
        except (EOFError, OSError) as error:
            raise Trouble(Exit.UNKNOWN, "the message bus went away") from error
        if reply is None:
            raise Trouble(Exit.UNKNOWN, "the message bus went away")
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else ""
            if reply.sender == DBUS and reply.error_name == Error.ACCESS_DENIED:
                text = NOT_REACHED  # the bus's own words are about its rules
            raise of_error(str(reply.error_name), text)
        return reply

    def _keep(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL and message.sender in (self._daemon, DBUS):
            if message.member == "NameOwnerChanged" and message.body[0] == BUS_NAME:
                self._daemon = str(message.body[2])
            try:
                self._signals.put_nowait(message)
            except asyncio.QueueFull:
                self._bus.disconnect()
        return False


@asynccontextmanager
async def connected() -> AsyncIterator[Client]:
    """A client on the system bus; raise Trouble if there is no bus."""
    try:
        bus = ClientBus(bus_type=BusType.SYSTEM)
    except OSError as error:
        raise no_bus(error) from error
    try:
        try:
            await asyncio.wait_for(bus.connect(), ANSWER_SECONDS)
        except (TimeoutError, EOFError, OSError) as error:
            raise no_bus(error) from error
        yield Client(bus)
    finally:
        bus.hang_up()


def boot_usec() -> int:
    """Now, on the clock of all instants that the daemon tells."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def _call_of(verb: Verb, target: str, *, is_group: bool) -> tuple[str, str, tuple[object, ...]]:
    """A verb's method: its name, signature and arguments."""
    match verb:
        case Verb.TAKEOVER | Verb.STANDBY:
            return verb.value.capitalize() + ("Group" if is_group else ""), "s", (target,)
        case Verb.MAINTENANCE_ON | Verb.MAINTENANCE_OFF:
            return "SetMaintenance", "b", (verb is Verb.MAINTENANCE_ON,)
        case Verb.CONFIRM_PEER_DOWN:
            return "ConfirmPeerDown", "", ()
        case Verb.CLEAR_FAILURE:
            return "ClearFailure", "s", (target if is_group else "",)
        case _:
            assert_never(verb)


def _plain(properties: dict[str, Variant]) -> dict[str, object]:
    return {name: variant.value for name, variant in properties.items()}
