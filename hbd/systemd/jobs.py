"""Jobs of systemd that somebody waits for: from a job's path to the word it ended with.

Pure bookkeeping around futures. A short job may be removed before the reply that names it has been
read by its caller, so while such a call is outstanding the results of unknown jobs are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hbd.errors import AdapterError

# Jobs that may end while one call is outstanding: a boot of systemd has some hundred in all. The
# oldest is forgotten first, so a flood can at worst turn a result into a timeout.
EARLY_MAX: Final = 1000

Result = asyncio.Future[str]


class Jobs:
    """Who waits for which job."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Result]] = {}
        self._early: dict[str, str] = {}
        self._asking = 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around the call that returns a job's path and `expect` for it: no result is missed."""
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                self._early.clear()

    def expect(self, job: str) -> Result:
        """The result of `job` to come, in systemd's word: done, failed, timeout, dependency …

        It becomes an AdapterError when the connection is lost meanwhile. Cancel it when nobody
        waits any more. Only within `asking`.
        """
        assert self._asking, "a job is expected inside the `asking` that began before the call"
        future: Result = asyncio.get_running_loop().create_future()
        if job in self._early:
            future.set_result(self._early[job])
        else:
            self._waiting.setdefault(job, []).append(future)
            future.add_done_callback(lambda done: self._forget(job, done))
        return future

    def removed(self, job: str, result: str) -> None:
        """JobRemoved was heard."""
        if self._asking:
            self._early[job] = result
            if len(self._early) > EARLY_MAX:
                del self._early[next(iter(self._early))]
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

    def _forget(self, job: str, future: Result) -> None:
        futures = self._waiting.get(job, [])
        if future in futures:
            futures.remove(future)
            if not futures:
                del self._waiting[job]
