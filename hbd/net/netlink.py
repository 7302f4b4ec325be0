"""The kernel's routing socket on the event loop: `kernel.Netlink` for this network namespace."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hbd.errors import AdapterError
from hbd.net.exchange import Frame, Requests, Subscription
from hbd.net.kernel import (
    AddressRemoved,
    EventsLost,
    Interface,
    InterfaceAddress,
    InterfaceChanged,
    InterfaceRemoved,
    Netlink,
    NetlinkEvent,
    Route,
)
from hbd.net.messages import AF_INET, AF_INET6, RTM_DELADDR, RTM_DELLINK, RTM_NEWLINK, Messages

__all__ = ["Netlink", "RoutingSocket", "open_netlink"]

_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
_EVENTS_PER_TURN = 64  # datagrams read before the loop may do other work
_NOT_THERE = frozenset({errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENXIO})

Entry = TypeVar("Entry")
Answer = TypeVar("Answer")


def open_netlink() -> Netlink:
    """Open the kernel's routing socket; AdapterError when it, or pyroute2, is not to be had."""
    return RoutingSocket()


class RoutingSocket:
    """`kernel.Netlink`: requests in one worker thread, events on the loop.

    The thread, because a request may wait for the kernel's lock over all interfaces (see
    `exchange.Requests`) and nothing can make it wait without blocking; only one, so that requests
    are carried out in the order they were made. What it shares with the loop is a queue.
    """

    def __init__(self) -> None:
        self._messages = Messages()
        try:
            self._requests = Requests()
            self._subscription = Subscription(
                _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR
            )
        except OSError as error:
            raise AdapterError(f"failed to open the routing socket: {error.strerror}") from error
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="netlink")
        self._listeners: list[Callable[[NetlinkEvent], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def interfaces(self) -> tuple[Interface, ...]:
        """Return every interface of this network namespace."""
        request, read = self._messages.ask_interfaces(), self._messages.interface
        return await self._ask("list interfaces", lambda: self._entries(request, read))

    async def addresses(self) -> tuple[InterfaceAddress, ...]:
        """Return every IPv4 and IPv6 address."""
        request, read = self._messages.ask_addresses(), self._messages.address
        return await self._ask("list addresses", lambda: self._entries(request, read))

    async def routes(self) -> tuple[Route, ...]:
        """Return the main table's unicast routes, IPv4's and IPv6's."""
        requests = [self._messages.ask_routes(family) for family in (AF_INET, AF_INET6)]
        read = self._messages.route

        def both() -> tuple[Route, ...]:
            return tuple(route for request in requests for route in self._entries(request, read))

        return await self._ask("list routes", both)

    async def add_address(self, address: InterfaceAddress) -> bool:
        """Put the address on its interface; False when exactly it was there already."""
        request = self._messages.add(address)
        return await self._ask(
            f"add {address.ip}/{address.prefix}",
            lambda: self._changed(request, frozenset({errno.EEXIST})),
        )

    async def delete_address(self, address: InterfaceAddress) -> bool:
        """Take the address from its interface; False when it, or the interface, was not there."""
        request = self._messages.delete(address)
        return await self._ask(
            f"delete {address.ip}/{address.prefix}", lambda: self._changed(request, _NOT_THERE)
        )

    def subscribe(self, on_event: Callable[[NetlinkEvent], None]) -> None:
        """Call `on_event` from the running loop for everything that happens from now on."""
        self._listeners.append(on_event)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._subscription.fileno(), self._on_readable)

    def close(self) -> None:
        """Stop listening, and end the thread when what it was asked is done. Never waits."""
        self._listeners.clear()
        if self._loop is not None:
            self._loop.remove_reader(self._subscription.fileno())
            self._loop = None
        self._subscription.close()
        self._worker.submit(self._requests.close)
        self._worker.shutdown(wait=False)

    async def _ask(self, what: str, work: Callable[[], Answer]) -> Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        except OSError as error:
            raise AdapterError(f"failed to {what}: {error.strerror or error}") from error

    def _entries(self, request: bytes, read: Callable[[bytes], Entry | None]) -> tuple[Entry, ...]:
        found = (read(data) for data in self._requests.dump(request))
        return tuple(entry for entry in found if entry is not None)

    def _changed(self, request: bytes, harmless: frozenset[int]) -> bool:
        try:
            self._requests.change(request)
        except OSError as error:
            if error.errno in harmless:
                return False
            raise
        return True

    def _on_readable(self) -> None:
        for _ in range(_EVENTS_PER_TURN):
            frames = self._subscription.read()
            if frames is None:
                self._tell(EventsLost())
                return
            if not frames:
                return
            for frame in frames:
                if (event := self._event(frame)) is not None:
                    self._tell(event)

    def _event(self, frame: Frame) -> NetlinkEvent | None:
        try:
            if frame.type == RTM_NEWLINK:
                changed = self._messages.interface(frame.data)
                return None if changed is None else InterfaceChanged(changed)
            if frame.type == RTM_DELLINK:
                removed = self._messages.interface(frame.data)
                return None if removed is None else InterfaceRemoved(removed.index)
            if frame.type == RTM_DELADDR:
                address = self._messages.address(frame.data)
                return None if address is None else AddressRemoved(address.index, address.ip)
        except OSError:
            return EventsLost()  # one that cannot be read may have been the one that matters
        return None

    def _tell(self, event: NetlinkEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)
