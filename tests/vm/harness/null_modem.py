"""The null-modem cable between the nodes' second serial ports, with its modem lines.

Each QEMU hands the bytes of its UART to this relay over a socket. A pulled cable, or a machine
without power at the other end, lets DSR, DCD and CTS fall: QEMU's UART reads its lines from its
backend, and a pty has none; so for a cut the backend is exchanged for a pty. A socket tells QEMU of
no lines at all, therefore they rise again only when the machine that saw them fall is reset: the
one thing in which this cable is worse than one of copper. Bytes flow again at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from pathlib import Path

from tests.vm.harness.machine import Machine

_CHUNK = 4096


class NullModem:
    """The cable; its ends are 0 and 1."""

    def __init__(self, folder: Path) -> None:
        self.paths = (folder / "null-modem-0", folder / "null-modem-1")
        self.carried = [0, 0]  # bytes that came from each end
        self._writers: list[asyncio.StreamWriter | None] = [None, None]
        self._servers: list[asyncio.Server] = []
        self._silent: list[tuple[int, int, str]] = []

    async def start(self) -> None:
        """Wait for both machines to plug in."""
        for end, path in enumerate(self.paths):
            server = await asyncio.start_unix_server(self._plugged_in(end), str(path))
            self._servers.append(server)
            master, slave = pty.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._silent.append((master, slave, os.ttyname(slave)))

    def ports(self, end: int) -> list[str]:
        """The words that give a QEMU this end as its next serial port."""
        return ["-chardev", f"socket,id=null,path={self.paths[end]},reconnect=1",
                "-serial", "chardev:null"]  # fmt: skip

    async def pull(self, machine: Machine, end: int) -> None:
        """Take the plug out of a machine: its lines fall, nothing arrives."""
        await machine.qmp.ask("chardev-change", id="null",
                              backend=_backend("serial", device=self._silent[end][2]))  # fmt: skip

    async def plug(self, machine: Machine, end: int) -> None:
        """Put it back: bytes flow."""
        address = {"type": "unix", "data": {"path": str(self.paths[end])}}
        socket = _backend("socket", addr=address, server=False, reconnect=1)
        await machine.qmp.ask("chardev-change", id="null", backend=socket)

    async def close(self) -> None:
        """Remove the cable. When this returns no socket keeps the lab's folder busy."""
        for server in self._servers:
            server.close()
        for writer in self._writers:
            if writer is not None:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        for master, slave, _ in self._silent:
            os.close(master)
            os.close(slave)
        self._servers, self._writers, self._silent = [], [None, None], []

    def _plugged_in(self, end: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers[end] = writer
            with contextlib.suppress(OSError):
                while data := await reader.read(_CHUNK):
                    self.carried[end] += len(data)
                    other = self._writers[1 - end]
                    if other is not None:
                        other.write(data)
            if self._writers[end] is writer:
                self._writers[end] = None
            writer.close()

        return carry


def _backend(kind: str, **data: object) -> dict[str, object]:
    return {"type": kind, "data": data}
