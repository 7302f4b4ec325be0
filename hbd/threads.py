"""A call that may hang for ever, in a thread of its own that nobody has to wait for.

A thread inside a system call on a dead disk cannot be ended, not even by SIGKILL. How many may be
left behind, and what may be begun beside one, is for whoever asks to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def begin(name: str, work: Callable[[], T], returned: Callable[[], None]) -> asyncio.Future[T]:
    """Run `work` in a new thread; the answer is what it returns or raises.

    `returned` is called in the loop when the thread is back, also when nobody waits for the answer
    any more. RuntimeError: there can be no more threads, and nothing was begun.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(outcome: T | BaseException) -> None:
        returned()
        if answer.done():  # nobody waits any more
            return
        if isinstance(outcome, BaseException):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    def run() -> None:
        outcome: T | BaseException
        try:
            outcome = work()
        except Exception as error:  # noqa: BLE001 - carried over to the coroutine that asks
            outcome = error
        with contextlib.suppress(RuntimeError):  # the loop ended: hbd is leaving
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, name=name, daemon=True).start()  # hbd may end while it hangs
    return answer
