"""Proof that a file system is gone from this machine, and that its device may be mounted.

An unmount that returned proves nothing: another mount namespace (a container, a sandboxed service)
may keep the same superblock alive and write to it later. The kernel itself knows: it lets a block
device be opened exclusively only when no file system, swap, RAID or mapper has claimed it, in any
namespace (open(2) O_EXCL on a block device), and it keeps a directory in /sys/fs for each live
superblock of ext4 and xfs.

A disk that does not answer can block an open for ever; so it happens in a thread of its own, under
a deadline, and the heartbeat goes on.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from hbd import threads
from hbd.cluster.terms import MILLISECOND, SECOND, Usec
from hbd.errors import AdapterError
from hbd.systemd import mountinfo, unitname

# The kernel sends no event when a superblock dies; it is gone with umount(2) or some ms later.
RETRY_USEC: Final = (1, 2, 5, 10, 20, 50, 100, 200, 200, 200, 200)  # ms, together about 1 s
DEVICE_LIMIT_USEC: Final = Usec(5 * SECOND)  # a healthy disk opens in well under 1 ms

SUPERBLOCKS: Final = ("ext4", "xfs", "f2fs")  # ext2 and ext3 are mounted by the ext4 driver

# The device is not there, or not for this node: EMEDIUMTYPE is DRBD's word for a secondary.
NO_DEVICE: Final = (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENOMEDIUM, errno.EMEDIUMTYPE)

T = TypeVar("T")
Who = Callable[[str], Awaitable[str]]  # MAJOR:MINOR -> who holds it, in words; it never raises

# Devices being asked. A thread that does not come back stays here: there is never a second one.
_asking: dict[str, asyncio.Future[None]] = {}


@dataclass(frozen=True, slots=True)
class _Claim:
    """What an exclusive open said: free, or not and why. `number` (MAJOR:MINOR) if it was there."""

    is_free: bool
    number: str | None
    why: str


async def prove_gone(device: str, directory: str, who: Who) -> None:
    """Return when nothing on this machine has `device` mounted any more.

    Raises AdapterError that names who holds it, after about 1 s; at once nothing is believed.
    `who` is asked only then, when the release has failed.
    A device that is not there (any more) cannot be written to; then the mount point decides.
    """
    node = unitname.device_node(device)
    claim = await _ask(node, lambda: _claim(node, directory))
    for pause in RETRY_USEC:
        if claim.is_free:
            return
        await asyncio.sleep(pause * MILLISECOND / SECOND)
        claim = await _ask(node, lambda: _claim(node, directory))
    if claim.is_free:
        return
    raise AdapterError(
        f"Failed to prove that '{directory}' is gone: {claim.why}"
        f"{await _holders(claim, who)}; the peer must not mount it"
    )


async def check_mountable(device: str, directory: str, who: Who) -> None:
    """Return if `device` may be mounted on `directory` here, or already is.

    Raises AdapterError if it is not there or in use elsewhere on this machine. What another
    machine does with it cannot be seen here: that is what the cluster is for.
    """
    node = unitname.device_node(device)
    if not node.startswith("/dev/"):
        return  # a network or bind mount: no device to prove anything with
    claim = await _ask(node, lambda: _claim(node, directory))
    if claim.number is None:
        raise AdapterError(f"Failed to mount '{directory}': {claim.why}")
    if claim.is_free or _is_mounted(claim.number, directory):
        return
    raise AdapterError(
        f"Failed to mount '{directory}': {claim.why}{await _holders(claim, who)}; unmount it there"
    )


def _claim(node: str, directory: str) -> _Claim:
    """Blocking: open exclusively, look at the superblocks, let go."""
    number = None
    try:
        number = _number(node)
        if number is None:
            return _unopened(None, directory, f"'{node}' is not a block device")
        _open_exclusively(node)
    except OSError as error:
        if error.errno in NO_DEVICE:
            return _unopened(number, directory, f"'{node}' cannot be used here: {error.strerror}")
        if error.errno == errno.EBUSY:
            return _Claim(is_free=False, number=number, why=f"'{node}' is in use")
        raise AdapterError(f"Failed to open '{node}': {error.strerror}") from error
    if alive := _superblock(number):
        return _Claim(is_free=False, number=number, why=f"'{alive}' is still there")
    return _Claim(is_free=True, number=number, why="")


def _number(node: str) -> str | None:
    """MAJOR:MINOR of a block device, None for any other file."""
    status = os.stat(node)
    if not stat.S_ISBLK(status.st_mode):
        return None
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"


def _open_exclusively(node: str) -> None:
    """OSError EBUSY while the device is claimed.

    For reading only: after a writer closes, udev would probe the device, and hold it meanwhile.
    """
    os.close(os.open(node, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))


def _unopened(number: str | None, directory: str, why: str) -> _Claim:
    """Without opening it: free if no superblock is known and nothing is mounted there."""
    if number is not None and (alive := _superblock(number)):
        return _Claim(is_free=False, number=None, why=f"{why}, and '{alive}' is still there")
    if any(mount.mount_point == directory for mount in _own_mounts()):
        return _Claim(is_free=False, number=None, why=f"{why}, and it is still mounted")
    return _Claim(is_free=True, number=None, why=why)


def _superblock(number: str) -> Path | None:
    """The directory that the kernel keeps for a live superblock on the device."""
    name = Path(os.path.realpath(f"/sys/dev/block/{number}")).name
    paths = (Path("/sys/fs") / fstype / name for fstype in SUPERBLOCKS)
    return next((path for path in paths if path.exists()), None)


def _is_mounted(number: str, directory: str) -> bool:
    return any(mount.device == number and mount.mount_point == directory for mount in _own_mounts())


def _own_mounts() -> list[mountinfo.Mount]:
    try:
        text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise AdapterError(f"Failed to read the mount table: {error.strerror}") from error
    return list(mountinfo.parse(text))


async def _holders(claim: _Claim, who: Who) -> str:
    return "" if claim.number is None else f", {await who(claim.number)}"


async def _ask(node: str, question: Callable[[], T]) -> T:
    """Run a blocking `question` about the device in a thread that nobody has to wait for."""
    try:
        async with asyncio.timeout(DEVICE_LIMIT_USEC / SECOND):
            while node in _asking:
                await asyncio.shield(_asking[node])
            return await _in_thread(node, question)
    except TimeoutError as error:
        raise AdapterError(
            f"Failed to ask '{node}': no answer within {DEVICE_LIMIT_USEC // SECOND} s; "
            f"the disk or the path to it hangs"
        ) from error


def _in_thread(node: str, question: Callable[[], T]) -> asyncio.Future[T]:
    asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def returned() -> None:
        del _asking[node]
        asked.set_result(None)

    try:
        answer = threads.begin(f"device {node}", question, returned)
    except RuntimeError as error:
        raise AdapterError(f"Failed to ask '{node}': {error}") from error
    _asking[node] = asked
    return answer
