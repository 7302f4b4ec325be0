"""The other end of a serial line in tests: the master of a real pty pair."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable
from pathlib import Path

from tests.unit.link.recorder import WITHIN_S


class FarEnd:
    """Reads all that comes unless paused; the link opens `path`, a symbolic link to the slave."""

    def __init__(self, path: Path) -> None:
        self.received = bytearray()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._news = asyncio.Event()
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(self._slave))
        self.resume()

    def say(self, data: bytes) -> None:
        """Put bytes on the line, all at once."""
        assert os.write(self._master, data) == len(data)

    def pause(self) -> None:
        """Leave what comes where it is."""
        asyncio.get_running_loop().remove_reader(self._master)

    def resume(self) -> None:
        """Read again."""
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    def hang_up(self) -> None:
        """Go away, as an unplugged adapter does. Idempotent."""
        if self._master >= 0:
            self.pause()
            os.close(self._master)
            os.close(self._slave)
            self._master = -1

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Return once `is_true` after something was received."""
        async with asyncio.timeout(WITHIN_S):
            while not is_true():
                self._news.clear()
                await self._news.wait()

    def _readable(self) -> None:
        self.received += os.read(self._master, 4096)
        self._news.set()
