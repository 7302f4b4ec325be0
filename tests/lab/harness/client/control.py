"""The client as the lab sees it: start it, ask what gap it felt, have it read everything back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness import files
from tests.lab.harness.client.acks import Acks, note
from tests.lab.harness.client.record import SIZE
from tests.lab.harness.client.session import PATIENCE
from tests.lab.harness.host import LabError, now
from tests.lab.harness.ledger import Ledger
from tests.lab.harness.network import Cable, Network

STREAMS = ("smb", "nfs3", "nfs4")
VERIFY_WITHIN = 60.0  # s
_TOP = Path(__file__).parents[4]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the final reading of one stream found."""

    records: int  # acknowledged
    damaged: dict[int, str]  # acknowledged but not there as written; what is there instead
    unread: int  # could not be read at all

    @property
    def lost_bytes(self) -> int:
        """Acknowledged bytes that are not there."""
        return (len(self.damaged) + self.unread) * SIZE


class Stream:
    """One worker process and its note book."""

    def __init__(self, name: str, book: Path, patience: float) -> None:
        self.name = name
        self._patience = patience
        self._book = book
        self._read_to = 0
        self._acks = Acks()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, ledger: Ledger, namespace: str) -> None:
        """Begin to write and read, from within the client's namespace."""
        self._process = await asyncio.create_subprocess_exec(
            "ip", "netns", "exec", namespace, sys.executable, "-m",
            "tests.lab.harness.client.worker", self.name, files.SHARED_ADDRESS, str(self._book),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_TOP,
            start_new_session=True, env=os.environ | {PATIENCE: f"{self._patience:g}"},
        )  # fmt: skip
        ledger.note_process(self._process.pid)

    def acks(self) -> Acks:
        """Everything acknowledged so far."""
        if self._book.exists():
            with self._book.open() as book:
                book.seek(self._read_to)
                text = book.read()
            complete = text[: text.rfind("\n") + 1]
            self._read_to += len(complete.encode())
            note(self._acks, complete.splitlines(keepends=True))
        return self._acks

    async def served(self, *, since: float, within: float) -> float:
        """When the first record was acknowledged after `since`; waits for it."""
        deadline = now() + within
        while now() < deadline:
            numbers = self.acks().records_in(since, float("inf"))
            if numbers:
                return self._acks.written[numbers[0]]
            await asyncio.sleep(0.01)  # the note book is a file: it gives no event
        raise LabError(f"{self.name}: no write was acknowledged within {within:g} s")

    async def verify(self) -> Verdict:
        """Stop writing, read all back."""
        if self._process is None:
            raise LabError(f"{self.name} never started")
        reading = self._process.communicate(b"verify\n")
        out, _ = await asyncio.wait_for(reading, VERIFY_WITHIN * self._patience)
        if self._process.returncode != 0:
            raise LabError(f"{self.name}: the client program failed")
        said = json.loads(out)
        damaged = {int(number): found for number, found in said["damaged"].items()}
        return Verdict(said["records"], damaged, said["unread"])

    async def stop(self) -> None:
        """End the worker without a verdict, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class Client:
    """A machine on the LAN that uses the shared address and knows nothing of nodes."""

    def __init__(
        self, ledger: Ledger, network: Network, folder: Path, patience: float = 1.0
    ) -> None:
        """`patience` is how many times slower than ours the servers' processors are."""
        self._ledger = ledger
        self._network = network
        self._folder = folder
        self._patience = patience
        self.renew()

    def renew(self) -> None:
        """Begin a new note book for each protocol: nothing has been acknowledged yet."""
        books = {name: self._folder / f"client-{name}.log" for name in STREAMS}
        for book in books.values():
            book.unlink(missing_ok=True)
        self.streams = {name: Stream(name, book, self._patience) for name, book in books.items()}

    async def build(self) -> None:
        """Plug the client into the LAN."""
        cable = Cable("client", "eth0", "lan", files.CLIENT_ADDRESS)
        await self._network.plug_in("client", [cable])

    async def start(self, *names: str) -> None:
        """Begin to write and read over these protocols, all if none is named."""
        for name in names or STREAMS:
            await self.streams[name].start(self._ledger, self._network.namespace("client"))

    async def start_program(self, module: str, *words: str) -> asyncio.subprocess.Process:
        """Run another program of ours on the client, with pipes for its input and output."""
        process = await asyncio.create_subprocess_exec(
            "ip", "netns", "exec", self._network.namespace("client"),
            sys.executable, "-m", module, *words,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_TOP,
            start_new_session=True, env=os.environ | {PATIENCE: f"{self._patience:g}"},
        )  # fmt: skip
        self._ledger.note_process(process.pid)
        return process

    async def stop(self) -> None:
        """End all workers."""
        await asyncio.gather(*(stream.stop() for stream in self.streams.values()))
