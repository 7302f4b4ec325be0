"""The client's gap in each kind of move, as medians with their spread, beside the floor by hand."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tests.lab.demo.step import Row
from tests.lab.demo.story import FAILED, FAILED_MEDIAN, PLANNED, PLANNED_MEDIAN, Story
from tests.lab.demo.table import grid
from tests.lab.harness.client.control import STREAMS
from tests.lab.harness.host import say

_HEAD = (
    "move",
    "runs",
    "limit",
    *(f"{name} {what}" for name in STREAMS for what in ("median", "spread")),
)


_MEDIANS = {PLANNED: PLANNED_MEDIAN, FAILED: FAILED_MEDIAN}  # what one run may be → the median


@dataclass(slots=True)
class Measured:
    """All gaps of one kind of move, by protocol, and the limit on SMB's median."""

    smb_limit: float | None
    gaps: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STREAMS})
    deviations: list[str] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """One more run."""
        for name in STREAMS:
            self.gaps[name].append(row.gaps[name])
        self.deviations += row.deviations

    @property
    def misses_limit(self) -> bool:
        """Whether the SMB median is over what was promised."""
        limit = self.smb_limit
        return limit is not None and statistics.median(self.gaps["smb"]) > limit


async def play(story: Story, runs: int) -> list[Row]:
    """Play every move `runs` times on one cluster that stays up."""
    rows: list[Row] = []
    moves: tuple[Callable[[], Awaitable[Row]], ...] = (
        story.stop_daemon,
        story.start_daemon,
        story.power_cut,
        story.power_back,
        story.operator_takes,
        story.operator_gives,
        story.daemon_killed,
    )
    for run in range(1, runs + 1):
        say(f"run {run} of {runs}")
        rows += [await move() for move in moves]
    return rows


def measured(rows: Sequence[Row]) -> dict[str, Measured]:
    """The gaps by kind of move: a single one may miss the limit, the median may not."""
    kinds: dict[str, Measured] = {}
    for row in rows:
        one = row.expected.smb_gap
        median = None if one is None else _MEDIANS.get(one, one)
        kinds.setdefault(row.title, Measured(median)).add(row)
    return kinds


def report(kinds: dict[str, Measured]) -> str:
    """A table: one line a move, median and spread for each protocol, in seconds."""
    lines: list[tuple[str, ...]] = [_HEAD]
    for title, one in kinds.items():
        limit = "" if one.smb_limit is None else f"{one.smb_limit:.2f}"
        cells = [title, str(len(one.gaps["smb"])), limit]
        for name in STREAMS:
            values = one.gaps[name]
            cells += spread(values).split(" of ")
        lines.append(tuple(cells))
    return grid(lines)


def spread(values: Sequence[float]) -> str:
    """`MEDIAN of LEAST–MOST`."""
    return f"{statistics.median(values):.2f} of {min(values):.2f}–{max(values):.2f}"
