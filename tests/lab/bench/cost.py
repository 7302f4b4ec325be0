"""What the daemon costs on a quiet node: memory, CPU, bytes on each link, time to start."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from tests.lab.demo.table import grid
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError, now, say
from tests.lab.harness.node import Node

OBSERVED = 30.0  # s of quiet: at keepalive 1 s, thirty heartbeats each way
STARTS = 5

MOST_RSS_MIB = 45.0
MOST_CPU_PERCENT = 0.5
MOST_START_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, its unit, and the most it may be (None: no limit)."""

    name: str
    value: float
    unit: str
    most: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether it misses its limit."""
        return self.most is not None and self.value > self.most


async def costs(lab: Lab) -> list[Figure]:
    """Measure the node that serves and the links between both; restart the daemon of the other."""
    serving, other = lab.nodes
    say(f"── looking at a quiet cluster for {OBSERVED:.0f} s")
    pids = {node.name: await _daemon(node) for node in lab.nodes}
    before = await _counters(lab, serving, pids[serving.name])
    began = now()
    await asyncio.sleep(OBSERVED)  # the observation itself
    after = await _counters(lab, serving, pids[serving.name])
    seconds = now() - began
    cpu, serial, ethernet = (
        (late - early) / seconds for early, late in zip(before, after, strict=True)
    )
    return [
        *[figure async for figure in _memory(lab, pids)],
        Figure("CPU at keepalive 1 s", cpu * 100, "%", MOST_CPU_PERCENT),
        Figure("bytes sent on /dev/ttyS0", serial, "B/s"),
        Figure("bytes sent on eth1", ethernet, "B/s"),
        Figure("start to READY, median", await _start_time(other), "s", MOST_START_SECONDS),
    ]


def report(figures: list[Figure]) -> str:
    """A table: one line a figure."""
    lines = [("daemon", "", "value", "limit", "")]
    for one in figures:
        limit = "" if one.most is None else f"{one.most:g} {one.unit}"
        verdict = "OVER" if one.is_over else "ok"
        lines.append((one.name, "", f"{one.value:.3g} {one.unit}", limit, verdict))
    return grid(lines)


async def _daemon(node: Node) -> int:
    done = await node.run(["systemctl", "show", "--property=MainPID", "--value", "hbd.service"])
    if (pid := int(done.out)) == 0:
        raise LabError(f"hbd does not run on {node.name}")
    return pid


async def _memory(lab: Lab, pids: dict[str, int]) -> AsyncIterator[Figure]:
    for node in lab.nodes:
        lines = (await node.run(["cat", f"/proc/{pids[node.name]}/status"])).out.splitlines()
        kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
        yield Figure(f"RSS on {node.name}", kib / 1024, "MiB", MOST_RSS_MIB)


async def _counters(lab: Lab, node: Node, pid: int) -> tuple[float, float, float]:
    """CPU seconds of the daemon, bytes from `node` on the serial line, bytes it sent on eth1."""
    times = (await node.run(["cat", f"/proc/{pid}/schedstat"])).out.split()
    sent = (await node.run(["cat", "/sys/class/net/eth1/statistics/tx_bytes"])).out
    return int(times[0]) / 1e9, float(lab.serial.carried[0]), float(sent)


async def _start_time(node: Node) -> float:
    """From the daemon's execution to READY, as systemd clocked both."""
    took = []
    for _ in range(STARTS):
        await node.run(["systemctl", "restart", "hbd.service"])
        asked = "--property=ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic"
        shown = (await node.run(["systemctl", "show", asked, "hbd.service"])).out
        stamps = dict(_pairs(shown))
        took.append(
            stamps["ActiveEnterTimestampMonotonic"] - stamps["ExecMainStartTimestampMonotonic"]
        )
    return statistics.median(took) / 1e6


def _pairs(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        name, _, value = line.partition("=")
        yield name, int(value)
