"""Small honest stand-ins for what the executor moves: resources, and systemd's targets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from hbd.cluster.event import Event
from hbd.cluster.terms import ResourceState, Usec
from hbd.errors import AdapterError
from hbd.systemd.state import ActiveState, FileState, LoadState, UnitState

WITHIN_S = 10.0  # far beyond what any of these tests needs on a busy machine

_Kind = TypeVar("_Kind", bound=Event)


class Diary:
    """What was done to the parts, in order, by all of them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.busy: set[str] = set()

    def note(self, line: str) -> None:
        """One line."""
        self.lines.append(line)


class Part:
    """One resource: it runs or not, and does as it is told unless it is told otherwise.

    `gate` is what a start waits for; `reluctance` is what it waits for before it lets itself be
    abandoned.
    """

    def __init__(self, text: str, diary: Diary, unit: str | None = None) -> None:
        self.text = text
        self.unit = unit
        self.state = ResourceState.STOPPED
        self.start_fails = ""
        self.start_error: AdapterError | None = None  # this one, instead
        self.stop_fails = ""
        self.looks_fail = 0
        self.gate: asyncio.Event | None = None
        self.reluctance: asyncio.Event | None = None
        self.on_look: Callable[[], None] | None = None
        self.waiting = asyncio.Event()
        self.is_nothing = False  # a word that no unit of this machine stands behind
        self._diary = diary

    def prepare(self) -> None:
        """See Runnable."""
        self._diary.note(f"prepare {self.text}")

    async def start(self) -> None:
        """See Runnable."""
        self._diary.note(f"start {self.text}")
        with self._exclusively():
            await self._wait()
        if self.start_error is not None:
            raise self.start_error
        if self.start_fails:
            raise AdapterError(self.start_fails)
        self.state = ResourceState.STARTED

    async def stop(self) -> None:
        """See Runnable."""
        self._diary.note(f"stop {self.text}")
        with self._exclusively():
            await asyncio.sleep(0)
        if self.stop_fails:
            raise AdapterError(self.stop_fails)
        self.state = ResourceState.STOPPED

    async def look(self) -> ResourceState | None:
        """See Runnable."""
        await asyncio.sleep(0)
        if self.is_nothing:
            return None
        if self.looks_fail:
            self.looks_fail -= 1
            raise AdapterError("systemd does not answer")
        state = self.state
        if self.on_look is not None:
            self.on_look()
        return state

    async def adopt(self) -> None:
        """See Runnable."""
        self._diary.note(f"adopt {self.text}")

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        assert self.text not in self._diary.busy, "two move one resource at once"
        self._diary.busy.add(self.text)
        try:
            yield
        finally:
            self._diary.busy.discard(self.text)

    async def _wait(self) -> None:
        if self.gate is None:
            return
        self.waiting.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            if self.reluctance is not None:
                await self.reluctance.wait()
            raise


class Targets:
    """systemd, as far as the executor speaks to it itself."""

    def __init__(self, diary: Diary) -> None:
        self.fails = False
        self.gate: asyncio.Event | None = None
        self._diary = diary

    async def start(self, unit: str, timeout_usec: Usec) -> None:
        """See Units."""
        await self._job(f"start {unit}")

    async def stop_alone(self, unit: str, timeout_usec: Usec) -> None:
        """See Units."""
        await self._job(f"stop {unit} alone")

    async def _job(self, line: str) -> None:
        self._diary.note(line)
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise AdapterError("systemd does not answer")


class Posted:
    """What the executor told the core; `until` wakes on every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        """As `Inbox.post`."""
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[_Kind]) -> list[_Kind]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Return once `is_true` after something was told; TimeoutError if it never is."""
        async with asyncio.timeout(WITHIN_S):
            while not is_true():
                self._news.clear()
                await self._news.wait()

    async def first(self, kind: type[_Kind], number: int = 1) -> _Kind:
        """The first (or the n-th) event of a kind, as soon as it is told."""
        await self.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]


async def turns_until(is_true: Callable[[], bool]) -> None:
    """Return once `is_true`, asked at every turn of the loop; TimeoutError if it never is."""
    async with asyncio.timeout(WITHIN_S):
        while not is_true():  # noqa: ASYNC110 - for what nobody announces
            await asyncio.sleep(0)


async def some_turns() -> None:
    """As many turns of the loop as any of these parts takes for anything, and more."""
    for _ in range(50):
        await asyncio.sleep(0)


def unit(name: str, active: ActiveState) -> UnitState:
    """A unit's state, as systemd tells it."""
    return UnitState(name, LoadState.LOADED, active, "", FileState.STATIC, "success")
