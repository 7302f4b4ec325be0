"""One QEMU process: a machine with its processor, memory, disk, network cards and ports.

It is started from its kernel, or from the memory of a machine saved earlier (`resume_from`). It
knows nothing of what runs in it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness.host import LabError, now
from tests.lab.harness.ledger import Ledger
from tests.vm.harness.qmp import Qmp

# QEMU emulates the processor: no KVM is needed, and none is trusted. HBD_VM_ACCEL=kvm tries it.
ACCELERATOR = "HBD_VM_ACCEL"
_EMULATION = "tcg,thread=multi,tb-size=256"
_SAVED_WITHIN = 120.0  # s to write or read a machine's memory: 1 to 3 on a quiet machine
_CONSOLE_KEPT = 3000  # characters worth showing in an error


@dataclass(frozen=True, slots=True)
class Card:
    """A network card and the tap it is plugged into."""

    interface: str
    tap: str
    mac: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What a machine is made of. `ports` are further words for QEMU: serial lines, virtio ports."""

    kernel: Path
    initrd: Path
    words: str  # the kernel's command line
    memory: int  # MiB
    disk: Path
    disk_format: str
    cards: Sequence[Card]
    ports: Sequence[str]


class Machine:
    """A machine that is on or off."""

    def __init__(
        self, name: str, ledger: Ledger, folder: Path, namespace: str, niceness: int = 0
    ) -> None:
        """`niceness` is for one that must answer at once and has little to do."""
        self.name = name
        self._niceness = niceness
        self.folder = folder
        self.qmp = Qmp(name)
        self._ledger = ledger
        self._namespace = namespace
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_on(self) -> bool:
        """Whether its QEMU runs (it may be paused)."""
        return self._process is not None and self._process.returncode is None

    @property
    def processor(self) -> float:
        """Seconds of this machine's processors that it has used since power on."""
        if self._process is None or self._process.returncode is not None:
            return 0.0
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def console(self) -> str:
        """The end of what the machine printed on its console."""
        path = self.folder / "console.log"
        return path.read_text(errors="replace")[-_CONSOLE_KEPT:] if path.exists() else ""

    async def start(self, parts: Parts, resume_from: Path | None = None) -> None:
        """Power on, or come back paused with the memory that was saved in `resume_from`."""
        assert not self.is_on, f"{self.name} is on already"
        argv = words(parts, self.folder)
        if resume_from is not None:
            argv += ["-S", "-incoming", f"exec:cat '{resume_from}'"]
        (self.folder / "qmp").unlink(missing_ok=True)
        log = os.open(self.folder / "qemu.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            # nsenter becomes nice, and that QEMU, so the pid is QEMU's
            self._process = await asyncio.create_subprocess_exec(
                "nsenter", f"--net=/run/netns/{self._namespace}",
                "nice", f"--adjustment={self._niceness}", "qemu-system-x86_64",
                "-name", f"hbdlab-{self._ledger.lab_id}-{self.name}", *argv,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(log)
        self._ledger.note_process(self._process.pid)
        self.qmp = Qmp(self.name)
        try:
            await self.qmp.connect(self.folder / "qmp")
        except LabError as error:
            said = (self.folder / "qemu.log").read_text()[-_CONSOLE_KEPT:]
            raise LabError(f"{error}; QEMU said: {said}") from error
        if resume_from is not None:
            await self._until_moved("in")

    async def kill(self) -> None:
        """Take the power away at once."""
        if self._process is None:
            return
        await self.qmp.close()
        if self.is_on:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        self._process = None

    async def ended(self) -> None:
        """Return when the machine has switched itself off."""
        if self._process is not None:
            await self._process.wait()

    async def pause(self) -> None:
        """Stop its processor and clock; wires stay plugged in, nothing is answered."""
        await self.qmp.ask("stop")

    async def resume(self) -> None:
        """Go on."""
        await self.qmp.ask("cont")

    async def save(self, path: Path) -> None:
        """Write its memory to a file. It is paused before, and of no use afterwards but to end."""
        await self.qmp.ask("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        await self.qmp.ask("migrate", uri=f"exec:cat >'{path}'")
        await self._until_moved("out")

    async def _until_moved(self, way: str) -> None:
        deadline = now() + _SAVED_WITHIN
        while now() < deadline:
            if way == "in":
                status = (await self.qmp.ask("query-status"))["status"]
                if status in ("paused", "prelaunch"):
                    return
            else:
                told = await self.qmp.ask("query-migrate")
                status = told.get("status", "none")
                if status == "completed":
                    return
                if status == "failed":
                    raise LabError(f"{self.name}: could not be saved: {told}")
            await asyncio.sleep(0.05)
        raise LabError(f"{self.name}: its memory was not moved {way} in time ({status})")


def words(parts: Parts, folder: Path) -> list[str]:
    """QEMU's command line for these parts."""
    accelerator = os.environ.get(ACCELERATOR) or _EMULATION
    argv = [
        "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc",
        "-accel", accelerator, "-cpu", "host" if accelerator.startswith("kvm") else "max",
        "-m", f"{parts.memory}M", "-smp", "1", "-kernel", str(parts.kernel),
        "-initrd", str(parts.initrd), "-append", parts.words,
        "-qmp", f"unix:{folder}/qmp,server=on,wait=off",
        "-chardev", f"file,id=console,path={folder}/console.log,append=on",
        "-serial", "chardev:console",
        "-drive", f"file={parts.disk},format={parts.disk_format},if=none,id=disk,cache=writeback",
        "-device", "virtio-blk-pci,drive=disk",
        "-device", "virtio-rng-pci",
        "-device", "virtio-serial-pci",
        *parts.ports,
    ]  # fmt: skip
    for card in parts.cards:
        argv += [
            "-netdev", f"tap,id=tap-{card.interface},ifname={card.tap},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=tap-{card.interface},id={card.interface},"
            f"mac={card.mac},romfile=",
        ]  # fmt: skip
    return argv
