"""The last transitions, kept over restarts: a file of JSON lines, bounded, newest last.

It is read once, at the start. A line is appended and synced in a thread, for a disk may take
seconds; a failure costs the memory of a transition, not the cluster. A torn last line, as a power
cut leaves it, is left out and the file written anew with the next transition.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections import deque
from pathlib import Path
from typing import Final

from hbd.cluster.terms import GroupName
from hbd.story.codec import from_plain, to_plain
from hbd.story.transition import Transition

KEPT: Final = 200  # transitions; some 300 KiB
LINES: Final = 2 * KEPT  # in the file, until it is written anew
LARGEST: Final = 16 * 1024 * 1024  # bytes: what lies beyond was not written by us

_log = logging.getLogger("hbd.history")


class History:
    """What has moved on this node, oldest first."""

    def __init__(self, directory: Path) -> None:
        """Read what is kept; what cannot be read is told once and begun anew."""
        self._path = directory / "history"
        self._kept: deque[Transition] = deque(maxlen=KEPT)
        self._lines = 0
        self._is_whole = True  # the file is as we would write it
        self._one_at_a_time = asyncio.Lock()
        self._told = ""
        self._load()

    @property
    def newest_first(self) -> tuple[Transition, ...]:
        """All that are kept."""
        return tuple(reversed(self._kept))

    def last_of(self, group: GroupName) -> str:
        """The id of the group's last transition; empty if none is kept."""
        return next((each.id for each in reversed(self._kept) if group in each.groups), "")

    def add(self, transition: Transition) -> None:
        """Know it from now on; `keep` writes it down."""
        self._kept.append(transition)

    async def keep(self, transition: Transition) -> None:
        """Have it on the disk; never raises."""
        async with self._one_at_a_time:
            anew = not self._is_whole or self._lines >= LINES
            kept = tuple(self._kept) if anew else (transition,)
            try:
                await asyncio.to_thread(self._write, kept, anew=anew)
            except OSError as error:
                self._is_whole = False
                self._tell(f"Failed to write '{self._path}': {error.strerror}")
            else:
                self._is_whole = True
                self._lines = len(kept) if anew else self._lines + 1

    def _write(self, transitions: tuple[Transition, ...], *, anew: bool) -> None:
        """In a thread: append, or replace the file as a whole; on the disk before it returns."""
        text = "".join(f"{_line(each)}\n" for each in transitions)
        path = self._path.with_suffix(".new") if anew else self._path
        with path.open("w" if anew else "a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if anew:
            path.replace(self._path)

    def _load(self) -> None:
        try:
            with self._path.open("rb") as file:
                data = file.read(LARGEST)
        except FileNotFoundError:
            return
        except OSError as error:
            self._is_whole = False
            self._tell(f"Failed to read '{self._path}': {error.strerror}")
            return
        lines = data.split(b"\n")
        torn = lines.pop()  # empty if the last line is whole
        bad = sum(not self._take(line) for line in lines)
        self._lines = len(lines)
        self._is_whole = not torn and not bad
        if bad:
            self._tell(f"'{self._path}': {bad} of {len(lines)} lines cannot be read")

    def _take(self, line: bytes) -> bool:
        try:
            plain = json.loads(line)
            self._kept.append(from_plain(Transition, plain, strict=False))
        except (ValueError, RecursionError):
            return False
        return True

    def _tell(self, what: str) -> None:
        if what != self._told:
            self._told = what
            _log.warning("%s; the history of transitions has a gap", what)


def _line(transition: Transition) -> str:
    return json.dumps(to_plain(Transition, transition), separators=(",", ":"))
