"""Who keeps a block device busy, found out by a process of its own (units/hbd-holders@.service).

To look into other users' processes takes rights that the daemon does not have, and /proc/PID/maps
of a process that hangs with its disk can hold whoever reads it. So systemd starts `main` with the
device's number as the unit's instance, and the daemon reads what it left in /run/hbd/holders. The
answer goes into an error message: it is one line, bounded, and late at no price but its own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError
from hbd.systemd import holders, unitname

DIRECTORY: Final = Path("/run/hbd/holders")
# A start of Python and a walk through /proc: 0.2 s; a busy machine takes longer. The group is not
# told as failed before, so the peer waits for this, too.
LIMIT_USEC: Final = Usec(3 * SECOND)
ANSWER_BYTES: Final = 1000  # eight names, each with the path of a mount


class UnitStarter(Protocol):
    """What is needed of Manager."""

    async def start(self, unit: str, timeout_usec: Usec) -> None:
        """Start a unit and wait until it has run."""


class Naming:
    """Asks the unit. `directory` is where it leaves its answer."""

    def __init__(self, systemd: UnitStarter, directory: Path = DIRECTORY) -> None:
        self._systemd = systemd
        self._directory = directory

    async def who(self, number: str) -> str:
        """`held by smbd[812] (cwd)`, or why that cannot be said; within LIMIT_USEC, no error."""
        answer = self._directory / number
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            answer.unlink(missing_ok=True)  # an older one is none
            await self._systemd.start(unitname.holders_unit(number), LIMIT_USEC)
            with answer.open("rb") as file:
                said = file.read(ANSWER_BYTES)
            answer.unlink(missing_ok=True)
        except (AdapterError, OSError) as problem:
            return f"held by something that could not be named ({problem})"
        return _one_line(said)


def _one_line(said: bytes) -> str:
    """Names of processes and mounts may hold anything: nothing unprintable leaves here."""
    text = said.decode("utf-8", errors="replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def leave_answer(number: str, directory: Path = DIRECTORY, proc: Path = holders.PROC) -> None:
    """Find out and write down, all or nothing. OSError if that is not possible."""
    text = holders.describe(holders.find(number, proc))
    said = text.encode("utf-8", errors="replace")
    draft = directory / f"~{number}"
    draft.write_bytes(said)
    draft.replace(directory / number)


def main(arguments: Sequence[str] | None = None) -> int:
    """hbd-holders@MAJOR:MINOR.service: leave the answer for the daemon."""
    (number,) = sys.argv[1:] if arguments is None else arguments
    try:
        leave_answer(number)
    except OSError as problem:
        sys.stderr.write(f"Failed to write '{DIRECTORY / number}': {problem.strerror}\n")
        return 1
    return 0
