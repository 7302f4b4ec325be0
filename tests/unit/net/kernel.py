"""A kernel of our own for tests: `Netlink` over tables that the test writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from hbd.errors import AdapterError
from hbd.net.kernel import (
    AddressFlag,
    AddressRemoved,
    Interface,
    InterfaceAddress,
    NetlinkEvent,
    Route,
)

LO = Interface(index=1, name="lo", is_up=True, is_running=True, is_loopback=True)
ETH0 = Interface(index=2, name="eth0", is_up=True, is_running=True, is_loopback=False)
ETH1 = Interface(index=3, name="eth1", is_up=True, is_running=True, is_loopback=False)


def on(interface: Interface, text: str, label: str | None = None) -> InterfaceAddress:
    """Return an address as it stands on an interface: `on(ETH0, "10.0.0.1/24")`."""
    address, prefix = text.split("/")
    ip = ip_address(address)
    return InterfaceAddress(
        interface.index, ip, int(prefix), label or (interface.name if ip.version == 4 else None)
    )


def connected(interface: Interface, network: str, *, metric: int = 0, dead: bool = False) -> Route:
    """Return a route to an interface's own network."""
    return Route(interface.index, ip_network(network), is_direct=True, is_dead=dead, metric=metric)


def via_gateway(interface: Interface, network: str) -> Route:
    """Return a route to a network behind a router."""
    return Route(interface.index, ip_network(network), is_direct=False)


@dataclass
class Tables:
    """The kernel's tables. The next `failures_left` answers are AdapterErrors."""

    interfaces_now: list[Interface] = field(default_factory=lambda: [LO, ETH0])
    addresses_now: list[InterfaceAddress] = field(default_factory=list)
    routes_now: list[Route] = field(default_factory=list)
    failures_left: int = 0
    listings: int = 0
    during_listing: Callable[[], None] | None = None
    listeners: list[Callable[[NetlinkEvent], None]] = field(default_factory=list)

    async def interfaces(self) -> tuple[Interface, ...]:
        self._answer()
        self.listings += 1
        found = tuple(self.interfaces_now)
        if self.during_listing is not None:
            happens, self.during_listing = self.during_listing, None
            happens()
        await asyncio.sleep(0)
        return found

    async def addresses(self) -> tuple[InterfaceAddress, ...]:
        self._answer()
        return tuple(self.addresses_now)

    async def routes(self) -> tuple[Route, ...]:
        self._answer()
        return tuple(self.routes_now)

    async def add_address(self, address: InterfaceAddress) -> bool:
        self._answer()
        if any(a.ip == address.ip and a.index == address.index for a in self.addresses_now):
            return False
        self.addresses_now.append(address)
        return True

    async def delete_address(self, address: InterfaceAddress) -> bool:
        """Take an IPv4 primary's secondaries along, as the kernel does unless told otherwise."""
        self._answer()
        if address not in self.addresses_now:
            return False
        self.addresses_now.remove(address)
        going = [address]
        if AddressFlag.SECONDARY not in address.flags:
            going += [a for a in self.addresses_now if AddressFlag.SECONDARY in a.flags]
            self.addresses_now[:] = [a for a in self.addresses_now if a not in going]
        for gone in going:
            self.tell(AddressRemoved(gone.index, gone.ip))
        return True

    def subscribe(self, on_event: Callable[[NetlinkEvent], None]) -> None:
        self.listeners.append(on_event)

    def tell(self, event: NetlinkEvent) -> None:
        """Let something be told to all who listen."""
        for listener in self.listeners:
            listener(event)

    def close(self) -> None:
        self.listeners.clear()

    def _answer(self) -> None:
        if self.failures_left:
            self.failures_left -= 1
            raise AdapterError("the kernel does not answer")
