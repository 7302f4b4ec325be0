"""The media lines of ha.cf(5): one function per directive, `(draft, line, value)`.

A medium that is not there yet is taken with a warning: its link starts dead and comes to life with
it. heartbeat refuses to start then, which turns one broken card into a lost cluster. A line that
could never work is refused.
"""

from __future__ import annotations

import ipaddress
from functools import partial

from hbd.cluster.terms import LinkName
from hbd.config.draft import Draft
from hbd.config.findings import BadValue, quoted
from hbd.config.model import Broadcast, Multicast, Ping, Serial, Unicast
from hbd.config.surroundings import Family, InterfaceState, PathKind
from hbd.config.values import choice, interface_name, number
from hbd.config.values import words as words_of

MOST_HOPS = 4  # heartbeat's bound for the ttl of mcast: heartbeats stay near
HIGHEST_PORT = 65535
LONGEST_HOST = 253  # of a DNS name, RFC 1035

_OTHER_FAMILY = {"ucast": "ucast6", "ucast6": "ucast", "ping": "ping6", "ping6": "ping"}
_LATER = "the link starts dead and comes up with it"


def bcast(draft: Draft, line: int, word: str, directive: str = "bcast") -> None:
    """`bcast IF`."""
    interface = _interface(draft, line, directive, word, broadcasts=True)
    port = draft.port
    draft.add_medium(line, directive, interface, lambda name: Broadcast(name, interface, port))


def udp(draft: Draft, line: int, word: str) -> None:
    """`udp IF`, the word of heartbeat 0.4.9 for `bcast`."""
    bcast(draft, line, word, "udp")


def ucast(draft: Draft, line: int, value: str) -> None:
    """`ucast IF HOST`, IPv4."""
    _unicast(draft, line, value, "ucast", Family.IPV4)


def ucast6(draft: Draft, line: int, value: str) -> None:
    """`ucast6 IF HOST`, IPv6."""
    _unicast(draft, line, value, "ucast6", Family.IPV6)


def mcast(draft: Draft, line: int, value: str) -> None:
    """`mcast IF GROUP PORT TTL LOOP`, IPv4."""
    _multicast(draft, line, value, "mcast", Family.IPV4)


def mcast6(draft: Draft, line: int, value: str) -> None:
    """`mcast6 IF GROUP PORT TTL LOOP`, IPv6."""
    _multicast(draft, line, value, "mcast6", Family.IPV6)


def serial(draft: Draft, line: int, word: str) -> None:
    """`serial DEV` at the speed said before it."""
    if not word.startswith("/"):
        raise BadValue("it is not an absolute path", "write the device like /dev/ttyS0")
    kind = draft.surroundings.path(word)
    if kind is PathKind.OTHER:
        raise BadValue("it is not a character device", "write a serial port like /dev/ttyS0")
    if kind is PathKind.ABSENT:
        draft.findings.warning(line, f"serial {quoted(word)}: no such device now; {_LATER}")
    draft.add_medium(line, "serial", word, partial(_serial, device=word, baud=draft.baud))


def ping(draft: Draft, line: int, word: str) -> None:
    """`ping HOST`, IPv4."""
    address = _host(draft, "ping", word, Family.IPV4)
    draft.add_medium(line, "ping", word, lambda name: Ping(name, (address,)))


def ping6(draft: Draft, line: int, word: str) -> None:
    """`ping6 HOST`, IPv6."""
    address = _host(draft, "ping6", word, Family.IPV6)
    draft.add_medium(line, "ping6", word, lambda name: Ping(name, (address,)))


def ping_group(draft: Draft, line: int, value: str) -> None:
    """`ping_group NAME HOST...`: alive while any member answers."""
    name, *hosts = words_of(value)
    if not hosts:
        raise BadValue("the group has no members", "write ping_group NAME HOST HOST...")
    members = tuple(_host(draft, "ping_group", host, Family.IPV4) for host in hosts)
    draft.add_medium(line, "ping_group", name, lambda link: Ping(link, members))


def _serial(name: LinkName, device: str, baud: int) -> Serial:
    return Serial(name, device, baud)


def _unicast(draft: Draft, line: int, value: str, directive: str, family: Family) -> None:
    words = words_of(value)
    if len(words) < 2:
        raise BadValue("the peer's address is missing", f"write {directive} INTERFACE HOST")
    interface = _interface(draft, line, directive, words[0])
    address = _host(draft, directive, words[1], family)
    _ignored(draft, line, directive, words[2:], "one peer per line")
    if draft.surroundings.is_own_address(address):
        draft.own_addresses += 1
        own = (
            f"{directive} {words[0]} {words[1]}: this node's own address, the line is for the peer"
        )
        draft.findings.notice(line, own)
        return
    port = draft.port
    draft.add_medium(
        line, directive, interface, lambda name: Unicast(name, interface, address, port)
    )


def _multicast(draft: Draft, line: int, value: str, directive: str, family: Family) -> None:
    words = words_of(value)
    if len(words) < 5:
        why = "interface, group, port, ttl and loop are all needed"
        raise BadValue(why, f"write {directive} INTERFACE GROUP PORT TTL LOOP")
    interface = _interface(draft, line, directive, words[0])
    group = _group(words[1], family)
    port = number(words[2], 1, HIGHEST_PORT)
    ttl = number(words[3], 0, MOST_HOPS)
    loop = choice(words[4], ("0", "1")) == "1"
    _ignored(draft, line, directive, words[5:], "the line ends with LOOP")
    draft.add_medium(
        line,
        directive,
        interface,
        lambda name: Multicast(name, interface, group, port, ttl, loop),
    )


def _interface(
    draft: Draft, line: int, directive: str, word: str, *, broadcasts: bool = False
) -> str:
    name = interface_name(word)
    state = draft.surroundings.interface(name)
    if state is InterfaceState.ABSENT:
        draft.findings.warning(line, f"{directive} {name}: no such interface now; {_LATER}")
    if broadcasts and state is InterfaceState.NOT_BROADCAST:
        raise BadValue("the interface cannot broadcast", "use ucast with the peer's address")
    if broadcasts and state is InterfaceState.UNADDRESSED:
        text = f"{directive} {name}: the interface has no IPv4 broadcast address now; "
        draft.findings.warning(line, text + _LATER)
    return name


def _host(draft: Draft, directive: str, word: str, family: Family) -> str:
    """A numeric address as it stands, or what the resolver says: now, not when it is used."""
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        resolved = draft.surroundings.resolve(word, family) if len(word) <= LONGEST_HOST else None
        if resolved is None:
            why = f"{quoted(word)} is no {family.value} address and cannot be resolved to one"
            remedy = "write the numeric address, or name it in /etc/hosts"
            raise BadValue(why, remedy) from None
        return resolved
    if address.version != (4 if family is Family.IPV4 else 6):
        other = _OTHER_FAMILY.get(directive, "IPv4 addresses")
        raise BadValue(f"{quoted(word)} is an IPv{address.version} address", f"use {other}")
    if address.is_multicast or address.is_unspecified or word == "255.255.255.255":
        raise BadValue(f"{quoted(word)} is not one machine's address", "write the peer's address")
    return str(address)


def _group(word: str, family: Family) -> str:
    wanted, example = (4, "225.0.0.1") if family is Family.IPV4 else (6, "ff15::694")
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        address = None
    if address is None or address.version != wanted or not address.is_multicast:
        raise BadValue(f"{quoted(word)} is no multicast group", f"write one like {example}")
    return str(address)


def _ignored(draft: Draft, line: int, directive: str, words: list[str], why: str) -> None:
    if words:
        text = f"{directive}: {quoted(' '.join(words))} at the end is ignored: {why}"
        draft.findings.warning(line, text)
