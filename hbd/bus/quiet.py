"""A bound on log lines that strangers can cause: one per period, with the number held back."""

from __future__ import annotations

import time

# Often enough to be noticed while it goes on, seldom enough to fill no journal: 1440 lines a day.
LINE_EVERY_SECONDS = 60.0


class Quiet:
    """Says when a line may be written."""

    def __init__(self, every_seconds: float = LINE_EVERY_SECONDS) -> None:
        self._every_seconds = every_seconds
        self._written_at: float | None = None
        self._held_back = 0

    def may_say(self) -> int | None:
        """How many lines were held back since the last one; None if this one is to be, too."""
        now = time.monotonic()
        if self._written_at is not None and now - self._written_at < self._every_seconds:
            self._held_back += 1
            return None
        held_back, self._held_back, self._written_at = self._held_back, 0, now
        return held_back
