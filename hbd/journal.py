"""journald's native protocol, and the fixed MESSAGE_ID of each event that an administrator meets.

One datagram per line, of `KEY=value` pairs (systemd's "Native Journal Protocol"). Where there is no
journal (a terminal, a container without one) the same line goes to standard error as text. It
knows no policy: who logs what, and when, is for the recorder and the adapters to say.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "hbd"

_PRIORITY = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
NOTICE = 25  # between INFO and WARNING: a group or the peer changed
logging.addLevelName(NOTICE, "NOTICE")
_PRIORITY[NOTICE] = 5


class MessageId(Enum):
    """One fixed identity per kind of event: `journalctl MESSAGE_ID=…` finds all of them."""

    STARTED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e01"
    LEFT = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e02"
    PEER_ACTIVE = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e03"
    PEER_LATE = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e04"
    PEER_LOST = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e05"
    PEER_FENCED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e06"
    PEER_LEFT = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e07"
    LINK_UP = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e08"
    LINK_DEAD = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e09"
    STALLED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e0a"
    OWNER_CHANGED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e0b"
    GROUP_STARTED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e0c"
    GROUP_STOPPED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e0d"
    START_FAILED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e0e"
    STOP_FAILED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e0f"
    RESOURCE_LOST = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e10"
    REQUESTED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e11"
    JOB_FINISHED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e12"
    LINK_FAULT = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e13"
    CONFIG_REFUSED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e14"
    UNPROTECTED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e15"
    REJECTED_INPUT = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e16"
    MAINTENANCE_BEGUN = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e17"
    MAINTENANCE_ENDED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e18"
    PEER_CONFIRMED_DOWN = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e19"


def fields(message_id: MessageId | None = None, **values: object) -> dict[str, object]:
    """The `extra` of a log call: `HBD_…` journal fields, and the MESSAGE_ID.

    `fields(MessageId.PEER_LOST, peer="ttisrv2")` becomes `HBD_PEER=ttisrv2`.
    """
    named = {f"HBD_{name.upper()}": value for name, value in values.items()}
    if message_id is not None:
        named["MESSAGE_ID"] = message_id.value
        named["HBD_EVENT"] = message_id.name.lower().replace("_", "-")
    return {"journal": named}


class JournalHandler(logging.Handler):
    """Sends each record to journald; a journal that does not answer costs nothing but the line."""

    def __init__(self, path: Path = SOCKET) -> None:
        super().__init__()
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.lost_count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """One record, one datagram; never blocks the loop, never raises."""
        pairs: dict[str, object] = {
            "MESSAGE": self.format(record),
            "PRIORITY": _PRIORITY.get(record.levelno, 6),
            "SYSLOG_IDENTIFIER": IDENTIFIER,
            "CODE_FILE": record.pathname,
            "CODE_LINE": record.lineno,
        }
        named = getattr(record, "journal", {})
        assert isinstance(named, Mapping), "journal fields are made by `fields`"
        pairs.update(named)
        try:
            self._socket.sendto(encode(pairs), self._path)
        except OSError:
            self.lost_count += 1

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
        super().close()


def encode(pairs: Mapping[str, object]) -> bytes:
    """The native protocol's form: `KEY=value`, or length-prefixed where the value has newlines."""
    lines: list[bytes] = []
    for key, value in pairs.items():
        data = _bytes(str(value))
        if b"\n" in data:
            lines.append(key.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n")
        else:
            lines.append(key.encode() + b"=" + data + b"\n")
    return b"".join(lines)


def _bytes(text: str) -> bytes:
    """Undecodable bytes of a file name as they were; what is no text at all, written out."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace")


def set_up(level: int = logging.INFO) -> logging.Logger:
    """hbd's one logger: to the journal when systemd runs us, else to standard error."""
    under_systemd = "JOURNAL_STREAM" in os.environ and SOCKET.exists()
    handler: logging.Handler
    handler = JournalHandler() if under_systemd else logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("hbd")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
    return logger
