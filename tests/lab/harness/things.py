"""What of a group only one node may have at a time."""

from __future__ import annotations

from enum import Enum


class Thing(Enum):
    """The disk, mounted; the shared address, configured."""

    DISK = "disk"
    ADDRESS = "address"
