"""`hbctl status --watch`: show the state anew whenever the daemon tells of a change.

Nothing is asked for by the clock, but for the ages on a terminal once a second: counters and times
of hearing give no signal. When hbd or the bus goes away, that is shown, and so is its return.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from hbd.cli import show
from hbd.cli.client import Client, boot_usec, connected
from hbd.cli.lasts import Lasts
from hbd.cli.outcome import NOT_RUNNING, Exit, Trouble
from hbd.cli.picture import picture
from hbd.cli.terminal import Screen, is_terminal, style_of
from hbd.cli.view import StatusView

AGES_SECONDS = 1.0  # how often the ages on a terminal are read anew
BUS_RETRY_SECONDS = 1.0  # dbus-daemon is back within a second of a restart
_PASSING = (Exit.NOT_RUNNING, Exit.NO_BUS, Exit.UNKNOWN, Exit.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to see: the daemon's state, or why there is none."""

    view: StatusView | None
    why: str = ""

    def same_as(self, other: Sight | None) -> bool:
        """Whether nothing differs but what always does."""
        if other is None:
            return False
        if self.view is None or other.view is None:
            return self.view is other.view  # what is not there is not there, for any reason
        return self.at_rest == other.at_rest

    @property
    def at_rest(self) -> Sight:
        """The same without counters and times of hearing."""
        if self.view is None:
            return self
        links = tuple(replace(each, counters={}, last_heard_usec=0) for each in self.view.links)
        nodes = tuple(replace(each, last_heard_usec=0) for each in self.view.nodes)
        view = replace(self.view, links=links, nodes=nodes, denied_count=0, last_stall_usec=0)
        return replace(self, view=view)


Show = Callable[[Sight], None]


async def watch(*, as_json: bool) -> Exit:
    """Show and show again until interrupted, which is the ordinary end of it."""
    if as_json or not is_terminal(sys.stdout):
        await _until_interrupted(_lines(as_json=as_json), None)
        return Exit.DONE
    screen = Screen(sys.stdout)
    screen.enter()
    try:
        await _until_interrupted(lambda sight: screen.draw(_pictured(sight)), screen)
    finally:
        screen.leave()
    return Exit.DONE


async def _until_interrupted(show_it: Show, screen: Screen | None) -> None:
    loop = asyncio.get_running_loop()
    redraw = asyncio.Event()
    watching = asyncio.ensure_future(_watch(show_it, redraw, is_screen=screen is not None))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, watching.cancel)
    if screen is not None:
        loop.add_signal_handler(signal.SIGWINCH, redraw.set)
        loop.add_signal_handler(signal.SIGTSTP, _suspend, screen, redraw)
    with suppress(asyncio.CancelledError):
        await watching


def _suspend(screen: Screen, redraw: asyncio.Event) -> None:
    """Ctrl-Z: the shell gets its terminal as it was, and gives it back when we go on."""
    screen.leave()
    os.kill(os.getpid(), signal.SIGSTOP)
    screen.enter()
    redraw.set()


async def _watch(show_it: Show, redraw: asyncio.Event, *, is_screen: bool) -> None:
    """See, show, wait for news; without a bus, try to reach it again."""
    last: Sight | None = None

    def seen(sight: Sight) -> None:
        nonlocal last
        if is_screen or not sight.same_as(last):
            show_it(sight)
        last = sight

    while True:
        try:
            async with connected() as client:
                await client.attend()
                lasts = Lasts()
                while True:
                    seen(await _look(client, lasts))
                    await _news(client, redraw, is_screen=is_screen)
        except Trouble as trouble:
            if trouble.status not in _PASSING:
                raise
            seen(Sight(None, str(trouble)))
        await asyncio.sleep(BUS_RETRY_SECONDS)


async def _look(client: Client, lasts: Lasts) -> Sight:
    """What is to be seen now; a daemon that ends meanwhile is not there."""
    if not client.is_running:
        return Sight(None, NOT_RUNNING)
    try:
        return Sight(await lasts.read(client))
    except Trouble as trouble:
        if trouble.status not in (Exit.NOT_RUNNING, Exit.UNKNOWN):
            raise
        return Sight(None, NOT_RUNNING)


async def _news(client: Client, redraw: asyncio.Event, *, is_screen: bool) -> None:
    """Wait for a signal of the daemon's; on a screen also for another size and the next second."""
    waits = [asyncio.ensure_future(client.news()), asyncio.ensure_future(redraw.wait())]
    try:
        done, _ = await asyncio.wait(
            waits,
            timeout=AGES_SECONDS if is_screen else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        for each in waits:
            each.cancel()
    redraw.clear()
    for each in done:
        each.result()


def _pictured(sight: Sight) -> str:
    if sight.view is None:
        return f"{sight.why}\nWaiting for it. Ctrl-C ends."
    return picture(sight.view, boot_usec(), style_of(sys.stdout))


def _lines(*, as_json: bool) -> Show:
    """For a pipe: JSON in one line each, or text with an empty line after it."""

    def told(sight: Sight) -> str:
        now_usec = boot_usec()
        if as_json:
            if sight.view is None:
                return show.stopped_as_json(now_usec)
            return show.as_json(sight.view, now_usec, indent=None)
        return f"{show.as_text(sight.view, now_usec) if sight.view else sight.why}\n"

    return lambda sight: print(told(sight), flush=True)
