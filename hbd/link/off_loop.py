"""Doing the one thing that may wait, opening or closing a serial device, beside the loop.

A thread of its own, not the loop's pool: the pool is waited for when the daemon ends, and a USB
adapter that hangs in the kernel would hold up a leaving node.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def off_loop(work: Callable[[], Result], done: Callable[[Result | OSError], None]) -> None:
    """Run `work` in a thread, then `done(its result or OSError)` on the loop.

    Nothing bounds how long that takes: a caller has one such work under way at most. If the loop
    is closed before, `done` is not called.
    """
    loop = asyncio.get_running_loop()

    def run() -> None:
        outcome: Result | OSError
        try:
            outcome = work()
        except OSError as error:
            outcome = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is interested
            loop.call_soon_threadsafe(done, outcome)

    threading.Thread(target=run, name="hbd-serial", daemon=True).start()
