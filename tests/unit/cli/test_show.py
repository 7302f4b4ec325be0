"""hbctl's output: every value in its column, JSON complete, and nothing that harms a terminal."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.cli import show
from hbd.cli.outcome import Exit, Trouble
from hbd.cli.spans import share, span
from hbd.cli.view import status_view
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
    assert cells(text, "eth1") == ["eth1", "bcast", "up", "0.4 s ago", "1.0%"]
    assert cells(text, "/dev/ttyS0") == [
        "/dev/ttyS0",
        "serial",
        "dead",
        "never",
        "-",
        "No such device",
    ]
    assert cells(text, SHARE)[1:5] == ["ttisrv1", "started", "stopped", "ttisrv1"]
    assert cells(text, "7") == ["7", "standby", SHARE, "uid 0", "1.2 s", "0 of 2 resources stopped"]


def test_the_json_has_every_value() -> None:
    """Goal: a program sees what a person sees. Method: parse it; compare some of each kind."""
    told = json.loads(show.as_json(status_view(objects()), NOW_USEC))
    assert told["now_usec"] == NOW_USEC
    assert told["deadtime_usec"] == 5_000_000
    assert told["nodes"][0]["holds"] == [SHARE]
    assert told["links"][1]["fault"] == "No such device"
    assert told["links"][0]["counters"] == {"heard": 99, "missed": 1}
    assert told["groups"][0]["peer_state"] == "stopped"
    assert [each["text"] for each in told["groups"][0]["resources"]] == [SHARE, "smb"]
    assert told["jobs"][0]["verb"] == "standby"


def test_the_links_are_shown_with_what_they_counted() -> None:
    """Goal: a bad cable is found. Method: the rows' cells, and the same as JSON."""
    text = show.links_as_text(status_view(objects()), NOW_USEC)
    assert cells(text, "eth1") == ["eth1", "bcast", "up", "0.4 s ago", "1.0%"]
    assert cells(text, "COUNTED") == ["COUNTED", "eth1", "/dev/ttyS0"]
    assert cells(text, "heard") == ["heard", "99", "-"]
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
    assert trouble.value.status is Exit.OTHER_VERSION
    changed = objects()
    changed["/g/1"]["org.hbd.Heartbeat1.Group"]["Owner"] = 5
    with pytest.raises(Trouble):
        status_view(changed)


def test_a_job_that_ended_between_two_questions_is_left_out() -> None:
    """Goal: no race makes an error. Method: the manager names a job whose object is gone."""
    changed = objects()
    del changed["/j/7"]
    assert status_view(changed).jobs == ()


@pytest.mark.parametrize(
    ("usec", "shown"),
    [(0, "0 s"), (400_000, "0.4 s"), (5_000_000, "5 s"), (150_000_000, "2 min"), (10**12, "12 d")],
)
def test_spans_are_short(usec: int, shown: str) -> None:
    """Goal: an age is read at a glance. Method: one of each size."""
    assert span(usec) == shown


@pytest.mark.parametrize(
    ("part", "shown"),
    [(None, "-"), (0.0, "0%"), (0.0001, "<0.1%"), (0.012, "1.2%"), (0.25, "25%"), (1.0, "100%")],
)
def test_a_loss_is_never_rounded_to_none(part: float | None, shown: str) -> None:
    """Goal: one lost heartbeat in ten thousand is still seen. Method: one of each size."""
    assert share(part) == shown


def test_a_ping_node_that_answers_has_lost_nothing() -> None:
    """Goal: the question under way is no loss. Method: one answer fewer, then a third missing."""
    changed = objects()
    link = changed["/l/1"]["org.hbd.Heartbeat1.Link"]
    link["LeadsToPeer"] = False
    for sent, received, loss in ((0, 0, None), (10, 9, 0.0), (10, 10, 0.0), (13, 8, 4 / 12)):
        link["Counters"] = {"messages_sent": sent, "messages_received": received}
        assert status_view(changed).links[0].loss == loss
