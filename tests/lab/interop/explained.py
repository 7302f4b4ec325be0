"""Cells of the matrix that do not pass, and why: each is a footnote under the printed table.

An explained cell is told like every other one. If it passes, it passes; if it does not, the run
goes on, and the table shows the number of its footnote where it would have shown a failure.
"""

from __future__ import annotations

from collections.abc import Mapping

EVERYWHERE = "*"  # in place of a column

# (the story's function without `test_`, its column) to the reason, in one sentence.
EXPLAINED: Mapping[tuple[str, str], str] = {}


# Whatever the cell: no story can go on then, and it says nothing about hbd.
OWN_WORDS_LOST = (
    "heartbeat has lost a message that two of its own scripts wrote to its fifo at once, says its "
    "log: it waits for ever for what it has not heard from itself"
)


def why(story: str, column: str) -> str | None:
    """Why this cell may fail; None for a cell that must pass."""
    return EXPLAINED.get((story, column)) or EXPLAINED.get((story, EVERYWHERE))
