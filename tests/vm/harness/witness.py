"""The storage switch that remembers: every write of every node, when it came and how it ended.

    python -m tests.vm.harness.witness ADDRESS PORT ARRAY LOG NAME=ADDRESS...

Nodes reach the array only through this relay. It changes no byte and answers for nobody. Each
command that changes something is a JSON line in LOG, written when the array has answered it:
who, what, where, when it was sent on, when it was answered, and the SCSI status. Times are this
machine's CLOCK_MONOTONIC. It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time
from typing import TextIO

from tests.vm.harness.iscsi import Command, Conversation

_CHUNK = 1 << 16
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 5), (socket.TCP_KEEPINTVL, 2), (socket.TCP_KEEPCNT, 3))


class Witness:
    """All connections; a node that connects anew has left its old connection."""

    def __init__(self, array: str, port: int, log: TextIO, names: dict[str, str]) -> None:
        self._array, self._port = array, port
        self._log = log
        self._names = names
        self._last: dict[str, asyncio.StreamWriter] = {}

    async def serve(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Relay one connection until either side ends it."""
        peer = answer.get_extra_info("peername")[0]
        name = self._names.get(peer, peer)
        with contextlib.suppress(OSError):
            far, ask = await asyncio.open_connection(self._array, self._port)
            for option, value in _KEEPALIVE:
                answer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, option, value)
            answer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            talk, since = Conversation(), dict[int, float]()
            ways = [
                asyncio.create_task(self._asks(near, ask, talk, since)),
                asyncio.create_task(self._answers(far, answer, talk, since, name)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                for command in talk.open.values():
                    self._note(name, command, since.get(id(command)), None)
                ask.close()
        answer.close()

    async def _asks(
        self, near: asyncio.StreamReader, ask: asyncio.StreamWriter, talk: Conversation,
        since: dict[int, float],
    ) -> None:  # fmt: skip
        while data := await near.read(_CHUNK):
            moment = time.monotonic()
            since.update({id(command): moment for command in talk.asks(data)})
            ask.write(data)
            await ask.drain()

    async def _answers(
        self, far: asyncio.StreamReader, answer: asyncio.StreamWriter, talk: Conversation,
        since: dict[int, float], name: str,
    ) -> None:  # fmt: skip
        while data := await far.read(_CHUNK):
            for command, status in talk.answers(data):
                self._note(name, command, since.pop(id(command), None), status)
            answer.write(data)
            await answer.drain()

    def _note(self, name: str, command: Command, sent: float | None, status: int | None) -> None:
        line = {"node": name, "what": command.what, "lba": command.lba, "blocks": command.blocks,
                "sent": sent, "answered": time.monotonic(), "status": status}  # fmt: skip
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()


async def main(words: list[str]) -> None:
    """Relay until standard input ends."""
    address, port, array, path, *named = words
    names = {where: name for name, _, where in (word.partition("=") for word in named)}
    with open(path, "a") as log:  # noqa: ASYNC230 - before the first connection
        witness = Witness(array, int(port), log, names)
        server = await asyncio.start_server(witness.serve, address, int(port))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
