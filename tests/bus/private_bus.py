"""A dbus-daemon of our own: started by a test, ended by its process id, at a private address."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

DEADLINE_SECONDS = 10.0

OPEN_POLICY = """
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>"""

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>{policy}
</busconfig>
"""


class PrivateBus:
    """One bus at one address; it can die and come back there."""

    def __init__(self, folder: Path, policy: str = OPEN_POLICY) -> None:
        self._folder = folder
        self._policy = policy
        self._process: Process | None = None

    @property
    def address(self) -> str:
        """Where clients find it, alive or not."""
        return f"unix:path={self._folder / 'bus'}"

    async def start(self) -> None:
        """Start the daemon and return when it listens."""
        assert self._process is None
        (self._folder / "bus").unlink(missing_ok=True)
        config = self._folder / "bus.conf"
        config.write_text(
            CONFIGURATION.format(socket=self._folder / "bus", policy=self._policy),
            encoding="utf-8",
        )
        command = ("dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile")
        self._process = await asyncio.create_subprocess_exec(
            *command, "--print-address", stdout=PIPE, stderr=DEVNULL
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            line = await self._process.stdout.readline()
        assert line.startswith(b"unix:"), "dbus-daemon did not start"

    async def kill(self) -> None:
        """End it without a word, as a crash does. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.communicate()
