"""Running a program to its end or to its deadline, and leaving nothing of it behind.

It knows no fencing. The program has a session of its own, so that everything it started ends with
it, also when it has ended well itself. Of what it writes the end is kept, never all of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError
from hbd.schedule import be_ordinary

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
    async with _output() as (output, theirs):
        try:
            process = await _start(argv, theirs)
        except OSError as error:
            raise AdapterError(f"Failed to start '{argv[0]}': {error.strerror}") from error
        finally:
            os.close(theirs)
        return await _to_its_end(process, argv[0], said, output, limit_usec)


async def _start(argv: Sequence[str], output: int) -> asyncio.subprocess.Process:
    """The program, begun; when the caller is cancelled meanwhile, it has been ended again.

    asyncio must not be cancelled here itself: it would wait for ever for the end of a process of
    which it has not yet opened the pipe.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=be_ordinary,
            env=ENVIRONMENT,
            cwd="/",
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        if starting.exception() is None:
            await _end(starting.result())
        raise


@contextlib.asynccontextmanager
async def _output() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """A pipe: where to listen, and the end for the program, which the caller closes.

    It is not asyncio's own, whose wait() would wait for whoever else has that end: a service that
    systemd-run has passed it to lives on when systemd-run is killed.
    """
    ours, theirs = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", buffering=0)
    )
    try:
        yield reader, theirs
    finally:
        transport.close()


async def _to_its_end(
    process: asyncio.subprocess.Process,
    name: str,
    said: str,
    output: asyncio.StreamReader,
    limit_usec: Usec,
) -> Finished:
    tail = bytearray()
    try:
        async with asyncio.timeout(limit_usec / SECOND):
            await _say(process, said)
            await _listen(output, tail)
            status = await process.wait()
    except TimeoutError as error:
        raise AdapterError(
            f"Failed to finish '{name}': not done after {limit_usec / SECOND:g} s, killed; "
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


async def _listen(output: asyncio.StreamReader, tail: bytearray) -> None:
    while piece := await output.read(PIECE_BYTES):
        tail += piece
        del tail[:-KEPT_BYTES]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the group, and reap the leader; a killed process ends at once."""
    assert process.stdin is not None, "it was asked for"
    process.stdin.close()  # wait() waits for this pipe too
    with contextlib.suppress(ProcessLookupError):  # nothing is left
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _text(tail: bytearray) -> str:
    return bytes(tail).decode(errors="replace").strip()
