"""Receive sockets shared by all media on one interface and port, so that none steals another's.

Two sockets on one device and port do not work side by side: the kernel hands a unicast datagram to
one of them only and a broadcast to both (heartbeat's several `ucast` lines share their traffic by
hash). So there is one socket per interface, address family and port, and each datagram is given
exactly once, to the link that has the best claim on it: by the address it was sent to, then by its
sender. SO_REUSEADDR is deliberately not set: with it a second daemon on the port would take half
of the heartbeats in silence; without it, opening fails and says so.

Nothing is trusted here: who sent a datagram and whether it means anything is for the wire to say.
Source: ip(7), ipv6(7), socket(7).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import socket
import struct
from collections import Counter
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from hbd.link.interface import bind_to_interface

IP_PKTINFO = 8  # linux/in.h; socket.IP_PKTINFO is newer than Python 3.11
IP_MULTICAST_ALL = 49  # linux/in.h
IPV6_MULTICAST_ALL = 29  # linux/in6.h
IP_MREQN = struct.Struct("4s4si")  # group, local address (unused), interface index
IPV6_MREQ = struct.Struct("16si")
IN_PKTINFO = struct.Struct("i4s4s")  # interface index, our address, the header's destination
IN6_PKTINFO = struct.Struct("16si")
DATAGRAM_BYTES_MAX = 65_536  # more than UDP can carry: nothing is ever cut
ANCILLARY_BYTES = 128  # one packet-info message of either family, with room
BATCH = 32  # datagrams read before the loop's other work gets its turn: about 3 ms of decoding


class Claim(IntEnum):
    """How well a datagram fits a link; the best one gets it, of equals the first opened."""

    NONE = 0
    KIND = 1  # nobody else's: a unicast from a stranger, say
    SENDER = 2  # from the peer that this link sends to
    DESTINATION = 3  # to the broadcast address or group of this link


class Member(Protocol):
    """A link, as its receive socket sees it."""

    def claim(self, destination: str, source: str) -> Claim:
        """How much a datagram to `destination` from `source` is this link's."""
        ...

    def deliver(self, data: bytes) -> None:
        """One whole datagram."""
        ...

    def receive_failed(self, error: OSError) -> None:
        """The socket is of no more use; the member leaves and joins again later."""
        ...


Key = tuple[int, int, int]  # interface index, address family, port


class Receiver:
    """One receive socket, bound to an interface and a port, read by the loop."""

    def __init__(self, interface: str, family: socket.AddressFamily, port: int) -> None:
        """Bind it; OSError when the interface is absent or the port is taken."""
        self._buffer = bytearray(DATAGRAM_BYTES_MAX)
        self._groups: Counter[str] = Counter()
        self._family = family
        self.members: list[Member] = []
        self.socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self.index = bind_to_interface(self.socket, interface)
            if family == socket.AF_INET:
                self.socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
                self.socket.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
                self.socket.bind(("", port))
            else:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
                self.socket.setsockopt(socket.IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0)
                self.socket.bind(("::", port))
        except OSError:
            self.socket.close()
            raise
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def add(self, member: Member, group: str | None) -> None:
        """Give `member` its share, and hear multicast `group` too; OSError if that is refused."""
        if group is not None:
            if not self._groups[group]:
                self._membership(group, socket.IP_ADD_MEMBERSHIP, socket.IPV6_JOIN_GROUP)
            self._groups[group] += 1
        self.members.append(member)

    def remove(self, member: Member, group: str | None) -> None:
        """Take `member`'s share away."""
        self.members.remove(member)
        if group is not None:
            self._groups[group] -= 1
            if not self._groups[group]:
                with contextlib.suppress(OSError):  # the interface, and so the group, may be gone
                    self._membership(group, socket.IP_DROP_MEMBERSHIP, socket.IPV6_LEAVE_GROUP)

    def close(self) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _membership(self, group: str, for_ipv4: int, for_ipv6: int) -> None:
        packed = ipaddress.ip_address(group).packed
        if self._family == socket.AF_INET:
            request = IP_MREQN.pack(packed, bytes(4), self.index)
            self.socket.setsockopt(socket.IPPROTO_IP, for_ipv4, request)
        else:
            request = IPV6_MREQ.pack(packed, self.index)
            self.socket.setsockopt(socket.IPPROTO_IPV6, for_ipv6, request)

    def _readable(self) -> None:
        for _ in range(BATCH):
            if not self.members:  # the last one left while it was given a datagram
                return
            try:
                count, ancillary, _flags, source = self.socket.recvmsg_into(
                    [self._buffer], ANCILLARY_BYTES
                )
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                for member in tuple(self.members):
                    member.receive_failed(error)
                return
            data = bytes(memoryview(self._buffer)[:count])
            self._owner(_destination(ancillary), str(source[0])).deliver(data)

    def _owner(self, destination: str, source: str) -> Member:
        if len(self.members) == 1:
            return self.members[0]
        return max(self.members, key=lambda member: member.claim(destination, source))


def _destination(ancillary: list[tuple[int, int, bytes]]) -> str:
    """The address in the datagram's own header; empty if the kernel did not tell."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(data) >= IN_PKTINFO.size:
            return str(ipaddress.IPv4Address(IN_PKTINFO.unpack_from(data)[2]))
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return str(ipaddress.IPv6Address(IN6_PKTINFO.unpack_from(data)[0]))
    return ""


class Receivers:
    """All open receive sockets, each as long as a link needs it.

    They are kept by the interface's index: when an interface is replaced by another of the same
    name, links move to a new socket one by one, in any order.
    """

    def __init__(self) -> None:
        self._open: dict[Key, Receiver] = {}

    def join(
        self,
        member: Member,
        *,
        interface: str,
        index: int,
        family: socket.AddressFamily,
        port: int,
        group: str | None,
    ) -> Callable[[], None]:
        """Let `member` hear; gives what undoes it. OSError, and nothing changed, if refused."""
        key = (index, int(family), port)
        receiver = self._open.get(key)
        if receiver is None:
            receiver = Receiver(interface, family, port)
            if receiver.index != index:  # replaced between two calls: the link must begin again
                receiver.close()
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
            self._open[key] = receiver
        try:
            receiver.add(member, group)
        except OSError:
            self._close_unused(key, receiver)
            raise

        def leave() -> None:
            receiver.remove(member, group)
            self._close_unused(key, receiver)

        return leave

    def _close_unused(self, key: Key, receiver: Receiver) -> None:
        if not receiver.members:
            receiver.close()
            del self._open[key]
