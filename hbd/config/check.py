"""`hbd --check`: all that is wrong or remarkable with the three files, as lines for a person.

It needs no daemon, no bus and no root (but root to read authkeys), and changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from hbd.config.load import Verdict, judge
from hbd.config.model import Config, Severity
from hbd.config.surroundings import Surroundings

EXIT_OK = 0
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h; hbd.service does not restart on it


def check(
    config_dir: Path, node: str | None = None, surroundings: Surroundings | None = None
) -> tuple[int, tuple[str, ...]]:
    """Exit status and lines: mistakes, then warnings, then notices, then one line in sum."""
    verdict = judge(config_dir, node, surroundings)
    ordered = sorted(verdict.notices, key=lambda notice: notice.severity is Severity.NOTICE)
    lines = [str(mistake) for mistake in verdict.mistakes]
    lines.extend(str(notice) for notice in ordered)
    lines.append(_sum(verdict))
    return EXIT_OK if verdict.config is not None else EXIT_CONFIG, tuple(lines)


def run(config_dir: Path, node: str | None, out: TextIO) -> int:
    """Print what `check` finds to `out`; answer the exit status."""
    encoding = getattr(out, "encoding", None) or "utf-8"
    status, lines = check(config_dir, node)
    for line in lines:
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=out)
    return status


def _sum(verdict: Verdict) -> str:
    warnings = sum(notice.severity is Severity.WARNING for notice in verdict.notices)
    counted = f"{_count(len(verdict.mistakes), 'mistake')}, {_count(warnings, 'warning')}"
    if verdict.config is None:
        return f"refused: {counted}"
    return f"accepted: {_described(verdict.config)}; {counted}"


def _described(config: Config) -> str:
    nodes = " and ".join(config.nodes)
    media = _count(len(config.media), "medium", "media")
    return f"{nodes} (here {config.local}), {media}, {_count(len(config.groups), 'group')}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
