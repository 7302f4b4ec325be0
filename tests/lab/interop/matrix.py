"""The matrix that `make interop` prints: a row for each story, a column for each wiring."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest

PASSED, FAILED, NOT_TOLD = "ok", "FAIL", "·"
SIDE = "hbd runs on ttisrv…"
WIDTH = 6  # of a column
_CELL = re.compile(
    r"lab/interop/(?P<module>test_\w+)\.py::test_(?P<story>\w+)\[(?P<column>[\w-]+)\]"
)


class Table:
    """Collects what became of each cell. `columns`: on which node hbd runs, 1 or 2, in each."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self._cells: dict[str, dict[str, str]] = {}
        self._reasons: list[str] = []  # the footnotes, in order of their numbers
        self._failures: list[str] = []

    @property
    def failures(self) -> list[str]:
        """A line for each failed cell: column, story, what was wrong."""
        return sorted(set(self._failures))

    def note(self, report: pytest.TestReport) -> None:
        """A report of pytest's: of the story itself, or of what went wrong before or after it."""
        found = _CELL.search(report.nodeid)
        if found is None or (report.when != "call" and report.passed):
            return
        story, column = found["story"].replace("_", " "), found["column"]
        row = self._cells.setdefault(story, {})
        if report.passed:
            row.setdefault(column, PASSED)
        elif report.skipped:
            row[column] = self._footnote(_reason(report))
        else:
            row[column] = FAILED
            self._failures.append(f"{column}: {story}: {_last_line(report)}")

    def _footnote(self, reason: str) -> str:
        if reason not in self._reasons:
            self._reasons.append(reason)
        return f"[{self._reasons.index(reason) + 1}]"

    def lines(self) -> list[str]:
        """The table, its footnotes and its failures; nothing if no story was told."""
        if not self._cells:
            return []
        columns = [
            each for each in self._columns if any(each in row for row in self._cells.values())
        ]
        width = max(map(len, (*self._cells, SIDE)))
        media, methods = zip(*(each.split("-") for each in columns), strict=True)
        lines = [_line("", width, media), _line("", width, methods)]
        lines.append(_line(SIDE, width, [self._columns[each] for each in columns]))
        for story, row in self._cells.items():
            lines.append(_line(story, width, [row.get(each, NOT_TOLD) for each in columns]))
        notes = [f"[{number}] {reason}" for number, reason in enumerate(self._reasons, 1)]
        return [*lines, *notes, *self.failures]


def _line(head: str, width: int, cells: Sequence[str]) -> str:
    return " ".join([head.ljust(width), *(cell.ljust(WIDTH) for cell in cells)]).rstrip()


def _reason(report: pytest.TestReport) -> str:
    """Why a cell that did not pass need not: its explanation, or the reason of a skip."""
    known: str | None = getattr(report, "wasxfail", None)
    if known is not None:
        return known.removeprefix("reason: ")
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""


def _last_line(report: pytest.TestReport) -> str:
    text = getattr(getattr(report.longrepr, "reprcrash", None), "message", str(report.longrepr))
    return text.splitlines()[0] if text else ""
