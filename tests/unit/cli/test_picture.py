"""The picture on a terminal: golden at three widths, and true at every other."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.cli.ink import Span, Style, box, drawn, fit, length, padded
from hbd.cli.picture import picture
from hbd.cli.view import LastView, StatusView, status_view
from tests.unit.cli.pictures import NOW_USEC, SHARE, objects

GOLDEN = Path(__file__).with_name("golden")
SGR = re.compile(r"\x1b\[[0-9;]*m")


def well() -> StatusView:
    """Everything as it should be, and a group that moved once."""
    changed = objects()
    changed["/l/2"]["org.hbd.Heartbeat1.Link"] |= {
        "Status": "up",
        "Fault": "",
        "LastHeardUSec": NOW_USEC - 900_000,
        "Counters": {"heard": 1000, "missed": 0},
    }
    del changed["/j/7"]
    changed["/g/1"]["org.hbd.Heartbeat1.Group"]["Protection"] = "reservation"
    view = replace(status_view(changed), protection="reservation")
    moved = replace(
        view.groups[0], last_transition=LastView(1_700_000_000_000_000, "x", "n-5-0003")
    )
    return replace(view, groups=(moved,))


def troubled() -> StatusView:
    """A lost peer in maintenance, a dead link, a failed resource, a group away and a job."""
    changed = objects()
    changed["/n/2"]["org.hbd.Heartbeat1.Node"] |= {"Status": "lost", "Maintenance": True}
    changed["/r/2"]["org.hbd.Heartbeat1.Resource"] |= {"State": "failed", "Why": "exit status 1"}
    changed["/g/1"]["org.hbd.Heartbeat1.Group"] |= {
        "Preferred": "ttisrv2",
        "State": "starting",
        "PeerState": "unknown",
    }
    return replace(status_view(changed), peer_status="lost")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_picture_is_the_golden_one(width: int) -> None:
    """Goal: nobody changes it by accident. Method: compare with a file."""
    shown = picture(troubled(), NOW_USEC, Style(width, utf8=True, colour=False))
    assert f"{shown}\n" == (GOLDEN / f"troubled-{width}.txt").read_text(encoding="utf-8")


def test_a_healthy_cluster_has_no_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: what is right is quiet. Method: a golden picture of it, in ASCII, in Lima's time."""
    monkeypatch.setenv("TZ", "<-05>5")
    time.tzset()
    shown = picture(well(), NOW_USEC, Style(60, utf8=False, colour=False))
    monkeypatch.undo()
    time.tzset()
    assert f"{shown}\n" == (GOLDEN / "well-ascii-60.txt").read_text(encoding="ascii")


@given(st.integers(40, 200), st.booleans())
def test_no_line_is_wider_than_the_terminal(width: int, utf8: bool) -> None:
    """Goal: nothing wraps. Method: any width; both boxes close in each of their lines."""
    shown = picture(troubled(), NOW_USEC, Style(width, utf8=utf8, colour=False))
    assert max(map(len, shown.splitlines())) <= width
    boxed = [line for line in shown.splitlines() if line.startswith("│" if utf8 else "|")]
    assert boxed
    assert {line.count("│" if utf8 else "|") for line in boxed} == {4}


def test_colour_adds_nothing_but_colour() -> None:
    """Goal: the same text with and without. Method: strip the sequences; an error is red."""
    plain = picture(troubled(), NOW_USEC, Style(80, utf8=True, colour=False))
    coloured = picture(troubled(), NOW_USEC, Style(80, utf8=True, colour=True))
    assert SGR.sub("", coloured) == plain
    assert "\x1b[1;31mlost\x1b[0m" in coloured
    assert "\x1b" not in plain


@given(st.text(), st.booleans())
def test_no_name_or_reason_commands_the_terminal(reason: str, utf8: bool) -> None:
    """Goal: a program's output is only text. Method: any reason and name; no controls."""
    changed = objects()
    changed["/g/1"]["org.hbd.Heartbeat1.Group"] |= {"Failure": reason, "Name": f"g{reason}"}
    changed["/l/2"]["org.hbd.Heartbeat1.Link"]["Fault"] = reason
    shown = picture(status_view(changed), NOW_USEC, Style(80, utf8=utf8, colour=False))
    assert all(each.isprintable() or each == "\n" for each in shown)
    assert utf8 or shown.isascii()


@given(st.lists(st.text("ab ", max_size=8), max_size=5), st.integers(0, 20))
def test_a_line_is_cut_and_filled_to_the_column(texts: list[str], width: int) -> None:
    """Goal: frames stay straight. Method: any spans and width."""
    line = [Span(text) for text in texts]
    assert length(fit(line, width)) == min(length(line), width)
    assert length(padded(line, width)) == width
    if width >= 8:
        assert {length(each) for each in box(line, [line], width)} == {width}


def test_every_group_is_in_both_nodes() -> None:
    """Goal: who serves what is seen side by side. Method: the boxes' own lines."""
    shown = picture(troubled(), NOW_USEC, Style(100, utf8=True, colour=False))
    [line] = [each for each in shown.splitlines() if each.count(SHARE) == 2 and "│" in each]
    here, there = line.split("│  │")
    assert ("starting" in here, "unknown" in there) == (True, True)


def test_drawn_ends_no_line_with_blanks() -> None:
    """Goal: nothing to select by accident. Method: trailing blanks, in a span of their own too."""
    style = Style(20, utf8=True, colour=True)
    assert drawn([[Span("a "), Span("  ")], []], style) == "a\n"
