"""The client program: one protocol, one file, write and read back for ever.

    python -m tests.lab.harness.client.worker smb|nfs3|nfs4 SERVER NOTE-BOOK

It writes record after record, each acknowledged as stable before the next, and reads back one of
those already acknowledged. On any trouble it opens a new session and goes on with the record it was
at, trying again every `RETRY`. When its standard input closes or says `verify` it stops writing,
reads everything back and prints which acknowledged records are not intact, as JSON.
"""

from __future__ import annotations

import json
import logging
import random
import select
import sys
import time
from collections.abc import Callable
from typing import TextIO

from tests.lab.harness import files
from tests.lab.harness.client.nfs import NfsSession
from tests.lab.harness.client.record import SIZE, record
from tests.lab.harness.client.session import TIMES, Session, SessionLost
from tests.lab.harness.client.smb import SmbSession

PACE = 0.02  # s from one write to the next
RETRY = 0.02  # s from one failed attempt to the next
VERIFY_WITHIN = 30.0  # s to get a session for the final reading
_READ_AT_ONCE = 64  # records


def opener(stream: str, server: str) -> Callable[[], Session]:
    """How a session of this protocol is opened."""
    name = f"records-{stream}.dat"
    uid, export = files.FILES_UID, files.EXPORT
    choices: dict[str, Callable[[], Session]] = {
        "smb": lambda: SmbSession(server, files.SHARE, files.SMB_USER, files.SMB_PASSWORD, name),
        "nfs3": lambda: NfsSession(server, export, uid, name, 3),
        "nfs4": lambda: NfsSession(server, "/export", uid, name, 4),
    }
    return choices[stream]


class Worker:
    """One stream of records and the session it goes over at the moment."""

    def __init__(self, stream: str, server: str, book: TextIO) -> None:
        self._stream = stream
        self._open = opener(stream, server)
        self._book = book
        self._session: Session | None = None
        self._handle: bytes | None = None
        self._next = 0
        self._trouble = ""
        self._random = random.Random(stream)

    def step(self) -> bool:
        """Write one record and read one back; False if there was trouble and it must be retried."""
        try:
            session = self._session = self._session or self._open_again()
            session.write(self._next * SIZE, record(self._stream, self._next))
            self._note("w", str(self._next))
            self._next += 1
            self._read_back(session, self._random.randrange(self._next))
        except SessionLost as error:
            self._lose(str(error))
            return False
        self._trouble = ""
        return True

    def verify(self) -> dict[str, object]:
        """Read every acknowledged record again; names those that are not as they were written."""
        deadline = time.monotonic() + VERIFY_WITHIN * TIMES
        damaged: dict[int, str] = {}
        number = 0
        while number < self._next:
            try:
                session = self._session = self._session or self._open()
                count = min(_READ_AT_ONCE, self._next - number)
                data = session.read(number * SIZE, count * SIZE)
            except SessionLost as error:
                self._lose(str(error))
                if time.monotonic() > deadline:
                    return {
                        "records": self._next,
                        "damaged": damaged,
                        "unread": self._next - number,
                    }
                time.sleep(RETRY)
                continue
            for index in range(count):
                piece = data[index * SIZE : (index + 1) * SIZE]
                if piece != record(self._stream, number + index):
                    damaged[number + index] = _describe(piece)
            number += count
        return {"records": self._next, "damaged": damaged, "unread": 0}

    def _open_again(self) -> Session:
        """A new session; a file that has another handle than before is a stale one to its users."""
        session = self._open()
        if self._handle not in (None, session.handle):
            self._note("x", "the file's handle changed")
        self._handle = session.handle
        return session

    def _read_back(self, session: Session, number: int) -> None:
        if session.read(number * SIZE, SIZE) == record(self._stream, number):
            self._note("r", str(number))
        else:
            self._note("x", f"record {number} read back differs")

    def _lose(self, why: str) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None
        if why != self._trouble:  # the same refusal fifty times a second is said once
            self._note("x", "".join(char if char.isprintable() else " " for char in why))
        self._trouble = why

    def _note(self, kind: str, what: str) -> None:
        self._book.write(f"{kind} {time.monotonic():.6f} {what}\n")
        self._book.flush()


def _describe(piece: bytes) -> str:
    """What stands where a record should, in a few words."""
    if not piece:
        return "beyond the end of the file"
    if not piece.strip(b"\0"):
        return "zeros"
    return f"{len(piece)} bytes, beginning {piece[:24]!r}"


def main() -> None:
    """Run until told to verify; then verify, print the verdict and end."""
    stream, server, path = sys.argv[1:]
    logging.getLogger("smbprotocol").setLevel(logging.CRITICAL)  # losing the server is our subject
    with open(path, "a") as book:
        worker = Worker(stream, server, book)
        due = time.monotonic()
        while not _told_to_stop(due):
            well = worker.step()
            due = max(due + PACE, time.monotonic()) if well else time.monotonic() + RETRY
        print(json.dumps(worker.verify()), flush=True)


def _told_to_stop(due: float) -> bool:
    pause = max(0.0, due - time.monotonic())
    return bool(select.select([sys.stdin], [], [], pause)[0])


if __name__ == "__main__":
    main()
