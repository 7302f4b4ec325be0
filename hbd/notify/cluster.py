"""What the cluster does, heard on the system bus: scenes of it become news.

Nothing is asked for by the clock. hbd's signals say that something has changed; then all of it is
read. hbd may stop and come back, and so may the bus: the next scene is compared with the last.
"""

from __future__ import annotations

import asyncio
import logging
import pwd
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from hbd.cli.client import Client, connected
from hbd.cli.lasts import Lasts
from hbd.cli.outcome import Exit, Trouble
from hbd.cli.past import RUNNING
from hbd.cli.problems import problems
from hbd.cli.view import StatusView
from hbd.cluster.terms import Phase
from hbd.notify import words
from hbd.notify.note import News
from hbd.notify.standing import Standing
from hbd.notify.words import Scene

# One change is told by several signals, within some milliseconds.
GATHER_SECONDS = 0.3
# A restart or an upgrade of the daemon takes a second or two, and is no news.
GONE_SECONDS = 10.0
# dbus-daemon is back within a second of a restart; one that stays away is asked for more seldom.
BUS_RETRY_SECONDS = (1.0, 30.0)

_LOG = logging.getLogger("hbd-notify")

Tell = Callable[[Iterable[News]], None]


class Cluster:
    """Watches hbd and tells what is new: `tell` gets it."""

    def __init__(self, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self.seen = asyncio.Event()  # a scene was read: hbd runs and is active
        self._tell = tell
        self._clock = clock
        self._before: Scene | None = None
        self._standing = Standing()
        self._look_at: float | None = None
        self._gone_since: float | None = None
        self._gone_told = False

    async def run(self) -> None:
        """Watch for ever. Whatever keeps hbd from being asked is said once, and tried again."""
        retry = BUS_RETRY_SECONDS[0]
        said = ""
        while True:
            try:
                async with connected() as client:
                    retry = BUS_RETRY_SECONDS[0]
                    await client.attend()
                    await self._attend(client)
            except Trouble as trouble:
                self._absent()
                if said != str(trouble):
                    said = str(trouble)
                    _LOG.info("%s; trying again", said)
            await asyncio.sleep(retry)
            retry = min(retry * 2, BUS_RETRY_SECONDS[1])

    async def _attend(self, client: Client) -> None:
        lasts = Lasts()
        while True:
            try:
                if client.is_running:
                    self._present(await lasts.read(client), lasts)
                else:
                    self._absent()
            except Trouble as trouble:
                if trouble.status not in (Exit.NOT_RUNNING, Exit.UNKNOWN):
                    raise
                self._absent()
            await self._news(client)

    async def _news(self, client: Client) -> None:
        """Wait until something was told, or until what was seen must be looked at again."""
        wait = None if self._look_at is None else max(0.0, self._look_at - self._clock())
        try:
            async with asyncio.timeout(wait):
                await client.news()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_SECONDS)

    def _present(self, view: StatusView, lasts: Lasts) -> None:
        if self._gone_told:
            self._tell([words.running_again()])
        self._gone_since, self._gone_told, self._look_at = None, False, None
        if view.phase != Phase.ACTIVE.value:
            return  # it does not know yet, or no longer
        found = words.standing(problems(view))
        if self._before is None:
            counted = self._standing.first(found)
        else:
            counted, self._look_at = self._standing.feed(
                found, self._clock(), view.keepalive_usec / 1e6
            )
        kept = dict(self._before.moves) if self._before else {}
        over = {
            name: replace(last, requested_by=person(last.requested_by))
            for name, last in lasts.transitions.items()
            if last.result != RUNNING
        }
        scene = Scene(view, counted, kept | over)
        self._tell(words.news(self._before, scene))
        if self._before is None:
            _LOG.info("watching %s and %s", view.node, view.peer)
        self._before = scene
        self.seen.set()

    def _absent(self) -> None:
        """hbd cannot be asked. Told once it is not a restart; never where it was not seen."""
        if self._before is None or self._gone_told:
            self._look_at = None
            return
        now = self._clock()
        self._gone_since = now if self._gone_since is None else self._gone_since
        self._look_at = self._gone_since + GONE_SECONDS
        if now >= self._look_at:
            self._gone_told, self._look_at = True, None
            self._tell([words.stopped(self._before.view)])


def person(told: str) -> str:
    """Who asked: `uid 1001` by the name that this machine knows; any other word as it is."""
    _, _, number = told.partition("uid ")
    with suppress(ValueError, KeyError):
        return pwd.getpwuid(int(number)).pw_name
    return told
