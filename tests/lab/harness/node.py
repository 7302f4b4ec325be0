"""One machine of the lab: a booted systemd on a root file system and a network of its own.

The root is an overlay on the suite's base image, so files survive a power cut and a reboot, as on a
real machine. systemd-nspawn boots it and says when systemd has finished booting. Commands enter by
nsenter. A power cut takes away wires, disk and processor, in that order and within milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.harness import cgroups, disk
from tests.lab.harness.boot import Boot
from tests.lab.harness.host import Finished, LabError, now, run
from tests.lab.harness.journal import Journal
from tests.lab.harness.ledger import Ledger
from tests.lab.harness.network import Cable, Network

BOOT_WITHIN = 90.0  # s: 2 on a quiet machine
SHUTDOWN_WITHIN = 60.0
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Hardware:
    """What is plugged into a node."""

    cables: list[Cable]
    tty: str  # the pty that is its /dev/ttyS0
    device: Path  # the loop device that is its view of the shared disk
    device_name: str = "/dev/ttidisk0"  # how the node itself calls it
    mount_points: tuple[str, ...] = field(default=("/ttidisk",))  # where it may be mounted


class Node:
    """One node of the lab. `root` is its file system as this machine sees it."""

    def __init__(
        self, name: str, ledger: Ledger, network: Network, folder: Path, hardware: Hardware
    ) -> None:
        self.name = name
        self.hardware = hardware
        self.root = folder / "root"
        self.journal = Journal(self)
        self._ledger = ledger
        self._network = network
        self._folder = folder
        self._boot: Boot | None = None

    @property
    def leader(self) -> int | None:
        """The pid of the node's systemd as this machine counts; None while it is off."""
        return self._boot.leader if self._boot else None

    @property
    def is_on(self) -> bool:
        """Whether the machine has power."""
        return self._boot is not None

    async def create(self, base: Path, hosts: str) -> None:
        """Lay the node's root over `base`, with its own name, machine id and /etc/hosts."""
        await lay_over(base, self.root, self._ledger)
        self.write("/etc/hostname", f"{self.name}\n")
        self.write("/etc/hosts", hosts)
        self.write("/etc/machine-id", os.urandom(16).hex() + "\n", mode=0o444)

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Put a file into the node's root, on or off."""
        assert path.startswith("/"), "a path inside the node is absolute"
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    async def install(self, package: Path) -> None:
        """Install a .deb into the root while the node is off; all it needs is in the base."""
        assert not self.is_on, "packages are laid down before the first boot"
        inside = self.root / "tmp" / package.name
        await run(["cp", package, inside])
        await run(
            ["chroot", self.root, "dpkg", "--install", f"/tmp/{package.name}"],
            within=120,
            env={"PATH": _PATH.removeprefix("PATH="), "DEBIAN_FRONTEND": "noninteractive"},
        )
        inside.unlink()

    async def boot(self) -> float:
        """Power on and wait until systemd says it has finished booting; returns how long it took.

        Each boot has a network namespace of its own, so no address outlives a power cut.
        """
        assert not self.is_on, f"{self.name} is on already"
        began = now()
        await self._network.plug_in(self.name, self.hardware.cables)
        self._boot = Boot(self._ledger, self.name, self._unit, self._folder)
        try:
            async with asyncio.timeout(BOOT_WITHIN):
                await self._boot.start(self.root, self._network.namespace(self.name), self.hardware)
        except TimeoutError as error:
            raise LabError(
                f"{self.name} did not finish booting within {BOOT_WITHIN:g} s; its console: "
                f"{self._boot.console}"
            ) from error
        return now() - began

    async def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        within: float = 60.0,
        user: str | None = None,
        stdin: bytes | None = None,
    ) -> Finished:
        """Run a command on the node, as root or as `user`."""
        return await run(
            [*self.enter(user), *argv], check=check, within=within, stdin=stdin, env={}
        )

    def enter(self, user: str | None = None) -> list[str]:
        """The words to put before a command so that it runs on this node."""
        return enter(self._running()[1], user)

    async def busctl(self, *words: str, user: str | None = None, check: bool = True) -> Finished:
        """`busctl … --json=short` on the node's system bus."""
        return await self.run(["busctl", "--json=short", *words], user=user, check=check)

    async def kill(self) -> None:
        """Cut the power: the wires fall silent, the disk gets no more writes, then nothing runs.

        In this order, for nothing may be acknowledged to a client once the disk is gone: a commit
        that the kernel gives up at that moment is now and then reported as done.
        """
        boot, leader = self._running()
        await self._network.cut_all(self.name)
        for mount_point in self.hardware.mount_points:
            if _is_mounted(leader, mount_point):
                disk.stop_writing(Path(f"/proc/{leader}/root{mount_point}"))
        boot.kill(signal.SIGKILL)
        await self._powered_off(boot)

    async def shutdown(self) -> float:
        """`systemctl poweroff`, and wait for the end; returns how long it took."""
        boot, began = self._running()[0], now()
        await self.run(["systemctl", "poweroff"], check=False)
        await self._powered_off(boot)
        return now() - began

    async def destroy(self) -> None:
        """Power off without ceremony, if it is on."""
        if self._boot is not None:
            self._boot.kill(signal.SIGKILL)
            await self._powered_off(self._boot)

    async def _powered_off(self, boot: Boot) -> None:
        async with asyncio.timeout(SHUTDOWN_WITHIN):
            await boot.ended()
        self._boot = None
        self._ledger.fact(f"leader.{self.name}", "")
        cgroups.remove(self._unit)
        await self._network.unplug(self.name)

    def _running(self) -> tuple[Boot, int]:
        if self._boot is None or self._boot.leader is None:
            raise LabError(f"{self.name} is off")
        return self._boot, self._boot.leader

    @property
    def _unit(self) -> str:
        return f"hbdlab-{self._ledger.lab_id}-{self.name}"


def enter(leader: int, user: str | None = None) -> list[str]:
    """The words that run a command inside the node whose systemd is process `leader`."""
    words = ["nsenter", "-t", str(leader), "-a", "env", "-i", _PATH, "LANG=C.UTF-8"]
    return words if user is None else [*words, "runuser", "-u", user, "--"]


def _is_mounted(leader: int, mount_point: str) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        lines = Path(f"/proc/{leader}/mountinfo").read_text().splitlines()
        return any(line.split()[4] == mount_point for line in lines)
    return False


async def lay_over(base: Path, root: Path, ledger: Ledger) -> None:
    """Mount at `root` what is written there over the image `base`, beside folders for that."""
    upper, work = root.with_name("upper"), root.with_name("work")
    for folder in (root, upper, work):
        folder.mkdir(parents=True)
    ledger.note("mount", str(root))
    layers = f"lowerdir={base},upperdir={upper},workdir={work}"
    await run(["mount", "-t", "overlay", f"hbdlab-{root.parent.name}", "-o", layers, root])
