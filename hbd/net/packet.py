"""Ethernet frames that ask about an address and announce one. Pure: bytes in, bytes out.

Sources: RFC 826 and RFC 5227 (ARP, probes and announcements), RFC 5944 section 4.6 (the gratuitous
reply), RFC 4861 sections 4.3, 4.4 and 7.2.6 (neighbour discovery, unsolicited advertisements),
RFC 4862 section 5.4 (the duplicate address probe), RFC 2464 (IPv6 on Ethernet).
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from hbd.net.kernel import IpAddress

ETH_P_ARP, ETH_P_IPV6 = 0x0806, 0x86DD
MAC_LENGTH = 6

_BROADCAST = b"\xff" * MAC_LENGTH
_NO_MAC = b"\x00" * MAC_LENGTH
_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ARP_ETHERNET, _ARP_IPV4 = 1, 0x0800
_ARP_REQUEST, _ARP_REPLY = 1, 2

_IPV6 = struct.Struct("!IHBB16s16s")
_ICMPV6_HEADER = struct.Struct("!BBHI16s")  # type, code, checksum, flags, target
_IPV6_VERSION = 6 << 28
_ICMPV6 = 58
_HOP_LIMIT = 255  # a neighbour's message: a router would have lowered it, and it would be refused
_SOLICITATION, _ADVERTISEMENT = 135, 136
_OVERRIDE = 0x2000_0000  # replace what the neighbours have cached
_TARGET_LINK_ADDRESS = 2
_ALL_NODES = IPv6Address("ff02::1")
_SOLICITED_NODE = IPv6Address("ff02::1:ff00:0").packed[:13]


def probe(ip: IpAddress, mac: bytes) -> bytes:
    """Return the question "who has `ip`?", asked without claiming it: an ARP probe or DAD's NS."""
    if isinstance(ip, IPv4Address):
        return _arp(_BROADCAST, _ARP_REQUEST, mac, IPv4Address(0), _NO_MAC, ip)
    group = IPv6Address(_SOLICITED_NODE + ip.packed[13:])
    body = _ICMPV6_HEADER.pack(_SOLICITATION, 0, 0, 0, ip.packed)
    return _icmpv6(mac, IPv6Address(0), group, body)


def announcements(ip: IpAddress, mac: bytes) -> tuple[bytes, ...]:
    """Return the frames by which all neighbours learn that `ip` is at `mac`.

    IPv4: both forms, since some neighbours heed only requests and some only replies. IPv6: one
    unsolicited advertisement with the override flag; the router flag stays off (a file server).
    """
    if isinstance(ip, IPv4Address):
        return (
            _arp(_BROADCAST, _ARP_REQUEST, mac, ip, _NO_MAC, ip),
            _arp(_BROADCAST, _ARP_REPLY, mac, ip, mac, ip),
        )
    body = _ICMPV6_HEADER.pack(_ADVERTISEMENT, 0, 0, _OVERRIDE, ip.packed)
    option = struct.pack("!BB6s", _TARGET_LINK_ADDRESS, 1, mac)
    return (_icmpv6(mac, ip, _ALL_NODES, body + option),)


def claimant(frame: bytes, ip: IpAddress) -> bytes | None:
    """Return the MAC that says in this frame that it has `ip`; None when the frame says no such.

    IPv4: any ARP, request or reply, whose sender address is `ip` (RFC 5227 section 2.1.1). Another
    host's probe for it is no claim. IPv6: an advertisement whose target is `ip`.
    """
    if isinstance(ip, IPv4Address):
        return _arp_claimant(frame, ip)
    return _advertiser(frame, ip)


def text_of(mac: bytes) -> str:
    """Return `02:00:5e:10:00:01`."""
    return ":".join(f"{octet:02x}" for octet in mac)


def _arp(
    to: bytes, operation: int, mac: bytes, sender: IPv4Address, target_mac: bytes, ip: IPv4Address
) -> bytes:
    return _ETHERNET.pack(to, mac, ETH_P_ARP) + _ARP.pack(
        _ARP_ETHERNET,
        _ARP_IPV4,
        MAC_LENGTH,
        4,
        operation,
        mac,
        sender.packed,
        target_mac,
        ip.packed,
    )


def _arp_claimant(frame: bytes, ip: IPv4Address) -> bytes | None:
    if len(frame) < _ETHERNET.size + _ARP.size:
        return None
    hardware, protocol, hardware_length, protocol_length, operation, mac, sender, _, _ = (
        _ARP.unpack_from(frame, _ETHERNET.size)
    )
    form = (hardware, protocol, hardware_length, protocol_length)
    if form != (_ARP_ETHERNET, _ARP_IPV4, MAC_LENGTH, 4):
        return None
    if operation not in (_ARP_REQUEST, _ARP_REPLY) or sender != ip.packed:
        return None
    return bytes(mac)


def _icmpv6(mac: bytes, source: IPv6Address, target: IPv6Address, body: bytes) -> bytes:
    """Frame an ICMPv6 message to a multicast group, its checksum filled in (RFC 4443 2.3)."""
    pseudo = source.packed + target.packed + struct.pack("!II", len(body), _ICMPV6)
    body = body[:2] + struct.pack("!H", _checksum(pseudo + body)) + body[4:]
    header = _IPV6.pack(_IPV6_VERSION, len(body), _ICMPV6, _HOP_LIMIT, source.packed, target.packed)
    group_mac = b"\x33\x33" + target.packed[12:]
    return _ETHERNET.pack(group_mac, mac, ETH_P_IPV6) + header + body


def _advertiser(frame: bytes, ip: IPv6Address) -> bytes | None:
    start = _ETHERNET.size + _IPV6.size
    if len(frame) < start + _ICMPV6_HEADER.size:
        return None
    _, sender, _ = _ETHERNET.unpack_from(frame)
    _, _, next_header, hop_limit, _, _ = _IPV6.unpack_from(frame, _ETHERNET.size)
    kind, code, _, _, target = _ICMPV6_HEADER.unpack_from(frame, start)
    if (next_header, hop_limit, kind, code) != (_ICMPV6, _HOP_LIMIT, _ADVERTISEMENT, 0):
        return None
    return bytes(sender) if target == ip.packed else None


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
