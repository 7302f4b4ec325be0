"""A control group of its own for each node, on whatever layout this machine has.

`systemd-nspawn --keep-unit` takes the group it finds itself in for its container's; two containers
in one group would kill each other's processes. Layouts: pure v2 (Debian 12 and 13 as installed), or
hybrid, where systemd's own v1 hierarchy and the v2 one both stand below /sys/fs/cgroup.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.lab.harness.host import LabError

ROOT = Path("/sys/fs/cgroup")
GONE_WITHIN = 5.0  # s for killed processes to leave their group


def hierarchies() -> list[Path]:
    """The trees a container manager must have a group in: one, or two on a hybrid layout."""
    if (ROOT / "cgroup.procs").exists():
        return [ROOT]
    found = [path for path in (ROOT / "systemd", ROOT / "unified") if path.is_dir()]
    if not found:
        raise LabError(f"no control groups that systemd could use below {ROOT}")
    return found


def create(name: str) -> list[Path]:
    """Make group `name` in every tree; returns the files a process joins by writing its pid."""
    groups = [tree / name for tree in hierarchies()]
    for group in groups:
        group.mkdir(exist_ok=True)
    return [group / "cgroup.procs" for group in groups]


def remove(name: str) -> None:
    """Kill what is left in group `name` and remove it with all its children, in every tree."""
    groups = [group for tree in hierarchies() if (group := tree / name).is_dir()]
    for group in groups:
        kill = group / "cgroup.kill"
        if kill.exists():
            kill.write_text("1")
    for group in groups:
        _remove_tree(group)


def _remove_tree(group: Path) -> None:
    deadline = time.monotonic() + GONE_WITHIN
    children = sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True)
    for path in [*children, group]:
        while path.is_dir():
            try:
                path.rmdir()
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LabError(f"control group {path} stays busy") from error
                time.sleep(0.005)
