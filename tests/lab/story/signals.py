"""hbd's D-Bus signals as they come, through `busctl monitor` on the node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hbd.bus.names import BUS_NAME
from tests.lab.harness.host import LabError, end, now
from tests.lab.harness.node import Node

_READY_WITHIN = 10.0  # s for busctl to say that it listens: a few ms on a quiet machine
PING = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Peer", "Ping")
_LINE_LIMIT = 1 << 20  # bytes: a signal may carry every property of an object


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal; `body` as busctl decodes it."""

    path: str
    member: str
    body: list[object]


class Signals:
    """The signals since `listening` began."""

    def __init__(self, node: Node, lines: asyncio.StreamReader) -> None:
        self._node = node
        self._lines = lines

    async def next(self, member: str | None = None, *, within: float) -> Signal:
        """The next signal (named `member`); LabError after `within` s."""
        deadline = now() + within
        while True:
            try:
                line = await asyncio.wait_for(self._lines.readline(), deadline - now())
            except TimeoutError as error:
                what = member or "signal"
                raise LabError(f"{self._node.name}: no {what} within {within:g} s") from error
            if not line:
                raise LabError(f"{self._node.name}: the bus ended while it was followed")
            signal = _signal(line)
            if signal is not None and member in (None, signal.member):
                return signal


@asynccontextmanager
async def listening(node: Node) -> AsyncIterator[Signals]:
    """Follow hbd's signals, and the coming and going of names, on the node's system bus."""
    process = await asyncio.create_subprocess_exec(
        *node.enter(), "busctl", "--json=short", "monitor",
        "--match", f"type='signal',sender='{BUS_NAME}'",
        "--match", "type='signal',member='NameOwnerChanged'",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, limit=_LINE_LIMIT, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None, "asked for a pipe"
    try:
        async with asyncio.timeout(_READY_WITHIN):
            await _hears(node, process.stdout)
        yield Signals(node, process.stdout)
    finally:
        await end(process)


async def _hears(node: Node, lines: asyncio.StreamReader) -> None:
    """Return when the monitor hears signals: not every busctl says so.

    Whoever comes to the bus to ask for something causes one.
    """
    first = asyncio.create_task(lines.readline())
    try:
        while not first.done():
            await node.run(["busctl", "call", *PING], check=False)
            await asyncio.wait([first], timeout=0.02)
    finally:
        first.cancel()


def _signal(line: bytes) -> Signal | None:
    if not line.startswith(b"{"):
        return None
    told = json.loads(line)
    return Signal(told.get("path", ""), told.get("member", ""), told["payload"].get("data", []))
