"""Where a shared address belongs: interface, prefix, broadcast and label. Pure.

Source of the rules: heartbeat's IPaddr, which asks the routing table (findif): the interface whose
network contains the address, the longest prefix first; a default route says which interface only
when the administrator wrote the prefix; the broadcast follows from the prefix; the label is the
first free alias of the interface. Other than heartbeat, a network behind a gateway is never taken
for a connected one, and the loopback interface never serves.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address, ip_network

from hbd.errors import AdapterError
from hbd.net.kernel import Interface, InterfaceAddress, IpAddress, IpNetwork, Route

LABEL_LIMIT = 15  # IFNAMSIZ less its closing zero


@dataclass(frozen=True, slots=True)
class SharedAddress:
    """One IPaddr resource. What is None is found by the routing table."""

    address: str
    prefix: int | None = None
    interface: str | None = None
    broadcast: str | None = None

    @property
    def ip(self) -> IpAddress:
        """The address as a value: two spellings of one IPv6 address are equal."""
        return ip_address(self.address)

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a shared address is or will be.

    `label` is None for IPv6, and where an alias would be longer than the kernel takes.
    """

    interface: str
    index: int
    prefix: int
    broadcast: str | None
    label: str | None


def choose(
    shared: SharedAddress,
    interfaces: Collection[Interface],
    addresses: Collection[InterfaceAddress],
    routes: Collection[Route],
) -> Placement:
    """Answer where `shared` belongs; AdapterError says why nowhere, and what would help."""
    candidates = _candidates(shared, interfaces)
    route = _best_route(shared, frozenset(candidates), routes)
    if route is not None:
        interface = candidates[route.index]
    elif shared.interface is not None:
        (interface,) = candidates.values()
    else:
        raise AdapterError(
            f"no interface for {shared}: no connected network contains it; give an interface an "
            f"address of that network, or write {shared}/PREFIX/INTERFACE"
        )
    if shared.prefix is not None:
        prefix = shared.prefix
    elif route is not None:
        prefix = route.network.prefixlen
    else:
        raise AdapterError(
            f"no prefix for {shared}: no network of {interface.name} contains it; "
            f"write {shared}/PREFIX/{interface.name}"
        )
    return Placement(
        interface=interface.name,
        index=interface.index,
        prefix=prefix,
        broadcast=_broadcast(shared, prefix),
        label=_label(shared, interface, addresses),
    )


def is_reached(
    ip: IpAddress,
    placement: Placement,
    addresses: Collection[InterfaceAddress],
    routes: Collection[Route],
) -> bool:
    """Whether the interface reaches the address's network without a route of the address's own.

    Then the address is added with IFA_F_NOPREFIXROUTE: a second route to the same neighbours would
    make the shared address the source of this node's own connections. Not, however, where an IPv4
    address of the very same network is there: the kernel then makes ours its secondary, which
    brings no route anyway, and must bring one if it is promoted, or a node whose own address is
    set anew would end without a route to its LAN.
    """
    network = _network(ip, placement.prefix)
    here = [address for address in addresses if address.index == placement.index]
    if ip.version == 4 and any(_network(other.ip, other.prefix) == network for other in here):
        return False
    return any(
        route.index == placement.index and _is_connected(route) and ip in route.network
        for route in routes
    )


def _candidates(shared: SharedAddress, interfaces: Collection[Interface]) -> dict[int, Interface]:
    """Return the interfaces that may serve, by index: the one written, or all but loopback."""
    if shared.interface is None:
        return {each.index: each for each in interfaces if each.is_up and not each.is_loopback}
    named = {each.index: each for each in interfaces if each.name == shared.interface}
    if not named:
        raise AdapterError(f"no interface for {shared}: {shared.interface} does not exist")
    if any(each.is_loopback for each in named.values()):
        raise AdapterError(f"no interface for {shared}: {shared.interface} is the loopback")
    if not all(each.is_up for each in named.values()):
        raise AdapterError(
            f"no interface for {shared}: {shared.interface} is down; "
            f"bring it up: ip link set {shared.interface} up"
        )
    return named


def _best_route(
    shared: SharedAddress, candidates: frozenset[int], routes: Collection[Route]
) -> Route | None:
    """Return the connected route or, the prefix being written, the default route; or None."""
    fitting = [
        route
        for route in routes
        if route.index in candidates
        and shared.ip in route.network
        and (_is_connected(route) or (_is_default(route) and shared.prefix is not None))
    ]
    return min(fitting, key=_preference, default=None)


def _preference(route: Route) -> tuple[int, bool, int, int]:
    """Longest prefix, then a live interface, then the kernel's own order: metric; lowest index."""
    return (-route.network.prefixlen, route.is_dead, route.metric, route.index)


def _is_default(route: Route) -> bool:
    return route.network.prefixlen == 0


def _is_connected(route: Route) -> bool:
    return route.is_direct and not _is_default(route)


def _network(ip: IpAddress, prefix: int) -> IpNetwork:
    return ip_network((ip, prefix), strict=False)


def _broadcast(shared: SharedAddress, prefix: int) -> str | None:
    """As written, or the network's last address; a network of one or two has none (RFC 3021)."""
    network = _network(shared.ip, prefix)
    if shared.broadcast is not None or not isinstance(network, IPv4Network) or prefix > 30:
        return shared.broadcast
    return str(network.broadcast_address)


def _label(
    shared: SharedAddress, interface: Interface, addresses: Collection[InterfaceAddress]
) -> str | None:
    """Return the first free alias, `eth0:0`, as ifconfig(8) would show and number it."""
    if shared.ip.version == 6:
        return None
    taken = {address.label for address in addresses}
    number = 0
    while f"{interface.name}:{number}" in taken:
        number += 1
    label = f"{interface.name}:{number}"
    return label if len(label) <= LABEL_LIMIT else None
