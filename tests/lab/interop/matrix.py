"""The matrix that `make interop` prints: a row for each story, a column for each wiring."""

from __future__ import annotations

import re

import pytest

PASSED, FAILED, EXPLAINED, NOT_TOLD = "ok", "FAILED", "known", "·"
_CELL = re.compile(
    r"lab/interop/(?P<module>test_\w+)\.py::test_(?P<story>\w+)\[(?P<column>[\w-]+)\]"
)


class Table:
    """Collects what became of each cell."""

    def __init__(self, columns: list[str]) -> None:
        self._columns = columns
        self._cells: dict[str, dict[str, str]] = {}
        self._notes: list[str] = []

    def note(self, report: pytest.TestReport) -> None:
        """A report of pytest's: of the story itself, or of what went wrong before or after it."""
        found = _CELL.search(report.nodeid)
        if found is None or (report.when != "call" and report.passed):
            return
        story, column = found["story"].replace("_", " "), found["column"]
        row = self._cells.setdefault(story, {})
        if (known := getattr(report, "wasxfail", None)) is not None:
            row[column] = EXPLAINED
            self._notes.append(f"{column}: {story}: {known.removeprefix('reason: ')}")
        elif report.passed:
            row.setdefault(column, PASSED)
        elif report.skipped:
            row[column] = EXPLAINED
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self._notes.append(f"{column}: {story}: {reason}")
        else:
            row[column] = FAILED
            self._notes.append(f"{column}: {story}: {_last_line(report)}")

    def lines(self) -> list[str]:
        """The table, and what explains its cells; nothing if no story was told."""
        if not self._cells:
            return []
        columns = [
            each for each in self._columns if any(each in row for row in self._cells.values())
        ]
        width = max(map(len, self._cells))
        lines = [" ".join([" " * width, *columns])]
        for story, row in self._cells.items():
            cells = [row.get(each, NOT_TOLD).center(len(each)) for each in columns]
            lines.append(" ".join([story.ljust(width), *cells]).rstrip())
        return [*lines, *sorted(set(self._notes))]


def _last_line(report: pytest.TestReport) -> str:
    text = getattr(getattr(report.longrepr, "reprcrash", None), "message", str(report.longrepr))
    return text.splitlines()[0] if text else ""
