"""Trying again: soon at first, then less often, and at once when the kernel gives a hint.

It knows nothing of what is tried. The longest pause is short enough that a cable put back is in
use within a few keepalives, and long enough that a device gone for a year costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0


class Retry:
    """One attempt that is repeated with growing pauses until it `succeeded`."""

    def __init__(self, attempt: Callable[[], None]) -> None:
        self._attempt = attempt
        self._pause_s = FIRST_PAUSE_S
        self._timer: asyncio.TimerHandle | None = None

    def later(self) -> None:
        """Try again after the current pause, which doubles; one attempt is pending at most."""
        if self._timer is not None:
            return
        self._timer = asyncio.get_running_loop().call_later(self._pause_s, self._due)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def now(self) -> None:
        """Try at once. The pause keeps its length: a storm of hints is no reason to hurry."""
        self.stop()
        self._attempt()

    def succeeded(self) -> None:
        """The next failure starts with the shortest pause again."""
        self.stop()
        self._pause_s = FIRST_PAUSE_S

    def stop(self) -> None:
        """Forget the pending attempt."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self._attempt()
