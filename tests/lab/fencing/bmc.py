"""A management board that is real enough to be fenced through: OpenIPMI's ipmi_sim over UDP.

Its power switch is a script that starts and kills a real process group: any command can stand for
the machine, a sleep here, QEMU elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness import ipmi
from tests.lab.harness.ipmi import PASSWORD, USER

CIPHER = "3"  # else ipmitool asks for the list first, which ipmi_sim answers by silence: 10 s
READY_SECONDS = 20.0

# ipmi_lan(5): `get power` prints power:0 or power:1; `set power N` does it.
SWITCH = """\
#!/bin/sh
# $1: get, set or check; then what, and the value
pid=$(cat {run}/pid 2>/dev/null)
running() {{ [ -n "$pid" ] && kill -0 "-$pid" 2>/dev/null; }}
off() {{ running && kill -KILL "-$pid"; rm -f {run}/pid; }}
on() {{
    running && return
    setsid {machine} </dev/null >/dev/null 2>&1 &
    echo $! > {run}/pid
}}
op=$1; shift
while [ $# -gt 0 ]; do
    case $op:$1 in
        get:power) if running; then echo power:1; else echo power:0; fi; shift ;;
        get:*) echo "$1:0"; shift ;;
        set:power) [ -e {run}/stuck ] || if [ "$2" = 1 ]; then on; else off; fi; shift 2 ;;
        set:reset) [ -e {run}/stuck ] || {{ off; pid=; on; }}; shift 2 ;;
        *) shift ;;
    esac
done
"""


@dataclass(slots=True)
class Bmc:
    """The board and the machine it powers."""

    run: Path
    port: int

    def is_on(self) -> bool:
        """Whether the machine's processes are there; asked of the kernel, not of the board."""
        try:
            os.killpg(int((self.run / "pid").read_text()), 0)
        except (OSError, ValueError):
            return False
        return True

    def stick(self) -> None:
        """From now on the switch accepts commands and does nothing."""
        (self.run / "stuck").touch()

    @property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """For fence_ipmilan."""
        return (
            ("ip", "127.0.0.1"),
            ("ipport", str(self.port)),
            ("username", USER),
            ("password", PASSWORD),
            ("lanplus", "1"),
            ("cipher", CIPHER),
            ("power_wait", "0"),
        )


@asynccontextmanager
async def bmc(directory: Path, machine: str = "sleep infinity") -> AsyncIterator[Bmc]:
    """A board of its own on loopback, the machine switched on; all of it ends with the context."""
    directory.mkdir()  # noqa: ASYNC240 - a test's own directory
    board = Bmc(directory, _free_port())
    switch = directory / "switch"
    switch.write_text(SWITCH.format(run=shlex.quote(str(directory)), machine=machine))
    switch.chmod(0o755)
    simulator = await asyncio.create_subprocess_exec(
        *ipmi.simulator(directory, "127.0.0.1", board.port, switch),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        await _switch(board, "on")
        yield board
    finally:
        os.killpg(simulator.pid, signal.SIGKILL)
        await simulator.wait()
        if board.is_on():
            os.killpg(int((directory / "pid").read_text()), signal.SIGKILL)


async def _switch(board: Bmc, action: str) -> None:
    """By ipmitool, which asks again by itself until the board answers."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            tool = await asyncio.create_subprocess_exec(
                "ipmitool", "-I", "lanplus", "-H", "127.0.0.1", "-p", str(board.port),
                "-C", CIPHER, "-U", USER, "-P", PASSWORD, "power", action,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            if await tool.wait() == 0:
                return


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
