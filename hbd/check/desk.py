"""One check at a time, shared by all who ask, and the peer's half of it.

Anybody may ask, so asking again is cheap: results younger than 3 s are given again, a check under
way is joined, and the peer is asked at most every 10 s. It knows no link and no bus: `tell_peer`
carries a question (None) or an answer, `look` looks at this node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from hbd.check import parcel, together
from hbd.check.finding import CheckId, Finding, Report, joined, ok, warning
from hbd.cluster.terms import SECOND, Instant, NodeName, Usec

FRESH_USEC: Final = Usec(3 * SECOND)
ASK_EVERY_USEC: Final = Usec(10 * SECOND)
ANSWERS_IN_SPAN: Final = 2  # one, and one for an asker that was restarted
PEER_LIMIT_SECONDS: Final = 9.0  # 7 for its own examination, 2 for a serial line alone

Line = tuple[str, str, str, str, str]  # node, check, level, text, remedy


@dataclass(frozen=True, slots=True)
class Nodes:
    """Who asks whom; `peer_is_hbd` while the peer speaks and reports as only hbd does."""

    here: NodeName
    peer: NodeName
    peer_is_hbd: bool


@dataclass(frozen=True, slots=True)
class _Heard:
    report: Report
    at: Instant
    apart_usec: int


class Desk:
    """Where questions and answers meet."""

    def __init__(
        self,
        look: Callable[[], Awaitable[Report]],
        nodes: Callable[[], Nodes],
        tell_peer: Callable[[str | None], None],
        now: Callable[[], Instant],
        unix_usec: Callable[[], int],
        peer_limit_seconds: float = PEER_LIMIT_SECONDS,
    ) -> None:
        """`now` is CLOCK_BOOTTIME, `unix_usec` the clock that both nodes compare, both in µs."""
        self._look = look
        self._nodes = nodes
        self._tell_peer = tell_peer
        self._now = now
        self._unix_usec = unix_usec
        self._limit_seconds = peer_limit_seconds
        self._ours: tuple[Instant, Report] | None = None
        self._looking: asyncio.Task[Report] | None = None
        self._asked_at: Instant | None = None
        self._heard: _Heard | None = None
        self._news = asyncio.Event()
        self._answered: list[Instant] = []
        self._answering: asyncio.Task[None] | None = None

    async def check(self) -> list[Line]:
        """Every line of both nodes, this one's first. It takes 10 s at most."""
        nodes = self._nodes()
        if nodes.peer_is_hbd:
            self._ask()
        ours, heard = await asyncio.gather(self._own(), self._theirs(nodes))
        if heard is None:
            report = joined([ours, Report((_no_answer(nodes),))])
            return _lines(nodes.here, report)
        told = ok(CheckId.PEER_ANSWERS, f"{nodes.peer} has told what it finds")
        both = together.compared(ours.facts, heard.report.facts, nodes.peer, heard.apart_usec)
        return [
            *_lines(nodes.here, joined([ours, Report((told, *both))])),
            *_lines(nodes.peer, heard.report),
        ]

    # --- what the peer says -----------------------------------------------------------------------

    def asked(self) -> None:
        """The peer wants our findings: look, and tell, but not so often that it wears us out."""
        now = self._now()
        self._answered = [at for at in self._answered if now - at < ASK_EVERY_USEC]
        if len(self._answered) >= ANSWERS_IN_SPAN or _is_under_way(self._answering):
            return
        self._answered.append(now)
        self._answering = asyncio.create_task(self._answer(), name="check for the peer")

    def told(self, text: str) -> None:
        """The peer's findings; what is none, or comes unasked, changes nothing."""
        stamp, _, packed = text.partition(":")
        report = parcel.unpacked(packed)
        is_due = self._asked_at is not None and self._now() - self._asked_at <= ASK_EVERY_USEC
        if report is None or not is_due or not stamp.isdigit() or len(stamp) > 20:
            return
        self._heard = _Heard(report, self._now(), int(stamp) - self._unix_usec())
        self._news.set()

    async def close(self) -> None:
        """Let go of what is under way."""
        for task in (self._looking, self._answering):
            if task is not None:
                task.cancel()

    # --- one node's half --------------------------------------------------------------------------

    async def _own(self) -> Report:
        """This node's findings: fresh ones, those under way, or new ones."""
        if self._ours is not None and self._now() - self._ours[0] < FRESH_USEC:
            return self._ours[1]
        if self._looking is None or not _is_under_way(self._looking):
            self._looking = asyncio.create_task(self._look_now(), name="check")
        return await asyncio.shield(self._looking)

    async def _look_now(self) -> Report:
        report = joined([await self._look()])
        self._ours = (self._now(), report)
        return report

    async def _answer(self) -> None:
        report = await self._own()
        self._tell_peer(f"{self._unix_usec()}:{parcel.packed(report)}")

    def _ask(self) -> None:
        now = self._now()
        if self._asked_at is not None and now - self._asked_at < ASK_EVERY_USEC:
            return
        self._asked_at = now
        self._heard = None
        self._news.clear()
        self._tell_peer(None)

    async def _theirs(self, nodes: Nodes) -> _Heard | None:
        if not nodes.peer_is_hbd:
            return None
        try:
            async with asyncio.timeout(self._limit_seconds):
                await self._news.wait()
        except TimeoutError:
            return None
        return self._heard


def _is_under_way(task: asyncio.Task[Report] | asyncio.Task[None] | None) -> bool:
    return task is not None and not task.done()


def _no_answer(nodes: Nodes) -> Finding:
    if nodes.peer_is_hbd:
        why = f"not checked: {nodes.peer} does not answer in time; only this node's half is here"
    else:
        why = f"not checked: {nodes.peer} is silent or no hbd; only this node's half is here"
    remedy = f"systemctl status hbd; hbctl check, on {nodes.peer}"
    return warning(CheckId.PEER_ANSWERS, why, remedy)


def _lines(node: NodeName, report: Report) -> list[Line]:
    return [
        (node, each.check.value, each.level.value, each.text, each.remedy)
        for each in report.findings
    ]
