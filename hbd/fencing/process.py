"""Running a program to its end or to its deadline, and leaving nothing of it behind.

It knows no fencing. The program has a session of its own, so that everything it started ends with
it, also when it has ended well itself. Of what it writes the end is kept, never all of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError

KEPT_BYTES: Final = 4096  # of the output, its end: where programs say what was wrong
PIECE_BYTES: Final = 4096
# systemd gives the daemon variables that are nobody else's business (NOTIFY_SOCKET, …).
ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}


@dataclass(frozen=True, slots=True)
class Finished:
    """How it ended: `status` as a shell would say, below zero for a signal; the end of `output`."""

    status: int
    output: str


async def run(argv: Sequence[str], said: str, limit_usec: Usec) -> Finished:
    """Run `argv` with `said` on its standard input; standard output and error are one.

    AdapterError when it cannot be started or has not ended, its output closed, in time. In either
    case, and when the caller is cancelled, its whole process group is killed.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=ENVIRONMENT,
            cwd="/",
        )
    except OSError as error:
        raise AdapterError(f"Failed to start '{argv[0]}': {error.strerror}") from error
    tail = bytearray()
    try:
        async with asyncio.timeout(limit_usec / SECOND):
            await _say(process, said)
            await _listen(process, tail)
            status = await process.wait()
    except TimeoutError as error:
        raise AdapterError(
            f"Failed to finish '{argv[0]}': not done after {limit_usec / SECOND:g} s, killed; "
            f"it said: {_text(tail) or 'nothing'}"
        ) from error
    finally:
        await _end(process)
    return Finished(status, _text(tail))


async def _say(process: asyncio.subprocess.Process, said: str) -> None:
    assert process.stdin is not None, "it was asked for"
    process.stdin.write(said.encode())
    with contextlib.suppress(ConnectionError):  # it did not want to hear it, and will say why
        await process.stdin.drain()
    process.stdin.close()


async def _listen(process: asyncio.subprocess.Process, tail: bytearray) -> None:
    assert process.stdout is not None, "it was asked for"
    while piece := await process.stdout.read(PIECE_BYTES):
        tail += piece
        del tail[:-KEPT_BYTES]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the group, and reap the leader; a killed process ends at once."""
    with contextlib.suppress(ProcessLookupError):  # nothing is left
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _text(tail: bytearray) -> str:
    return bytes(tail).decode(errors="replace").strip()
