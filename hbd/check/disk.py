"""The shared disk as this node sees it, and the directory that it is mounted on."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from hbd.check import identity
from hbd.check.finding import CheckId, Finding, Report, error, ok
from hbd.check.order import Disk
from hbd.systemd import mountinfo, unitname

MOUNTINFO: Final = Path("/proc/self/mountinfo")


def look(disk: Disk) -> Report:
    """Is it there, which one is it, and can it be mounted where it should be?"""
    present, facts = _present(disk)
    return Report((present, mount_point(disk, mounts())), facts)


def mounts(path: Path = MOUNTINFO) -> list[mountinfo.Mount]:
    """What is mounted on this machine now."""
    return list(mountinfo.parse(path.read_text(encoding="utf-8", errors="surrogateescape")))


def _present(disk: Disk) -> tuple[Finding, dict[str, str]]:
    node = unitname.device_node(disk.device)
    if not node.startswith("/dev/"):
        return ok(CheckId.DISK_PRESENT, f"{disk.device} is no disk: not compared"), {}
    try:
        status = os.stat(node)
        if not stat.S_ISBLK(status.st_mode):
            why = f"{disk.device} ({node}) is not a block device"
            return error(CheckId.DISK_PRESENT, why, f"ls -lL {node}; lsblk"), {}
        uuid = identity.read_uuid(node)
    except FileNotFoundError:
        why = f"{disk.device} is not seen here: there is no {node}"
        return error(CheckId.DISK_PRESENT, why, "lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,WWN"), {}
    except OSError as problem:
        why = f"{disk.device} cannot be read: {problem.strerror}"
        return error(CheckId.DISK_PRESENT, why, f"dd if={node} of=/dev/null count=1"), {}
    if uuid is None:
        why = f"{disk.device} has no file system that is known (ext, xfs, btrfs)"
        return error(CheckId.DISK_PRESENT, why, f"blkid {node}"), {}
    name = identity.disk_name(f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}")
    text = f"{disk.device} is seen, file system {uuid}, disk {name or 'without a name (WWN)'}"
    facts = {f"disk:{disk.directory}": f"{uuid} {name or ''}".strip()}
    return ok(CheckId.DISK_PRESENT, text), facts


def mount_point(disk: Disk, mounted: list[mountinfo.Mount]) -> Finding:
    """There, a directory, and empty; with the group here also: mounted; else: not mounted."""
    directory = disk.directory
    is_mounted = any(mount.mount_point == directory for mount in mounted)
    if is_mounted and disk.held:
        return ok(CheckId.MOUNT_POINT, f"{directory}: mounted here, with its group")
    if is_mounted:
        why = f"{directory} is mounted here though its group is not: two nodes may write"
        return error(CheckId.MOUNT_POINT, why, f"umount {directory}")
    if disk.held:
        why = f"{directory} is not mounted though its group runs here"
        return error(CheckId.MOUNT_POINT, why, "hbctl status; journalctl -x -e -u hbd")
    try:
        is_directory = stat.S_ISDIR(os.lstat(directory).st_mode)
        kept = sorted(os.listdir(directory)) if is_directory else []
    except FileNotFoundError:
        why = f"{directory} is not there: nothing can be mounted on it"
        return error(CheckId.MOUNT_POINT, why, f"mkdir -p {directory}")
    except OSError as problem:
        why = f"{directory} cannot be looked at: {problem.strerror}"
        return error(CheckId.MOUNT_POINT, why, f"ls -la {directory}")
    if not is_directory:
        why = f"{directory} is not a directory (a symbolic link is none)"
        return error(CheckId.MOUNT_POINT, why, f"ls -ld {directory}")
    if kept:
        names = ", ".join(kept[:3]) + (" …" if len(kept) > 3 else "")
        why = f"{directory} is not empty while nothing is mounted there: {names}"
        remedy = f"ls -la {directory}, and move what somebody wrote beside the disk"
        return error(CheckId.MOUNT_POINT, why, remedy)
    return ok(CheckId.MOUNT_POINT, f"{directory} is there and empty")
