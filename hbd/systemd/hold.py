"""What this node holds, said to systemd and to the dead man through small files in /run/hbd.

    /run/hbd/holds/GROUP          empty; exists while this node may run the group's resources
    /run/hbd/addresses/ADDRESS    one line `ADDRESS/PREFIX INTERFACE` per shared address held
    /run/hbd/status/UNIT          what a resource script printed when asked for its status

GROUP is the group's name escaped as in its target unit. The files are a message to programs that
must work without hbd, not hbd's memory: at its start hbd observes, it does not read its own past.
/run is a tmpfs, so a reboot forgets all of it, as it must.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hbd.cluster.terms import GroupName
from hbd.errors import AdapterError
from hbd.systemd import unitname

RUNTIME_DIRECTORY: Final = Path("/run/hbd")


@dataclass(frozen=True, slots=True)
class AddressNote:
    """A shared address that may be on an interface of this node."""

    address: str
    prefix: int
    interface: str


def hold_path(group: GroupName, directory: Path = RUNTIME_DIRECTORY) -> Path:
    """The file whose existence lets systemd start the group's units here."""
    return directory / "holds" / unitname.escape(group)


def status_path(unit: str, directory: Path = RUNTIME_DIRECTORY) -> Path:
    """Where a status unit puts what its script printed."""
    return directory / "status" / unit


def hold(group: GroupName, directory: Path = RUNTIME_DIRECTORY) -> None:
    """Let this node start the group's units. Before the first start; repeating is harmless."""
    _write(hold_path(group, directory), "")


def let_go(group: GroupName, directory: Path = RUNTIME_DIRECTORY) -> None:
    """Forbid it again. Only after the group is proven stopped; repeating is harmless."""
    _remove(hold_path(group, directory))


def held_groups(directory: Path = RUNTIME_DIRECTORY) -> frozenset[GroupName]:
    """The groups whose units systemd may start here now."""
    try:
        names = os.listdir(directory / "holds")
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise AdapterError(f"Failed to list '{directory}/holds': {error.strerror}") from error
    return frozenset(GroupName(unitname.unescape(name)) for name in names if name[0] != "~")


def note_address(
    address: str, prefix: int, interface: str, directory: Path = RUNTIME_DIRECTORY
) -> None:
    """Tell the dead man of an address, before it is added to `interface`."""
    _write(_address_path(address, directory), f"{address}/{prefix} {interface}\n")


def forget_address(address: str, directory: Path = RUNTIME_DIRECTORY) -> None:
    """After the address is gone; repeating is harmless."""
    _remove(_address_path(address, directory))


def noted_addresses(directory: Path = RUNTIME_DIRECTORY) -> tuple[AddressNote, ...]:
    """The addresses that may be here, as they were noted; a line that says nothing is left out."""
    notes: list[AddressNote] = []
    try:
        paths = [path for path in (directory / "addresses").iterdir() if path.name[0] != "~"]
        for path in sorted(paths):
            match path.read_text(encoding="utf-8").replace("/", " ").split():
                case [address, prefix, interface] if prefix.isdecimal():
                    notes.append(AddressNote(address, int(prefix), interface))
    except FileNotFoundError:
        return tuple(notes)
    except OSError as error:
        raise AdapterError(f"Failed to read '{directory}/addresses': {error.strerror}") from error
    return tuple(notes)


def _address_path(address: str, directory: Path) -> Path:
    return directory / "addresses" / unitname.escape(address)


def _write(path: Path, text: str) -> None:
    """All or nothing: a reader sees the old file or the new one."""
    draft = path.with_name(f"~{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.chmod(0o644)  # hbd's own umask hides what it writes; this is for all to see
        draft.replace(path)
    except OSError as error:
        raise AdapterError(f"Failed to write '{path}': {error.strerror}") from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise AdapterError(f"Failed to remove '{path}': {error.strerror}") from error
