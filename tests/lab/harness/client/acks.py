"""The client's note book: each acknowledged operation, when and how much; and what it tells.

Appended line by line by the worker (`w TIME NUMBER`, `r TIME NUMBER`, `x TIME WHY`), read by the
lab. Times are seconds on CLOCK_MONOTONIC, which nodes and client share: one kernel.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Acks:
    """All acknowledgements so far. `written[n]` is when record n was acknowledged."""

    times: list[float] = field(default_factory=list)  # of every acknowledged operation, in order
    written: list[float] = field(default_factory=list)
    troubles: list[tuple[float, str]] = field(default_factory=list)

    def gap(self, since: float, until: float) -> float:
        """The longest time without an acknowledgement that touches the window, in seconds.

        A silence that begins before the window or outlasts it counts as far as it reaches, for
        the client feels all of it; one that has not ended yet counts up to `until`.
        """
        first = max(bisect_left(self.times, since) - 1, 0)
        last = bisect_left(self.times, until) + 1
        marks = self.times[first:last]
        if not marks or marks[-1] < until:
            marks = [*marks, until]
        if marks[0] > since:
            marks = [since, *marks]
        return max((after - before for before, after in itertools.pairwise(marks)),
                   default=0.0)  # fmt: skip

    def records_in(self, since: float, until: float) -> range:
        """The numbers of the records that were acknowledged in the window."""
        return range(bisect_left(self.written, since), bisect_right(self.written, until))


def read_acks(path: Path) -> Acks:
    """The note book as it is now; a last line that is still being written is left out."""
    acks = Acks()
    if path.exists():
        note(acks, (line for line in path.read_text().splitlines(keepends=True)))
    return acks


def note(acks: Acks, lines: Iterable[str]) -> None:
    """Add complete lines to `acks`."""
    for line in lines:
        if not line.endswith("\n"):
            return
        kind, time, rest = line.rstrip("\n").split(" ", 2)
        if kind == "x":
            acks.troubles.append((float(time), rest))
            continue
        acks.times.append(float(time))
        if kind == "w":
            assert int(rest) == len(acks.written), "records are acknowledged in order"
            acks.written.append(float(time))
