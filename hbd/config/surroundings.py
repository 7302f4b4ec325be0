"""What the parsers must know of the machine: a short list of questions, and the real answers.

Parsing is text in, types out; these questions are all that makes a verdict depend on where it is
asked. No answer is remembered and none raises: what cannot be found out counts as not there.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import socket
import stat
import struct
from enum import Enum
from pathlib import Path
from typing import Protocol

from hbd.config.findings import Findings
from hbd.config.reading import read_text

_SIOCGIFFLAGS = 0x8913  # linux/sockios.h
_SIOCGIFBRDADDR = 0x8919
_IFF_BROADCAST = 0x2  # linux/if.h
_IFREQ = struct.Struct("16s24x")
_DISCARD_PORT = 9  # any port does: connecting a datagram socket sends nothing


class InterfaceState(Enum):
    """What broadcasting needs of an interface."""

    ABSENT = "absent"
    UNADDRESSED = "unaddressed"  # can broadcast, but has no IPv4 address yet
    READY = "ready"
    NOT_BROADCAST = "not-broadcast"  # loopback, point to point


class PathKind(Enum):
    """What stands at a path, symbolic links followed."""

    ABSENT = "absent"
    CHARACTER_DEVICE = "character-device"
    OTHER = "other"


class Family(Enum):
    """Which kind of address a name is to be resolved to."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


class Surroundings(Protocol):
    """The questions."""

    def host_name(self) -> str:
        """What `uname -n` prints."""

    def interface(self, name: str) -> InterfaceState:
        """Whether the interface is there and can broadcast."""

    def path(self, path: str) -> PathKind:
        """Whether something, and what, is at `path`."""

    def text(self, path: str) -> str | None:
        """What the regular file at `path` says, if it is one that can be read and is text."""

    def resolve(self, host: str, family: Family) -> str | None:
        """The numeric address of a host name, or None. May wait for a name server."""

    def is_own_address(self, address: str) -> bool:
        """Whether this machine itself has the address now."""

    def user_exists(self, name: str) -> bool:
        """Whether there is such a user."""

    def is_executable(self, path: str) -> bool:
        """Whether a regular file with execute permission is at `path`."""

    def heartbeat_port(self) -> int | None:
        """UDP port of the services entry `ha-cluster`, if there is one."""

    def keys_owner(self) -> int:
        """The uid that must own authkeys."""


class ThisMachine:
    """The real answers."""

    def host_name(self) -> str:
        """What `uname -n` prints."""
        return os.uname().nodename

    def interface(self, name: str) -> InterfaceState:
        """Asked of the kernel by ioctl, so that it is true in any network namespace."""
        request = _IFREQ.pack(name.encode())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                answer = fcntl.ioctl(probe, _SIOCGIFFLAGS, request)
            except OSError:
                return InterfaceState.ABSENT
            (flags,) = struct.unpack_from("H", answer, 16)
            if not flags & _IFF_BROADCAST:
                return InterfaceState.NOT_BROADCAST
            try:
                fcntl.ioctl(probe, _SIOCGIFBRDADDR, request)
            except OSError:
                return InterfaceState.UNADDRESSED
        return InterfaceState.READY

    def path(self, path: str) -> PathKind:
        """By stat(2)."""
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError):
            return PathKind.ABSENT
        return PathKind.CHARACTER_DEVICE if stat.S_ISCHR(mode) else PathKind.OTHER

    def text(self, path: str) -> str | None:
        """Read as the three files are: bounded, never waiting."""
        return read_text(Path(path), Findings(path))

    def resolve(self, host: str, family: Family) -> str | None:
        """By the system's resolver; the first answer."""
        wanted = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
        try:
            answers = socket.getaddrinfo(host, None, wanted, socket.SOCK_DGRAM)
        except (OSError, UnicodeError, ValueError):
            return None
        return str(answers[0][4][0]) if answers else None

    def is_own_address(self, address: str) -> bool:
        """The kernel sends from an address to itself exactly when it is its own.

        Binding would not tell: net.ipv4.ip_nonlocal_bind, usual beside a load balancer, lets any
        address be bound.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, _DISCARD_PORT))
                return bool(probe.getsockname()[0] == address)
        except OSError:
            return False

    def user_exists(self, name: str) -> bool:
        """By the system's user database."""
        try:
            pwd.getpwnam(name)
        except (KeyError, ValueError):
            return False
        return True

    def is_executable(self, path: str) -> bool:
        """By stat(2); for anybody, as root may execute what anybody may."""
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(mode) and bool(mode & 0o111)

    def heartbeat_port(self) -> int | None:
        """From /etc/services."""
        try:
            return socket.getservbyname("ha-cluster", "udp")
        except OSError:
            return None

    def keys_owner(self) -> int:
        """Root."""
        return 0
