"""Shared addresses on this node: put on, taken off, looked for, watched over.

No policy: when to hold an address is the core's to say; where it belongs is `placement`'s, and what
the LAN says about it `probe`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import IPv4Address

from hbd.errors import AdapterError, AddressInUse
from hbd.net.kernel import (
    FOREVER_SEC,
    NO_FLAGS,
    AddressFlag,
    AddressRemoved,
    EventsLost,
    Interface,
    InterfaceAddress,
    InterfaceRemoved,
    IpAddress,
    Netlink,
    NetlinkEvent,
    Route,
)
from hbd.net.placement import Placement, SharedAddress, choose, is_reached
from hbd.net.probe import who_has

__all__ = ["Addresses", "Placement", "SharedAddress"]

_log = logging.getLogger(__name__)

_RETRY_SEC = 1.0


@dataclass(frozen=True, slots=True)
class _View:
    """The kernel's tables as they are now."""

    interfaces: tuple[Interface, ...]
    addresses: tuple[InterfaceAddress, ...]
    routes: tuple[Route, ...]

    def found(self, shared: SharedAddress) -> list[InterfaceAddress]:
        """Return where the address is. One on the loopback serves nobody and is another's."""
        serving = {each.index for each in self.interfaces if not each.is_loopback}
        return [a for a in self.addresses if a.ip == shared.ip and a.index in serving]

    def placement(self, address: InterfaceAddress) -> Placement:
        (name,) = (each.name for each in self.interfaces if each.index == address.index)
        broadcast = None if address.broadcast is None else str(address.broadcast)
        label = None if address.label == name else address.label
        return Placement(name, address.index, address.prefix, broadcast, label)


class Addresses:
    """The shared addresses this node holds.

    `on_lost(shared, why)` is called once for each that vanishes without `remove`; it is then held
    no more, and `add` puts it back.
    """

    def __init__(self, netlink: Netlink, on_lost: Callable[[SharedAddress, str], None]) -> None:
        """Begin to listen; the event loop must be running."""
        self._netlink = netlink
        self._on_lost = on_lost
        self._held: dict[IpAddress, tuple[SharedAddress, Placement]] = {}
        self._changing = asyncio.Lock()  # one change, or one look at what is left, at a time
        self._is_doubtful = False  # something happened since what is held was last looked at
        self._task: asyncio.Task[None] | None = None
        netlink.subscribe(self._on_event)

    async def locate(self, shared: SharedAddress) -> Placement:
        """Answer where the address is or, not being here, where it belongs (see `placement`).

        AdapterError: no interface is fit for it; the message says what would help.
        """
        return _located(shared, await self._view())

    async def probe(self, shared: SharedAddress) -> str | None:
        """Ask the LAN whether anyone else answers for the address: its MAC address, or None.

        Changes nothing here, and takes 90 ms when nobody answers: begin it early, beside other
        work, and give `add` the word that it is done. AdapterError: it could not be asked.
        """
        return await who_has((await self.locate(shared)).interface, shared.ip)

    async def add(self, shared: SharedAddress, *, probed: bool = False) -> Placement:
        """Put the address on its interface and watch over it; already there is as good.

        Unless held already, or `probed` just now, the LAN is asked first. AddressInUse: someone
        else answers for it. AdapterError: no interface is fit for it, or the kernel refuses.
        Nothing was changed then.
        """
        if not probed and shared.ip not in self._held:
            owner = await self.probe(shared)
            if owner is not None:
                raise AddressInUse(in_use(shared, owner))
        async with self._changing:
            view = await self._view()
            placement = _located(shared, view)
            if not view.found(shared):
                await self._netlink.add_address(_to_add(shared, placement, view))
            self._held[shared.ip] = (shared, placement)
            return placement

    async def adopt(self, shared: SharedAddress) -> Placement | None:
        """Watch over an address that is here already (after a restart); None when it is not."""
        async with self._changing:
            view = await self._view()
            found = view.found(shared)
            if not found:
                return None
            placement = view.placement(found[0])
            self._held[shared.ip] = (shared, placement)
            return placement

    async def remove(self, shared: SharedAddress) -> None:
        """Take the address off every interface it is on, and prove it gone; not here is as good.

        Addresses that the kernel takes along (IPv4 secondaries, unless promote_secondaries is set)
        are put back. AdapterError: it may still be here.
        """
        async with self._changing:
            self._held.pop(shared.ip, None)
            before = await self._view()
            ours = before.found(shared)
            for address in ours:
                await self._netlink.delete_address(address)
            if not ours:
                return
            after = await self._view()
            if after.found(shared):
                raise AdapterError(f"failed to remove {shared}: it is still there")
            await self._put_back(_taken_along(ours, before.addresses, after.addresses))

    async def is_present(self, shared: SharedAddress) -> bool:
        """Whether the address is on one of this node's interfaces, the loopback aside."""
        return bool((await self._view()).found(shared))

    def close(self) -> None:
        """Stop watching; addresses stay where they are."""
        self._held.clear()
        if self._task is not None:
            self._task.cancel()

    async def _view(self) -> _View:
        return _View(
            await self._netlink.interfaces(),
            await self._netlink.addresses(),
            await self._netlink.routes(),
        )

    async def _put_back(self, others: Collection[InterfaceAddress]) -> None:
        """Restore what went with ours. Ours is gone all the same, so a failure is only told."""
        for other in others:
            try:
                await self._netlink.add_address(other)
            except AdapterError as error:
                _log.warning("Failed to put back '%s' (%s), ignoring", other.ip, error)

    def _on_event(self, event: NetlinkEvent) -> None:
        """Have what is held looked at, if this event may concern it."""
        match event:
            case AddressRemoved(index, ip):
                concerns = ip in self._held and self._held[ip][1].index == index
            case InterfaceRemoved(index):
                concerns = any(placement.index == index for _, placement in self._held.values())
            case EventsLost():
                concerns = bool(self._held)
            case _:
                concerns = False
        if concerns:
            self._is_doubtful = True
            if self._task is None or self._task.done():
                self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        """Tell of each held address that is no longer where it was.

        The event itself is no proof: it may be of a moment before the address was put back.
        """
        while self._is_doubtful:
            try:
                async with self._changing:
                    self._is_doubtful = False
                    view = await self._view()
                    lost = [
                        (shared, placement)
                        for shared, placement in self._held.values()
                        if placement.index not in {each.index for each in view.found(shared)}
                    ]
                    for shared, _ in lost:
                        del self._held[shared.ip]
            except AdapterError:
                self._is_doubtful = True
                await asyncio.sleep(_RETRY_SEC)
            else:
                for shared, placement in lost:
                    self._on_lost(shared, _why_lost(placement, view.interfaces))


def in_use(shared: SharedAddress, owner: str) -> str:
    """Say why an address is not taken that `owner`, a MAC address, answers for."""
    return f"{shared} is in use on the LAN: {owner} answers for it; not taking it"


def _located(shared: SharedAddress, view: _View) -> Placement:
    found = view.found(shared)
    if not found:
        return choose(shared, view.interfaces, view.addresses, view.routes)
    placement = view.placement(found[0])
    if shared.interface is not None and placement.interface != shared.interface:
        raise AdapterError(
            f"{shared} is on {placement.interface}, not on {shared.interface}; "
            f"remove it there: ip address del {shared}/{placement.prefix} "
            f"dev {placement.interface}"
        )
    return placement


def _to_add(shared: SharedAddress, placement: Placement, view: _View) -> InterfaceAddress:
    """Return the address as the kernel is asked for it.

    IPv6: without duplicate detection by the kernel, which would keep it unusable for a second and
    has been done by `probe`; and deprecated (preferred for 0 s), so that it serves those who
    connect to it but is never the source of this node's own connections, as keepalived has it.
    """
    ip = shared.ip
    flags = NO_FLAGS
    if is_reached(ip, placement, view.addresses, view.routes):
        flags |= AddressFlag.NOPREFIXROUTE
    if isinstance(ip, IPv4Address):
        broadcast = None if placement.broadcast is None else IPv4Address(placement.broadcast)
        return InterfaceAddress(
            placement.index, ip, placement.prefix, placement.label, broadcast, flags
        )
    return InterfaceAddress(
        placement.index,
        ip,
        placement.prefix,
        flags=flags | AddressFlag.NODAD,
        preferred_sec=0,
        valid_sec=FOREVER_SEC,
    )


def _taken_along(
    ours: Collection[InterfaceAddress],
    before: Collection[InterfaceAddress],
    after: Collection[InterfaceAddress],
) -> list[InterfaceAddress]:
    """Return the secondaries on the same interfaces that went when ours did."""
    touched = {address.index for address in ours}
    left = {(address.index, address.ip, address.prefix) for address in (*after, *ours)}
    return [
        address
        for address in before
        if address.index in touched
        and address.ip.version == 4
        and AddressFlag.SECONDARY in address.flags
        and (address.index, address.ip, address.prefix) not in left
    ]


def _why_lost(placement: Placement, interfaces: Collection[Interface]) -> str:
    if all(interface.index != placement.index for interface in interfaces):
        return f"interface {placement.interface} is gone"
    return f"removed from {placement.interface}, not by hbd"
