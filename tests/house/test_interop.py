"""The matrix of hbd with heartbeat: what explains its cells, and what is printed of them."""

from __future__ import annotations

import ast
from itertools import product

import pytest

from tests.house.tree import ROOT
from tests.lab.interop.explained import EVERYWHERE, EXPLAINED
from tests.lab.interop.matrix import PASSED, SIDE, Table
from tests.lab.interop.wiring import Medium, Method, Wiring

STORIES = ROOT / "tests/lab/interop"
WIRINGS = [Wiring(medium, method) for medium, method in product(Medium, Method)]
COLUMNS = {str(wiring): "1" if wiring.hbd_is_home else "2" for wiring in WIRINGS}
MEASURED = STORIES / "MATRIX.md"
WORDS_AT_LEAST = 5  # of a reason: a sentence


def stories() -> set[str]:
    """Every story, by its function's name without `test_`."""
    functions = ast.AsyncFunctionDef | ast.FunctionDef
    return {
        node.name.removeprefix("test_")
        for path in STORIES.glob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, functions) and node.name.startswith("test_")
    }


def test_what_is_explained_is_a_cell() -> None:
    """Goal: no excuse for what there is not. Method: each names a story, a column and a reason."""
    for (story, column), reason in EXPLAINED.items():
        assert story in stories(), story
        assert column in {*COLUMNS, EVERYWHERE}, column
        assert len(reason.split()) >= WORDS_AT_LEAST, reason


def test_hbd_is_either_node_in_half_of_the_columns() -> None:
    """Goal: nothing depends on whose name comes first unseen. Method: count the columns."""
    sides = list(COLUMNS.values())
    assert sides.count("1") == sides.count("2")


def report(story: str, column: str, outcome: str, why: str = "") -> pytest.TestReport:
    """What pytest tells of a cell; `why` makes it an explained one."""
    told = pytest.TestReport(
        nodeid=f"tests/lab/interop/test_wire.py::test_{story}[{column}]",
        location=("", None, ""),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]  # one of pytest's three words
        longrepr="it went wrong" if outcome == "failed" else None,
        when="call",
    )
    if why:
        told.wasxfail = why
    return told


def test_the_table_says_why_a_cell_does_not_pass() -> None:
    """Goal: the print explains itself. Method: one of each kind, one reason twice.

    An explained cell that passes is a passed one.
    """
    table = Table(COLUMNS)
    for column, outcome, why in (
        ("ucast-crc", "passed", ""),
        ("ucast-md5", "skipped", "the line is too slow"),
        ("ucast-sha1", "failed", ""),
        ("bcast-crc", "passed", "the line is too slow"),
        ("bcast-md5", "skipped", "the line is too slow"),
    ):
        table.note(report("a_story", column, outcome, why))
    lines = table.lines()
    assert lines[1].split() == ["crc", "md5", "sha1", "crc", "md5"]
    assert lines[3].split() == ["a", "story", "ok", "[1]", "FAIL", "ok", "[1]"]
    assert lines[4:] == ["[1] the line is too slow", "ucast-sha1: a story: it went wrong"]
    assert len(table.failures) == 1


def test_a_story_that_fails_after_its_end_has_failed() -> None:
    """Goal: the judgement counts. Method: a passed call, then a failed teardown."""
    table = Table(COLUMNS)
    table.note(report("a_story", "ucast-crc", "passed"))
    judged = report("a_story", "ucast-crc", "failed")
    judged.when = "teardown"
    table.note(judged)
    assert table.lines()[3].split()[-1] == "FAIL"


def test_the_measured_matrix_is_whole() -> None:
    """Goal: what the documents point to is true of these stories. Method: rows, columns, cells.

    A cell is passed, or has its footnote.
    """
    block = MEASURED.read_text().split("```")[1].strip("\n").splitlines()
    media, methods = block[0].split(), block[1].split()
    columns = [f"{medium}-{method}" for medium, method in zip(media, methods, strict=True)]
    assert columns == list(COLUMNS)
    rows = {}
    for line in block[2:]:
        words = line.split()
        rows[" ".join(words[: -len(columns)])] = words[-len(columns) :]
    assert rows.pop(SIDE) == list(COLUMNS.values())
    assert {story.replace(" ", "_") for story in rows} == stories()
    notes = MEASURED.read_text().split("```")[2]
    for cells in rows.values():
        assert all(cell == PASSED or cell in notes for cell in cells), cells
