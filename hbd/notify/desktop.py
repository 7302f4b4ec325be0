"""The desktop's notification server (org.freedesktop.Notifications), on the session's own bus.

The server may be absent, come later, be replaced or hang; the bus may end. What could not be shown
is given back to the caller, and so is what a person has not closed when its server goes away.
Notifications are known by their subject: a new one replaces the old.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from html import escape

from dbus_next.message import Message
from dbus_next.signature import Variant

from hbd.bus.connection import Connection
from hbd.cli.ink import printable
from hbd.errors import AdapterError
from hbd.notify.note import News, Note, Urgency, Withdrawal

SERVER = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
DBUS = "org.freedesktop.DBus"
DBUS_PATH = "/org/freedesktop/DBus"

APP_NAME = "hbd"
DESKTOP_ENTRY = "org.hbd.Heartbeat1"  # the launcher's and the icon's name, without its ending
CATEGORY = "network"
OPEN = "open"
# "default" is what a click on the notification itself does.
ACTIONS = ["default", "Open Cockpit", OPEN, "Open Cockpit"]
SERVER_DECIDES = -1  # how long it stays
NEVER = 0

# A server answers in milliseconds; one that the bus starts first, in a second or two.
SHOW_SECONDS = 10.0
START_SECONDS = 30.0
# The session's bus ends with the session, and so do we; this is for one that is replaced.
RETRY_SECONDS = 5.0
MAX_SUMMARY = 120  # characters; a server cuts by its own taste, but none needs a screenful
MAX_BODY = 800

_LOG = logging.getLogger("hbd-notify")


class Desktop:
    """Where notifications are shown.

    `on_open` gets the activation token of a click, or nothing; `on_ready` is called when there may
    be a server again, with what is to be shown there anew.
    """

    def __init__(
        self, on_open: Callable[[str], None], on_ready: Callable[[list[Note]], None]
    ) -> None:
        self._on_open = on_open
        self._on_ready = on_ready
        self._bus: Connection | None = None
        self._shown: dict[int, Note] = {}  # by the server's number
        self._tokens: dict[int, str] = {}
        self._server = ""  # the unique name of the one that has our notifications
        self._capabilities: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Stay on the session's bus; join it again when it was lost."""
        is_said = False
        while True:
            try:
                await self._attend(await Connection.open(session_bus(), _refuse, self._heard))
                is_said = False
            except AdapterError as error:
                if not is_said:
                    _LOG.info("no session bus (%s); trying again", error)
                is_said = True
            await asyncio.sleep(RETRY_SECONDS)

    async def _attend(self, bus: Connection) -> None:
        try:
            for rule in (
                f"sender='{SERVER}',interface='{SERVER}'",
                f"sender='{DBUS}',member='NameOwnerChanged',arg0='{SERVER}'",
            ):
                await bus.call(DBUS, DBUS_PATH, DBUS, "AddMatch", "s", [f"type='signal',{rule}"])
            self._bus = bus
            self._on_ready([])
            await bus.closed()
        finally:
            self._bus = None
            self._on_ready(self._forget())
            bus.abandon()

    @property
    def is_ready(self) -> bool:
        """Whether there is a server, by the last that was heard."""
        return self._bus is not None and bool(self._server)

    async def find_server(self) -> bool:
        """Whether something can be shown now; the bus may start a server for it."""
        try:
            await self._with_server()
        except AdapterError as error:
            _LOG.info("nothing can be shown now: %s", error)
            return False
        return True

    async def show(self, news: list[News]) -> list[News]:
        """Show and take away; give back what could not be shown for want of a server."""
        left = list(news)
        try:
            bus = await self._with_server()
            while left:
                each = left[0]
                if isinstance(each, Note):
                    await self._notify(bus, each)
                else:
                    await self._withdraw(bus, each)
                left.pop(0)
        except AdapterError as error:
            _LOG.info("not shown: %s", error)
            left += self._forget()
        return left

    async def close(self) -> None:
        """Take away what stands on the screen: nobody would answer a click, or correct it."""
        if self.is_ready:
            await self.show([Withdrawal(note.subject) for note in self._shown.values()])
        if self._bus is not None:
            await self._bus.close()

    async def _with_server(self) -> Connection:
        """The bus, with a server on it that we know; the bus may start one."""
        bus = self._bus
        if bus is None:
            raise AdapterError("there is no session bus")
        if not self._server:
            start: list[object] = [SERVER, 0]
            await bus.call(DBUS, DBUS_PATH, DBUS, "StartServiceByName", "su", start, START_SECONDS)
            [owner] = await bus.call(DBUS, DBUS_PATH, DBUS, "GetNameOwner", "s", [SERVER])
            [words] = await bus.call(
                SERVER, PATH, SERVER, "GetCapabilities", deadline_seconds=SHOW_SECONDS
            )
            self._capabilities = frozenset(map(str, words if isinstance(words, list) else []))
            self._server = str(owner)
        return bus

    async def _notify(self, bus: Connection, note: Note) -> None:
        hints = {
            "urgency": Variant("y", int(note.urgency)),
            "desktop-entry": Variant("s", DESKTOP_ENTRY),
            "category": Variant("s", CATEGORY),
        }
        body: list[object] = [
            APP_NAME,
            self._number(note.subject),
            DESKTOP_ENTRY,
            _text(note.summary, MAX_SUMMARY),
            self._marked(_text(note.body, MAX_BODY)),
            ACTIONS if "actions" in self._capabilities else [],
            hints,
            NEVER if note.urgency is Urgency.CRITICAL else SERVER_DECIDES,
        ]
        [number] = await bus.call(
            SERVER, PATH, SERVER, "Notify", "susssasa{sv}i", body, SHOW_SECONDS
        )
        self._shown[int(str(number))] = note

    def _number(self, subject: str) -> int:
        """The server's number of what is shown about a subject; 0: nothing is."""
        return next((at for at, note in self._shown.items() if note.subject == subject), 0)

    def _marked(self, text: str) -> str:
        """A body as this server reads it: where it knows markup, `<` and `&` are markup."""
        return escape(text, quote=False) if "body-markup" in self._capabilities else text

    async def _withdraw(self, bus: Connection, what: Withdrawal) -> None:
        if number := self._number(what.subject):
            del self._shown[number]
            await bus.call(SERVER, PATH, SERVER, "CloseNotification", "u", [number], SHOW_SECONDS)

    def _heard(self, signal: Message) -> None:
        if signal.sender == DBUS and signal.member == "NameOwnerChanged":
            lost = self._forget()
            self._on_ready(lost)
        elif signal.sender == self._server and signal.interface == SERVER:
            self._answered(signal)

    def _answered(self, signal: Message) -> None:
        """What a person did with one of ours. Numbers are shared with all other programs."""
        if not signal.body or signal.body[0] not in self._shown:
            return
        match signal.member, signal.signature:
            case "ActivationToken", "us":
                self._tokens[signal.body[0]] = signal.body[1]
            case "ActionInvoked", "us":
                self._on_open(self._tokens.pop(signal.body[0], ""))
            case "NotificationClosed", "uu":
                self._tokens.pop(signal.body[0], None)
                del self._shown[signal.body[0]]

    def _forget(self) -> list[Note]:
        """The server went away, and all that it showed with it: what was still pressing of that."""
        lost = [note for note in self._shown.values() if note.urgency is Urgency.CRITICAL]
        self._server = ""
        self._shown.clear()
        self._tokens.clear()
        return lost


def session_bus() -> str:
    """Where the session's bus is (dbus-daemon(1), and systemd's place for it)."""
    known = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    return known or f"unix:path={os.environ.get('XDG_RUNTIME_DIR', f'/run/user/{os.getuid()}')}/bus"


def _text(text: str, most: int) -> str:
    """Without control characters but line ends, and not longer than that."""
    clean = "\n".join(printable(line) for line in text.split("\n"))
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def _refuse(_bus: Connection, _call: Message) -> None:
    """We offer nothing to call; who does so all the same gets no answer."""
