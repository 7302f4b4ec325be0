"""hbctl's output: every value in its column, JSON complete, and nothing that harms a terminal."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.cli import show
from hbd.cli.outcome import Exit, Trouble
from hbd.cli.view import group_names, status_view
from tests.unit.cli.pictures import NOW_USEC, SHARE, objects


def cells(text: str, first: str) -> list[str]:
    """The cells of the row that begins with this cell."""
    [row] = [line for line in text.splitlines() if line.startswith(first + " ")]
    return re.split(r" {2,}", row)


def test_the_text_has_every_value_in_its_column() -> None:
    """Goal: a person sees who holds what. Method: read the rows' cells."""
    text = show.as_text(status_view(objects()), NOW_USEC)
    assert cells(text, "ttisrv1") == ["ttisrv1", "active", "here", SHARE]
    assert cells(text, "ttisrv2") == ["ttisrv2", "active", "0.4 s ago", "-"]
    assert cells(text, "eth1") == ["eth1", "bcast", "up", "0.4 s ago"]
    assert cells(text, "/dev/ttyS0") == [
        "/dev/ttyS0",
        "serial",
        "dead",
        "never",
        "No such device",
    ]
    assert cells(text, SHARE)[1:5] == ["ttisrv1", "started", "stopped", "ttisrv1"]
    assert cells(text, "7") == ["7", "standby", SHARE, "uid 0"]


def test_the_json_has_every_value() -> None:
    """Goal: a program sees what a person sees. Method: parse it; compare some of each kind."""
    told = json.loads(show.as_json(status_view(objects()), NOW_USEC))
    assert told["now_usec"] == NOW_USEC
    assert told["deadtime_usec"] == 5_000_000
    assert told["nodes"][0]["holds"] == [SHARE]
    assert told["links"][1]["fault"] == "No such device"
    assert told["links"][0]["counters"] == {"messages-received": 12}
    assert told["groups"][0]["peer_state"] == "stopped"
    assert [each["text"] for each in told["groups"][0]["resources"]] == [SHARE, "smb"]
    assert told["jobs"][0]["verb"] == "standby"


def test_a_failure_and_an_unproven_fence_are_remarked() -> None:
    """Goal: what needs a person stands out. Method: one of each, and their number."""
    changed = objects()
    assert show.remarks(status_view(changed)) == []
    changed["/g/1"]["org.hbd.Heartbeat1.Group"]["Failure"] = "smb: exit status 1"
    changed["/r/2"]["org.hbd.Heartbeat1.Resource"]["Why"] = "exit status 1"
    changed["/n/2"]["org.hbd.Heartbeat1.Node"]["Status"] = "fenced"
    assert len(show.remarks(status_view(changed))) == 3
    changed["/n/2"]["org.hbd.Heartbeat1.Node"]["FenceProven"] = True
    assert len(show.remarks(status_view(changed))) == 2


def test_maintenance_is_remarked_for_either_node() -> None:
    """Goal: nobody forgets it. Method: one node, then both."""
    changed = objects()
    changed["/n/1"]["org.hbd.Heartbeat1.Node"]["Maintenance"] = True
    assert len(show.remarks(status_view(changed))) == 1
    changed["/n/2"]["org.hbd.Heartbeat1.Node"]["Maintenance"] = True
    assert len(show.remarks(status_view(changed))) == 2


def test_the_links_are_shown_with_what_they_counted() -> None:
    """Goal: a bad cable is found. Method: the rows' cells, and the same as JSON."""
    text = show.links_as_text(status_view(objects()), NOW_USEC)
    assert cells(text, "eth1") == ["eth1", "bcast", "up", "0.4 s ago"]
    assert cells(text, "COUNTED") == ["COUNTED", "eth1", "/dev/ttyS0"]
    assert cells(text, "messages-received") == ["messages-received", "12", "12"]
    told = json.loads(show.links_as_json(status_view(objects()), NOW_USEC))
    assert told["now_usec"] == NOW_USEC
    assert [link["name"] for link in told["links"]] == ["eth1", "/dev/ttyS0"]


@given(st.text())
def test_nothing_reaches_the_terminal_but_text(reason: str) -> None:
    """Goal: a program's output cannot command the terminal. Method: any reason; no controls."""
    changed = objects()
    changed["/g/1"]["org.hbd.Heartbeat1.Group"]["Failure"] = reason
    text = show.as_text(status_view(changed), NOW_USEC)
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_daemon_of_another_version_is_a_clear_trouble() -> None:
    """Goal: no traceback after an upgrade. Method: a missing property, then one of another type."""
    changed = objects()
    del changed["/g/1"]["org.hbd.Heartbeat1.Group"]["Owner"]
    with pytest.raises(Trouble) as trouble:
        status_view(changed)
    assert trouble.value.status is Exit.FAILED
    changed = objects()
    changed["/g/1"]["org.hbd.Heartbeat1.Group"]["Owner"] = 5
    with pytest.raises(Trouble):
        status_view(changed)


def test_a_job_that_ended_between_two_questions_is_left_out() -> None:
    """Goal: no race makes an error. Method: the manager names a job whose object is gone."""
    changed = objects()
    del changed["/j/7"]
    assert status_view(changed).jobs == ()


def test_progress_is_one_line_for_a_state_and_none_for_anything_else() -> None:
    """Goal: who waits sees what moves. Method: changes of each kind."""
    assert group_names(objects()) == {"/g/1": SHARE, "/r/1": SHARE, "/r/2": "smb"}
    line = show.change("smb", {"State": "stopping"})
    assert line is not None
    assert "stopping" in line
    assert show.change(SHARE, {"Epoch": 4}) is None


@pytest.mark.parametrize(
    ("usec", "shown"),
    [(0, "0 s"), (400_000, "0.4 s"), (5_000_000, "5 s"), (150_000_000, "2 min"), (10**12, "12 d")],
)
def test_spans_are_short(usec: int, shown: str) -> None:
    """Goal: an age is read at a glance. Method: one of each size."""
    assert show._span(usec) == shown
