"""The whole lab: two nodes with the article's configuration, their wires, their disk, a client.

    async with Lab(suite="bookworm", package=deb) as lab:
        primary, secondary = lab.nodes

Entering builds and boots everything; leaving takes every trace of it down, however one leaves.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

from tests.lab.harness import board, files, image
from tests.lab.harness.board import Board
from tests.lab.harness.client.control import Client
from tests.lab.harness.disk import SharedDisk
from tests.lab.harness.host import LabError, must_be_root, run, say
from tests.lab.harness.image import Flavour
from tests.lab.harness.ledger import RUN, Ledger, sweep_orphans
from tests.lab.harness.network import Cable, Network
from tests.lab.harness.node import Hardware, Node, lay_over
from tests.lab.harness.serial import NullModem
from tests.lab.harness.watch import Watch

ROOM = "3G"  # upper bound of what nodes and disk may write; it is memory, used only as written


class Lab:
    """Two booted nodes and a client. `nodes` are ttisrv1 (the preferred one) and ttisrv2.

    `purpose` tells labs apart: `make demo-down` ends those whose purpose is "demo" and no others.
    With `has_boards` each node has a management board, by name in `boards`.
    """

    def __init__(
        self,
        *,
        suite: str = "bookworm",
        package: Path | None = None,
        more_packages: tuple[Path, ...] = (),
        purpose: str = "test",
        ha_cf: str = files.HA_CF,
        haresources: str = files.HARESOURCES,
        has_boards: bool = False,
        flavour: Flavour = image.PLAIN,
        nfs_times: files.NfsTimes = files.NfsTimes(),  # noqa: B008 - frozen, so safe to share
    ) -> None:
        self.suite = suite
        self.package = package
        self._more_packages = more_packages
        self._purpose = purpose
        self._config = {
            "/etc/ha.d/ha.cf": (ha_cf, 0o644),
            "/etc/ha.d/haresources": (haresources, 0o644),
            "/etc/ha.d/authkeys": (files.AUTHKEYS, 0o600),
            "/etc/samba/smb.conf": (files.SMB_CONF, 0o644),
            "/etc/ganesha/ganesha.conf": (files.ganesha_conf(suite, nfs_times), 0o644),
        }
        self._has_boards = has_boards
        self._flavour = flavour
        self.nodes: list[Node] = []
        self.boards: dict[str, Board] = {}

    async def __aenter__(self) -> Lab:
        must_be_root()
        for trouble in await asyncio.to_thread(sweep_orphans):
            say(f"left by an earlier lab: {trouble}")
        base = await image.base(self.suite, self._flavour)
        async with AsyncExitStack() as undo:
            await self._build(base, undo)
            self._undo = undo.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._undo.aclose()

    @property
    def lab_id(self) -> str:
        """What names of this lab's namespaces, groups and folders carry."""
        return self._ledger.lab_id

    async def _build(self, base: Path, undo: AsyncExitStack) -> None:
        self._ledger = Ledger.open_new()
        self._ledger.fact("purpose", self._purpose)
        self.serial = NullModem()
        undo.callback(self.serial.close)
        undo.callback(self._sweep)
        folder = self._folder = RUN / self.lab_id
        self._base = base
        self._ledger.note("folder", str(folder))
        await run(["mkdir", folder])
        self._ledger.note("mount", str(folder))
        # On a file system in memory, so that the machine's own disk is in no figure.
        await run(["mount", "-t", "tmpfs", "-o", f"mode=755,size={ROOM}", "hbdlab", folder])
        self.network = Network(self._ledger)
        await self.network.build(*([board.SWITCH_NAME] if self._has_boards else []))
        self.disk = SharedDisk(self._ledger, folder)
        await self.disk.build()
        self.serial.start()
        for index, name in enumerate(files.NODE_NAMES):
            self.nodes.append(await self._create(name, index, base, folder))
        await self._prepare_disk()
        for node in self.nodes if self._has_boards else []:
            self.boards[node.name] = Board(node, self._ledger, self.network, folder)
            undo.push_async_callback(self.boards[node.name].close)
            await self.boards[node.name].build()
        self.client = Client(self._ledger, self.network, folder)
        undo.push_async_callback(self.client.stop)
        await self.client.build()
        self.watch = Watch(self._ledger, self.nodes, files.SHARED_ADDRESS)
        undo.push_async_callback(self.watch.stop)
        await self.watch.start()
        self._ledger.fact("suite", self.suite)

    async def _create(self, name: str, index: int, base: Path, folder: Path) -> Node:
        hardware = Hardware(
            cables=[
                Cable(name, "eth0", "lan", files.LAN_ADDRESSES[name]),
                Cable(name, "eth1", "cross", files.CROSS_ADDRESSES[name]),
                *([board.cable(name)] if self._has_boards else []),
            ],
            tty=self.serial.paths[index],
            device=self.disk.devices[index],
        )
        node = Node(name, self._ledger, self.network, folder / name, hardware)
        await node.create(base, files.HOSTS)
        for path, (text, mode) in self._config.items():
            node.write(path, text, mode=mode)
        if self.package is not None:
            for package in (self.package, *self._more_packages):
                await node.install(package)
            await run(["systemctl", f"--root={node.root}", "--quiet", "enable", "hbd.service"])
        return node

    async def _prepare_disk(self) -> None:
        """Lay out the shared disk from a node's root, in a mount namespace that then dies."""
        node = self.nodes[0]
        place = f"{node.root}{files.MOUNT_POINT}"
        script = f'mount "{node.hardware.device}" "{place}"; chroot "{node.root}" sh -c "$0"'
        await run(["unshare", "--mount", "sh", "-ec", script, files.PREPARE_DISK])

    async def add_root(self, name: str) -> Path:
        """A root file system over the nodes' image for what is not booted, and is no node."""
        root = self._folder / name / "root"
        await lay_over(self._base, root, self._ledger)
        return root

    def note_process(self, pid: int) -> None:
        """A process that ends with this lab, however that ends."""
        self._ledger.note_process(pid)

    async def boot(self) -> None:
        """Power on both nodes at once and wait until both have booted."""
        times = await asyncio.gather(*(node.boot() for node in self.nodes))
        for node, took in zip(self.nodes, times, strict=True):
            say(f"{node.name} booted in {took:.2f} s")

    async def cut_crossover(self) -> None:
        """Pull the crossover cable out of both nodes."""
        await asyncio.gather(*(self.network.cut(node.name, "eth1") for node in self.nodes))

    async def mend_crossover(self) -> None:
        """Plug it in again."""
        await asyncio.gather(*(self.network.mend(node.name, "eth1") for node in self.nodes))

    def _sweep(self) -> None:
        """Remove every trace; LabError, naming it, if something will not go."""
        if troubles := self._ledger.sweep():
            raise LabError("still on this machine: " + "; ".join(troubles))
