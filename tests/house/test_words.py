"""The tree stands alone: no path of somebody's machine, no loose end without a name on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, files, is_below, where

# Written in two halves, or this file would be its own first finding.
MACHINE_PATHS = tuple(f"/{a}{b}" for a, b in (("wo", "rk/"), ("tmp/", "brief"), ("ro", "ot/.py")))
LOOSE_END = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\([a-z][\w.@-]*\))")
LEFT_BEHIND = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)


def texts() -> list[tuple[Path, str]]:
    """Every file of the tree that people write: no pictures, captured messages, or licence."""
    return [
        (path, path.read_text(errors="replace"))
        for path in files()
        if not is_below(path, "tests/vectors")
        and path != ROOT / "LICENSE"
        and path.suffix != ".png"
    ]


def found(pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern stands, as file:line."""
    return [
        where(path, text.count("\n", 0, match.start()) + 1)
        for path, text in texts()
        for match in pattern.finditer(text)
    ]


@pytest.mark.parametrize("machine_path", MACHINE_PATHS)
def test_no_path_of_a_developers_machine(machine_path: str) -> None:
    """Goal: it works elsewhere. Method: search every file for paths that exist here only."""
    assert found(re.compile(re.escape(machine_path))) == []


def test_a_loose_end_names_who_ties_it() -> None:
    """Goal: nothing is left for nobody. Method: search for the usual words without `(owner)`."""
    assert found(LOOSE_END) == []


def test_no_merge_is_left_half_done() -> None:
    """Goal: no conflict mark is committed. Method: search for them at the start of a line."""
    assert found(LEFT_BEHIND) == []
