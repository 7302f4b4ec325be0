"""The storage array, the witness before it, and what both can tell.

The array's backing file is this machine's own, so its file system can be checked here, with no
node's help. Reservations are read from the target itself (configfs), never asked of a node.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness.host import LabError, run
from tests.lab.harness.ledger import Ledger
from tests.lab.harness.network import Cable, Network
from tests.vm.harness import recipe
from tests.vm.harness.image import Image
from tests.vm.harness.iscsi import GOOD, Command
from tests.vm.harness.machine import Card, Machine, Parts
from tests.vm.harness.qmp import open_socket

MEMORY = 160  # MiB
_NICENESS = -10  # a disk that answers late is a broken one; this one works for a second a minute
DISK_SIZE = "192M"
_TOP = Path(__file__).parents[3]
_PR = "/sys/kernel/config/target/core/iblock_0/disk/pr"
_GENERATION = re.compile(r"PRgen: (0x[0-9a-f]+)")
_UP_WITHIN = 60.0  # s: 4 on a quiet machine


@dataclass(frozen=True, slots=True)
class Deed:
    """One command that a node gave the disk, as the witness saw it."""

    node: str
    command: Command
    sent: float
    answered: float
    status: int | None  # None: never answered

    @property
    def wrote(self) -> bool:
        """Whether it changed data."""
        return self.command.changes_data and self.status == GOOD


@dataclass(frozen=True, slots=True)
class Reservation:
    """Who may write, by the target's own word."""

    holder: str | None  # a node's name
    registered: tuple[str, ...]
    kind: str
    generation: int = 0  # grows with every registration and every new key


class Storage:
    """The array, from power on to power off."""

    def __init__(self, ledger: Ledger, network: Network, folder: Path, image: Image) -> None:
        self._ledger = ledger
        self._network = network
        self._image = image
        self.machine = Machine(
            "array", ledger, folder / "array", network.namespace("wires"), _NICENESS
        )
        self._log = folder / "array" / "deeds.json"
        self._turn = asyncio.Lock()
        self._witness: asyncio.subprocess.Process | None = None
        self._watched: dict[str, str] = {}
        self._writer: asyncio.StreamWriter | None = None

    @property
    def disk(self) -> Path:
        """The shared disk's content, a raw file of this machine."""
        return self.machine.folder / "shared.img"

    async def build(self) -> None:
        """Make its folder, its plug on the storage network and an empty disk."""
        self.machine.folder.mkdir()
        await run(["truncate", f"--size={DISK_SIZE}", self.disk])
        cable = Cable("array", "eth0", "san", f"{recipe.TARGET_ADDRESS}/24")
        await self._network.add_tap(cable)
        await self._network.give_switch_address("san", f"{recipe.PORTAL}/24", recipe.PORTAL_MAC)

    def parts(self) -> Parts:
        """What the machine is made of."""
        folder = self.machine.folder
        ports = ["-chardev", f"socket,id=shell,path={folder}/shell,server=on,wait=off",
                 "-serial", "chardev:shell"]  # fmt: skip
        return Parts(
            kernel=self._image.kernel, initrd=self._image.array, memory=MEMORY, disk=self.disk,
            words="console=ttyS0 quiet net.ifnames=0 panic=1", disk_format="raw", ports=ports,
            cards=[Card("eth0", "array-eth0", "52:54:00:00:00:fe")],
        )  # fmt: skip

    async def start(self, resume_from: Path | None = None) -> None:
        """Power on (or come back, paused); the shell of a fresh one says when it is ready.

        Connections of machines that are gone are gone, too: those that come back would find them
        open, out of step, and wait for half a minute where a reset tells them at once.
        """
        if resume_from is not None:
            await self._watch_anew()
        await self.machine.start(self.parts(), resume_from)
        self._reader, self._writer = await open_socket(self.machine.folder / "shell", "array")
        if resume_from is None:
            async with asyncio.timeout(_UP_WITHIN):
                while b"ready" not in await self._reader.readline():
                    pass

    async def watch(self, nodes: dict[str, str]) -> None:
        """Start the witness; `nodes` are addresses by name."""
        self._watched = nodes
        python = [sys.executable, "-m", "tests.vm.harness.witness", recipe.PORTAL,
                  str(recipe.ISCSI_PORT), recipe.TARGET_ADDRESS, str(self._log)]  # fmt: skip
        named = [f"{name}={address}" for name, address in nodes.items()]
        self._witness = await asyncio.create_subprocess_exec(
            "nsenter", f"--net=/run/netns/{self._network.namespace('wires')}",
            "nice", f"--adjustment={_NICENESS}", *python, *named,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_TOP,
            start_new_session=True,
        )  # fmt: skip
        self._ledger.note_process(self._witness.pid)
        assert self._witness.stdout is not None, "asked for a pipe"
        if b"ready" not in await self._witness.stdout.readline():
            raise LabError("the storage network's witness did not start")

    async def _watch_anew(self) -> None:
        await self._end_witness()
        await self.watch(self._watched)

    async def _end_witness(self) -> None:
        if self._witness is not None and self._witness.returncode is None:
            self._witness.kill()
            await self._witness.wait()
        self._witness = None

    async def off(self) -> None:
        """Take the array's power away."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        await self.machine.kill()

    async def stop(self) -> None:
        """Power off; the witness ends."""
        await self.off()
        await self._end_witness()

    async def shell(self, line: str) -> str:
        """Run one line in the array's shell; LabError if it fails."""
        assert self._writer is not None, "started first"
        async with self._turn, asyncio.timeout(30):
            self._writer.write(line.encode() + b"\n")
            said = ""
            while True:
                text = (await self._reader.readline()).decode(errors="replace")
                if text.startswith("status "):
                    break
                said += text
        if text.strip() != "status 0":
            raise LabError(f"array: {line}: {text.strip()}: {said}")
        return said

    async def reservation(self) -> Reservation:
        """Who is registered and who holds it, now."""
        said = await self.shell(f"cd {_PR}; cat res_holder res_pr_type res_pr_registered_i_pts")
        lines = said.splitlines()
        registered = [_node(line) for line in lines if line.startswith("iSCSI Node:")]
        holder = next(
            (_node(line) for line in lines if "Reservation" in line and "iqn" in line), None
        )
        kind = next((line.partition(": ")[2] for line in lines if "Type" in line), "")
        grown = [int(found[1], 16) for line in lines if (found := _GENERATION.search(line))]
        return Reservation(holder, tuple(sorted(registered)), kind, max(grown, default=0))

    def deeds(self, since: float = 0.0) -> list[Deed]:
        """Everything the witness has seen answered since then."""
        if not self._log.exists():
            return []
        told = [json.loads(line) for line in self._log.read_text().splitlines()]
        deeds = [
            Deed(line["node"], Command(line["what"], line["lba"], line["blocks"]),
                 line["sent"] or line["answered"], line["answered"], line["status"])
            for line in told
        ]  # fmt: skip
        return [deed for deed in deeds if deed.answered >= since]

    async def check(self) -> str:
        """`e2fsck -fn` on the disk's content: "" if it is sound, else what it says.

        On a copy: a journal that must be replayed is replayed there, as the next mount would. The
        array itself goes on.
        """
        copy = self.disk.with_suffix(".check")
        await run(["cp", "--sparse=always", self.disk, copy])
        await run(["e2fsck", "-p", copy], check=False, within=120)
        done = await run(["e2fsck", "-fn", copy], check=False, within=120)
        copy.unlink()
        return "" if done.status == 0 else f"status {done.status}: {done.out}{done.err}"


def _node(line: str) -> str:
    return line.partition(recipe.initiator(""))[2].split(",")[0].split()[0]
