"""Which disk is this? By what the disk itself says, for its name may differ on the other node.

Two answers, each as far as there is one: the file system's own UUID, read from its superblock, and
the name of the whole disk that its maker gave it (WWN), as the kernel has it in sysfs. Sources: the
on-disk formats (linux/Documentation/filesystems/ext4/super.rst, XFS Algorithms & Data Structures,
btrfs' on-disk format); sysfs of scsi (`device/wwid`) and nvme (`wwid`).
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Final

SUPERBLOCKS_END: Final = 0x10048  # btrfs' begins at 64 KiB; its UUID and magic end here
SYSFS: Final = Path("/sys")

# name, where its magic is, the magic, where its UUID is
_FORMATS: Final = (
    ("ext", 0x438, b"\x53\xef", 0x468),
    ("xfs", 0, b"XFSB", 32),
    ("btrfs", 0x10040, b"_BHRfS_M", 0x10020),
)


def filesystem_uuid(start: bytes) -> str | None:
    """The UUID that the first bytes of a device tell; None if they are of no known file system."""
    for _, place, magic, where in _FORMATS:
        raw = start[where : where + 16]
        if start[place : place + len(magic)] == magic and len(raw) == 16:
            return str(uuid.UUID(bytes=raw))
    return None


def read_uuid(node: str) -> str | None:
    """The same of a device. It blocks for as long as the disk does not answer; OSError."""
    descriptor = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return filesystem_uuid(os.pread(descriptor, SUPERBLOCKS_END, 0))
    finally:
        os.close(descriptor)


def disk_name(number: str, sysfs: Path = SYSFS) -> str | None:
    """The WWN of the disk that a device (MAJOR:MINOR), or a partition of it, lies on."""
    device = Path(os.path.realpath(sysfs / "dev/block" / number))
    whole = device.parent if (device / "partition").exists() else device
    for place in ("wwid", "device/wwid", "dm/uuid"):
        try:
            name = (whole / place).read_text(errors="replace").strip()
        except OSError:
            continue
        if name:
            return " ".join(name.split())
    return None
