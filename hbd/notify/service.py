"""hbd-notify at work: what the cluster does goes through the pace to the desktop."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

from hbd.cli.check import Line
from hbd.cli.client import connected
from hbd.cli.outcome import Trouble
from hbd.notify.browser import Browser
from hbd.notify.cluster import Cluster
from hbd.notify.desktop import Desktop
from hbd.notify.findings import of_check
from hbd.notify.note import News, Note
from hbd.notify.pace import Pace

# After what was told last, both nodes are left in peace for so long before they are examined: a
# move is over, links are heard again.
CHECK_AFTER_SECONDS = 20.0
# What breaks unseen on the node that stands by tells of itself in no signal.
CHECK_EVERY_SECONDS = 24 * 3600.0


class Service:
    """The parts, joined."""

    def __init__(self, page: str) -> None:
        self._pace = Pace()
        self._desktop = Desktop(Browser(page).open, self._show_again)
        self._cluster = Cluster(self._tell)
        self._awake = asyncio.Event()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until SIGTERM or SIGINT, which is the ordinary end."""
        loop = asyncio.get_running_loop()
        whole = asyncio.ensure_future(self._all())
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, whole.cancel)
        with suppress(asyncio.CancelledError):
            await whole

    async def _all(self) -> None:
        parts = [
            asyncio.ensure_future(part)
            for part in (self._cluster.run(), self._check(), self._show())
        ]
        desktop = asyncio.ensure_future(self._desktop.run())
        try:
            done, _ = await asyncio.wait([*parts, desktop], return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()  # the reason why it ended
        finally:
            await _ended(parts)
            await self._desktop.close()
            await _ended([desktop])

    def _tell(self, news: Iterable[News]) -> None:
        told = list(news)
        if told:
            self._pace.add(told)
            self._changed.set()
            self._awake.set()

    def _show_again(self, lost: list[Note]) -> None:
        """There may be a notification server again; these went with the last one."""
        self._pace.take_back(lost)
        self._awake.set()

    async def _show(self) -> None:
        """Show what the pace lets through, when there is something new or a place to show it."""
        while True:
            wait = None
            if self._pace.next_at is not None and self._desktop.is_ready:
                wait = max(0.0, self._pace.next_at - time.monotonic())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._awake.wait()
            self._awake.clear()
            if not self._pace.is_idle and await self._desktop.find_server():
                released = self._pace.release(time.monotonic())
                self._pace.take_back(await self._desktop.show(released))

    async def _check(self) -> None:
        """Have the nodes examined: at the beginning, after what was told, and once a day."""
        known: list[Line] | None = None
        await self._cluster.seen.wait()
        while True:
            self._changed.clear()
            await asyncio.sleep(CHECK_AFTER_SECONDS)
            if self._changed.is_set():
                continue
            with suppress(Trouble):  # hbd is not there now: the next change leads here again
                async with connected() as client:
                    found = [Line(*words) for words in await client.check()]
                self._pace.add(of_check(known, found))
                self._awake.set()
                known = found
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY_SECONDS):
                    await self._changed.wait()


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
