"""Whether heartbeat runs here: its pid file, and what the kernel says of that process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hbd.rival import heartbeat_pid


@pytest.fixture
def heartbeat(tmp_path: Path) -> Iterator[int]:
    """A process that is called heartbeat."""
    program = "import sys; open('/proc/self/comm', 'w').write('heartbeat'); print(flush=True); "
    with subprocess.Popen(
        [sys.executable, "-c", program + "sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_a_running_heartbeat_is_seen(tmp_path: Path, heartbeat: int) -> None:
    """Goal: hbd keeps off. Method: the pid as heartbeat writes it, blanks before it."""
    file = tmp_path / "heartbeat.pid"
    file.write_text(f"{heartbeat:>11}\n")
    assert heartbeat_pid(file) == heartbeat


def test_a_heartbeat_that_cannot_be_looked_at_counts(tmp_path: Path, heartbeat: int) -> None:
    """Goal: hbd's sandbox hides other processes. Method: a /proc without them."""
    file = tmp_path / "heartbeat.pid"
    file.write_text(f"{heartbeat}\n")
    assert heartbeat_pid(file, tmp_path) == heartbeat


def test_a_process_of_another_name_is_no_heartbeat(tmp_path: Path) -> None:
    """Goal: a pid file that stayed bars nobody for ever. Method: it names this test."""
    file = tmp_path / "heartbeat.pid"
    file.write_text(f"{os.getpid()}\n")
    assert heartbeat_pid(file) is None


@pytest.mark.parametrize("text", ["", "-1", "0", "x", "99999999999999999999", "7" * 500])
def test_a_strange_pid_file_names_nobody(tmp_path: Path, text: str) -> None:
    """Goal: no signal to a process group, no crash. Method: what is no pid."""
    file = tmp_path / "heartbeat.pid"
    file.write_text(text)
    assert heartbeat_pid(file) is None


def test_without_a_pid_file_nothing_runs(tmp_path: Path) -> None:
    """Goal: the usual machine. Method: no file."""
    assert heartbeat_pid(tmp_path / "heartbeat.pid") is None
