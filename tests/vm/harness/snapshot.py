"""All machines at one moment: saved once, brought back for each story.

Every machine is paused, its memory goes to a file by QEMU's own migration, its disk layer beside
it. Bringing back is a new QEMU for each that reads the memory, on a fresh layer over the saved one;
so a story may kill, panic and scribble as it likes. The machines' clocks go on where they stood.

What is not saved is what is on this machine: the null-modem's relay, which holds no state, and the
witness's TCP connections. The nodes' initiators find those reset and log in again, by themselves.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from tests.lab.harness.host import run
from tests.vm.harness.node import Node
from tests.vm.harness.storage import Storage


async def save(folder: Path, nodes: list[Node], storage: Storage) -> None:
    """Write everything to `folder`; the machines are off afterwards."""
    await run(["mkdir", "-p", folder])
    machines = [*(node.machine for node in nodes), storage.machine]
    await asyncio.gather(*(machine.pause() for machine in machines))
    await asyncio.gather(*(machine.save(folder / f"{machine.name}.ram") for machine in machines))
    for node in nodes:
        await node.off()
        shutil.copy(node.layer, folder / f"{node.name}.qcow2")
    await storage.off()
    await run(["cp", "--sparse=always", storage.disk, folder / "shared.img"])


async def prepare(folder: Path, nodes: list[Node], storage: Storage) -> None:
    """Lay out the disks as they were saved."""
    await run(["cp", "--sparse=always", folder / "shared.img", storage.disk])
    for node in nodes:
        node.layer.unlink(missing_ok=True)
        await node.lay_disk(folder / f"{node.name}.qcow2", "qcow2")


async def bring_back(folder: Path, nodes: list[Node], storage: Storage) -> None:
    """Start every machine where it was, and let all go on at one moment."""
    await prepare(folder, nodes, storage)
    await asyncio.gather(
        storage.start(folder / "array.ram"),
        *(node.start(folder / f"{node.name}.ram") for node in nodes),
    )
    await storage.machine.resume()
    await asyncio.gather(*(node.machine.resume() for node in nodes))
