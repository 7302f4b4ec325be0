"""CLOCK_BOOTTIME in µs, and the one timer.

BOOTTIME goes on while the machine is suspended, so a node that slept sees how long it was away;
the loop's own timers do not, and therefore only wake the core: what is due is the core's to see.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from hbd.cluster.terms import Instant


def now() -> Instant:
    """This moment, in µs since boot, suspend included."""
    return Instant(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000)


class Alarm:
    """Calls back once at the moment set last; setting it again forgets the one before."""

    def __init__(self, on_due: Callable[[], None]) -> None:
        self._on_due = on_due
        self._handle: asyncio.TimerHandle | None = None

    def set(self, moment: Instant | None) -> None:
        """Wake at `moment`, at once if that is past; None: not at all."""
        self.cancel()
        if moment is not None:
            delay = max(0, moment - now()) / 1_000_000
            self._handle = asyncio.get_running_loop().call_later(delay, self._on_due)

    def cancel(self) -> None:
        """Do not wake."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
