"""Commands in a machine, by QEMU's guest agent over a virtio port: no network is needed.

So a node whose every cable is cut can still be asked. The agent starts a command, and is asked
again until it has ended; it cannot tell by itself. A machine that does not answer (paused, dead,
panicked) costs the deadline and a resynchronisation with the next command that is answered.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab.harness.host import Finished, LabError, now
from tests.vm.harness.qmp import open_socket

_POLL = (0.05, 0.1, 0.1, 0.2, 0.3, 0.5)  # s; then the last for ever
_SYNC_WITHIN = 5.0  # s for the answer to one synchronisation
_SENTINEL = b"\xff"  # guest-sync-delimited: never part of JSON
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Agent:
    """The agent of one machine."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._turn = asyncio.Lock()
        self._is_in_step = False
        self._reader: asyncio.StreamReader | None = None

    async def connect(self, path: Path) -> None:
        """Use this socket; the agent itself may start later."""
        self._reader, self._writer = await open_socket(path, self._name)
        self._is_in_step = False

    def close(self) -> None:
        """Hang up."""
        if self._reader is not None:
            self._writer.close()
            self._reader = None

    async def is_there(self, within: float) -> None:
        """Return when the agent answers: the machine has booted so far."""
        async with self._limit(within, "the agent's first answer"):
            await self._ask("guest-ping")

    async def run(
        self, argv: Sequence[str], *, within: float, stdin: bytes | None = None
    ) -> Finished:
        """Run a command as root, to its end."""
        asked: dict[str, object] = {
            "path": argv[0], "arg": list(argv[1:]), "capture-output": True,
            "env": [_PATH, "LANG=C.UTF-8", "HOME=/root"],
        }  # fmt: skip
        if stdin is not None:
            asked["input-data"] = base64.b64encode(stdin).decode()
        async with self._limit(within, " ".join(argv)):
            pid = (await self._ask("guest-exec", **asked))["pid"]
            ended = await self._ended(pid)
        return Finished(tuple(argv), _status(ended), _text(ended, "out-data"),
                        _text(ended, "err-data"))  # fmt: skip

    async def send(self, argv: Sequence[str]) -> None:
        """Begin a command that nobody may live to answer."""
        async with self._limit(_SYNC_WITHIN, " ".join(argv)), self._turn:
            while not self._is_in_step:
                await self._synchronise()
            self._is_in_step = False
            asked = {"path": argv[0], "arg": list(argv[1:])}
            self._send({"execute": "guest-exec", "arguments": asked})

    async def _ended(self, pid: int) -> dict[str, Any]:
        turn = 0
        while True:
            told: dict[str, Any] = await self._ask("guest-exec-status", pid=pid)
            if told["exited"]:
                return told
            await asyncio.sleep(_POLL[min(turn, len(_POLL) - 1)])
            turn += 1

    async def write_file(self, path: str, data: bytes) -> None:
        """Put a file into the machine."""
        async with self._limit(60, f"writing {path}"):
            handle = await self._ask("guest-file-open", path=path, mode="wb")
            for place in range(0, len(data), 1 << 16):
                piece = base64.b64encode(data[place : place + (1 << 16)]).decode()
                await self._ask("guest-file-write", handle=handle, **{"buf-b64": piece})
            await self._ask("guest-file-close", handle=handle)

    def _limit(self, within: float, what: str) -> _Limit:
        return _Limit(self._name, within, what)

    async def _ask(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - any JSON
        async with self._turn:
            while not self._is_in_step:
                await self._synchronise()
            self._is_in_step = False  # until the answer is read: a cancelled wait leaves it behind
            self._send({"execute": command, "arguments": arguments})
            answer = await self._line()
            self._is_in_step = True
        if "error" in answer:
            raise LabError(f"{self._name}: {command}: {answer['error']['desc']}")
        return answer["return"]

    async def _synchronise(self) -> None:
        assert self._reader is not None, "connected first"
        number = random.randrange(1 << 31)
        self._writer.write(_SENTINEL)
        self._send({"execute": "guest-sync-delimited", "arguments": {"id": number}})
        try:
            async with asyncio.timeout(_SYNC_WITHIN):
                while True:
                    await self._reader.readuntil(_SENTINEL)
                    answer = await self._line()
                    if answer.get("return") == number:
                        self._is_in_step = True
                        return
        except TimeoutError:
            return  # not up yet, or standing still: ask once more

    def _send(self, question: dict[str, object]) -> None:
        self._writer.write(json.dumps(question).encode() + b"\n")

    async def _line(self) -> dict[str, Any]:
        assert self._reader is not None, "connected first"
        line = await self._reader.readline()
        if not line:
            raise LabError(f"{self._name}: is off")
        told: dict[str, Any] = json.loads(line.lstrip(_SENTINEL))
        return told


class _Limit:
    """A deadline that says what was waited for."""

    def __init__(self, name: str, within: float, what: str) -> None:
        self._error = f"{name}: {what}: no end within {within:g} s"
        self._timeout = asyncio.timeout(within)
        self._began = now()

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:  # noqa: ANN401
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise LabError(self._error) from late


def _status(ended: dict[str, Any]) -> int:
    """As a shell has it: 128 and the signal's number for a command that a signal ended."""
    return 128 + int(ended["signal"]) if "signal" in ended else int(ended["exitcode"])


def _text(ended: dict[str, Any], stream: str) -> str:
    return base64.b64decode(ended.get(stream, "")).decode(errors="replace")
