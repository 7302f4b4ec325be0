"""A pseudo terminal with a command on it, as a person has it before them."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

DEADLINE_SECONDS = 20.0
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What was shown so far, what is typed, and how the command ended."""

    def __init__(self, file: int, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.raw = ""
        self._file = file
        self._news = asyncio.Event()

    def read(self) -> None:
        """Take what the command wrote; called when there is something."""
        with contextlib.suppress(BlockingIOError):
            self.raw += os.read(self._file, 65536).decode(errors="replace")
        self._news.set()

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._file, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Let the window have another size; the kernel tells the command."""
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))

    @property
    def settings(self) -> list[object]:
        """The terminal's own settings: echo, line mode, characters (termios(3))."""
        return list(termios.tcgetattr(self._file))

    async def shows(self, text: str) -> str:
        """Wait until this has been shown after what was taken before; take all up to it."""
        plain = SEQUENCE.sub("", self.raw)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while text not in plain:
                    self._news.clear()
                    await self._news.wait()
                    plain = SEQUENCE.sub("", self.raw)
        except TimeoutError:
            raise AssertionError(f"'{text}' was not shown, but: {plain}") from None
        self.raw = ""
        return plain

    async def ended(self) -> int:
        """Its exit status, once it has ended and everything it wrote was read."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def on_terminal(
    *command: str, environment: dict[str, str], columns: int = 80, lines: int = 50
) -> AsyncIterator[Terminal]:
    """The command with a controlling terminal of this size, ended with the block."""
    ours, its = pty.openpty()  # `its` stays open here, so that what was written can be read
    os.set_blocking(ours, False)
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *("setsid", "--ctty", *command),
        stdin=its,
        stdout=its,
        stderr=its,
        env=os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"} | environment,
    )
    terminal = Terminal(ours, process)
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, terminal.read)
    try:
        yield terminal
    finally:
        loop.remove_reader(ours)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(ours)
        os.close(its)
