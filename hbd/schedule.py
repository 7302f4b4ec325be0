"""Who is real-time: the daemon, and nobody that it starts.

Threads have the schedule of the thread that begins them, so all of the daemon's are real-time when
it is. So would be its children, which have no business to be.
"""

from __future__ import annotations

import contextlib
import os

_NO_PRIORITY = os.sched_param(0)


def be_ordinary() -> None:
    """Give real-time up: this process while it starts, or a child between fork and exec.

    A child has no other thread and only one system call to make here, so none of the dangers of
    running Python in between; it runs as it is where that call is not permitted.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, _NO_PRIORITY)
