"""What passes between an initiator and its disk: SCSI commands and their outcomes, from the bytes.

Pure: bytes in, outcomes out. RFC 7143 has the form of a PDU (48 bytes of header, further header
segments, data padded to 4; our sessions use no digests), SPC and SBC the commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = 48
_COMMAND, _RESPONSE, _DATA_IN = 0x01, 0x21, 0x25
_HAS_STATUS = 0x01  # in a Data-In PDU's flags

GOOD, RESERVATION_CONFLICT = 0x00, 0x18
_WRITES = {0x0A: "write", 0x2A: "write", 0x8A: "write", 0xAA: "write", 0x41: "write-same",
           0x93: "write-same", 0x42: "unmap", 0x89: "compare-and-write"}  # fmt: skip
_RESERVES = ("register", "reserve", "release", "clear", "preempt", "preempt-abort",
             "register-ignore", "register-move")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """One command that changes something: data, or who may write."""

    what: str  # write, write-same, unmap, or reserve's own words
    lba: int = 0
    blocks: int = 0

    @property
    def changes_data(self) -> bool:
        return self.what in _WRITES.values()


class PduStream:
    """Cuts one direction of a connection into headers; data is passed over."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The header of each PDU that is complete as far as its header."""
        self._buffer += data
        while True:
            passed = min(self._skip, len(self._buffer))
            self._buffer, self._skip = self._buffer[passed:], self._skip - passed
            if self._skip or len(self._buffer) < _HEADER:
                return
            header, self._buffer = self._buffer[:_HEADER], self._buffer[_HEADER:]
            length = int.from_bytes(header[5:8], "big")
            self._skip = header[4] * 4 + (length + 3) // 4 * 4
            yield header


class Conversation:
    """Both directions of one connection: which command is open, and how it ended."""

    def __init__(self) -> None:
        self._asked, self._answered = PduStream(), PduStream()
        self.open: dict[bytes, Command] = {}

    def asks(self, data: bytes) -> list[Command]:
        """Commands that the initiator begins with these bytes."""
        begun = []
        for header in self._asked.feed(data):
            command = _command(header[32:48]) if header[0] & 0x3F == _COMMAND else None
            if command is not None:
                self.open[header[16:20]] = command
                begun.append(command)
        return begun

    def answers(self, data: bytes) -> list[tuple[Command, int]]:
        """Commands that the disk ends with these bytes, each with its SCSI status."""
        ended = []
        for header in self._answered.feed(data):
            code = header[0] & 0x3F
            if code == _RESPONSE or (code == _DATA_IN and header[1] & _HAS_STATUS):
                command = self.open.pop(header[16:20], None)
                if command is not None:
                    ended.append((command, header[3]))
        return ended


def _command(cdb: bytes) -> Command | None:
    code = cdb[0]
    if code == 0x5F:
        action = cdb[1] & 0x1F
        return Command(_RESERVES[action] if action < len(_RESERVES) else f"reserve-{action}")
    if code not in _WRITES:
        return None
    match code:
        case 0x0A:
            return Command("write", int.from_bytes(cdb[1:4], "big") & 0x1FFFFF, cdb[4] or 256)
        case 0x2A | 0x41:
            return Command(_WRITES[code], int.from_bytes(cdb[2:6], "big"),
                           int.from_bytes(cdb[7:9], "big"))  # fmt: skip
        case 0x42:
            return Command("unmap")
        case 0xAA:
            return Command("write", int.from_bytes(cdb[2:6], "big"),
                           int.from_bytes(cdb[6:10], "big"))  # fmt: skip
        case 0x89:
            return Command("compare-and-write", int.from_bytes(cdb[2:10], "big"), cdb[13])
        case _:
            return Command(_WRITES[code], int.from_bytes(cdb[2:10], "big"),
                           int.from_bytes(cdb[10:14], "big"))  # fmt: skip
