"""`hbctl check`: the findings of both nodes, what needs a person last, and a line in sum."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from hbd.cli.client import connected
from hbd.cli.ink import printable
from hbd.cli.outcome import Exit

# Worst last, where the eye is when the output ends; a word from a newer daemon counts as an error.
LEVELS = ("ok", "warning", "error")
MARKS = {"ok": " ok ", "warning": "WARN", "error": "FAIL"}


@dataclass(frozen=True, slots=True)
class Line:
    """One finding, in the words of org.hbd.Heartbeat1(5)."""

    node: str
    check: str
    level: str
    text: str
    remedy: str


async def check(*, as_json: bool) -> Exit:
    """Ask, print, and say by the exit status how it looks."""
    async with connected() as client:
        lines = [Line(*words) for words in await client.check()]
    print(to_json(lines) if as_json else to_text(lines))
    return status(lines)


def status(lines: Iterable[Line]) -> Exit:
    """FAILED for an error, WARNED for a warning, DONE if all is well."""
    worst = max((_rank(line) for line in lines), default=0)
    return (Exit.DONE, Exit.WARNED, Exit.FAILED)[worst]


def to_json(lines: Sequence[Line]) -> str:
    """One object: `findings`, and how many there are of each level."""
    counts = {level: sum(line.level == level for line in lines) for level in LEVELS}
    return json.dumps({"findings": [asdict(line) for line in lines], **counts}, indent=2)


def to_text(lines: Sequence[Line]) -> str:
    """A paragraph for each node: what is well, then what is not, with what mends it."""
    parts: list[str] = []
    width = max((len(line.check) for line in lines), default=0)
    for node in dict.fromkeys(line.node for line in lines):
        parts.append(node)
        own = sorted((line for line in lines if line.node == node), key=_rank)
        for line in own:
            mark = MARKS.get(line.level, "FAIL")
            parts.append(f"  {mark}  {line.check.ljust(width)}  {line.text}")
            if line.remedy:
                parts.append(f"        {' ' * width}  → {line.remedy}")
        parts.append("")
    return "\n".join(printable(part) for part in [*parts, in_sum(lines)])


def in_sum(lines: Sequence[Line]) -> str:
    """The answer to the question."""
    errors = sum(_rank(line) == 2 for line in lines)
    warnings = sum(_rank(line) == 1 for line in lines)
    if errors:
        return (
            f"The next failover may fail: {_count(errors, 'error')}, {_count(warnings, 'warning')}."
        )
    if warnings:
        return f"The next failover will work, with {_count(warnings, 'warning')}."
    return "The next failover will work."


def _rank(line: Line) -> int:
    return LEVELS.index(line.level) if line.level in LEVELS else len(LEVELS) - 1


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
