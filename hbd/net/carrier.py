"""Which interfaces are there, and which of them carry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum

from hbd.errors import AdapterError
from hbd.net.kernel import (
    EventsLost,
    Interface,
    InterfaceChanged,
    InterfaceRemoved,
    Netlink,
    NetlinkEvent,
)

_PENDING_LIMIT = 4096  # events kept while interfaces are listed; beyond it, listed once more
_RETRY_SEC = 1.0


class LinkPresence(Enum):
    """An interface, by its name: absent ──created──► down ──carrier──► up ──► down ──► absent."""

    ABSENT = "absent"  # no interface has this name
    DOWN = "down"  # administratively down, or without carrier
    UP = "up"


class Carrier:
    """The presence of every interface of this node, kept by the kernel's own events."""

    def __init__(self, netlink: Netlink) -> None:
        self._netlink = netlink
        self._watchers: list[Callable[[str, LinkPresence], None]] = []
        self._names: dict[int, str] = {}  # by index
        self._interfaces: dict[str, Interface] = {}  # by name
        self._listing = asyncio.Lock()
        self._pending: list[NetlinkEvent] | None = None  # not None: a listing is under way
        self._is_subscribed = False
        self._is_stale = True  # what is known was never listed, or events were lost since
        self._task: asyncio.Task[None] | None = None

    async def watch(self, on_change: Callable[[str, LinkPresence], None]) -> None:
        """Tell `on_change` every interface now, and each change from now on, in their order.

        An interface that went and came back under its name is told as absent in between, however
        quickly it was: sockets bound to the old one are deaf. AdapterError: nothing is watched.
        """
        if not self._is_subscribed:
            self._netlink.subscribe(self._on_event)
            self._is_subscribed = True
        async with self._listing:
            if self._is_stale:
                await self._list()
        for name in tuple(self._interfaces):
            on_change(name, self.presence(name))
        self._watchers.append(on_change)

    def presence(self, interface: str) -> LinkPresence:
        """Answer what is known now; before the first `watch`, everything is absent."""
        known = self._interfaces.get(interface)
        if known is None:
            return LinkPresence.ABSENT
        return LinkPresence.UP if known.is_running else LinkPresence.DOWN

    def close(self) -> None:
        """Tell nobody anything any more."""
        self._watchers.clear()
        if self._task is not None:
            self._task.cancel()

    def _on_event(self, event: NetlinkEvent) -> None:
        if self._pending is not None:
            # What is being listed may be older or newer than this event; events that follow the
            # list in their order lead to the same end either way.
            if len(self._pending) >= _PENDING_LIMIT:
                self._pending[:] = [EventsLost()]
            self._pending.append(event)
        elif isinstance(event, InterfaceChanged):
            self._changed(event.interface)
        elif isinstance(event, InterfaceRemoved):
            self._removed(event.index)
        elif isinstance(event, EventsLost):
            self._is_stale = True
            if self._task is None or self._task.done():
                self._task = asyncio.get_running_loop().create_task(self._list_until_fresh())

    async def _list_until_fresh(self) -> None:
        while self._is_stale:
            try:
                async with self._listing:
                    await self._list()
            except AdapterError:
                await asyncio.sleep(_RETRY_SEC)

    async def _list(self) -> None:
        """Compare what is with what was known, then follow with what happened meanwhile."""
        self._pending = []
        try:
            listed = await self._netlink.interfaces()
        finally:
            pending, self._pending = self._pending, None
        self._is_stale = False
        for index in self._names.keys() - {interface.index for interface in listed}:
            self._removed(index)
        for interface in listed:
            self._changed(interface)
        for event in pending:
            self._on_event(event)

    def _changed(self, interface: Interface) -> None:
        before = self.presence(interface.name)
        if self._names.get(interface.index, interface.name) != interface.name:
            self._removed(interface.index)  # renamed
        namesake = self._interfaces.get(interface.name)
        if namesake is not None and namesake.index != interface.index:
            self._removed(namesake.index)  # created anew
            before = LinkPresence.ABSENT
        self._names[interface.index] = interface.name
        self._interfaces[interface.name] = interface
        self._tell(interface.name, before)

    def _removed(self, index: int) -> None:
        name = self._names.pop(index, None)
        if name is not None:
            before = self.presence(name)
            del self._interfaces[name]
            self._tell(name, before)

    def _tell(self, name: str, before: LinkPresence) -> None:
        now = self.presence(name)
        if now is not before:
            for watcher in tuple(self._watchers):
                watcher(name, now)
