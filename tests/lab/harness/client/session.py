"""What the worker needs of a protocol: one session, good until its first trouble."""

from __future__ import annotations

import os
import socket
from typing import Protocol

# A server on an emulated processor is so many times slower; whoever starts the client knows.
PATIENCE = "HBD_LAB_PATIENCE"
TIMES = float(os.environ.get(PATIENCE, "1"))

ANSWER_WITHIN = 0.5 * TIMES  # s: a client that hears nothing for longer opens a new session
CONNECT_WITHIN = 0.04 * TIMES  # s: a SYN that meets nobody must not wait for TCP's 1 s


class SessionLost(Exception):
    """The session answered with an error, or not in time: a new one must be opened."""


class Session(Protocol):
    """One open file on the server, reached over one connection.

    `handle` is how the server calls the file, or empty where the protocol has no such lasting name.
    """

    handle: bytes

    def write(self, offset: int, data: bytes) -> None:
        """Return once the server says the data is on stable storage, else SessionLost."""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes that are there (fewer at the end of the file), else SessionLost."""

    def close(self) -> None:
        """Let go without waiting for anybody."""


def knock(server: str, port: int) -> None:
    """SessionLost unless somebody listens there, decided within `CONNECT_WITHIN`."""
    try:
        socket.create_connection((server, port), timeout=CONNECT_WITHIN).close()
    except OSError as error:
        raise SessionLost(f"connect {port}: {error}") from error
