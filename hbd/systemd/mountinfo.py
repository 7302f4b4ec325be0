"""/proc/PID/mountinfo as types (proc_pid_mountinfo(5)). Pure parsing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount in one namespace. `device` is `MAJOR:MINOR`, as in /sys/dev/block."""

    mount_id: int
    device: str
    mount_point: str
    fstype: str


def parse(text: str) -> Iterator[Mount]:
    """The mounts in order; a line that is not understood is left out."""
    for line in text.splitlines():
        fields = line.split(" ")
        try:
            separator = fields.index("-", 6)
            yield Mount(int(fields[0]), fields[2], _unescape(fields[4]), fields[separator + 1])
        except (ValueError, IndexError):
            continue


def _unescape(text: str) -> str:
    """The kernel writes blank, tab, newline and backslash as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
