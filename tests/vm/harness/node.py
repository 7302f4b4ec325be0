"""One node: a machine with Debian on it, and everything that can befall it."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness import files
from tests.lab.harness.host import Finished, LabError, now, run
from tests.lab.harness.ledger import Ledger
from tests.lab.harness.network import Cable, Network
from tests.vm.harness import recipe
from tests.vm.harness.agent import Agent
from tests.vm.harness.image import Image
from tests.vm.harness.machine import Card, Machine, Parts
from tests.vm.harness.null_modem import NullModem
from tests.vm.harness.stream import JournalStream

MEMORY = 640  # MiB
BOOT_WITHIN = 300.0  # s: 25 alone on a quiet machine
SAN_ADDRESSES = {"ttisrv1": "10.0.1.1/24", "ttisrv2": "10.0.1.2/24"}
_LOOK_AGAIN = 0.3  # s between two questions of the same kind


@dataclass(frozen=True, slots=True)
class Plug:
    """Where a node is plugged in: `end` of the null-modem, and its network cables."""

    end: int
    cables: tuple[Cable, ...]


class Node:
    """A node of the lab. `journal` is what it has told; `machine` its hardware."""

    def __init__(
        self, name: str, end: int, ledger: Ledger, network: Network, folder: Path, image: Image,
        null_modem: NullModem,
    ) -> None:  # fmt: skip
        self.name = name
        self.machine = Machine(name, ledger, folder / name, network.namespace("wires"))
        self.journal = JournalStream(name, self.machine.folder / "journal.json")
        self.plug = Plug(end, (
            Cable(name, "eth0", "lan", files.LAN_ADDRESSES[name]),
            Cable(name, "eth1", "cross", files.CROSS_ADDRESSES[name]),
            Cable(name, "eth2", "san", SAN_ADDRESSES[name]),
        ))  # fmt: skip
        self._network = network
        self._image = image
        self._null_modem = null_modem
        self._agent = Agent(name)

    # --- its life -------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether it has power."""
        return self.machine.is_on

    @property
    def layer(self) -> Path:
        """What this node has written, on top of the image or of a saved state."""
        return self.machine.folder / "layer.qcow2"

    async def create(self) -> None:
        """Its folder and its plugs; it is off."""
        self.machine.folder.mkdir()
        for cable in self.plug.cables:
            await self._network.add_tap(cable)

    async def lay_disk(self, below: Path, form: str) -> None:
        """Begin with the disk `below`; what is written goes to a layer of this node's own."""
        await run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", below, "-F", form, self.layer])

    async def start(self, resume_from: Path | None = None) -> None:
        """Power on without waiting for more, or come back paused from a saved state."""
        await self.machine.start(self.parts(), resume_from)
        await self._agent.connect(self.machine.folder / "agent")

    async def boot(self) -> float:
        """Power on and wait until systemd has finished; returns how long it took."""
        began = now()
        await self.start()
        await self.booted()
        return now() - began

    async def booted(self) -> None:
        """Return when systemd has finished booting."""
        try:
            await self._agent.is_there(BOOT_WITHIN)
            await self.run(
                ["systemctl", "is-system-running", "--wait"], check=False, within=BOOT_WITHIN
            )
        except LabError as error:
            raise LabError(f"{error}; its console: {self.machine.console}") from error

    async def shutdown(self) -> None:
        """`systemctl poweroff`, to its end."""
        with contextlib.suppress(LabError):
            await self.run(["systemctl", "poweroff"], within=5.0)
        async with asyncio.timeout(120):
            await self.machine.ended()
        await self.off()

    async def off(self) -> None:
        """Take its power away, if it has any. The other side of its serial cable is not told."""
        self._agent.close()
        await self.machine.kill()

    def parts(self) -> Parts:
        """What the machine is made of."""
        folder = self.machine.folder
        number = self.plug.end + 1
        addresses = [cable.address for cable in self.plug.cables]
        return Parts(
            kernel=self._image.kernel, initrd=self._image.initrd, memory=MEMORY, disk=self.layer,
            disk_format="qcow2",
            words=recipe.node_words(self.name, addresses, f"{number:x}" * 32),
            cards=[Card(cable.interface, cable.port, f"52:54:00:00:0{number}:0{index}")
                   for index, cable in enumerate(self.plug.cables)],
            ports=[
                *self._null_modem.ports(self.plug.end),
                "-chardev", f"socket,id=agent,path={folder}/agent,server=on,wait=off",
                "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
                "-chardev", f"file,id=journal,path={folder}/journal.json,append=on",
                "-device", "virtserialport,chardev=journal,name=lab.journal",
            ],
        )  # fmt: skip

    # --- what is done on it ---------------------------------------------------------------------

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
        words = list(argv) if user is None else ["runuser", "-u", user, "--", *argv]
        done = await self._agent.run(words, within=within, stdin=stdin)
        if check and done.status != 0:
            told = done.err.strip() or done.out
            raise LabError(f"{self.name}: {shlex.join(words)}: status {done.status}: {told}")
        return done

    async def sh(self, script: str, *, check: bool = True, within: float = 60.0) -> str:
        """Run a shell script on the node; what it prints."""
        return (await self.run(["sh", "-ec", script], check=check, within=within)).out

    async def busctl(self, *words: str, user: str | None = None, check: bool = True) -> Finished:
        """`busctl … --json=short` on the node's system bus."""
        return await self.run(["busctl", "--json=short", *words], user=user, check=check)

    async def write(self, path: str, data: str | bytes, *, mode: int = 0o644) -> None:
        """Put a file into the node."""
        await self.run(["mkdir", "-p", str(Path(path).parent)])
        await self._agent.write_file(path, data.encode() if isinstance(data, str) else data)
        await self.run(["chmod", f"{mode:o}", path])

    async def until(
        self, is_so: Callable[[Finished], bool], argv: Sequence[str], *, within: float
    ) -> Finished:
        """Run a command again and again until its end is as wanted."""
        deadline = now() + within
        while True:
            done = await self.run(argv, check=False, within=max(deadline - now(), 1.0))
            if is_so(done):
                return done
            if now() > deadline:
                raise LabError(
                    f"{self.name}: {shlex.join(argv)}: not as wanted: {done.out}{done.err}"
                )
            await asyncio.sleep(_LOOK_AGAIN)

    # --- what befalls it ------------------------------------------------------------------------

    async def pull(self, interface: str) -> None:
        """Pull a network cable: the node sees its carrier go."""
        await self.machine.qmp.ask("set_link", name=interface, up=False)

    async def push(self, interface: str) -> None:
        """Put it back."""
        await self.machine.qmp.ask("set_link", name=interface, up=True)

    async def panic(self) -> None:
        """Let its kernel panic. It stands still from then on, with its lines up."""
        await self.begin(
            ["sh", "-c", "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger"]
        )

    async def begin(self, argv: Sequence[str]) -> None:
        """Begin a command that nobody may live to answer."""
        await self._agent.send(argv)

    async def signal_hbd(self, name: str) -> None:
        """SIGSTOP, SIGCONT, SIGKILL … for the daemon."""
        await self.run(["systemctl", "kill", f"--signal={name}", "--kill-who=main", "hbd.service"])
