"""The whole lab: two virtual machines, the array, the witness, their wires and a client.

    async with Lab(package=deb) as lab:
        await lab.bring_up()
        primary, secondary = lab.nodes

`bring_up` boots what has never been booted and otherwise brings back the saved state. Leaving takes
every trace down, however one leaves; only the image and the saved boot stay in the cache.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

from tests.lab.harness import files
from tests.lab.harness.client.control import Client
from tests.lab.harness.host import LabError, must_be_root, now, run, say
from tests.lab.harness.image import lock
from tests.lab.harness.ledger import RUN, Ledger, sweep_orphans
from tests.lab.harness.network import Network
from tests.vm.harness import image, setup, snapshot
from tests.vm.harness.node import SAN_ADDRESSES, Node
from tests.vm.harness.null_modem import NullModem
from tests.vm.harness.state_key import state_key
from tests.vm.harness.storage import Storage

PATIENCE = 8.0  # times: an emulated processor against a real one
_SERVED = "served-"
KEPT = 3600.0  # s that a served cluster is of use after its last: a package lives no longer
ROOM = "6G"  # upper bound of what layers and saved states may take; it is memory, used as written


class Lab:
    """Two nodes and all around them. `nodes` are ttisrv1 (the preferred one) and ttisrv2."""

    def __init__(
        self,
        *,
        suite: str = "bookworm",
        package: Path,
        ha_cf: str = setup.HA_CF,
        haresources: str = setup.HARESOURCES,
        purpose: str = "vm",
    ) -> None:
        self.suite = suite
        self.package = package
        self._ha_cf, self._haresources = ha_cf, haresources
        self._purpose = purpose
        self.nodes: list[Node] = []

    async def __aenter__(self) -> Lab:
        must_be_root()
        for trouble in await asyncio.to_thread(sweep_orphans):
            say(f"left by an earlier lab: {trouble}")
        self.image = await image.image(self.suite)
        async with AsyncExitStack() as undo:
            await self._build(undo)
            self._undo = undo.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._undo.aclose()

    async def _build(self, undo: AsyncExitStack) -> None:
        self._ledger = Ledger.open_new()
        self._ledger.fact("purpose", self._purpose)
        undo.callback(self._sweep)
        self.folder = RUN / self._ledger.lab_id
        self._ledger.note("folder", str(self.folder))
        await run(["mkdir", self.folder])
        self._ledger.note("mount", str(self.folder))
        await run(["mount", "-t", "tmpfs", "-o", f"mode=755,size={ROOM}", "hbdlab", self.folder])
        self.network = Network(self._ledger)
        await self.network.build("san")
        self.null_modem = NullModem(self.folder)
        undo.push_async_callback(self.null_modem.close)
        await self.null_modem.start()
        self.storage = Storage(self._ledger, self.network, self.folder, self.image)
        undo.push_async_callback(self.storage.stop)
        await self.storage.build()
        await self.storage.watch(
            {name: address.partition("/")[0] for name, address in SAN_ADDRESSES.items()}
        )
        for end, name in enumerate(files.NODE_NAMES):
            node = Node(name, end, self._ledger, self.network, self.folder, self.image,
                        self.null_modem)  # fmt: skip
            undo.push_async_callback(node.off)
            await node.create()
            self.nodes.append(node)
        self.client = Client(self._ledger, self.network, self.folder, PATIENCE)
        undo.push_async_callback(self.client.stop)
        await self.client.build()

    def fact(self, name: str, value: str) -> None:
        """Tell other programs something about the running lab."""
        self._ledger.fact(name, value)

    # --- coming up ------------------------------------------------------------------------------

    async def bring_up(self) -> None:
        """Both nodes are up with hbd and its group served by ttisrv1; at once, if ever saved."""
        await self.all_off()
        served = self.image.folder / f"{_SERVED}{self._served_key()}"
        held = await asyncio.to_thread(lock, self.image.folder / "served.lock")
        try:
            if served.name not in os.listdir(served.parent):
                await self._serve(served)
        finally:
            os.close(held)
        os.utime(served)
        await snapshot.bring_back(served, self.nodes, self.storage)

    def _served_key(self) -> str:
        """Of all that makes the served cluster: the package, its files, and what was done."""
        parts = (state_key(), self._ha_cf, self._haresources, inspect.getsource(setup))
        content = "\n".join(parts).encode() + self.package.read_bytes()
        return hashlib.sha256(content).hexdigest()[:8]

    async def _serve(self, served: Path) -> None:
        """Install, configure and start hbd on booted machines, and save them when they serve."""
        for old in served.parent.glob(f"{_SERVED}*"):
            if time.time() - old.stat().st_mtime > KEPT:
                await run(["rm", "-rf", "--one-file-system", old])
        await self.bring_up_bare()
        began = now()
        await setup.article(self.nodes, self.package, self._ha_cf, self._haresources)
        say(f"hbd installed and configured in {self._cost(began)}")
        began = now()
        await setup.served(self.nodes)
        say(f"hbd serves after {self._cost(began)}")
        began = now()
        unfinished = served.with_name(served.name + ".saving")
        await run(["rm", "-rf", "--one-file-system", unfinished])
        await snapshot.save(unfinished, self.nodes, self.storage)
        unfinished.rename(served)
        say(f"saved in {now() - began:.0f} s")

    async def bring_up_bare(self) -> None:
        """Booted, without hbd: from the cache, where it stays for every later lab."""
        bare = self.image.folder / f"booted-{state_key()}"
        held = await asyncio.to_thread(lock, self.image.folder / "booted.lock")
        try:
            if bare.name not in os.listdir(bare.parent):
                await self._boot_bare(bare)
        finally:
            os.close(held)
        await self.all_off()
        began = now()
        await snapshot.bring_back(bare, self.nodes, self.storage)
        say(f"booted machines brought back in {now() - began:.1f} s")

    async def _boot_bare(self, bare: Path) -> None:
        began = now()
        say("booting three machines, once")
        for node in self.nodes:
            await node.lay_disk(self.image.disk, "raw")
        await self.storage.start()
        say(f"the array is up after {now() - began:.0f} s")
        await asyncio.gather(*(node.boot() for node in self.nodes))
        say(f"both nodes have booted after {self._cost(began)}")
        await setup.disk(self.nodes)
        say(f"the disk is laid out after {self._cost(began)}")
        unfinished = bare.with_name(bare.name + ".saving")
        await run(["rm", "-rf", "--one-file-system", unfinished])
        await snapshot.save(unfinished, self.nodes, self.storage)
        unfinished.rename(bare)
        say(f"and saved after {now() - began:.0f} s")

    def _cost(self, began: float) -> str:
        """How long it took, and what it cost each node so far: most of it, on a busy machine."""
        busy = " and ".join(f"{node.machine.processor:.0f}" for node in self.nodes)
        return f"{now() - began:.0f} s ({busy} s of processor since power on)"

    async def cut_power(self, node: Node) -> None:
        """Take a node's power away: its processor first, then the lines of its cables fall."""
        await node.off()
        other = next(each for each in self.nodes if each is not node)
        if other.is_on:
            await other.pull("eth1")  # a crossover cable: nobody at its end, no carrier
            await self.null_modem.pull(other.machine, other.plug.end)

    async def all_off(self) -> None:
        """Take everybody's power away."""
        for node in self.nodes:
            await node.off()
        await self.storage.off()

    def _sweep(self) -> None:
        if troubles := self._ledger.sweep():
            raise LabError("still on this machine: " + "; ".join(troubles))
