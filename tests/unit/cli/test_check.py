"""hbctl check's output: what needs a person is last, and the exit status says the same."""

from __future__ import annotations

import json

import pytest

from hbd.cli import check
from hbd.cli.check import Line
from hbd.cli.outcome import Exit

OK = Line("ttisrv1", "unit-exists", "ok", "loaded", "")
WARNING = Line("ttisrv1", "nfs-grace", "warning", "long", "shorten")
ERROR = Line("ttisrv2", "mount-point", "error", "not there", "mkdir -p /ttidisk")
NEWER = Line("ttisrv1", "new", "dreadful", "?", "")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], Exit.DONE),
        ([OK], Exit.DONE),
        ([OK, WARNING], Exit.WARNED),
        ([ERROR, OK, WARNING], Exit.FAILED),
        ([NEWER], Exit.FAILED),
    ],
)
def test_the_worst_line_is_the_exit_status(lines: list[Line], status: Exit) -> None:
    """Goal: monitoring needs no text. Method: each kind of line, and one of a newer daemon."""
    assert check.status(lines) is status


def test_bad_lines_follow_the_good_ones_of_their_node_with_their_remedy() -> None:
    """Goal: the eye ends where something is to be done. Method: the order of lines."""
    shown = check.to_text([WARNING, OK, ERROR]).splitlines()
    places = [
        next(n for n, line in enumerate(shown) if word in line)
        for word in ("ttisrv1", OK.text, WARNING.text, WARNING.remedy, "ttisrv2", ERROR.remedy)
    ]
    assert places == sorted(places)


def test_nothing_unprintable_reaches_the_terminal() -> None:
    """Goal: a peer's text is only text. Method: an escape sequence in each word."""
    bad = Line("n\x1b[2J", "c\x07", "error", "t\x1b]0;x\x07", "r\n")
    assert "\x1b" not in check.to_text([bad])
    assert "\x07" not in check.to_text([bad])


def test_json_has_every_line_and_counts() -> None:
    """Goal: programs need no columns. Method: keys and numbers."""
    told = json.loads(check.to_json([OK, WARNING, ERROR, OK]))
    assert (told["ok"], told["warning"], told["error"]) == (2, 1, 1)
    assert set(told["findings"][0]) == {"node", "check", "level", "text", "remedy"}
