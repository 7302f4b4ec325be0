"""How a program that owns a lab runs: Ctrl-C and SIGTERM end it after its lab is taken down."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from tests.lab.harness.host import LabError

INTERRUPTED = 130  # the shell's word for "ended by Ctrl-C"


def main_program(work: Coroutine[Any, Any, int | None]) -> int:
    """Run `work` to its end; returns its exit status, 1 after a LabError, 130 if interrupted."""
    try:
        return asyncio.run(_interruptible(work)) or 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("lab: interrupted; taken down", file=sys.stderr)
        return INTERRUPTED


async def _interruptible(work: Coroutine[Any, Any, int | None]) -> int | None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sig, task.cancel)
    return await task
