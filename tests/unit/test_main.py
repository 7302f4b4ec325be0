"""The daemon's first step, before it has loaded itself; and the schedule of what it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Batch stands for real-time, which not everybody may have: both are given up alike.
_PROBE = """
import os, sys
from pathlib import Path
from hbd.__main__ import give_way
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
give_way(Path(sys.argv[1]))
print(os.sched_getscheduler(0))
"""


@pytest.mark.parametrize(
    ("held", "policy"),
    [(None, os.SCHED_OTHER), ((), os.SCHED_OTHER), (("disk",), os.SCHED_BATCH)],
    ids=["no-folder", "nothing-held", "held"],
)
def test_a_start_keeps_its_schedule_only_for_what_it_holds(
    held: tuple[str, ...] | None, policy: int, tmp_path: Path
) -> None:
    """Goal: in time where groups run, and no burden elsewhere. Method: a process that starts."""
    holds = tmp_path / "holds"
    if held is not None:
        holds.mkdir()
    for group in held or ():
        (holds / group).touch()
    words = [sys.executable, "-c", _PROBE, str(holds)]
    told = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(told.stdout) == policy


_PARENT = """
import asyncio, os, sys
from hbd.cluster.terms import SECOND
from hbd.fencing import process
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
child = [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"]
print(asyncio.run(process.run(child, "", 60 * SECOND)).output, os.sched_getscheduler(0))
"""


def test_what_the_daemon_starts_is_an_ordinary_process() -> None:
    """Goal: no program of others is real-time. Method: batch again; a child is asked, and we."""
    words = [sys.executable, "-c", _PARENT]
    told = subprocess.run(words, capture_output=True, text=True, check=True)
    assert [int(word) for word in told.stdout.split()] == [os.SCHED_OTHER, os.SCHED_BATCH]
