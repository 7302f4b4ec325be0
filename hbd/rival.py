"""heartbeat itself on this machine: whether it runs, since two daemons must never hold one group.

Both packages may be installed while a cluster is moved, hbd-migrate(7). systemd
starts only one of them (Conflicts= in hbd.service); this is for what was started without it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PID_FILE: Final = Path("/run/heartbeat.pid")
COMMAND: Final = "heartbeat"
LONGEST: Final = 64  # bytes of a pid file; heartbeat writes 12


def heartbeat_pid(pid_file: Path = PID_FILE, processes: Path = Path("/proc")) -> int | None:
    """The process of a heartbeat that runs here, by its pid file; None if there is none.

    A file that outlived its heartbeat may name a process of somebody else by now. Whether it does
    can be seen only where /proc shows that process: what is hidden from us counts as heartbeat.
    """
    try:
        with pid_file.open("rb") as file:
            pid = int(file.read(LONGEST))
        if pid <= 0:
            return None
        os.kill(pid, 0)
    except PermissionError:
        pass  # it is there, and not ours to signal
    except (OSError, ValueError, OverflowError):
        return None
    try:
        command = (processes / str(pid) / "comm").read_text().strip()
    except OSError:
        return pid
    return pid if command == COMMAND else None
