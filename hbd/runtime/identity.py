"""Who this node is on the wire: its uuid and the number of this life.

The generation must grow with every start and survive reboots, else the peer takes us for a replay
of our former self; so it is on disk, synced, before the first message is sent. Source: heartbeat's
hb_generation and hb_uuid files. Where heartbeat itself was before, hbd goes on as the same node,
and counts in heartbeat's file too, so that either can come after the other: hbd-migrate(7).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from pathlib import Path
from typing import Final

from hbd.cluster.terms import Generation, NodeName
from hbd.errors import AdapterError

LARGEST: Final = 2**62  # a number beyond is no count of lives, and one day would not fit the wire

HEARTBEAT: Final = Path("/var/lib/heartbeat")

_GENERATION = "generation"
_UUID = "uuid"
_MAINTENANCE = "maintenance"
_HEARTBEATS_GENERATION = "hb_generation"
_HEARTBEATS_UUID = "hb_uuid"


def next_generation(
    directory: Path, unix_time: int, *, from_clock: bool = False, heartbeat: Path | None = None
) -> Generation:
    """Begin a new life: the number after the last one, written and synced before it is used.

    A life of heartbeat's counts as well, if its folder is given and it has been here.

    Without a (readable) number to count from, the clock gives one, as heartbeat does; with
    `from_clock` (ha.cf `hbgenmethod time`) it always does, but never goes back.
    """
    path = directory / _GENERATION
    last = max(_counted(path), _counted(heartbeat / _HEARTBEATS_GENERATION) if heartbeat else 0)
    if last == 0:
        last = unix_time
    generation = Generation(max(last + 1, unix_time) if from_clock else last + 1)
    _write(path, f"{generation}\n".encode())
    if heartbeat is not None and (heartbeat / _HEARTBEATS_GENERATION).exists():
        # Without this only the way back is barred, until the clock of heartbeat's files has passed.
        with contextlib.suppress(AdapterError):
            _write(heartbeat / _HEARTBEATS_GENERATION, f"{generation:>15}\n".encode())
    return generation


def _counted(path: Path) -> int:
    """The number in a file; 0 if there is none that counts lives."""
    try:
        number = int(path.read_text())
    except (OSError, ValueError):
        return 0
    return number if 0 < number < LARGEST else 0


def node_uuid(
    directory: Path, node: NodeName, *, from_name: bool = False, heartbeat: Path | None = None
) -> bytes:
    """The 16 bytes by which the peer knows this node, made once and kept, or heartbeat's own.

    `from_name` (ha.cf `uuidfrom nodename`) derives them from the node's name instead.
    """
    if from_name:
        return hashlib.md5(node.encode(), usedforsecurity=False).digest()
    path = directory / _UUID
    if known := _kept_uuid(path):
        return known
    inherited = _kept_uuid(heartbeat / _HEARTBEATS_UUID) if heartbeat is not None else None
    made = inherited or uuid.uuid4().bytes
    _write(path, made)
    return made


def _kept_uuid(path: Path) -> bytes | None:
    """The uuid in a file, None if there is none."""
    try:
        known = path.read_bytes()
    except OSError:
        return None
    return known if len(known) == len(uuid.UUID(int=0).bytes) and any(known) else None


def is_in_maintenance(directory: Path) -> bool:
    """Whether the former life of the daemon was in maintenance: a restart does not end it."""
    return (directory / _MAINTENANCE).exists()


def keep_maintenance(directory: Path, *, on: bool) -> None:
    """Let the next life know, on the disk before this returns; AdapterError if it cannot be."""
    path = directory / _MAINTENANCE
    if on:
        _write(path, b"hbctl maintenance off\n")  # what ends it, for who finds the file
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise AdapterError(f"Failed to remove '{path}': {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    """Replace a file as a whole, on the disk before this returns; AdapterError if it cannot be."""
    temporary = path.with_suffix(".new")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise AdapterError(f"Failed to write '{path}': {error.strerror}") from error
