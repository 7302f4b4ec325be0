"""The shared disk: one image seen through two block devices, one for each node.

Each node has a loop device of its own over the same file, so each mount has its own superblock and
its own page cache, as two machines on one disk have; through one device the kernel would share the
superblock and hide a double mount. The loops read and write the file directly, past its page cache.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from tests.lab.harness.host import LabError, run
from tests.lab.harness.ledger import Ledger

LABEL = "ttidisk"
SIZE_MIB = 128
SECTOR = 512

# <linux/fs.h>: stop all writing to a mounted file system, here without flushing its journal.
_FS_IOC_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2


class SharedDisk:
    """An ext4 file system on one file; `devices` are its two views."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger = ledger
        self.image = folder / "shared-disk.img"
        self.devices: list[Path] = []

    async def build(self) -> None:
        """Make the image, its ext4 file system with a journal, and the two loop devices."""
        with self.image.open("wb") as image:
            image.truncate(SIZE_MIB << 20)
        await run(["mke2fs", "-q", "-t", "ext4", "-L", LABEL, self.image])
        for _ in range(2):
            self.devices.append(await self._attach())

    async def _attach(self) -> Path:
        done = await run(
            ["losetup", "--find", "--show", "--direct-io=on", f"--sector-size={SECTOR}", self.image]
        )
        device = Path(done.out.strip())
        self._ledger.note("loop", str(device))
        return device


def is_active(device: Path) -> bool:
    """Whether a superblock of `device` lives in this kernel, in whatever mount namespace.

    The kernel lists each active ext4 file system here, so this also sees mounts that a private
    namespace keeps after umount(8) said it was done.
    """
    return Path("/sys/fs/ext4", device.name).exists()


def stop_writing(mount_point: Path) -> None:
    """Cut a mounted file system off its disk at this moment, as losing power does.

    Dirty pages and the journal in memory are lost; what was synced stays. Nothing can be written
    afterwards, so a late unmount by the dying kernel side leaves the journal to be replayed.
    """
    folder = os.open(mount_point, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(folder, _FS_IOC_SHUTDOWN, struct.pack("=I", _NO_LOG_FLUSH))
    except OSError as error:
        raise LabError(f"cannot cut {mount_point} off its disk: {error.strerror}") from error
    finally:
        os.close(folder)


async def check(device: Path) -> str:
    """What e2fsck finds without changing anything; empty if the file system is sound."""
    done = await run(["e2fsck", "-fn", device], check=False)
    return "" if done.status == 0 else done.out
