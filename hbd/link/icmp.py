"""ICMP echo, IPv4 and IPv6: one request out, and the replies that are ours in.

A ping socket is used where the system allows them (net.ipv4.ping_group_range), else a raw socket
(CAP_NET_RAW) whose kernel filter passes echo replies only. Whether a reply is one to believe is
for the caller, by the token it carries. Source: RFC 792, RFC 4443, icmp(7), raw(7).
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
SOL_RAW = 255  # include/linux/socket.h
ICMP_FILTER = 1  # linux/icmp.h: a set bit blocks the type
ICMP6_FILTER = 1  # linux/icmpv6.h
REPLY_BYTES_MAX = 2048  # ours are 24; what is longer may be cut
IDENTIFIER_VALUES = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """One echo reply with our identifier."""

    source: str  # numeric, without scope
    sequence: int
    payload: bytes


class EchoSocket:
    """A non-blocking socket for echo requests in one address family."""

    def __init__(self, family: socket.AddressFamily) -> None:
        """OSError(EPERM) when the system permits neither kind of socket."""
        self._request, self._reply, protocol = (
            (8, 0, socket.IPPROTO_ICMP)
            if family == socket.AF_INET
            else (128, 129, socket.IPPROTO_ICMPV6)
        )
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._is_raw = False
        self._has_ip_header = False
        try:
            self.socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, protocol)
        except PermissionError:
            self.socket = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
            self._is_raw = True
            self._has_ip_header = family == socket.AF_INET
            self._pass_replies_only(family)

    def send(self, address: str, sequence: int, payload: bytes) -> int:
        """Ask `address` (numeric); gives the bytes sent. OSError as sendto(2)."""
        head = HEADER.pack(self._request, 0, 0, self._identifier, sequence)
        checksum = internet_checksum(head + payload)  # the kernel makes its own for IPv6
        head = HEADER.pack(self._request, 0, checksum, self._identifier, sequence)
        family, flags = self.socket.family, socket.AI_NUMERICHOST  # numeric: never a look-up
        destination = socket.getaddrinfo(address, 0, family, flags=flags)[0][4]
        count: int = self.socket.sendto(head + payload, destination)
        return count

    def receive(self) -> Reply | None:
        """One reply; None for anything that is not ours. BlockingIOError when there is no more."""
        data, source = self.socket.recvfrom(REPLY_BYTES_MAX)
        if self._has_ip_header:
            data = data[(data[0] & 0x0F) * 4 :] if data else b""
        if len(data) < HEADER.size:
            return None
        kind, code, _checksum, identifier, sequence = HEADER.unpack_from(data)
        if (kind, code) != (self._reply, 0):
            return None
        if self._is_raw and identifier != self._identifier:  # a ping socket has the kernel's own
            return None
        return Reply(str(source[0]).partition("%")[0], sequence, data[HEADER.size :])

    def close(self) -> None:
        """Close it."""
        self.socket.close()

    def _pass_replies_only(self, family: socket.AddressFamily) -> None:
        if family == socket.AF_INET:
            blocked = ~(1 << self._reply) & 0xFFFF_FFFF
            self.socket.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", blocked))
        else:
            words = [0xFFFF_FFFF] * 8
            words[self._reply // 32] &= ~(1 << self._reply % 32)
            self.socket.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("8I", *words))


def internet_checksum(data: bytes) -> int:
    """RFC 1071: the complement of the ones' complement sum of 16-bit words."""
    padded = data + bytes(len(data) % 2)
    words: tuple[int, ...] = struct.unpack(f"!{len(padded) // 2}H", padded)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
