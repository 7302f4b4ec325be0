"""Interfaces, addresses and routes to and from netlink messages, by pyroute2. Pure.

The only file that touches pyroute2, and it touches nothing but three message classes: those are
the same from Debian 12's 0.7.2 to 0.9, while the sockets around them are not (see `exchange`).
Numbers: linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h.
"""

from __future__ import annotations

import errno
import importlib
import importlib.util
import struct
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Protocol

from hbd.errors import AdapterError
from hbd.net.exchange import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST
from hbd.net.kernel import FOREVER_SEC, AddressFlag, Interface, InterfaceAddress, Route

RTM_NEWLINK, RTM_DELLINK, _RTM_GETLINK = 16, 17, 18
_RTM_NEWADDR, RTM_DELADDR, _RTM_GETADDR = 20, 21, 22
_RTM_GETROUTE = 26
AF_UNSPEC, AF_INET, AF_INET6 = 0, 2, 10

_NLM_F_EXCL_CREATE = 0x200 | 0x400
_ANY = {AF_INET: "0.0.0.0", AF_INET6: "::"}  # noqa: S104 - a route's target, not bound to
_RT_TABLE_MAIN, _RTN_UNICAST = 254, 1
_RTNH_F_DEAD_OR_LINKDOWN = 0x1 | 0x10
_IFF_UP, _IFF_LOOPBACK, _IFF_RUNNING = 0x1, 0x8, 0x40
_RTEXT_FILTER_SKIP_STATS = 0x8  # counters are most of a link's message, and nobody here reads them
_KNOWN_FLAGS = AddressFlag.SECONDARY | AddressFlag.NODAD | AddressFlag.NOPREFIXROUTE
_GIVEN_FLAGS = AddressFlag.NODAD | AddressFlag.NOPREFIXROUTE  # the others are the kernel's to say


class _Message(Protocol):
    """What is used of a pyroute2 `nlmsg`: an untyped dictionary that can code itself."""

    data: bytearray

    def __getitem__(self, key: str) -> Any: ...  # noqa: ANN401 - a field is what the kernel says
    def __setitem__(self, key: str, value: object) -> None: ...
    def get_attr(self, name: str) -> Any: ...  # noqa: ANN401 - and so is an attribute
    def encode(self) -> None: ...
    def decode(self) -> None: ...


_MessageClass = Callable[..., _Message]


class Messages:
    """The coder. A message that cannot be read is an OSError (EBADMSG), as if cut short."""

    def __init__(self) -> None:
        """Load pyroute2's message classes, and nothing else of it; AdapterError if they are not.

        `import pyroute2` runs the whole library: 14 MB and 110 ms, against 2 MB and 20 ms for what
        is used here (measured with 0.7.2 and 0.9.7); the daemon has 45 MiB and one second in all.
        So an empty package stands in for it while its parts are imported, and is taken away again.
        """
        spec = importlib.util.find_spec("pyroute2")
        if spec is None or spec.submodule_search_locations is None:
            raise AdapterError("no netlink: pyroute2 is missing; install python3-pyroute2")
        stands_in = "pyroute2" not in sys.modules
        if stands_in:
            package = types.ModuleType("pyroute2")
            package.__path__ = list(spec.submodule_search_locations)
            sys.modules["pyroute2"] = package
        try:
            self._link: _MessageClass = _part("rtnl.ifinfmsg", "ifinfmsg")
            self._address: _MessageClass = _part("rtnl.ifaddrmsg", "ifaddrmsg")
            self._route: _MessageClass = _part("rtnl.rtmsg", "rtmsg")
            self._unreadable: type[Exception] = _part("exceptions", "NetlinkDecodeError")
        except (ImportError, AttributeError) as error:
            raise AdapterError(f"no netlink: this pyroute2 cannot be used: {error}") from error
        finally:
            if stands_in:
                del sys.modules["pyroute2"]

    def ask_interfaces(self) -> bytes:
        message = self._link()
        message["attrs"] = [["IFLA_EXT_MASK", _RTEXT_FILTER_SKIP_STATS]]
        return _encoded(message, _RTM_GETLINK, NLM_F_DUMP)

    def ask_addresses(self) -> bytes:
        return _encoded(self._address(), _RTM_GETADDR, NLM_F_DUMP)

    def ask_routes(self, family: int) -> bytes:
        message = self._route()
        message["family"], message["table"] = family, _RT_TABLE_MAIN
        return _encoded(message, _RTM_GETROUTE, NLM_F_DUMP)

    def add(self, address: InterfaceAddress) -> bytes:
        return _encoded(self._described(address), _RTM_NEWADDR, NLM_F_ACK | _NLM_F_EXCL_CREATE)

    def delete(self, address: InterfaceAddress) -> bytes:
        return _encoded(self._described(address), RTM_DELADDR, NLM_F_ACK)

    def interface(self, data: bytes) -> Interface | None:
        """Read a link message; None for one that is not about an interface (a bridge's port)."""
        with self._reading(self._link, data) as message:
            name, flags = message.get_attr("IFLA_IFNAME"), message["flags"]
            if name is None or message["family"] != AF_UNSPEC:
                return None
            return Interface(
                index=message["index"],
                name=str(name),
                is_up=bool(flags & _IFF_UP),
                is_running=bool(flags & _IFF_UP) and bool(flags & _IFF_RUNNING),
                is_loopback=bool(flags & _IFF_LOOPBACK),
            )

    def address(self, data: bytes) -> InterfaceAddress | None:
        """Read an address message; None for a family that is not IP's."""
        with self._reading(self._address, data) as message:
            if message["family"] not in (AF_INET, AF_INET6):
                return None
            # IFA_ADDRESS is the other end's on a point-to-point interface; IFA_LOCAL is ours.
            text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
            broadcast = message.get_attr("IFA_BROADCAST")
            lifetime = message.get_attr("IFA_CACHEINFO")
            flags = message.get_attr("IFA_FLAGS")  # the header's field holds only the first eight
            return InterfaceAddress(
                index=message["index"],
                ip=ip_address(text),
                prefix=message["prefixlen"],
                label=message.get_attr("IFA_LABEL"),
                broadcast=None if broadcast is None else IPv4Address(broadcast),
                flags=AddressFlag((message["flags"] if flags is None else flags) & _KNOWN_FLAGS),
                scope=message["scope"],
                preferred_sec=lifetime["ifa_preferred"] if lifetime else FOREVER_SEC,
                valid_sec=lifetime["ifa_valid"] if lifetime else FOREVER_SEC,
            )

    def route(self, data: bytes) -> Route | None:
        """Read a route message; None unless unicast, of the main table, with one next hop."""
        with self._reading(self._route, data) as message:
            family, index = message["family"], message.get_attr("RTA_OIF")
            is_main = (message.get_attr("RTA_TABLE") or message["table"]) == _RT_TABLE_MAIN
            if family not in (AF_INET, AF_INET6) or index is None or not is_main:
                return None
            if message["type"] != _RTN_UNICAST:
                return None
            target = message.get_attr("RTA_DST") or _ANY[family]
            gateway = message.get_attr("RTA_GATEWAY") or message.get_attr("RTA_VIA")
            return Route(
                index=index,
                network=ip_network(f"{target}/{message['dst_len']}"),
                is_direct=gateway is None,
                is_dead=bool(message["flags"] & _RTNH_F_DEAD_OR_LINKDOWN),
                metric=message.get_attr("RTA_PRIORITY") or 0,
            )

    @contextmanager
    def _reading(self, kind: _MessageClass, data: bytes) -> Iterator[_Message]:
        try:
            message = kind(data)
            message.decode()
            yield message
        except (self._unreadable, struct.error, ValueError, TypeError, KeyError) as error:
            raise OSError(errno.EBADMSG, "the kernel's message cannot be read") from error

    def _described(self, address: InterfaceAddress) -> _Message:
        message = self._address()
        message["family"] = AF_INET if address.ip.version == 4 else AF_INET6
        message["prefixlen"], message["scope"] = address.prefix, address.scope
        message["index"] = address.index
        attributes: list[list[object]] = [
            ["IFA_ADDRESS", str(address.ip)],
            ["IFA_LOCAL", str(address.ip)],
            ["IFA_FLAGS", int(address.flags & _GIVEN_FLAGS)],
        ]
        if address.broadcast is not None:
            attributes.append(["IFA_BROADCAST", str(address.broadcast)])
        if address.label is not None:
            attributes.append(["IFA_LABEL", address.label])
        if (address.preferred_sec, address.valid_sec) != (FOREVER_SEC, FOREVER_SEC):
            lifetime = {"ifa_preferred": address.preferred_sec, "ifa_valid": address.valid_sec}
            attributes.append(["IFA_CACHEINFO", lifetime])
        message["attrs"] = attributes
        return message


def _part(module: str, name: str) -> Any:  # noqa: ANN401 - a class of an untyped library
    return getattr(importlib.import_module(f"pyroute2.netlink.{module}"), name)


def _encoded(message: _Message, kind: int, flags: int) -> bytes:
    """Return the message ready to go, but for its sequence number (see `exchange`)."""
    message["header"] = {
        "type": kind,
        "flags": NLM_F_REQUEST | flags,
        "sequence_number": 0,
        "pid": 0,
    }
    message.encode()
    return bytes(message.data)
