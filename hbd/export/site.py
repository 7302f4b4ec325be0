"""What an export must know of the machine it is made on: questions, and this machine's answers.

The files name interfaces where Corosync wants addresses, and words where Pacemaker wants units.
Nothing here speaks to a daemon, and no answer raises: what cannot be found out is None or False.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from hbd.config.surroundings import Family, InterfaceState, PathKind, ThisMachine
from hbd.systemd.resource import INIT_DIRECTORY, RESOURCE_DIRECTORY

_SIOCGIFADDR: Final = 0x8915  # linux/sockios.h
_SIOCGIFNETMASK: Final = 0x891B
_IFREQ: Final = struct.Struct("16s24x")
_SYS_DEV_BLOCK: Final = Path("/sys/dev/block")
# systemd.unit(5), the system unit search path, without what is made at run time.
UNIT_DIRECTORIES: Final = tuple(
    map(Path, ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"))
)


class Site(Protocol):
    """The questions."""

    def network_of(self, interface: str) -> ipaddress.IPv4Interface | None:
        """The interface's own IPv4 address with its network."""

    def is_own_address(self, address: str) -> bool:
        """Whether this machine itself has the address now."""

    def resolve(self, name: str, family: Family) -> str | None:
        """The numeric address of a host name."""

    def has_unit(self, unit: str) -> bool:
        """Whether systemd has a unit of that name, and not a masked one."""

    def script(self, word: str) -> str | None:
        """The path of the resource script or init script of that name."""

    def disk_of(self, device: str) -> str | None:
        """The whole disk that the block device at a path is on."""


@dataclass(frozen=True, slots=True)
class ThisSite:
    """The real answers. `is_node`: this machine is the node that the files are read as."""

    is_node: bool = True
    unit_directories: tuple[Path, ...] = UNIT_DIRECTORIES
    script_directories: tuple[Path, ...] = (RESOURCE_DIRECTORY, INIT_DIRECTORY)

    def network_of(self, interface: str) -> ipaddress.IPv4Interface | None:
        """The primary address, asked of the kernel by ioctl: shared ones are secondary."""
        if not self.is_node:
            return None
        request = _IFREQ.pack(interface.encode())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                answers = [
                    fcntl.ioctl(probe, ask, request) for ask in (_SIOCGIFADDR, _SIOCGIFNETMASK)
                ]
            except OSError:
                return None
        address, mask = (socket.inet_ntoa(answer[20:24]) for answer in answers)
        return ipaddress.IPv4Interface(f"{address}/{mask}")

    def is_own_address(self, address: str) -> bool:
        """As the configuration's own check does."""
        return self.is_node and ThisMachine().is_own_address(address)

    def resolve(self, name: str, family: Family) -> str | None:
        """By the system's resolver; a loopback address is no answer."""
        answer = ThisMachine().resolve(name, family)
        return None if answer is None or ipaddress.ip_address(answer).is_loopback else answer

    def has_unit(self, unit: str) -> bool:
        """By its file; the first directory that has one decides, and an empty file masks."""
        found = [directory / unit for directory in self.unit_directories]
        template, at, rest = unit.partition("@")
        if at:
            suffix = rest.rpartition(".")[2]
            found += [directory / f"{template}@.{suffix}" for directory in self.unit_directories]
        for path in found:
            if path.exists() or path.is_symlink():
                return path.is_file() and path.stat().st_size > 0
        return False

    def script(self, word: str) -> str | None:
        """heartbeat's rule: an executable regular file directly in one of two directories."""
        for directory in self.script_directories:
            path = directory / word
            if "/" not in word and path.is_file() and os.access(path, os.X_OK):
                return str(path)
        return None

    def disk_of(self, device: str) -> str | None:
        """Through sysfs: a partition's folder lies in its disk's."""
        try:
            number = os.stat(device).st_rdev
        except OSError:
            return None
        if number == 0:
            return None
        place = (_SYS_DEV_BLOCK / f"{os.major(number)}:{os.minor(number)}").resolve()
        whole = place.parent if (place / "partition").exists() else place
        return f"/dev/{whole.name}" if whole.is_dir() else None


class Elsewhere(ThisMachine):
    """This machine's answers for reading the files as either node: both ends' lines count.

    An export tells of both nodes, so nothing of ha.cf is dropped as the local node's own, and what
    is missing here may be present there: whether hbd could run here is `hbd --check`'s to say.
    """

    def is_own_address(self, address: str) -> bool:
        """No: `ucast` lines for both nodes are wanted."""
        return False

    def interface(self, name: str) -> InterfaceState:
        """Whatever the other node has."""
        return InterfaceState.READY

    def path(self, path: str) -> PathKind:
        """A serial line is not opened."""
        return PathKind.CHARACTER_DEVICE

    def is_executable(self, path: str) -> bool:
        """A fence agent may be installed there only."""
        return True
