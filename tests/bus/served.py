"""hbd's endpoint as a test drives it: the runtime's part is played here, in ten lines."""

from __future__ import annotations

import asyncio
from itertools import count

from hbd.bus.endpoint import Endpoint
from hbd.bus.facts import Facts, LinkReadings
from hbd.bus.history import HistoryReadings, JournalLine
from hbd.bus.objects import CheckLine
from hbd.bus.polkit import Authority
from hbd.cluster.event import Event
from hbd.cluster.node import Node
from hbd.cluster.terms import GroupName, JobId, LinkName
from hbd.story.transition import Transition
from tests.bus import beliefs

DEADLINE_SECONDS = 10.0


class Served:
    """An endpoint, the belief it shows, the events it posted, and what its links would say."""

    def __init__(self, authority: Authority, facts: Facts = beliefs.FACTS) -> None:
        self.node = beliefs.node()
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.counters: dict[LinkName, dict[str, int]] = {}
        self.faults: dict[LinkName, str] = {}
        self.transitions: tuple[Transition, ...] = ()  # newest first
        self.lines: dict[str, list[JournalLine]] = {}  # the journal's, by transition
        self.reloaded_by: list[str] = []
        self.reload_outcome: asyncio.Future[tuple[str, ...] | Exception] = asyncio.Future()
        self.found: list[CheckLine] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        numbers = count(1)
        self.endpoint = Endpoint(
            facts=facts,
            node=self.node,
            post=self.events.put_nowait,
            next_job=lambda: JobId(next(numbers)),
            authority=authority,
            reload=self._reload,
            readings=LinkReadings(counters=lambda: self.counters, faults=lambda: self.faults),
            check=self._check,
            history=HistoryReadings(lambda: self.transitions, self._last_of, self._journal),
        )

    async def _check(self) -> list[CheckLine]:
        await self.may_answer.wait()
        return self.found

    def becomes(self, after: Node) -> None:
        """A step of the core led to this belief."""
        before, self.node = self.node, after
        self.endpoint.update(before, after)

    async def event(self) -> Event:
        """The next event posted."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.events.get()

    async def _reload(self, by: str) -> tuple[str, ...]:
        self.reloaded_by.append(by)
        outcome = await self.reload_outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _journal(self, transition: str) -> list[JournalLine]:
        return self.lines.get(transition, [])

    def _last_of(self, group: GroupName) -> str:
        return next((each.id for each in self.transitions if group in each.groups), "")
