"""Two booted nodes on one crossover cable and one serial line, each with a daemon of its own.

    async with Pair(Kind.HBD, Kind.HEARTBEAT) as pair:
        await pair.configure(Wiring(Medium.SERIAL, Method.SHA1))
        await asyncio.gather(*(member.start() for member in pair.members))

Packages that conflict never meet: the nodes have different roots.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType

from tests.lab.harness import files, image
from tests.lab.harness.disk import SharedDisk
from tests.lab.harness.host import LabError, must_be_root, run, say
from tests.lab.harness.ledger import RUN, Ledger, sweep_orphans
from tests.lab.harness.network import Cable, Network
from tests.lab.harness.node import Hardware, Node
from tests.lab.harness.serial import NullModem
from tests.lab.harness.watch import Watch
from tests.lab.interop import loss, witness
from tests.lab.interop.member import Kind, Member
from tests.lab.interop.recipe import HEARTBEAT
from tests.lab.interop.tap import Tap
from tests.lab.interop.wiring import CROSSOVER, PORT, Wiring
from tests.lab.story.setup import SUITE, package

ROOM = "2G"  # upper bound of what the nodes may write; it is memory, used only as written


class Pair:
    """`members` are ttisrv1's daemon and ttisrv2's. Entered it is booted, left it is gone.

    `purpose` "demo" makes it one that `make demo-down` ends. Unless it `is_watched`, nobody looks
    at disk and address every few milliseconds, which costs more than both nodes.
    """

    def __init__(
        self,
        home: Kind = Kind.HBD,
        away: Kind = Kind.HEARTBEAT,
        *,
        purpose: str = "test",
        is_watched: bool = True,
    ) -> None:
        self.suite = os.environ.get(SUITE, "bookworm")
        self._kinds = dict(zip(files.NODE_NAMES, (home, away), strict=True))
        self._purpose = purpose
        self._is_watched = is_watched
        self.nodes: list[Node] = []
        self.members: list[Member] = []
        self.wiring = Wiring()

    @classmethod
    def of(cls, wiring: Wiring, *, is_control: bool = False, is_watched: bool = True) -> Pair:
        """The pair of a column, each daemon on its node; a heartbeat on both as the `control`."""
        kinds = (Kind.HBD, Kind.HEARTBEAT)
        home, away = kinds if wiring.hbd_is_home else reversed(kinds)
        return cls(
            Kind.HEARTBEAT if is_control else home,
            Kind.HEARTBEAT if is_control else away,
            is_watched=is_watched,
        )

    @property
    def lab_id(self) -> str:
        """What names of this pair's namespaces, groups and folders carry."""
        return self._ledger.lab_id

    def other(self, member: Member) -> Member:
        """The one at the other end."""
        return next(other for other in self.members if other is not member)

    async def __aenter__(self) -> Pair:
        must_be_root()
        for trouble in await asyncio.to_thread(sweep_orphans):
            say(f"left by an earlier lab: {trouble}")
        bases = {
            kind: await image.base(self.suite, HEARTBEAT if kind is Kind.HEARTBEAT else image.PLAIN)
            for kind in set(self._kinds.values())
        }
        async with AsyncExitStack() as undo:
            await self._build(bases, undo)
            self._undo = undo.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._undo.aclose()

    async def _build(self, bases: dict[Kind, Path], undo: AsyncExitStack) -> None:
        self._ledger = Ledger.open_new()
        self._ledger.fact("purpose", self._purpose)
        self.serial = NullModem()
        undo.callback(self.serial.close)
        undo.callback(self._sweep)
        folder = RUN / self.lab_id
        self._ledger.note("folder", str(folder))
        await run(["mkdir", folder])
        self._ledger.note("mount", str(folder))
        await run(["mount", "-t", "tmpfs", "-o", f"mode=755,size={ROOM}", "hbdlab", folder])
        self.network = Network(self._ledger)
        await self.network.build()
        self.disk = SharedDisk(self._ledger, folder)
        await self.disk.build()
        self.serial.start()
        for index, (name, kind) in enumerate(self._kinds.items()):
            node = await self._create(name, index, bases[kind], folder)
            self.nodes.append(node)
            self.members.append(Member(kind, node))
            if kind is Kind.HBD:
                await node.install(package())
        self.watch = Watch(self._ledger, self.nodes, files.SHARED_ADDRESS)
        if self._is_watched:
            undo.push_async_callback(self.watch.stop)
            await self.watch.start()
        for node in self.nodes:
            undo.push_async_callback(node.destroy)
        await asyncio.gather(*(node.boot() for node in self.nodes))

    async def _create(self, name: str, index: int, base: Path, folder: Path) -> Node:
        hardware = Hardware(
            cables=[
                Cable(name, "eth0", "lan", files.LAN_ADDRESSES[name]),
                Cable(name, "eth1", "cross", files.CROSS_ADDRESSES[name]),
            ],
            tty=self.serial.paths[index],
            device=self.disk.devices[index],
        )
        node = Node(name, self._ledger, self.network, folder / name, hardware)
        await node.create(base, files.HOSTS)
        witness.install(node)
        return node

    async def configure(self, wiring: Wiring) -> None:
        """Write the three files to both nodes, whose daemons are stopped."""
        self.wiring = wiring
        for node in self.nodes:
            for path, (text, mode) in wiring.files().items():
                node.write(path, text, mode=mode)

    def tap(self) -> Tap:
        """An ear on this wiring's medium, listening now; the caller closes it."""
        tap = Tap(self.wiring.method.keyring, PORT)
        ports = {f"{node.name}-{CROSSOVER}": node.name for node in self.nodes}
        tap.hear_cables(self.network.namespace("wires"), ports)
        ears = [partial(tap.hear_bytes, node.name) for node in self.nodes]
        self.serial.listen_with(*ears)
        return tap

    @asynccontextmanager
    async def losing(self, percent: int, seed: int) -> AsyncIterator[None]:
        """Inside, the medium loses that share of the messages, each way."""
        async with (
            loss.of_datagrams(self.network, PORT, percent),
            loss.of_lines(self.serial, percent, seed),
        ):
            yield

    async def cut(self) -> None:
        """Cut the medium of this wiring: nobody hears the other one any more."""
        self.serial.cut()
        await asyncio.gather(*(self.network.cut(node.name, "eth1") for node in self.nodes))

    async def mend(self) -> None:
        """Join it again."""
        self.serial.mend()
        await asyncio.gather(*(self.network.mend(node.name, "eth1") for node in self.nodes))

    async def power_off(self, member: Member) -> None:
        """Cut the power of a member's node: nothing runs there from that moment on."""
        await member.node.kill()
        witness.power_lost(member.node, time.time())

    async def power_on(self, member: Member) -> None:
        """Boot the node of a member; its daemon stays off."""
        await member.node.boot()

    async def wipe(self) -> None:
        """End both daemons without ceremony and undo what they held: a story begins anew."""
        await self.mend()
        for member in sorted(self.members, key=lambda each: each.kind is Kind.HBD):
            await member.wipe()  # hbd last: it may then leave in good order

    def _sweep(self) -> None:
        if troubles := self._ledger.sweep():
            raise LabError("still on this machine: " + "; ".join(troubles))
