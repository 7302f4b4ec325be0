"""Two machines on model disks: a claim, a mount and a protected mount each, nothing real below."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from hbd.cluster.terms import GroupName, NodeName, ResourceState, Usec
from hbd.errors import AdapterError
from hbd.fencing.disk import DiskKind
from hbd.fencing.key import key_of
from hbd.fencing.reservation import LIMIT_USEC
from hbd.runtime.claims import Claim
from hbd.runtime.protected import ProtectedMount
from tests.unit.fencing.disk import ReservationDisk
from tests.unit.fencing.kernel import Device, ModelKernel
from tests.unit.runtime.parts import Posted, turns_until

ALPHA, BETA = NodeName("alpha"), NodeName("beta")
GROUP = GroupName("web")


class Mount:
    """A file system of one machine: mounted or not, which survives the daemon."""

    unit: str | None = "ttidisk.mount"

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_mounted = False
        self.start_fails = ""
        self.stop_fails = ""
        self.gate: asyncio.Event | None = None  # a start waits for it, mounted already
        self.on_mount: Callable[[], None] = lambda: None
        self.on_unmount: Callable[[], None] = lambda: None
        self.adopted = 0

    def prepare(self) -> None:
        """See Runnable."""

    async def start(self) -> None:
        """See Runnable."""
        if self.start_fails:
            raise AdapterError(self.start_fails)
        self.on_mount()
        self.is_mounted = True
        if self.gate is not None:
            await self.gate.wait()

    async def stop(self) -> None:
        """See Runnable."""
        if self.stop_fails:
            raise AdapterError(self.stop_fails)
        self.on_unmount()
        self.is_mounted = False

    async def look(self) -> ResourceState | None:
        """See Runnable."""
        return ResourceState.STARTED if self.is_mounted else ResourceState.STOPPED

    async def adopt(self) -> None:
        """See Runnable."""
        self.adopted += 1


class Machine:
    """One node: its kernel with the disks as sda, sdb …, and one life of the daemon's claim."""

    def __init__(
        self,
        directory: Path,
        name: NodeName,
        *disks: ReservationDisk,
        limit_usec: Usec = LIMIT_USEC,
        is_demanded: bool = True,
    ) -> None:
        self.name = name
        self.peer = BETA if name == ALPHA else ALPHA
        self.disks = disks
        self.kernel = ModelKernel(directory / name)
        self.devices = [self.attach(number, disk) for number, disk in enumerate(disks)]
        self.mounts = [Mount(f"Filesystem::{device}") for device in self.devices]
        self._limit_usec = limit_usec
        self._is_demanded = is_demanded
        self.live()

    def attach(self, number: int, disk: ReservationDisk) -> str:
        """The disk is there, under a name that it has on no other machine."""
        name = f"sd{'abcdef'[number + (self.name == BETA)]}"
        device = Device(disk, DiskKind.SCSI, (self.name,))
        return self.kernel.add(name, device, f"naa.{number}", 16 * number)

    def live(self) -> None:
        """The daemon is started: what it knew is gone, what is mounted stays."""
        self.posted = Posted()
        pairs = [(m.text, d) for m, d in zip(self.mounts, self.devices, strict=True)]
        self.claim = Claim(
            GROUP,
            pairs,
            self.name,
            self.peer,
            self.posted,
            kernel=self.kernel,
            limit_usec=self._limit_usec,
        )
        self.protected = [
            ProtectedMount(mount, self.claim, is_demanded=self._is_demanded)
            for mount in self.mounts
        ]

    async def observe(self) -> list[ResourceState | None]:
        """As the executor does it before anything is started."""
        return [await each.look() for each in self.protected]

    async def start(self) -> None:
        """Left to right."""
        for each in self.protected:
            await each.start()

    async def stop(self) -> None:
        """Right to left."""
        for each in reversed(self.protected):
            await each.stop()

    def key(self, counter: int) -> int:
        """A key of this node."""
        return key_of(self.name, counter)

    def keys(self, number: int = 0) -> int:
        """The key this machine is registered with on a disk, 0 for none."""
        return self.disks[number].keys.get(self.name, 0)

    def may_write(self, number: int = 0) -> bool:
        """Whether the disk would take a write of this machine."""
        return self.disks[number].may_write(self.name)


async def machine(directory: Path, name: NodeName, *disks: ReservationDisk) -> Machine:
    """A machine that has looked at everything."""
    found = Machine(directory, name, *disks)
    await found.observe()
    return found


async def pair(directory: Path, *disks: ReservationDisk) -> tuple[Machine, Machine]:
    """Two machines that have looked at everything."""
    return await machine(directory, ALPHA, *disks), await machine(directory, BETA, *disks)


class Gate:
    """Holds a kernel's calls: each waits in its thread until it is let through."""

    def __init__(self, kernel: ModelKernel) -> None:
        self.waiting: list[threading.Event] = []
        self._is_open = False
        kernel.before = self._before

    def _before(self, _request: int) -> None:
        if self._is_open:
            return
        turn = threading.Event()
        self.waiting.append(turn)
        assert turn.wait(30), "nobody lets it through"

    def let_one_through(self) -> None:
        """The oldest call that waits is done."""
        self.waiting.pop(0).set()

    async def pass_through(self, number: int) -> None:
        """So many calls are done, one after the other."""
        for _ in range(number):
            await turns_until(lambda: bool(self.waiting))
            self.let_one_through()

    def open(self) -> None:
        """Every call is done at once from now on."""
        self._is_open = True
        while self.waiting:
            self.let_one_through()

    def close(self) -> None:
        """Each call waits again."""
        self._is_open = False
