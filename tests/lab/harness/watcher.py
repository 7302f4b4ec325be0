"""The program behind `watch`: looks at the kernel every few milliseconds and prints what changed.

    python -m tests.lab.harness.watcher LEDGER ADDRESS NAME=DEVICE NAME=DEVICE

It is a process of its own with real-time priority, so that neither the lab nor a busy machine
makes it look away. Which process is a node's systemd it reads from the ledger. Lines it prints:

    change TIME NAME THING 0|1      overlap THING SINCE UNTIL      pause SECONDS
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.harness import disk
from tests.lab.harness.host import now
from tests.lab.harness.things import Thing

EVERY = 0.003  # s between looks: a move takes 200 ms and more, mount and address some ms each
_PRIORITY = 1  # the lowest that comes before all ordinary processes


@dataclass(slots=True)
class Seen:
    """One node, as last seen."""

    name: str
    device: Path
    leader: int | None = None
    has: dict[Thing, bool] = field(default_factory=lambda: dict.fromkeys(Thing, False))


def has(thing: Thing, leader: int | None, device: Path, address: str) -> bool:
    """Whether a node, known by its systemd's pid, has the disk mounted or the address."""
    if leader is None:
        return False
    if thing is Thing.DISK:
        return disk.is_active(device) and Path(f"/proc/{leader}").exists()
    return has_address(leader, address)


def has_address(pid: int, address: str) -> bool:
    """Whether the network namespace of process `pid` has `address` (IPv4) for its own."""
    with contextlib.suppress(OSError):
        lines = iter(Path(f"/proc/{pid}/net/fib_trie").read_text().splitlines())
        for line in lines:
            if line.rpartition("-- ")[2] == address and "host LOCAL" in next(lines, ""):
                return True
    return False


class Watcher:
    """Both nodes, and the overlaps that last at this moment."""

    def __init__(self, ledger: Path, address: str, nodes: list[Seen]) -> None:
        assert len(nodes) == 2, "an overlap is between two nodes"
        self._ledger = ledger
        self._address = address
        self._nodes = nodes
        self._read_at = 0
        self._overlaps: dict[Thing, tuple[float, float]] = {}
        self._last = now()
        self._longest_pause = 0.0

    def look(self) -> None:
        """One look at everything."""
        moment = now()
        if moment - self._last > self._longest_pause:
            self._longest_pause = moment - self._last
            print(f"pause {self._longest_pause:.6f}", flush=True)
        self._last = moment
        self._read_leaders()
        for thing in Thing:
            self._look_at(thing, moment)

    def _look_at(self, thing: Thing, moment: float) -> None:
        for node in self._nodes:
            has_it = self._has(node, thing)
            if has_it != node.has[thing]:
                print(f"change {moment:.6f} {node.name} {thing.value} {has_it:d}", flush=True)
            node.has[thing] = has_it
        if self._is_overlap(thing):
            since, _ = self._overlaps.get(thing, (moment, moment))
            self._overlaps[thing] = (since, moment)
            if since == moment:
                print(f"overlap {thing.value} {since:.6f} {moment:.6f}", flush=True)
        elif thing in self._overlaps:
            since, until = self._overlaps.pop(thing)
            print(f"overlap {thing.value} {since:.6f} {until:.6f}", flush=True)

    def _is_overlap(self, thing: Thing) -> bool:
        """Both had it at one look, and the first still has it after the second was seen with it.

        So a move that fell between two looks is not taken for an overlap.
        """
        first, second = self._nodes
        both = first.has[thing] and second.has[thing]
        return both and self._has(first, thing) and self._has(second, thing)

    def _has(self, node: Seen, thing: Thing) -> bool:
        return has(thing, node.leader, node.device, self._address)

    def _read_leaders(self) -> None:
        with contextlib.suppress(OSError):
            changed = self._ledger.stat().st_mtime_ns
            if changed == self._read_at:
                return
            self._read_at = changed
            facts = json.loads(self._ledger.read_text())["facts"]
            for node in self._nodes:
                pid = facts.get(f"leader.{node.name}")
                node.leader = int(pid) if pid else None


def main() -> None:
    """Look until standard input closes, which it does when the lab ends, however it ends."""
    ledger, address, *named = sys.argv[1:]
    nodes = [
        Seen(name, Path(device)) for name, _, device in (word.partition("=") for word in named)
    ]
    watcher = Watcher(Path(ledger), address, nodes)
    with contextlib.suppress(PermissionError):  # a machine may grant no real-time share: then not
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        watcher.look()


if __name__ == "__main__":
    main()
