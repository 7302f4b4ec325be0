"""Opening the Cockpit page with whatever the desktop opens web addresses with (xdg-open(1))."""

from __future__ import annotations

import asyncio
import logging
import os
from asyncio.subprocess import DEVNULL

OPENER = "xdg-open"
# A browser outlives the notifier: in a scope of its own it is not ended with our unit, and its
# memory is not counted as ours.
APART = (
    "systemd-run", "--user", "--scope", "--quiet", "--collect", "--slice=app.slice", "--",
)  # fmt: skip
MAX_OPENING = 8  # of impatient clicks at once: a browser that is just starting answers to none

_LOG = logging.getLogger("hbd-notify")


class Browser:
    """Opens one page. Nobody waits for it: a browser may stay in the foreground for days."""

    def __init__(self, page: str) -> None:
        self._page = page
        self._opening: set[asyncio.Task[None]] = set()

    def open(self, token: str) -> None:
        """Show the page; `token` lets the desktop bring its window to the front."""
        if len(self._opening) < MAX_OPENING:
            task = asyncio.ensure_future(self._open(token))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, token: str) -> None:
        environment = dict(os.environ)
        if token:
            environment |= {"XDG_ACTIVATION_TOKEN": token, "DESKTOP_STARTUP_ID": token}
        try:
            process = await asyncio.create_subprocess_exec(
                *APART, OPENER, self._page, stdin=DEVNULL, env=environment
            )
        except OSError as error:
            _LOG.warning("cannot open %s: %s: %s", self._page, APART[0], error.strerror)
            return
        if status := await process.wait():
            _LOG.warning("cannot open %s: %s ended with status %d", self._page, OPENER, status)
