"""What a notification server is asked to show, as it goes over the bus, and what it shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.lab.desktop.session import Session
from tests.lab.harness.host import LabError, end
from tests.lab.story.signals import PING

SERVER = "org.freedesktop.Notifications"
_READY_WITHIN = 10.0
_NAMES = ("--match", "type='signal',member='NameOwnerChanged'")
_LINE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Shown:
    """One notification, as the server took it. `replaces` is 0 for one in a place of its own."""

    number: int
    replaces: int
    summary: str
    body: str
    urgency: int


class Notifications:
    """The notifications since `followed` began; each can be asked for once, in any order."""

    def __init__(self, lines: asyncio.StreamReader) -> None:
        self._lines = lines
        self._seen: list[Shown] = []
        self._asked: dict[tuple[str, int], list[Any]] = {}

    async def next(self, *words: str, within: float) -> Shown:
        """The first one that has all these words in summary or body; LabError after `within` s."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for shown in self._seen:
                        if all(word in f"{shown.summary}\n{shown.body}" for word in words):
                            self._seen.remove(shown)
                            return shown
                    self._seen.append(await self._read())
        except TimeoutError as error:
            what = " ".join(words)
            raise LabError(f"no notification of {what} in {within:g} s: {self._seen}") from error

    async def _read(self) -> Shown:
        while line := await self._lines.readline():
            shown = self._shown(json.loads(line)) if line.startswith(b"{") else None
            if shown is not None:
                return shown
        raise LabError("the session's bus ended while it was followed")

    def _shown(self, told: dict[str, Any]) -> Shown | None:
        """A call becomes a notification once the server has answered with its number."""
        if told.get("member") == "Notify" and told["type"] == "method_call":
            self._asked[told["sender"], told["cookie"]] = told["payload"]["data"]
        asked = self._asked.pop((told.get("destination", ""), told.get("reply_cookie", 0)), None)
        if asked is None or told["type"] != "method_return":
            return None
        _, replaces, _, summary, body, _, hints, _ = asked
        return Shown(told["payload"]["data"][0], replaces, summary, body, hints["urgency"]["data"])


@asynccontextmanager
async def followed(session: Session) -> AsyncIterator[Notifications]:
    """Follow what goes to the session's notification server and comes back from it."""
    process = await asyncio.create_subprocess_exec(
        *session.node.enter(session.user),
        *session.enter(["busctl", "--user", "--json=short", "monitor", *_NAMES, SERVER]),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, limit=_LINE_LIMIT, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None, "asked for a pipe"
    try:
        async with asyncio.timeout(_READY_WITHIN):
            await _hears(session, process.stdout)
        yield Notifications(process.stdout)
    finally:
        await end(process)


async def _hears(session: Session, lines: asyncio.StreamReader) -> None:
    """Return when the monitor hears: whoever comes to the bus causes a signal."""
    first = asyncio.create_task(lines.readline())
    try:
        while not first.done():
            await session.run(["busctl", "--user", "call", *PING], check=False)
            await asyncio.wait([first], timeout=0.02)
    finally:
        first.cancel()


async def on_screen(session: Session) -> int:
    """How many notifications the screen shows, once it shows one."""
    await session.run(["xdotool", "search", "--sync", "--onlyvisible", "--class", "Dunst"])
    return int((await session.run(["dunstctl", "count", "displayed"])).out)


async def history(session: Session) -> dict[int, str]:
    """What has been on the screen and was closed: number and summary, by dunst's own word."""
    told = json.loads((await session.run(["dunstctl", "history"])).out)
    return {each["id"]["data"]: each["summary"]["data"] for each in told["data"][0]}
