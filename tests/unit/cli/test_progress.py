"""Progress while a job runs: steps with their times, one line each, whatever comes in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.cli.progress import States, Steps, job_progress
from hbd.cli.view import group_names, status_view
from tests.unit.cli.pictures import SHARE, objects

SECOND = 1_000_000


def steps() -> Steps:
    """Two resources here and their group."""
    return Steps({"/r/1": SHARE, "/r/2": "smb"}, {"/g/1": SHARE}, "ttisrv2")


def test_a_step_is_one_line_with_its_time() -> None:
    """Goal: what takes long is seen. Method: start and stop, each fed twice."""
    progress = steps()
    assert progress.feed("/r/2", {"State": "starting"}, 0) == "start smb ..."
    assert progress.feed("/r/2", {"State": "started"}, SECOND // 8) == " 0.12 s\n"
    assert progress.feed("/r/2", {"State": "stopping"}, SECOND) == "stop smb ..."
    assert progress.feed("/r/2", {"State": "stopped"}, 3 * SECOND) == " 2.00 s\n"
    assert progress.close() == ""


def test_steps_at_the_same_time_do_not_tear_each_others_lines() -> None:
    """Goal: two groups can move at once. Method: the first ends while the second is open."""
    progress = steps()
    written = progress.feed("/r/1", {"State": "starting"}, 0)
    written += progress.feed("/r/2", {"State": "starting"}, 0)
    written += progress.feed("/r/1", {"State": "started"}, SECOND)
    written += progress.feed("/r/2", {"State": "started"}, 2 * SECOND)
    assert written.splitlines() == [
        f"start {SHARE} ...",
        "start smb ...",
        f"start {SHARE} ... 1.00 s",
        "start smb ... 2.00 s",
    ]


def test_a_failed_step_says_why() -> None:
    """Goal: the reason stands where one looks. Method: a failure with controls in its reason."""
    progress = steps()
    progress.feed("/r/2", {"State": "starting"}, 0)
    line = progress.feed("/r/2", {"State": "failed", "Why": "exit\x1b1"}, SECOND)
    assert line == " 1.00 s failed: exit?1\n"


def test_the_peers_steps_are_the_groups() -> None:
    """Goal: a standby shows what the other node does. Method: its state, then the owner."""
    progress = steps()
    written = progress.feed("/g/1", {"State": "stopped", "Owner": "ttisrv2"}, 0)
    written += progress.feed("/g/1", {"PeerState": "starting"}, 0)
    written += progress.feed("/g/1", {"PeerState": "started"}, SECOND)
    assert written.splitlines() == [
        f"{SHARE} now belongs to ttisrv2",
        f"start {SHARE} on ttisrv2 ... 1.00 s",
    ]


@pytest.mark.parametrize(
    ("path", "properties"),
    [
        ("/r/2", {"Why": "x"}),
        ("/r/2", {"State": "started"}),  # it was begun before we looked
        ("/r/9", {"State": "starting"}),
        ("/g/1", {"State": "starting"}),  # its resources tell it better
        ("/j/7", {"Groups": ["g"]}),
    ],
)
def test_what_is_no_step_writes_nothing(path: str, properties: dict[str, object]) -> None:
    """Goal: no noise. Method: changes of every other kind."""
    assert steps().feed(path, properties, 0) == ""


def test_an_open_line_is_closed_once() -> None:
    """Goal: a message after it stands on a line of its own. Method: close twice."""
    progress = steps()
    progress.feed("/r/1", {"State": "starting"}, 0)
    assert (progress.close(), progress.close()) == ("\n", "")


def test_a_pipe_gets_every_state_on_a_line() -> None:
    """Goal: logs can be read. Method: changes of interest and of none."""
    names = group_names(objects())
    assert names == {"/g/1": SHARE, "/r/1": SHARE, "/r/2": "smb"}
    states = States(names)
    assert states.feed("/r/2", {"State": "stopping"}, 0) == "smb: stopping\n"
    assert states.feed("/g/1", {"Epoch": 4}, 0) == ""
    assert states.feed("/j/7", {"State": "x"}, 0) == ""


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("takeover", "1 of 2 resources started"),
        ("standby", "1 of 2 resources stopped"),
        ("maintenance-on", ""),
    ],
)
def test_a_jobs_progress_is_counted_in_resources(verb: str, told: str) -> None:
    """Goal: one sees how far it is. Method: one of two resources there, by verb."""
    changed = objects()
    changed["/r/2"]["org.hbd.Heartbeat1.Resource"]["State"] = "stopped"
    view = status_view(changed)
    assert job_progress(view, replace(view.jobs[0], verb=verb)) == told
    assert job_progress(view, replace(view.jobs[0], groups=())) == ""
