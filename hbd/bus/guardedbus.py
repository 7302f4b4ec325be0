"""dbus-next's connection with its traps closed (dbus-next 0.2.3, the library's last release).

The endpoint can be called by every user of the machine, and the same loop sends the heartbeats.
Read in the library's source and tried on a private bus; each method below closes one trap:

* a bus that closes during authentication makes the library read an empty string for ever;
* every message is taken apart whole and in Python, up to 32 MiB: seconds without a heartbeat;
* a message of unknown type or shape ends the whole connection;
* messages are read as long as there are any, so one busy sender starves the loop;
* a socket that is full for a moment is taken for the end of the connection;
* every new signature is remembered for ever;
* answers queue without a limit when the bus does not read, and the socket is never closed.

It knows nothing of hbd.
"""

# mypy: allow-untyped-calls
# The library's inner functions have no annotations; this module is where they are called.

from __future__ import annotations

import asyncio
import contextlib
from struct import unpack_from

from dbus_next._private.unmarshaller import MarshallerStreamEndError, Unmarshaller
from dbus_next.aio.message_bus import MessageBus, _MessageWriter
from dbus_next.constants import BusType
from dbus_next.message import Message
from dbus_next.signature import SignatureTree

# The longest legal call to hbd is a group's name: under 1 KiB. Answers of the bus and of polkit
# are shorter still. (dbus-daemon itself lets 32 MiB through.)
MAX_MESSAGE_BYTES = 16 * 1024

# Messages handled before the loop may turn to the heartbeats, and how long it then has for them.
# One message costs some 0.3 ms: a flood gets a fifth of one processor, 800 messages a second, of
# a daemon that runs with real-time priority. hbctl sends five messages, busctl one by one.
MESSAGES_PER_TURN = 8
REST_SECONDS = 0.01

# Answers waiting for a bus that does not read: from here on no more calls are read...
PAUSE_AT_QUEUED = 256
PAUSE_SECONDS = 0.05
# ... and here (only our own signals get there) the connection is given up as dead.
MAX_QUEUED = 2048

# hbd's own messages use some thirty signatures.
MAX_SIGNATURES = 512

_FIXED_HEADER = 16
_SKIP_CHUNK = 64 * 1024


class GuardedUnmarshaller(Unmarshaller):
    """Reads one message; one that is too long or unreadable is passed over, not obeyed.

    After `unmarshall` returned True, `message` is the message, or None if it was passed over.
    """

    def __init__(self, stream: object) -> None:
        super().__init__(stream)
        self._left_to_skip: int | None = None

    def unmarshall(self) -> bool:
        """Go on reading; False if the rest has not arrived yet. Raise EOFError at the end."""
        try:
            return self._whole_message()
        except MarshallerStreamEndError:
            return False

    def _whole_message(self) -> bool:
        if self._left_to_skip is not None:
            return self._skip()
        self.offset = 0
        self.read(_FIXED_HEADER, prefetch=True)
        length = self._length()
        if length > MAX_MESSAGE_BYTES:
            self._left_to_skip = length - len(self.buf)
            return self._skip()
        self.read(length, prefetch=True)
        try:
            self._unmarshall()
        except Exception:  # noqa: BLE001  # whatever a stranger wrote must not end the connection
            self.message = None
        return True

    def _length(self) -> int:
        """The whole message's length, from its fixed header (D-Bus specification)."""
        order = "<" if self.buf[0] == ord("l") else ">"
        body: int
        fields: int
        (body,) = unpack_from(f"{order}I", self.buf, 4)
        (fields,) = unpack_from(f"{order}I", self.buf, 12)
        return _FIXED_HEADER + (fields + 7) // 8 * 8 + body

    def _skip(self) -> bool:
        assert self._left_to_skip is not None
        while self._left_to_skip > 0:
            self.buf, self.offset = bytearray(), 0
            wanted = min(self._left_to_skip, _SKIP_CHUNK)
            try:
                self.read(wanted)
            finally:
                self._left_to_skip -= len(self.buf)
        self.message = None
        return True


class GuardedWriter(_MessageWriter):
    """Writes queued messages as far as the socket takes them, and waits for it to take more."""

    def write_callback(self) -> None:
        """The socket is writable: go on."""
        try:
            while rest := self._rest():
                self.offset += self.sock.send(rest)
        except BlockingIOError:
            return  # the library gives up here; the selector will call again
        except OSError as error:
            self.bus._finalize(error)  # noqa: SLF001  # as the library's own writer does
            return
        self.loop.remove_writer(self.fd)

    def _rest(self) -> memoryview | None:
        """What is left of the message under way, else the next message, else None."""
        if self.buf is not None and self.offset < len(self.buf):
            return memoryview(self.buf)[self.offset :]
        if self.buf is not None and self.fut is not None and not self.fut.done():
            self.fut.set_result(None)
        self.buf = None
        if self.messages.empty():
            return None
        self.buf, _, self.fut = self.messages.get_nowait()
        self.offset = 0
        return memoryview(self.buf)


class GuardedBus(MessageBus):
    """A MessageBus for callers that are not to be trusted and for a bus that may die."""

    def __init__(self, address: str | None) -> None:
        if address is None:
            super().__init__(bus_type=BusType.SYSTEM)
        else:
            super().__init__(bus_address=address)
        self._writer = GuardedWriter(self)
        self.passed_over = 0  # messages that were too long or unreadable

    async def _auth_readline(self) -> str:
        """One line of the authentication; the library would spin at the end of the stream."""
        line = bytearray()
        while not line.endswith(b"\r\n"):
            more = await self._loop.sock_recv(self._sock, 1)
            if not more:
                raise EOFError
            line += more
        return line[:-2].decode("ascii", "replace")

    def _create_unmarshaller(self) -> GuardedUnmarshaller:
        return GuardedUnmarshaller(self._stream)

    def _message_reader(self) -> None:
        """Handle a few messages, then let the loop turn to more important things."""
        if self._disconnected:
            return
        if self._writer.messages.qsize() > PAUSE_AT_QUEUED:
            self._loop.remove_reader(self._fd)
            self._loop.call_later(PAUSE_SECONDS, self._read_on)
            return
        try:
            for _ in range(MESSAGES_PER_TURN):
                if not self._unmarshaller.unmarshall():
                    return
                self._take(self._unmarshaller.message)
                self._unmarshaller = self._create_unmarshaller()
        except Exception as error:  # noqa: BLE001  # as the library does: the connection is over
            self._finalize(error)
            return
        # The stream's own buffer may hold more, of which the selector knows nothing. Only one
        # of the two may wake us, or their number would grow with every turn.
        self._loop.remove_reader(self._fd)
        self._loop.call_later(REST_SECONDS, self._read_on)

    def _read_on(self) -> None:
        if not self._disconnected:
            self._loop.add_reader(self._fd, self._message_reader)
            self._message_reader()

    def _take(self, message: Message | None) -> None:
        if len(SignatureTree._cache) > MAX_SIGNATURES:  # noqa: SLF001  # the library's only leak
            SignatureTree._cache.clear()  # noqa: SLF001
        if message is None:
            self.passed_over += 1
        else:
            self._on_message(message)

    # The library's asyncio half returns a future, too; only its base class returns nothing.
    def send(self, msg: Message) -> asyncio.Future[None]:  # type: ignore[override]
        """Queue a message; its loss with the connection is not worth a line in the log."""
        if self._writer.messages.qsize() >= MAX_QUEUED:
            self._finalize(BufferError("the bus does not read what it is sent"))
        if self._disconnected:
            lost: asyncio.Future[None] = self._loop.create_future()
            lost.cancel()
            return lost
        sent: asyncio.Future[None] = super().send(msg)
        sent.add_done_callback(_look_away)
        return sent

    def forget(self, serial: int) -> None:
        """Expect no answer to a call any more; a late one is ignored."""
        self._method_return_handlers.pop(serial, None)

    def abandon(self) -> None:
        """End the connection now, whatever state it is in."""
        self._finalize(ConnectionAbortedError("given up"))

    def _setup_socket(self) -> None:
        try:
            super()._setup_socket()
        except BaseException:
            if self._sock is not None:
                self._stream.close()
                self._sock.close()
            raise

    def _finalize(self, err: BaseException | None = None) -> None:
        """End the connection once, and close its socket, which the library leaves open."""
        if self._disconnected:
            return  # the descriptor's number may be somebody else's by now
        super()._finalize(err)
        _look_away(self._disconnect_future)
        with contextlib.suppress(OSError):
            self._stream.close()
        self._sock.close()


def _look_away(future: asyncio.Future[None]) -> None:
    """Mark an exception as seen, or asyncio logs it when the future is forgotten."""
    if future.done() and not future.cancelled():
        future.exception()
