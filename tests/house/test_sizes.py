"""A file fits a few screens and a function one: what grows is split by subject."""

from __future__ import annotations

import statistics

from tests.house.tree import functions, python_files, where

LONGEST_FILE = 690  # lines; the largest file of the codebases that are a pleasure to read
LONGEST_FUNCTION = 100  # lines; beyond it nobody sees both ends
LONG_FUNCTION = 60  # lines: one screen …
LONG_SHARE = 0.02  # … and so many may be longer
TYPICAL_FUNCTION = 15  # lines; the median may not be above it


def lengths() -> list[tuple[int, str]]:
    """Every function of the tree with the number of its lines."""
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, where(path, node.lineno))
        for folder in ("hbd", "tests")
        for path in python_files(folder)
        for node in functions(path)
    ]


def test_no_file_is_too_long_to_enter_gladly() -> None:
    """Goal: no file that only its author can read. Method: count lines."""
    sizes = {
        str(path): len(path.read_text().splitlines())
        for folder in ("hbd", "tests")
        for path in python_files(folder)
    }
    assert {path: size for path, size in sizes.items() if size > LONGEST_FILE} == {}


def test_functions_fit_a_screen() -> None:
    """Goal: a function is seen whole. Method: longest, share of long ones, and median."""
    measured = lengths()
    assert [place for length, place in measured if length > LONGEST_FUNCTION] == []
    long = [place for length, place in measured if length > LONG_FUNCTION]
    assert len(long) <= LONG_SHARE * len(measured), long
    assert statistics.median(length for length, _ in measured) <= TYPICAL_FUNCTION
