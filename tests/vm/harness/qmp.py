"""QEMU's machine protocol: ask a running QEMU, and hear what it tells by itself.

One JSON object a line, answers in the order of the questions, events between them; QEMU's
"Machine Protocol Specification" has the rules.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.lab.harness.host import LabError, now

_CONNECTS_WITHIN = 20.0  # s for a QEMU just started to open its sockets: well below 1
_ANSWERS_WITHIN = 20.0
_LINE_LIMIT = 1 << 20


class Qmp:
    """The control connection of one QEMU. `resets` counts how often the machine started anew."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.resets = 0

    async def connect(self, path: Path) -> None:
        """Speak with the QEMU that has this socket."""
        reader, self._writer = await open_socket(path, self._name)
        self._task = asyncio.create_task(self._read(reader), name=f"qmp {self._name}")
        await self._answer("greeting")
        await self.ask("qmp_capabilities")

    async def ask(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - any JSON
        """What QEMU answers; LabError with its words if it refuses."""
        async with self._turn:
            question = {"execute": command, "arguments": arguments}
            self._writer.write(json.dumps(question).encode() + b"\n")
            answer = await self._answer(command)
        if "error" in answer:
            raise LabError(f"{self._name}: {command}: {answer['error']['desc']}")
        return answer["return"]

    async def close(self) -> None:
        """Hang up; QEMU goes on."""
        if self._task is not None:
            self._task.cancel()
            self._writer.close()
            self._task = None

    async def _answer(self, command: str) -> dict[str, Any]:
        try:
            return await asyncio.wait_for(self._answers.get(), _ANSWERS_WITHIN)
        except TimeoutError as error:
            raise LabError(f"{self._name}: QEMU does not answer {command}") from error

    async def _read(self, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            told = json.loads(line)
            if "event" not in told:
                self._answers.put_nowait(told)
            elif told["event"] == "RESET":
                self.resets += 1


async def open_socket(path: Path, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a socket of a QEMU just started, which makes it some ms later."""
    deadline = now() + _CONNECTS_WITHIN
    while True:
        try:
            return await asyncio.open_unix_connection(str(path), limit=_LINE_LIMIT)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            if now() > deadline:
                raise LabError(f"{name}: QEMU did not open {path.name}") from error
            await asyncio.sleep(0.02)
