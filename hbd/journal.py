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
import time
from collections import deque
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "hbd"
MAX_WAITING = 1000  # lines; some 400 KiB: a start, a takeover and a farewell make fewer than 100
RETRY_SECONDS = 0.01  # a datagram socket that is full gives no event to who is not connected
LAST_SECONDS = 0.5

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
    CONFIG_RELOADED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e1a"
    CONFIG_DRIFT = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7ec1"
    CONFIG_EQUAL = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7ec2"
    TRANSITION_BEGUN = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e30"
    TRANSITION_ENDED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e31"
    STEPS_RECORDED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e32"
    HEARTBEAT_RUNS = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e33"
    FENCE_WAITS = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e40"
    PEER_ON_DISK = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e41"
    DISK_LOST = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e42"
    REBOOTING = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e43"
    PREEMPTING = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e44"
    FENCING = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e45"
    WATCHDOG = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e46"
    FENCING_ENDED = "5f1e6d7b2c5a4a0f8f5d1f0a6c1b7e4f"


def fields(message_id: MessageId | None = None, **values: object) -> dict[str, dict[str, object]]:
    """The `extra` of a log call: `HBD_…` journal fields, and the MESSAGE_ID.

    `fields(MessageId.PEER_LOST, peer="ttisrv2")` becomes `HBD_PEER=ttisrv2`.
    """
    named: dict[str, object] = {f"HBD_{name.upper()}": value for name, value in values.items()}
    if message_id is not None:
        named["MESSAGE_ID"] = message_id.value
        named["HBD_EVENT"] = message_id.name.lower().replace("_", "-")
    return {"journal": named}


class JournalHandler(logging.Handler):
    """Sends each record to journald.

    journald reads slower than a daemon of real-time priority writes, and its socket may hold as few
    as ten lines (net.unix.max_dgram_qlen): a burst waits here, in order and bounded. A journal that
    is away costs nothing but the line.
    """

    def __init__(self, path: Path = SOCKET) -> None:
        super().__init__()
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._waiting: deque[bytes] = deque()
        self._is_due = False  # the event loop will try again
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
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(encode(pairs))
        else:
            self.lost_count += 1
        if not self._send_waiting():
            self._try_again()

    def flush(self) -> None:
        """Send what waits, for as long as a farewell may take: at the end of the program."""
        deadline = time.monotonic() + LAST_SECONDS
        while not self._send_waiting() and time.monotonic() < deadline:
            time.sleep(RETRY_SECONDS)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
        super().close()

    def _send_waiting(self) -> bool:
        """Send as much as journald takes now; whether nothing waits any more."""
        while self._waiting:
            try:
                self._socket.sendto(self._waiting[0], self._path)
            except BlockingIOError:
                return False
            except OSError:
                self.lost_count += 1
            self._waiting.popleft()
        return True

    def _try_again(self) -> None:
        """In a moment, if there is an event loop; else with the next line, or at the end."""
        loop = _running_loop()
        if loop is not None and not self._is_due:
            self._is_due = True
            loop.call_later(RETRY_SECONDS, self._due)

    def _due(self) -> None:
        self._is_due = False
        if not self._send_waiting():
            self._try_again()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop, where one runs; asyncio is not loaded for the question alone."""
    if "asyncio" not in sys.modules:
        return None
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def encode(pairs: Mapping[str, object]) -> bytes:
    """The native protocol's form: `KEY=value`, or length-prefixed where the value has newlines.

    A tuple is a field with several values, of which each finds the line.
    """
    lines: list[bytes] = []
    for key, value in pairs.items():
        for each in value if isinstance(value, tuple) else (value,):
            data = _bytes(str(each))
            if b"\n" in data:
                size = len(data).to_bytes(8, "little")
                lines.append(key.encode() + b"\n" + size + data + b"\n")
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
