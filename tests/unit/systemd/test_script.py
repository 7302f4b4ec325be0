"""A script's status, judged by what it prints, as heartbeat does."""

from __future__ import annotations

import pytest

from hbd.systemd.script import says_running


@pytest.mark.parametrize(
    ("output", "is_running"),
    [
        ("running\n", True),
        ("Running", True),
        ("OK\n", True),
        ("drbd0 is running (pid 12)", True),
        ("stopped", False),
        ("", False),
        ("not running", False),
        ("NOT  running", False),
        ("smbd is not currently\nrunning", False),
        ("Not Running", False),
        ("nothing is running", True),  # "not" must be followed by a blank
        ("ok", False),
        ("RUNNING", False),
        ("\0\xff", False),
    ],
)
def test_status_is_what_the_script_says(output: str, *, is_running: bool) -> None:
    """Goal: heartbeat's verdict. Method: the forms that scripts print, and garbage."""
    assert says_running(output) is is_running
