"""The matrix of hbd with heartbeat: what explains its cells, and what is printed of them."""

from __future__ import annotations

import ast
from itertools import product

import pytest

from tests.house.tree import ROOT
from tests.lab.interop.explained import EVERYWHERE, EXPLAINED
from tests.lab.interop.matrix import Table
from tests.lab.interop.wiring import Medium, Method, Wiring

STORIES = ROOT / "tests/lab/interop"
COLUMNS = {str(Wiring(medium, method)): "ttisrv1" for medium, method in product(Medium, Method)}
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
    sides = [Wiring(medium, method).hbd_is_home for medium, method in product(Medium, Method)]
    assert sides.count(True) == sides.count(False)


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
    assert lines[2].split() == ["a", "story", "ok", "[1]", "FAILED", "ok", "[1]"]
    assert lines[3:] == ["[1] the line is too slow", "ucast-sha1: a story: it went wrong"]
    assert len(table.failures) == 1


def test_a_story_that_fails_after_its_end_has_failed() -> None:
    """Goal: the judgement counts. Method: a passed call, then a failed teardown."""
    table = Table(COLUMNS)
    table.note(report("a_story", "ucast-crc", "passed"))
    judged = report("a_story", "ucast-crc", "failed")
    judged.when = "teardown"
    table.note(judged)
    assert table.lines()[2].split()[-1] == "FAILED"
