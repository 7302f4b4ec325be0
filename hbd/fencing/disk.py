"""Which whole disk a device is on, and which disk that is (sysfs).

A reservation is the whole disk's, whatever partition carries the file system. Names like /dev/sda
wander; a disk's own identity (VPD page 0x83, NGUID, EUI-64) does not, so it is compared before each
command.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from hbd.errors import AdapterError
from hbd.fencing.ioctl import Kernel

BY_ID: Final = Path("/dev/disk/by-id")
# A multipath map, and a partition of one as kpartx makes it.
MULTIPATH: Final = re.compile(r"mpath-")
MULTIPATH_PARTITION: Final = re.compile(r"part\d+-mpath-")

# Block devices that have no reservations of their own, by the kernel's name.
NOT_SHARED: Final = (
    (re.compile(r"md\d|md_"), "a software RAID, whose disks know nothing of each other"),
    (re.compile(r"drbd"), "a DRBD device, which a reservation does not guard"),
    (re.compile(r"loop"), "a loop device, a file"),
    (re.compile(r"vd[a-z]"), "a virtio-blk disk, which has no reservations; virtio-scsi may have"),
    (re.compile(r"xvd"), "a Xen disk, which has no reservations"),
    (re.compile(r"nbd|rbd"), "a network block device, which has no reservations"),
    (re.compile(r"mmcblk"), "a memory card, which has no reservations"),
    (re.compile(r"ram|zram"), "memory of this machine"),
    (re.compile(r"bcache"), "a cache in front of a disk, which a reservation does not guard"),
)
DEVICE_MAPPER: Final = {
    "LVM": "a logical volume: name the partition or disk below it, or use stonith",
    "CRYPT": "an encrypted device: name the disk below it, or use stonith",
}


class NotCapable(AdapterError):
    """The disk will never know reservations; the message says why, to follow its name."""


class DiskKind(Enum):
    """By which commands a disk's reservations are reached."""

    SCSI = "scsi"
    NVME = "nvme"
    MULTIPATH = "multipath"  # dm-multipath: the kernel does each change on every path


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole disk as it is now: `node` /dev/sda, `identity` what it says of itself."""

    node: str
    kind: DiskKind
    identity: str


def find(kernel: Kernel, device: str) -> Disk:
    """The whole disk under `device`, a path, symbolic links and partitions followed.

    Raises NotCapable for what is no disk with reservations, and AdapterError when that cannot be
    said: an absent disk may well be capable. Touches sysfs only.
    """
    try:
        number = kernel.number(device)
    except OSError as error:
        raise AdapterError(f"Failed to find '{device}': {error.strerror}") from error
    if number is None:
        raise NotCapable("it is no block device")
    entry = Path(os.path.realpath(kernel.sys / "dev/block" / number))
    if not entry.exists():
        raise AdapterError(f"Failed to find '{device}': the kernel has no device {number}")
    return _whole(kernel, _parent(kernel, entry))


def _parent(kernel: Kernel, entry: Path) -> Path:
    """A partition's disk; itself if it is none."""
    if (entry / "partition").exists():
        return entry.parent
    if MULTIPATH_PARTITION.match(_text(entry / "dm/uuid")):
        below = _below(kernel, entry)
        if len(below) == 1:
            return below[0]
    return entry


def _whole(kernel: Kernel, entry: Path) -> Disk:
    node = "/dev/" + entry.name.replace("!", "/")
    if (entry / "dm").exists():
        return _multipath(kernel, entry, node)
    for pattern, why in NOT_SHARED:
        if pattern.match(entry.name):
            raise NotCapable(f"it is on {why}")
    kind = _kind(entry)
    _refuse_path_of_a_map(kernel, entry, node)
    return Disk(node, kind, _identity(entry, kind))


def _kind(entry: Path) -> DiskKind:
    subsystem = os.path.basename(os.path.realpath(entry / "device/subsystem"))
    if subsystem == "scsi":
        return DiskKind.SCSI
    if entry.name.startswith("nvme") and subsystem in ("nvme", "nvme-subsystem"):
        return DiskKind.NVME
    raise NotCapable(f"it is on '{entry.name}', neither SCSI nor NVMe nor dm-multipath")


def _multipath(kernel: Kernel, entry: Path, node: str) -> Disk:
    """A map whose paths all lead to one disk; its identity is that disk's."""
    uuid = _text(entry / "dm/uuid")
    if not MULTIPATH.match(uuid):
        what = DEVICE_MAPPER.get(uuid.partition("-")[0], "a device-mapper device")
        raise NotCapable(f"it is on {what}")
    paths = _below(kernel, entry)
    if not paths:
        raise AdapterError(f"Failed to find the paths of '{node}': it has none now")
    identities = {_identity(path, _kind(path)) for path in paths}
    if len(identities) != 1:
        raise NotCapable("it is on a multipath map whose paths lead to different disks")
    return Disk(node, DiskKind.MULTIPATH, identities.pop())


def _below(kernel: Kernel, entry: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(entry / "slaves"))
    except OSError as error:
        raise AdapterError(f"Failed to look below '{entry.name}': {error.strerror}") from error
    return [Path(os.path.realpath(kernel.sys / "class/block" / name)) for name in names]


def _refuse_path_of_a_map(kernel: Kernel, entry: Path, node: str) -> None:
    """A single path must not be used beside its map: the map would not know of the key."""
    holders = entry / "holders"
    for name in sorted(os.listdir(holders)) if holders.exists() else ():
        if MULTIPATH.match(_text(kernel.sys / "class/block" / name / "dm/uuid")):
            label = _text(kernel.sys / "class/block" / name / "dm/name")
            raise AdapterError(
                f"Failed to use '{node}': it is one path of the multipath device "
                f"'/dev/mapper/{label}'; name that one in haresources"
            )


def _identity(entry: Path, kind: DiskKind) -> str:
    """What the disk says of itself, the same on every machine."""
    place = "device/wwid" if kind is DiskKind.SCSI else "wwid"
    said = _text(entry / place)
    if said:
        return " ".join(said.split())
    named = _by_id(entry.name)
    if not named:
        raise NotCapable("the disk says no identity (VPD page 0x83), so it cannot be told apart")
    return named


def _by_id(name: str) -> str:
    """udev's stable name for it, of those that are there the first."""
    links = sorted(BY_ID.iterdir()) if BY_ID.is_dir() else []
    return next((link.name for link in links if os.path.realpath(link) == f"/dev/{name}"), "")


def _text(path: Path) -> str:
    """A small file of sysfs; "" when it is not there or the kernel has nothing to say.

    An identity that a broken path cannot tell is an AdapterError: it is not "none".
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENXIO, errno.EINVAL):
            return ""
        raise AdapterError(f"Failed to read '{path}': {error.strerror}") from error
