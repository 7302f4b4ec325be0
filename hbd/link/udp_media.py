"""The three ways heartbeat uses UDP, as values: where datagrams go and with which socket options.

Source: heartbeat 3.0.6's bcast, mcast and ucast media as seen on the wire (destinations, type of
service, time to live), ip(7), ipv6(7). Addresses are numeric; names were resolved by the
configuration.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import assert_never

from hbd.link.interface import bind_to_interface, broadcast_address
from hbd.link.udp_receiver import IP_MREQN, Claim

TOS_LOW_DELAY = 0x10  # heartbeat's ucast, RFC 1349
PRIORITY_INTERACTIVE = 6  # linux/pkt_sched.h TC_PRIO_INTERACTIVE: before bulk traffic in our queue
LIMITED_BROADCAST = "255.255.255.255"

Address = tuple[str, int] | tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Broadcast:
    """`bcast IF`: to the interface's IPv4 broadcast address."""

    interface: str
    port: int


@dataclass(frozen=True, slots=True)
class Multicast:
    """`mcast IF GROUP PORT TTL LOOP` and `mcast6`: `ttl` is the hop limit in IPv6.

    `loop` lets programs on this machine hear what it says, itself included.
    """

    interface: str
    group: str
    port: int
    ttl: int
    loop: bool


@dataclass(frozen=True, slots=True)
class Unicast:
    """`ucast IF ADDRESS` and `ucast6`: to one numeric address; our own is harmless."""

    interface: str
    address: str
    port: int


Medium = Broadcast | Multicast | Unicast


def kind_of(medium: Medium) -> str:
    """The directive's word in ha.cf."""
    match medium:
        case Broadcast():
            return "bcast"
        case Multicast():
            return "mcast"
        case Unicast():
            return "ucast"
        case _:
            assert_never(medium)


def family_of(medium: Medium) -> socket.AddressFamily:
    """IPv4 or IPv6, by how the address is written."""
    match medium:
        case Broadcast():
            return socket.AF_INET
        case Multicast(group=address) | Unicast(address=address):
            version = ipaddress.ip_address(address).version
            return socket.AF_INET if version == 4 else socket.AF_INET6
        case _:
            assert_never(medium)


def group_of(medium: Medium) -> str | None:
    """The multicast group to join, if any."""
    return medium.group if isinstance(medium, Multicast) else None


def destination_of(medium: Medium, index: int) -> Address:
    """Where datagrams go now; `index` is the interface's, which IPv6 wants for link-local scope.

    OSError(EADDRNOTAVAIL) while a broadcast interface has no IPv4 address.
    """
    match medium:
        case Broadcast():
            return (broadcast_address(medium.interface), medium.port)
        case Multicast(group=address) | Unicast(address=address):
            if family_of(medium) == socket.AF_INET:
                return (address, medium.port)
            return (canonical(address), medium.port, 0, index)
        case _:
            assert_never(medium)


def claim_of(medium: Medium, own_destination: str, destination: str, source: str) -> Claim:
    """How much a datagram is this medium's: by how it was addressed, else by who sent it.

    `own_destination` is where this medium sends to now: what a peer with the same ha.cf used too.
    """
    match medium:
        case Broadcast():
            is_ours = destination in (own_destination, LIMITED_BROADCAST)
            return Claim.DESTINATION if is_ours else Claim.NONE
        case Multicast():
            is_ours = destination == canonical(medium.group)
            return Claim.DESTINATION if is_ours else Claim.NONE
        case Unicast():
            is_peer = canonical(source) == canonical(medium.address)
            return Claim.SENDER if is_peer else Claim.KIND
        case _:
            assert_never(medium)


def canonical(address: str) -> str:
    """One spelling per address, and no scope: the interface is known otherwise."""
    return str(ipaddress.ip_address(address.partition("%")[0]))


def open_sender(medium: Medium) -> tuple[socket.socket, int]:
    """A non-blocking socket that sends as this medium does, and the index of its interface.

    OSError while the interface is absent.
    """
    sock = socket.socket(family_of(medium), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        index = bind_to_interface(sock, medium.interface)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, PRIORITY_INTERACTIVE)
        match medium:
            case Broadcast():
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
            case Multicast():
                _set_multicast(sock, medium, index)
            case Unicast():
                _set_type_of_service(sock)
            case _:
                assert_never(medium)
    except OSError:
        sock.close()
        raise
    return sock, index


def _set_multicast(sock: socket.socket, medium: Multicast, index: int) -> None:
    if sock.family == socket.AF_INET:
        interface = IP_MREQN.pack(bytes(4), bytes(4), index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, medium.ttl)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, int(medium.loop))
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, medium.ttl)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, int(medium.loop))


def _set_type_of_service(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, TOS_LOW_DELAY)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, TOS_LOW_DELAY)
