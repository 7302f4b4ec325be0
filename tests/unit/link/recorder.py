"""A link's owner in tests: notes what it is told and waits for it with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hbd.cluster.terms import LinkName
from hbd.wire.session import Kind, Outgoing

WITHIN_S = 10.0  # far beyond what any of these tests needs on a busy machine


class Recorder:
    """Everything the links said, in order; `until` wakes on every word."""

    def __init__(self) -> None:
        self.data: list[tuple[LinkName, bytes]] = []
        self.faults: list[tuple[LinkName, str | None]] = []
        self.alive: list[LinkName] = []
        self._news = asyncio.Event()

    def on_data(self, name: LinkName, data: bytes) -> None:
        """As `link.OnData`."""
        self.data.append((name, data))
        self._news.set()

    def on_fault(self, name: LinkName, fault: str | None) -> None:
        """As `link.OnFault`."""
        self.faults.append((name, fault))
        self._news.set()

    def on_alive(self, name: LinkName) -> None:
        """As `link.OnAlive`."""
        self.alive.append(name)
        self._news.set()

    def heard_by(self, name: str) -> list[bytes]:
        """What one link handed up."""
        return [data for link, data in self.data if link == name]

    async def until(self, is_true: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        """Return once `is_true` after something was told; TimeoutError if it never is."""
        async with asyncio.timeout(within_s):
            while not is_true():
                self._news.clear()
                await self._news.wait()


async def turns_until(is_true: Callable[[], bool]) -> None:
    """Return once `is_true`, asked at every turn of the loop; TimeoutError if it never is."""
    async with asyncio.timeout(WITHIN_S):
        while not is_true():  # noqa: ASYNC110 - for what nobody announces
            await asyncio.sleep(0)


def status(text: bytes) -> Outgoing:
    """A message that a newer one makes worthless."""
    return Outgoing(netstring=text, classic=text, kind=Kind.STATUS)


def message(text: bytes) -> Outgoing:
    """A message that must go."""
    return Outgoing(netstring=text, classic=text, kind=Kind.MESSAGE)


def repair(text: bytes) -> Outgoing:
    """A message about messages."""
    return Outgoing(netstring=text, classic=text, kind=Kind.REPAIR)
