"""The kernel's door to a disk, and its own reservation calls (linux/pr.h).

`Kernel` is all that this package asks of the machine about disks. The calls work on whole disks
only; up to Linux 6.5 they need CAP_SYS_ADMIN. The device is opened for reading: closing a writer
would let udev probe the disk each time.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from pathlib import Path
from typing import Final, Protocol

from hbd.errors import AdapterError, ReservationConflict

# linux/pr.h: _IOW('p', 200 …, struct pr_registration | pr_reservation | pr_preempt)
IOC_PR_REGISTER: Final = 0x401870C8
IOC_PR_RESERVE: Final = 0x401070C9
IOC_PR_PREEMPT_ABORT: Final = 0x401870CC

REGISTRATION: Final = struct.Struct("=QQII")  # old key, new key, flags, 0
RESERVATION: Final = struct.Struct("=QII")  # key, type, flags
PREEMPTION: Final = struct.Struct("=QQII")  # own key, victim's key, type, flags

PR_FL_IGNORE_KEY: Final = 1
# Write Exclusive - Registrants Only. See `reservation` for why it is this one.
PR_WRITE_EXCLUSIVE_REG_ONLY: Final = 3

# The lowest byte of what comes back is SCSI's status; Linux 6.1 leaves its own reading of that in
# the second one (a conflict is 0x118 there), and the third says what became of the path.
STATUS_BYTE: Final = 0xFF
CONFLICT: Final = 0x18  # also PR_STS_RESERVATION_CONFLICT, for any disk since Linux 6.3
CHECK_CONDITION: Final = 0x02  # also PR_STS_IOERR
NVME_CONFLICT: Final = 0x83  # as the drivers before Linux 6.3 hand it through
NVME_STATUS: Final = 0x7FF  # type and code, without "more" and "do not retry"

PATH: Final = 0xFF0000

WORDS: Final = {
    CHECK_CONDITION: "the disk refused the command (check condition)",
    0x08: "the disk is busy",
    0x28: "the disk's queue is full",
    0x40: "the disk aborted the command",
    0x10000: "the path to the disk is gone",
    0x20000: "the path to the disk is busy",
    0x30000: "the disk did not answer in time",
    0xE0000: "the path to the disk failed for now",
    0xF0000: "the path to the disk failed",
}


class Kernel(Protocol):
    """The machine's disks. Every call may block for ever when a disk hangs: call it in a thread."""

    @property
    def sys(self) -> Path:
        """Where sysfs is mounted."""

    def number(self, path: str) -> str | None:
        """MAJOR:MINOR of the block device at `path`, None for another file; OSError if absent."""

    def open(self, path: str) -> int:
        """A descriptor for reading. OSError."""

    def close(self, descriptor: int) -> None:
        """Let go of it."""

    def ioctl(self, descriptor: int, request: int, argument: bytearray | int) -> int:
        """What ioctl(2) returns, the buffer changed in place. OSError for an errno.

        A bytearray, because with `bytes` Python hands back the buffer and loses the status.
        """


class ThisKernel:
    """The real one."""

    sys = Path("/sys")

    def number(self, path: str) -> str | None:
        """By stat(2), symbolic links followed."""
        status = os.stat(path)
        if not stat.S_ISBLK(status.st_mode):
            return None
        return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"

    def open(self, path: str) -> int:
        """Without O_EXCL: the disk may be mounted."""
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self, descriptor: int) -> None:
        """close(2)."""
        os.close(descriptor)

    def ioctl(self, descriptor: int, request: int, argument: bytearray | int) -> int:
        """ioctl(2)."""
        return fcntl.ioctl(descriptor, request, argument)


def registration(old: int, new: int, *, ignore: bool = False) -> bytearray:
    """Register `new` in place of `old`; 0 is no key; `ignore`: whatever is registered now."""
    return bytearray(REGISTRATION.pack(old, new, PR_FL_IGNORE_KEY if ignore else 0, 0))


def reservation(key: int) -> bytearray:
    """Reserve with one's registered key. No flags: SCSI knows none here."""
    return bytearray(RESERVATION.pack(key, PR_WRITE_EXCLUSIVE_REG_ONLY, 0))


def preemption(own: int, victim: int) -> bytearray:
    """Take what `victim` has and remove it; `own` must be registered.

    Documentation/block/pr.rst has the two the other way round; this is what drivers/scsi/sd.c and
    drivers/nvme/host/pr.c do with them.
    """
    return bytearray(PREEMPTION.pack(own, victim, PR_WRITE_EXCLUSIVE_REG_ONLY, 0))


def check(status: int, failed: str) -> None:
    """Return if the disk did it; `failed` begins the message if not.

    Raises ReservationConflict when it refused because of a reservation or of a key that is not
    (any more) registered, AdapterError for anything else.
    """
    if status == 0:
        return
    if status & STATUS_BYTE == CONFLICT or status & NVME_STATUS == NVME_CONFLICT:
        raise ReservationConflict(
            f"{failed}: reservation conflict, this node's key is not registered or another's stands"
        )
    why = WORDS.get(status & PATH) or WORDS.get(status & STATUS_BYTE) or "the disk refused"
    raise AdapterError(f"{failed}: {why} (status {status:#x})")


def is_check_condition(status: int) -> bool:
    """Whether the disk had something to say instead of doing it; asked again it may do it."""
    return status & PATH == 0 and status & STATUS_BYTE == CHECK_CONDITION
