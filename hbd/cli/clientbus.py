"""dbus-next's connection as hbctl and the notifier use it: with an end that is one.

The library (0.2.3) reads for ever when the bus hangs up while it joins, leaves its socket open, and
complains of messages that were lost with the bus. One process of ours joins again and again.
"""

# mypy: allow-untyped-calls
# The library's inner functions have no annotations; this module is where they are called.

from __future__ import annotations

import asyncio
import contextlib

from dbus_next.aio.message_bus import MessageBus
from dbus_next.message import Message


class ClientBus(MessageBus):
    """A connection to a bus for somebody who asks, and serves nothing."""

    def send(self, msg: Message) -> asyncio.Future[None]:  # type: ignore[override]  # the library's
        """As the library's, whose own callers forget the future: asyncio would print its error."""
        sent: asyncio.Future[None] = super().send(msg)
        sent.add_done_callback(look_away)
        return sent

    def hang_up(self) -> None:
        """End the connection now."""
        self._user_disconnect = True
        self._finalize()

    async def _auth_readline(self) -> str:
        """As the library's, which reads on for ever when the bus hangs up meanwhile."""
        line = b""
        while not line.endswith(b"\r\n"):
            more = await self._loop.sock_recv(self._sock, 1)
            if not more:
                raise EOFError
            line += more
        return line[:-2].decode()

    def _setup_socket(self) -> None:
        try:
            super()._setup_socket()
        except BaseException:
            if self._sock is not None:
                self._stream.close()
                self._sock.close()
            raise

    def _finalize(self, err: BaseException | None = None) -> None:
        """End the connection once, and close its socket."""
        if self._disconnected:
            return  # the descriptor's number may be somebody else's by now
        super()._finalize(err)
        look_away(self._disconnect_future)
        with contextlib.suppress(OSError):
            self._stream.close()
        self._sock.close()


def look_away(future: asyncio.Future[None]) -> None:
    """Mark the reason as seen, or asyncio prints it at the end."""
    if future.done() and not future.cancelled():
        future.exception()
