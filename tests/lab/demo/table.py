"""What the demo prints at its end. Pure text from rows."""

from __future__ import annotations

from collections.abc import Sequence

from tests.lab.demo.step import Row
from tests.lab.harness.client.control import Verdict

_HEAD = (
    "step",
    "held by",
    "SMB gap",
    "limit",
    "NFSv3 gap",
    "NFSv4 gap",
    "acknowledged",
    "lost",
    "",
)


def table(rows: Sequence[Row], verdicts: dict[str, Verdict]) -> str:
    """One line a step: who held the group, what the client felt, what became of its data."""
    return grid([_HEAD, *(_line(row, verdicts) for row in rows)])


def grid(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be; all but the first two flush right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    drawn = []
    for line in lines:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        drawn.append("  ".join(cells).rstrip())
    drawn.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(drawn)


def _line(row: Row, verdicts: dict[str, Verdict]) -> tuple[str, ...]:
    limit = row.expected.smb_gap
    return (
        row.title,
        row.expected.holder,
        _seconds(row.gaps["smb"]),
        "" if limit is None else _seconds(limit),
        _seconds(row.gaps["nfs3"]),
        _seconds(row.gaps["nfs4"]),
        f"{row.acknowledged_bytes} B",
        f"{row.lost_bytes(verdicts)} B",
        "DEVIATES" if row.deviations else "ok",
    )


def _seconds(value: float) -> str:
    return f"{value:.2f} s"
