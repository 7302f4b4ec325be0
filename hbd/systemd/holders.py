"""Which processes keep a block device busy: for the error message of a file system that stays.

Reads /proc only, and nothing on the file system itself, so it does not hang on a dead disk. The
device is found by its number, so mounts at other places and in other namespaces (containers) count
too. What this process may not look into stays unseen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hbd.systemd import mountinfo

PROC: Final = Path("/proc")
NAMED_AT_MOST: Final = 8  # an administrator needs the first few, the journal not hundreds


@dataclass(frozen=True, slots=True)
class Holder:
    """A process, and how it holds: `mount /srv`, `cwd`, `file 7`, `mapping`."""

    pid: int
    name: str
    how: str

    def __str__(self) -> str:
        """`smbd[812] (cwd)`: as people write a process."""
        return f"{self.name}[{self.pid}] ({self.how})"


def find(device: str, proc: Path = PROC) -> tuple[Holder, ...]:
    """Who holds `device` (`MAJOR:MINOR`): its users, or the namespaces that keep it without one.

    Every sandboxed service has a namespace of its own in which each mount of the machine appears;
    it follows an unmount, so it is no news while the machine itself still has the mount.
    """
    users: list[Holder] = []
    keepers: dict[str, Holder] = {}
    for process in sorted(_processes(proc), key=lambda path: int(path.name)):
        mounts = [mount for mount in _mounts(process) if mount.device == device]
        pid, name = int(process.name), _name(process)
        if how := next(_uses(process, device, mounts), None):
            users.append(Holder(pid, name, how))
        elif mounts and (namespace := _link(process / "ns/mnt")):
            keeper = Holder(pid, name, f"mount {mounts[0].mount_point} in its own namespace")
            keepers.setdefault(namespace, keeper)
    if users or _link(proc / "1/ns/mnt") in keepers:
        return tuple(users)
    return tuple(keepers.values())


def describe(holders: tuple[Holder, ...]) -> str:
    """`held by smbd[812] (cwd), bash[90] (file 3) and 4 more`."""
    if not holders:
        kernel = "the kernel (NFS server, loop device, swap)"
        return f"held by {kernel} or by a process that hbd may not look into"
    names = ", ".join(str(holder) for holder in holders[:NAMED_AT_MOST])
    more = len(holders) - NAMED_AT_MOST
    return f"held by {names}" + (f" and {more} more" if more > 0 else "")


def _processes(proc: Path) -> Iterator[Path]:
    return (path for path in proc.iterdir() if path.name.isdigit())


def _uses(process: Path, device: str, mounts: list[mountinfo.Mount]) -> Iterator[str]:
    points = tuple(mount.mount_point for mount in mounts)
    for link in ("cwd", "root", "exe"):
        if any(_is_below(_link(process / link), point) for point in points):
            yield link
    ids = {mount.mount_id for mount in mounts}
    for number, mount_id in _open_files(process):
        if mount_id in ids:
            yield f"file {number}"
    if _maps(process, device):
        yield "mapping"


def _is_below(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _open_files(process: Path) -> Iterator[tuple[str, int]]:
    """Numbers of open files with the mount they are on, without touching the files."""
    try:
        numbers = os.listdir(process / "fdinfo")
    except OSError:
        return
    for number in numbers:
        for line in _read(process / "fdinfo" / number).splitlines():
            name, _, value = line.partition(":")
            if name == "mnt_id" and value.strip().isdigit():
                yield number, int(value)


def _maps(process: Path, device: str) -> bool:
    """Whether a file of the device is mapped into memory; maps has the numbers in hexadecimal."""
    major, _, minor = device.partition(":")
    wanted = f" {int(major):02x}:{int(minor):02x} "
    return wanted in _read(process / "maps")


def _mounts(process: Path) -> Iterator[mountinfo.Mount]:
    return mountinfo.parse(_read(process / "mountinfo"))


def _name(process: Path) -> str:
    return _read(process / "comm").strip() or "?"


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _read(path: Path) -> str:
    """A file of /proc; one that vanished or is not ours to read is empty."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
