"""A node's journal as it left the machine, line by line, while it was written.

It is on this machine, so it can be read when the node is paused, dead or has panicked: up to the
last line that its journalctl told.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from tests.lab.harness.host import LabError, now
from tests.lab.harness.journal import Entry

_LOOK_AGAIN = 0.05  # s: a file gives no event


class JournalStream:
    """What one node has said since its lab began; a place is a number of entries."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._read_to = 0
        self._seen: list[Entry] = []

    def entries(self, after: int = 0) -> list[Entry]:
        """Everything told since that place."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read_to)
                data = file.read()
            complete = data[: data.rfind(b"\n") + 1]
            self._read_to += len(complete)
            self._seen += [entry for line in complete.splitlines() if (entry := _entry(line))]
        return self._seen[after:]

    @property
    def place(self) -> int:
        """Everything told from now on comes after it."""
        self.entries()
        return len(self._seen)

    async def wait_for(
        self,
        *matches: str,
        within: float,
        after: int = 0,
        until: Callable[[Entry], bool] = lambda _: True,
    ) -> Entry:
        """The first entry after a place with all of `matches` (`FIELD=value`)."""
        wanted = [match.split("=", 1) for match in matches]
        deadline = now() + within
        while True:
            for entry in self.entries(after):
                if all(entry.get(name) == value for name, value in wanted) and until(entry):
                    return entry
            if now() > deadline:
                raise LabError(
                    f"{self._name}: no journal entry {' '.join(matches)} within {within:g} s"
                )
            await asyncio.sleep(_LOOK_AGAIN)


def _entry(line: bytes) -> Entry | None:
    """None for a line that a power cut has torn."""
    try:
        told: Entry = json.loads(line)
    except ValueError:
        return None
    return told
