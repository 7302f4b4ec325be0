"""heartbeat's own commands where heartbeat runs: ours have their names, and theirs were put aside.

hbd's package diverts them (debian/preinst), so that both can be installed while a cluster is moved.
heartbeat's scripts call them too, so a heartbeat that runs must still find its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

from hbd.rival import heartbeat_pid

ORIGINALS: Final = {
    "cl_status": "/usr/bin/cl_status.heartbeat",
    "hb_standby": "/usr/share/heartbeat/hb_standby.heartbeat",
    "hb_takeover": "/usr/share/heartbeat/hb_takeover.heartbeat",
}


def instead(name: str, arguments: Sequence[str], originals: Mapping[str, str] = ORIGINALS) -> None:
    """Become heartbeat's command of that name if heartbeat runs here; else return."""
    path = originals[name]
    if heartbeat_pid() is not None and os.access(path, os.X_OK):
        os.execv(path, [path, *arguments])  # noqa: S606 - a fixed path of root's
