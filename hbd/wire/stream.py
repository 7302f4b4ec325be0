"""From a serial line's bytes to whole classic messages; sans-I/O.

The line gives pieces of any size, with noise between and inside. A message is the lines from one
that ends in `>>>` to one that is `<<<`; a new `>>>` line inside a message means that the rest of
the old one is lost. What is cut or damaged inside fails its signature later; here only the frame
counts. As heartbeat's tty settings do, the eighth bit is cleared and CR dropped, and so is NUL,
which a BREAK leaves and no message contains.
"""

from __future__ import annotations

from hbd.wire.classic import HEAD, TAIL
from hbd.wire.message import MAX_MESSAGE_BYTES

_SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))
_DROPPED = b"\r\x8d\0\x80"
_START = HEAD[:-1]
_END = TAIL[:-1]


class ClassicFramer:
    """Holds at most one unfinished message; everything beyond its limit is noise.

    `noise_bytes` counts what was received and belonged to no message handed out.
    """

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self.noise_bytes = 0
        self._limit = limit
        self._line = bytearray()  # of the line that has no end yet
        self._lines: list[bytes] = []  # of the message that has no end yet, from `>>>` on
        self._size = 0  # bytes in _lines

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the line; return the messages that are complete now, in order."""
        clean = data.translate(_SEVEN_BITS, _DROPPED)
        self.noise_bytes += len(data) - len(clean)
        *ended, rest = clean.split(b"\n")
        messages = []
        for piece in ended:
            line = bytes(self._line + piece)
            self._line.clear()
            message = self._take(line)
            if message is not None:
                messages.append(message)
        self._line += rest
        if len(self._line) + self._size > self._limit:
            self._drop_all()
        return messages

    def reset(self) -> None:
        """Forget an unfinished message: the line was hung up, what follows is another's end."""
        self._drop_all()

    def _take(self, line: bytes) -> bytes | None:
        if line == _START or (not self._lines and line.endswith(_START)):
            self._drop_message()
            self.noise_bytes += len(line) - len(_START)
            self._keep(_START)
        elif not self._lines:
            self.noise_bytes += len(line) + 1
        elif line == _END:
            self._keep(line)
            message = b"".join(self._lines)
            self._lines.clear()
            self._size = 0
            return message
        else:
            self._keep(line)
        return None

    def _keep(self, line: bytes) -> None:
        self._lines.append(line + b"\n")
        self._size += len(line) + 1
        if self._size > self._limit:
            self._drop_message()

    def _drop_message(self) -> None:
        self.noise_bytes += self._size
        self._lines.clear()
        self._size = 0

    def _drop_all(self) -> None:
        self._drop_message()
        self.noise_bytes += len(self._line)
        self._line.clear()
