"""Chromium's DevTools protocol over its pipe: commands, their answers, and events as they come.

`--remote-debugging-pipe` reads JSON messages from descriptor 3 and writes them to 4, each ended by
a zero byte. No port is opened and no library is needed. The protocol's reference is at
https://chromedevtools.github.io/devtools-protocol/.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

from tests.lab.harness.host import LabError

Message = dict[str, Any]
Listener = Callable[[str, Message], None]  # method, params

ANSWERS_WITHIN = 60.0  # s: some ms, but a first page on a busy machine has been seen to take many
LONGEST = 64 * 2**20  # bytes of one message: a screenshot of a tall page is a few million
_END = b"\0"


class Refused(LabError):
    """Chromium did not do what a command asked for."""


class Wire:
    """The connection to one browser. A session is one tab's; the empty one is the browser's own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Our ends of the two pipes; the reader's limit is at least LONGEST."""
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._listeners: dict[str, Listener] = {}
        self._writer = writer
        self._reading = asyncio.create_task(self._read(reader))

    def listen(self, session: str, listener: Listener) -> None:
        """Tell `listener` of every event of that session; it must not wait for anything."""
        self._listeners[session] = listener

    async def call(self, method: str, session: str = "", **params: object) -> Message:
        """Send one command and return its result; Refused if there is none."""
        if self._reading.done():
            raise Refused(f"{method}: the browser is gone")
        number = next(self._numbers)
        message: Message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._writer.write(json.dumps(message).encode() + _END)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                told: Message = await answer
        except TimeoutError as error:
            raise Refused(f"{method}: no answer within {ANSWERS_WITHIN:g} s") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in told:
            raise Refused(f"{method}: {told['error'].get('message')}")
        result: Message = told["result"]
        return result

    async def close(self) -> None:
        """Hang up."""
        self._reading.cancel()
        await asyncio.wait([self._reading])
        self._writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                self._take(json.loads((await reader.readuntil(_END))[:-1]))
        except asyncio.IncompleteReadError:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Refused("the browser ended"))

    def _take(self, message: Message) -> None:
        if "id" in message:
            answer = self._waiting.get(message["id"])
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif listener := self._listeners.get(message.get("sessionId", "")):
            listener(message["method"], message.get("params", {}))
