"""A way in while a lab runs: `run NODE COMMAND` from another terminal.

The lab listens on a socket in its folder; a question is one JSON line [node, argv], the answer one
JSON line {status, out, err}.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.lab.harness.host import Finished, LabError
from tests.lab.harness.ledger import all_ledgers
from tests.vm.harness.cluster import Lab

FACT = "vm.door"
_LINE_LIMIT = 1 << 24


async def open_door(lab: Lab, path: Path) -> asyncio.Server:
    """Let commands in, until the server is closed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name, argv = json.loads(await reader.readline())
        try:
            if name == "array":
                done = Finished((), 0, await lab.storage.shell(" ".join(argv)), "")
            else:
                node = next(node for node in lab.nodes if node.name == name)
                done = await node.run(argv, check=False, within=600)
        except (LabError, StopIteration) as error:
            done = Finished((), 1, "", f"{error}\n")
        told = {"status": done.status, "out": done.out, "err": done.err}
        writer.write(json.dumps(told).encode() + b"\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return await asyncio.start_unix_server(serve, str(path))


async def through_door(name: str, argv: list[str]) -> Finished:
    """Run a command on a node (or a line on the array) of the lab that was started last."""
    doors = [(ledger.began, ledger.facts[FACT]) for ledger in all_ledgers()
             if not ledger.is_orphan and FACT in ledger.facts]  # fmt: skip
    if not doors:
        raise LabError("no lab of virtual machines runs; `make vm-up` starts one")
    reader, writer = await asyncio.open_unix_connection(max(doors)[1], limit=_LINE_LIMIT)
    writer.write(json.dumps([name, argv]).encode() + b"\n")
    told = json.loads(await reader.readline())
    writer.close()
    return Finished(tuple(argv), told["status"], told["out"], told["err"])
