"""Which systemd units a word of haresources means on this machine.

The search has heartbeat's order with systemd's units put between its two directories (1-4):

    1  /etc/ha.d/resource.d/WORD   a script: what the administrator wrote for the cluster
    2  the words of the article    smb, nmb, nfs, nfslock: the distribution's own units
    3  a systemd unit WORD(.service)
    4  /etc/init.d/WORD            a script without a native unit

A word with arguments can only be a script, since a unit takes none. What a script or a unit does is
not known here. Sources: heartbeat's ResourceManager (reference: resource scripts), systemd.unit(5).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from hbd.cluster.terms import GroupName, Usec
from hbd.errors import AdapterError
from hbd.systemd import unitname
from hbd.systemd.limits import FSCK_LIMIT_USEC, START_LIMIT_USEC, STOP_LIMIT_USEC

# Heartbeat's order; both are searched for a regular file with execute permission.
RESOURCE_DIRECTORY: Final = Path("/etc/ha.d/resource.d")
INIT_DIRECTORY: Final = Path("/etc/init.d")

# The first unit that is loaded is meant. Debian's name, Red Hat's name, then a server in user
# space when that is what is installed. An administrator with two of them writes the unit's name.
WELL_KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "smb": ("smbd.service", "smb.service"),
    "nmb": ("nmbd.service", "nmb.service"),
    "nfs": ("nfs-server.service", "nfs-kernel-server.service", "nfs-ganesha.service"),
    "nfslock": ("rpc-statd.service", "nfs-lock.service", "nfslock.service"),
}

# A server in user space without statd keeps no NSM locks (ganesha with NLM off, NFSv4 only): then
# `nfslock` has nothing to start, and an article's haresources still works as it stands.
OPTIONAL_WORDS: Final = frozenset({"nfslock"})

# File systems without a journal: not clean after a crash, and mounted unchecked they get worse.
CHECKED_TYPES: Final = frozenset({"ext2"})


class Kind(Enum):
    """What stands behind a resource."""

    MOUNT = "mount"  # a mount unit written by hbd
    SCRIPT = "script"  # a service unit written by hbd around a resource script
    UNIT = "unit"  # a unit of the distribution or the administrator
    NOTHING = "nothing"  # nothing to do on this machine


@dataclass(frozen=True, slots=True)
class Filesystem:
    """`Filesystem::DEV::DIR::TYPE[::OPTIONS]`, as parsed; `fstype` "auto" when not given."""

    text: str
    device: str
    directory: str
    fstype: str
    options: str | None


@dataclass(frozen=True, slots=True)
class Service:
    """A word of haresources with its `::` arguments, as parsed."""

    text: str
    word: str
    arguments: tuple[str, ...]


Spec = Filesystem | Service


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as this machine can run it.

    `unit` is the canonical name (no alias), None for Kind.NOTHING. A `status_unit` prints a
    script's own opinion (`script.is_running`). The limits are for the calls to Manager.
    """

    text: str
    kind: Kind
    unit: str | None
    filesystem: Filesystem | None = None
    script: Path | None = None
    arguments: tuple[str, ...] = ()
    start_limit_usec: Usec = START_LIMIT_USEC
    stop_limit_usec: Usec = STOP_LIMIT_USEC

    @property
    def is_checked(self) -> bool:
        """Whether the file system is checked before each mount."""
        return self.filesystem is not None and self.filesystem.fstype in CHECKED_TYPES


@dataclass(frozen=True, slots=True)
class Group:
    """A resource group in start order. Shared addresses are no units and do not stand here."""

    name: GroupName
    resources: tuple[Resource, ...]

    @property
    def target(self) -> str:
        """The group's target unit."""
        return unitname.group_target(self.name)

    @property
    def units(self) -> tuple[str, ...]:
        """The units in start order."""
        return tuple(resource.unit for resource in self.resources if resource.unit is not None)


# Answers the canonical name of a loaded unit, or None when systemd finds no such unit (or only a
# masked one). Manager.loaded_name is the real one.
LoadedName = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Resolver:
    """Finds what a word means; the directories are parameters so that tests bring their own."""

    loaded_name: LoadedName
    resource_directory: Path = RESOURCE_DIRECTORY
    init_directory: Path = INIT_DIRECTORY

    async def group(self, name: GroupName, specs: Sequence[Spec]) -> Group:
        """Resolve a whole line of haresources. Raises AdapterError at the first unknown word."""
        return Group(name, tuple([await self.resolve(spec) for spec in specs]))

    async def resolve(self, spec: Spec) -> Resource:
        """One resource. Raises AdapterError that names where was looked."""
        if isinstance(spec, Filesystem):
            return _mount(spec)
        if script := _executable(self.resource_directory, spec.word):
            return _script(spec, script)
        if not spec.arguments and (unit := await self._unit(spec.word)):
            return Resource(text=spec.text, kind=Kind.UNIT, unit=unit)
        if script := _executable(self.init_directory, spec.word):
            return _script(spec, script)
        if spec.word in OPTIONAL_WORDS and not spec.arguments:
            return Resource(text=spec.text, kind=Kind.NOTHING, unit=None)
        raise AdapterError(self._where_was_looked(spec))

    async def _unit(self, word: str) -> str | None:
        """The canonical name of the first unit that `word` can mean and that is loaded."""
        for candidate in candidates(word):
            if name := await self.loaded_name(candidate):
                return name
        return None

    def _where_was_looked(self, spec: Service) -> str:
        places = [str(self.resource_directory / spec.word)]
        if not spec.arguments:
            places += [f"unit {unit}" for unit in candidates(spec.word)]
        places.append(str(self.init_directory / spec.word))
        hint = "a unit takes no arguments, so only scripts were looked for; " * bool(spec.arguments)
        return (
            f"Failed to find the resource '{spec.text}': no {', no '.join(places)}; {hint}"
            f"install it, or correct the word in haresources"
        )


def candidates(word: str) -> tuple[str, ...]:
    """The units a word without arguments may mean, most likely first."""
    if known := WELL_KNOWN.get(word):
        return known
    try:
        return (unitname.service_unit(word),)
    except AdapterError:
        return ()


def _mount(spec: Filesystem) -> Resource:
    checked = spec.fstype in CHECKED_TYPES
    return Resource(
        text=spec.text,
        kind=Kind.MOUNT,
        unit=unitname.mount_unit(spec.directory),
        filesystem=spec,
        start_limit_usec=Usec(START_LIMIT_USEC + FSCK_LIMIT_USEC * checked),
    )


def _script(spec: Service, script: Path) -> Resource:
    return Resource(
        text=spec.text,
        kind=Kind.SCRIPT,
        unit=unitname.script_unit(spec.word, spec.arguments),
        script=script,
        arguments=spec.arguments,
    )


def _executable(directory: Path, word: str) -> Path | None:
    """heartbeat's rule: a regular file with execute permission, directly in the directory."""
    if "/" in word or word in ("", ".", ".."):
        return None
    path = directory / word
    try:
        is_script = stat.S_ISREG(path.stat().st_mode) and os.access(path, os.X_OK)
    except (OSError, ValueError):
        return None
    return path if is_script else None
