"""An eye on both nodes at once: is the disk, or the shared address, ever on both?

A thread looks every few milliseconds, at the kernel and not at anything hbd says: the list of live
ext4 superblocks, and each node's own table of local addresses. A suspicion is looked at a second
time, in the other order, so that a move caught between two looks is not taken for an overlap.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.lab.harness import disk
from tests.lab.harness.host import now
from tests.lab.harness.node import Node

EVERY = 0.003  # s between looks: a move takes 200 ms and more, mount and address some ms each


class Thing(Enum):
    """What only one node may have."""

    DISK = "disk mounted"
    ADDRESS = "address configured"


@dataclass(slots=True)
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


@dataclass(slots=True)
class _Seen:
    overlaps: list[Overlap] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    longest_pause: float = 0.0


class Watch:
    """Runs from `start` to `stop`. `longest_pause` is how long it ever looked away."""

    def __init__(self, nodes: list[Node], address: str) -> None:
        assert len(nodes) == 2, "an overlap is between two nodes"
        self._nodes = nodes
        self._address = address
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._seen = _Seen()

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def overlaps(self, since: float = 0.0) -> list[Overlap]:
        """Every overlap that lasted beyond `since`."""
        return [overlap for overlap in self._seen.overlaps if overlap.until >= since]

    def changes(self, since: float = 0.0) -> list[Change]:
        """Who got and lost what since then, in order."""
        return [change for change in self._seen.changes if change.at >= since]

    def holders(self, thing: Thing) -> list[str]:
        """Who has it at this moment."""
        return [node.name for node in self._nodes if self._has(node, thing)]

    @property
    def longest_pause(self) -> float:
        """The longest time between two looks: what an overlap may have hidden in."""
        return self._seen.longest_pause

    def _run(self) -> None:
        had: dict[tuple[str, Thing], bool] = {}
        open_overlaps: dict[Thing, Overlap] = {}
        last = now()
        while not self._stop.wait(EVERY):
            moment = now()
            self._seen.longest_pause = max(self._seen.longest_pause, moment - last)
            last = moment
            for thing in Thing:
                self._look(thing, moment, had, open_overlaps)

    def _look(
        self,
        thing: Thing,
        moment: float,
        had: dict[tuple[str, Thing], bool],
        open_overlaps: dict[Thing, Overlap],
    ) -> None:
        first, second = self._nodes
        has = {node.name: self._has(node, thing) for node in self._nodes}
        for name, has_it in has.items():
            if had.get((name, thing), False) != has_it:
                self._seen.changes.append(Change(moment, name, thing, has_it))
            had[(name, thing)] = has_it
        if not all(has.values()) or not self._has(first, thing) or not self._has(second, thing):
            open_overlaps.pop(thing, None)
        elif thing in open_overlaps:
            open_overlaps[thing].until = moment
        else:
            open_overlaps[thing] = Overlap(thing, moment, moment)
            self._seen.overlaps.append(open_overlaps[thing])

    def _has(self, node: Node, thing: Thing) -> bool:
        leader = node.leader
        if leader is None:
            return False
        looks: dict[Thing, Callable[[], bool]] = {
            Thing.DISK: lambda: disk.is_active(node.hardware.device),
            Thing.ADDRESS: lambda: has_address(leader, self._address),
        }
        return looks[thing]()


def has_address(pid: int, address: str) -> bool:
    """Whether the network namespace of process `pid` has `address` (IPv4) for its own."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        lines = iter(Path(f"/proc/{pid}/net/fib_trie").read_text().splitlines())
        for line in lines:
            if line.rpartition("-- ")[2] == address and "host LOCAL" in next(lines, ""):
                return True
    return False
