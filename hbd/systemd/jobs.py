"""Jobs of systemd that somebody waits for: from a job's path to the word it ended with.

Pure bookkeeping around futures. A short job may be removed before the reply that names it has been
read by its caller, so while any call is outstanding the results of unknown jobs are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from hbd.errors import AdapterError


class Jobs:
    """Who waits for which job."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[str]]] = {}
        self._early: dict[str, str] = {}
        self._asking = 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around the call that returns a job's path and `wait` for it: no result is missed."""
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                self._early.clear()

    def removed(self, job: str, result: str) -> None:
        """JobRemoved was heard."""
        if self._asking:
            self._early[job] = result
        for future in self._waiting.pop(job, []):
            if not future.done():
                future.set_result(result)

    def lost(self, why: str) -> None:
        """The connection is gone: the results of all jobs are unknown."""
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(AdapterError(why))
        self._waiting.clear()
        self._early.clear()

    async def wait(self, job: str) -> str:
        """The result of `job`, in systemd's word: done, failed, timeout, dependency …

        Raises AdapterError when the connection is lost meanwhile. Only within `asking`.
        """
        assert self._asking, "a job is waited for inside the `asking` that began before the call"
        if job in self._early:
            return self._early[job]
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job, []).append(future)
        try:
            return await future
        finally:
            self._forget(job, future)

    def _forget(self, job: str, future: asyncio.Future[str]) -> None:
        futures = self._waiting.get(job, [])
        if future in futures:
            futures.remove(future)
            if not futures:
                del self._waiting[job]
