"""What the kernel says of interfaces, addresses and routes, as types; and the `Netlink` Protocol.

The rest of `net` speaks only in these words. It does not know how they travel: `netlink.py` does.
Source: rtnetlink(7), and the kernel's linux/if_addr.h and linux/rtnetlink.h for the numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Protocol

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

FOREVER_SEC = 0xFFFFFFFF  # INFINITY_LIFE_TIME: an address that does not expire


class AddressFlag(IntFlag):
    """IFA_F_*: the ones that decide something here."""

    SECONDARY = 0x01  # IPv4: rides on another address of the same network
    NODAD = 0x02  # IPv6: usable at once
    NOPREFIXROUTE = 0x200  # the kernel adds no route to the address's network


NO_FLAGS = AddressFlag(0)


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface as it is now. `is_running` means administratively up with carrier."""

    index: int
    name: str
    is_up: bool
    is_running: bool
    is_loopback: bool


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One address on one interface. `label` and `broadcast` are IPv4's only; lifetimes in s."""

    index: int
    ip: IpAddress
    prefix: int
    label: str | None = None
    broadcast: IPv4Address | None = None
    flags: AddressFlag = NO_FLAGS
    scope: int = 0
    preferred_sec: int = FOREVER_SEC
    valid_sec: int = FOREVER_SEC


@dataclass(frozen=True, slots=True)
class Route:
    """One unicast route of the main table with a single next hop.

    `is_direct`: without gateway. `is_dead`: the kernel marks its interface as without carrier.
    """

    index: int
    network: IpNetwork
    is_direct: bool
    is_dead: bool = False
    metric: int = 0


@dataclass(frozen=True, slots=True)
class InterfaceChanged:
    """An interface appeared, or changed its name, its state or its carrier."""

    interface: Interface


@dataclass(frozen=True, slots=True)
class InterfaceRemoved:
    """An interface is gone."""

    index: int


@dataclass(frozen=True, slots=True)
class AddressRemoved:
    """An address was taken from an interface, by whomever."""

    index: int
    ip: IpAddress


@dataclass(frozen=True, slots=True)
class EventsLost:
    """More happened than the socket could hold: what is known must be asked for again."""


NetlinkEvent = InterfaceChanged | InterfaceRemoved | AddressRemoved | EventsLost


class Netlink(Protocol):
    """The kernel's routing socket. Every coroutine raises AdapterError, and nothing else.

    Requests are carried out one after the other in the order they were made, also when the caller
    gave up waiting: a remove made after an abandoned add removes.
    """

    async def interfaces(self) -> tuple[Interface, ...]: ...

    async def addresses(self) -> tuple[InterfaceAddress, ...]: ...

    async def routes(self) -> tuple[Route, ...]: ...

    async def add_address(self, address: InterfaceAddress) -> bool:
        """Put the address on the interface; False when it was there already."""

    async def delete_address(self, address: InterfaceAddress) -> bool:
        """Take the address away; False when it, or its interface, was not there."""

    def subscribe(self, on_event: Callable[[NetlinkEvent], None]) -> None:
        """Call `on_event` from the loop for everything that happens from now on."""

    def close(self) -> None: ...
