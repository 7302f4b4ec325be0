"""Commands on the machine that runs the lab, and the clock that all of the lab's figures share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ENDS_WITHIN = 1.0  # s for a process to end by itself once what it runs is killed: some ms

_STARTED = time.monotonic()


class LabError(Exception):
    """The lab itself could not do what was asked of it: never a verdict on hbd."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended."""

    argv: tuple[str, ...]
    status: int
    out: str
    err: str


def now() -> float:
    """Seconds on CLOCK_MONOTONIC: one clock for nodes, clients and watch, which share a kernel."""
    return time.monotonic()


def say(text: str) -> None:
    """One line of narration, with seconds since the lab program began."""
    print(f"[{time.monotonic() - _STARTED:7.2f}] {text}", flush=True)


async def run(
    argv: Sequence[str | Path],
    *,
    check: bool = True,
    within: float = 60.0,
    stdin: bytes | None = None,
    env: dict[str, str] | None = None,
) -> Finished:
    """Run `argv` to its end; LabError if it fails (unless `check` is off) or outlasts `within` s.

    A command that overruns, or whose waiter is cancelled, is killed: none is left behind.
    """
    words = tuple(str(word) for word in argv)
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
            start_new_session=True,
        )
    except OSError as error:
        raise LabError(f"cannot run {words[0]}: {error.strerror}") from error
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate(stdin)
    except TimeoutError as error:
        raise LabError(f"{' '.join(words)}: no end within {within:g} s") from error
    finally:
        await end(process)
    assert process.returncode is not None, "communicate() waits for the end"
    done = Finished(words, process.returncode, out.decode(errors="replace"), err.decode())
    if check and done.status != 0:
        raise LabError(f"{' '.join(words)}: status {done.status}: {done.err.strip() or done.out}")
    return done


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill a process that was started in a session of its own, with all its children.

    `nsenter` leaves the command it runs behind when it is killed alone. Killed with it, the command
    stays in its node as a zombie until this machine's init reaps it, and a node that is powered off
    meanwhile waits for it. So the command goes first: then `nsenter` reaps it and ends by itself.
    """
    if process.returncode is not None:
        return
    for child in _children(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), ENDS_WITHIN)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []


def start_time(pid: int) -> int | None:
    """When process `pid` began (clock ticks since boot), None if there is none.

    With the pid it names one process for ever, so a recycled pid is never mistaken for ours.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def must_be_root() -> None:
    """Namespaces, loop devices and containers need root; say so at once."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes namespaces, loop devices and containers")
