"""`hbctl check`, told when something is found that was not there before: pure."""

from __future__ import annotations

from collections.abc import Sequence

from hbd.cli.check import Line, in_sum
from hbd.notify.note import News, Note, Urgency, Withdrawal

SUBJECT = "check"
LINES = 4
_WELL = "ok"
_ERROR = "error"


def of_check(before: Sequence[Line] | None, after: Sequence[Line]) -> list[News]:
    """What is to be told of the second look after the first; None: it is the first one.

    Findings are known by node, check and level: their texts hold figures that change. At first a
    mere warning is told without a bubble: it may have been accepted long ago.
    """
    found = [line for line in after if line.level != _WELL]
    if before is None and not found:
        return []
    known = {_name(line) for line in before or ()}
    fresh = [line for line in found if _name(line) not in known]
    if not found:
        return [Withdrawal(SUBJECT)] if any(line.level != _WELL for line in before or ()) else []
    if not fresh:
        return []
    order = sorted(found, key=lambda line: (line.level != _ERROR, line not in fresh))
    lines = [f"{line.node} {line.check}: {line.text}" for line in order[:LINES]]
    if len(order) > LINES:
        lines.append(f"… and {len(order) - LINES} more: hbctl check")
    return [
        Note(SUBJECT, _urgency(fresh, is_first=before is None), in_sum(after), "\n".join(lines))
    ]


def _name(line: Line) -> tuple[str, str, str]:
    return line.node, line.check, line.level


def _urgency(fresh: Sequence[Line], *, is_first: bool) -> Urgency:
    if any(line.level == _ERROR for line in fresh):
        return Urgency.CRITICAL
    return Urgency.LOW if is_first else Urgency.NORMAL
