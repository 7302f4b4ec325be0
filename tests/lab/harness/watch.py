"""An eye on both nodes at once: is the disk, or the shared address, ever on both?

The looking is done by `watcher`, at the kernel and not at anything hbd says: its list of live ext4
superblocks, and each node's own table of local addresses. Here is what it has seen so far.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness.host import LabError, now
from tests.lab.harness.ledger import Ledger
from tests.lab.harness.node import Node
from tests.lab.harness.things import Thing
from tests.lab.harness.watcher import has

_TOP = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Overlap:
    """A stretch of time in which both nodes had one thing; `until` is the last look that saw it."""

    thing: Thing
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Change:
    """One node got or lost one thing, seen at `at`."""

    at: float
    node: str
    thing: Thing
    has: bool


class Watch:
    """Looks from `start` to `stop`. `longest_pause` is how long it ever looked away, in seconds."""

    def __init__(self, ledger: Ledger, nodes: list[Node], address: str) -> None:
        self._ledger = ledger
        self._nodes = nodes
        self._address = address
        self._overlaps: dict[tuple[Thing, float], Overlap] = {}
        self._changes: list[Change] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self.longest_pause = 0.0

    async def start(self) -> None:
        """Begin to look."""
        devices = [f"{node.name}={node.hardware.device}" for node in self._nodes]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.lab.harness.watcher", str(self._ledger.path),
            self._address, *devices, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, cwd=_TOP, start_new_session=True,
        )  # fmt: skip
        self._ledger.note_process(self._process.pid)
        assert self._process.stdout is not None, "asked for a pipe"
        self._reader = asyncio.create_task(self._read(self._process.stdout))

    async def stop(self) -> None:
        """Look no more."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    def overlaps(self, since: float = 0.0) -> list[Overlap]:
        """Every overlap that lasted beyond `since`."""
        return [overlap for overlap in self._overlaps.values() if overlap.until >= since]

    def changes(self, since: float = 0.0) -> list[Change]:
        """Who got and lost what since then, in order."""
        return [change for change in self._changes if change.at >= since]

    def holders(self, thing: Thing) -> list[str]:
        """Who has it at this moment, asked of the kernel."""
        return [
            node.name
            for node in self._nodes
            if has(thing, node.leader, node.hardware.device, self._address)
        ]

    async def until(self, is_so: Callable[[], bool], what: str, within: float) -> None:
        """Return as soon as `is_so` after a change; LabError, naming `what`, after `within` s."""
        deadline = now() + within
        while not is_so():
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), deadline - now())
            except TimeoutError as error:
                held = {thing.value: self.holders(thing) for thing in Thing}
                raise LabError(f"not within {within:g} s: {what}; now: {held}") from error

    async def _read(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            self._note(line.decode().split())
            self._news.set()

    def _note(self, words: list[str]) -> None:
        match words:
            case ["change", at, node, thing, has_it]:
                self._changes.append(Change(float(at), node, Thing(thing), has_it == "1"))
            case ["overlap", thing, since, until]:
                overlap = Overlap(Thing(thing), float(since), float(until))
                self._overlaps[(overlap.thing, overlap.since)] = overlap
            case ["pause", seconds]:
                self.longest_pause = float(seconds)
            case _:
                raise LabError(f"the watcher said {words}")
