"""The management board of a node: it switches the node's power, whatever the node is doing.

Both boards are on a network of their own, which each node reaches by a third card. A node that is
off loses its cards, its board does not. The board speaks IPMI; its switch is a script that asks
here, where power is really cut.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.lab.harness import ipmi
from tests.lab.harness.host import LabError, end, now, run
from tests.lab.harness.ledger import Ledger
from tests.lab.harness.network import Cable, Network
from tests.lab.harness.node import Node

SWITCH_NAME = "board"
NODE_ADDRESSES = {"ttisrv1": "10.2.0.1/24", "ttisrv2": "10.2.0.2/24"}
ADDRESSES = {"ttisrv1": "10.2.0.101", "ttisrv2": "10.2.0.102"}
READY_WITHIN = 20.0  # s: one on a quiet machine

# What ipmi_sim calls with `get power` or `set power 0`; it waits for the end.
_ASK = """\
#!{python} -IS
import socket, sys
lab = socket.socket(socket.AF_UNIX)
lab.connect("{door}")
lab.sendall((" ".join(sys.argv[1:]) + "\\n").encode())
print(lab.makefile().read(), end="")
"""


def cable(name: str) -> Cable:
    """The card by which a node reaches the boards."""
    return Cable(name, "eth2", SWITCH_NAME, NODE_ADDRESSES[name])


class Board:
    """One board. `orders` is every power order it obeyed, `asked` how often it was asked at all."""

    def __init__(self, node: Node, ledger: Ledger, network: Network, folder: Path) -> None:
        self.address = ADDRESSES[node.name]
        self.orders: list[str] = []
        self.asked = 0
        self._node = node
        self._ledger = ledger
        self._network = network
        self._folder = folder / f"board-{node.name}"
        self._process: asyncio.subprocess.Process | None = None
        self._door: asyncio.Server | None = None

    async def build(self) -> None:
        """Its address, its switch, and the board itself, answering."""
        await self._network.give_switch_address(SWITCH_NAME, f"{self.address}/24")
        self._folder.mkdir()
        door, ask = self._folder / "door", self._folder / "switch"
        self._door = await asyncio.start_unix_server(self._serve, door)
        ask.write_text(_ASK.format(python=sys.executable, door=door))
        ask.chmod(0o755)
        await self._start()

    async def _start(self) -> None:
        enter = f"--net=/run/netns/{self._network.namespace('wires')}"
        words = ipmi.simulator(self._folder, self.address, ipmi.PORT, self._folder / "switch")
        self._process = await asyncio.create_subprocess_exec(
            "nsenter", enter, *words, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._ledger.note_process(self._process.pid)
        ask = [
            "nsenter", enter, "ipmitool", "-I", "lan", "-H", self.address,
            "-U", ipmi.USER, "-P", ipmi.PASSWORD, "power", "status",
        ]  # fmt: skip
        deadline = now() + READY_WITHIN
        while (await run(ask, check=False)).status != 0:
            if now() > deadline:
                raise LabError(f"the board of {self._node.name} does not answer")
        self.asked = 0

    def hang(self) -> None:
        """From now on it takes every packet and answers none."""
        assert self._process is not None, "built first"
        os.kill(self._process.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """It goes on, with what it was sent meanwhile."""
        assert self._process is not None, "built first"
        os.kill(self._process.pid, signal.SIGCONT)

    async def restart(self) -> None:
        """A fresh board, which knows nothing of what it was asked before; the node is untouched."""
        await self._stop()
        await self._start()

    async def close(self) -> None:
        """The end of the board."""
        await self._stop()
        if self._door is not None:
            self._door.close()

    async def _stop(self) -> None:
        if self._process is not None:
            await end(self._process)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        words = (await reader.readline()).decode().split()
        self.asked += 1
        match words:
            case ["set", "power", "0"]:
                self.orders.append("off")
                if self._node.is_on:
                    await self._node.kill()
            case ["set", *order]:
                self.orders.append(" ".join(order))
            case ["get", *things]:
                state = {"power": int(self._node.is_on)}
                writer.write("".join(f"{name}:{state.get(name, 0)}\n" for name in things).encode())
        writer.close()
