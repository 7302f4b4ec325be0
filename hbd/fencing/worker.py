"""Calls that may hang, one disk's, beside the loop and each under a deadline.

A thread inside an ioctl on a dead disk cannot be ended, not even by SIGKILL. So it is left behind
when its time is over: counted, named, and bounded in number. What changes the disk happens one at a
time and in the order asked, also when an answer is late: while a change is left behind nothing else
may be changed, since nobody can say which would be the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from hbd import threads
from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError

# One change and some looks: each thread costs memory, and more would tell no more.
MOST_THREADS: Final = 4

T = TypeVar("T")


class Worker:
    """The threads of one disk, `name`."""

    def __init__(self, name: str, limit_usec: Usec) -> None:
        self.name = name
        self._limit_usec = limit_usec
        self._under_way: dict[asyncio.Future[None], str] = {}
        self._change: asyncio.Future[None] | None = None

    @property
    def unsettled(self) -> str | None:
        """The change whose outcome is not known yet: the disk may still be changed by it."""
        return None if self._change is None else self._under_way[self._change]

    @property
    def left_behind(self) -> int:
        """How many threads are inside a call now."""
        return len(self._under_way)

    async def look(self, what: str, work: Callable[[], T]) -> T:
        """Run `work`, which changes nothing; AdapterError when it takes too long.

        What `work` itself raises is raised here.
        """
        return await self._limited(what, work, changes=False)

    async def change(self, what: str, work: Callable[[], T]) -> T:
        """Run `work` after every change before it; AdapterError when the two take too long.

        It is not started when its turn does not come in time. Once started it may take effect
        after its time is over, too (`unsettled`).
        """
        return await self._limited(what, work, changes=True)

    async def _limited(self, what: str, work: Callable[[], T], *, changes: bool) -> T:
        try:
            async with asyncio.timeout(self._limit_usec / SECOND):
                while changes and self._change is not None:
                    await asyncio.shield(self._change)
                return await self._in_thread(what, work, changes=changes)
        except TimeoutError as error:
            raise AdapterError(
                f"Failed to {what} on '{self.name}': no answer within "
                f"{self._limit_usec / SECOND:g} s, the disk or the path to it hangs; "
                f"{len(self._under_way)} of at most {MOST_THREADS} calls left behind"
                f"{self._warning()}"
            ) from error

    def _warning(self) -> str:
        return f", and '{self.unsettled}' may still take effect" if self.unsettled else ""

    def _in_thread(self, what: str, work: Callable[[], T], *, changes: bool) -> asyncio.Future[T]:
        if len(self._under_way) >= MOST_THREADS:
            raise AdapterError(
                f"Failed to {what} on '{self.name}': {MOST_THREADS} calls hang already; "
                f"not asking again before one of them returns"
            )
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            answer = threads.begin(f"disk {self.name}", work, lambda: self._settled(done))
        except RuntimeError as error:
            raise AdapterError(f"Failed to {what} on '{self.name}': {error}") from error
        self._under_way[done] = what
        if changes:
            self._change = done
        return answer

    def _settled(self, done: asyncio.Future[None]) -> None:
        del self._under_way[done]
        if self._change is done:
            self._change = None
        done.set_result(None)
