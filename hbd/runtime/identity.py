"""Who this node is on the wire: its uuid and the number of this life.

The generation must grow with every start and survive reboots, else the peer takes us for a replay
of our former self; so it is on disk, synced, before the first message is sent. Source: heartbeat's
hb_generation and hb_uuid files.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import Final

from hbd.cluster.terms import Generation, NodeName
from hbd.errors import AdapterError

LARGEST: Final = 2**62  # a number beyond is no count of lives, and one day would not fit the wire

_GENERATION = "generation"
_UUID = "uuid"
_MAINTENANCE = "maintenance"


def next_generation(directory: Path, unix_time: int, *, from_clock: bool = False) -> Generation:
    """Begin a new life: the number after the last one, written and synced before it is used.

    Without a (readable) number to count from, the clock gives one, as heartbeat does; with
    `from_clock` (ha.cf `hbgenmethod time`) it always does, but never goes back.
    """
    path = directory / _GENERATION
    try:
        last = int(path.read_text())
    except (OSError, ValueError):
        last = 0
    if not 0 < last < LARGEST:
        last = unix_time
    generation = Generation(max(last + 1, unix_time) if from_clock else last + 1)
    _write(path, f"{generation}\n".encode())
    return generation


def node_uuid(directory: Path, node: NodeName, *, from_name: bool = False) -> bytes:
    """The 16 bytes by which the peer knows this node, made once and kept.

    `from_name` (ha.cf `uuidfrom nodename`) derives them from the node's name instead.
    """
    if from_name:
        return hashlib.md5(node.encode(), usedforsecurity=False).digest()
    path = directory / _UUID
    try:
        known = path.read_bytes()
    except OSError:
        known = b""
    if len(known) == len(uuid.UUID(int=0).bytes) and any(known):
        return known
    made = uuid.uuid4().bytes
    _write(path, made)
    return made


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
