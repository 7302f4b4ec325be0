"""A fence agent of Debian's fence-agents, by its calling convention (FenceAgentAPI.md there).

Options go to standard input as key=value, so that no password stands in a process list. `off` is
believed when `status` says so afterwards and not before. A timeout is a failure, never a success.

An agent may need what hbd's sandbox does not have: ssh keys in /root, serial lines, other sockets.
`outside_sandbox` has systemd run it as a unit of its own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Final

from hbd.cluster.terms import SECOND, NodeName, Usec
from hbd.errors import AdapterError
from hbd.fencing import process
from hbd.fencing.process import Finished

AGENTS: Final = Path("/usr/sbin")
NAME: Final = re.compile(r"fence_[a-z0-9_]+")
KEY: Final = re.compile(r"[a-z0-9_-]+")

OK, ON, OFF = 0, 0, 2  # exit statuses; 1 is a failure of whatever kind
TARGET_KEYS: Final = ("plug", "port")  # the one that ha.cf gives stands
# Parameters whose values nobody may read in a log.
SECRET: Final = re.compile(r"pass|secret|community|token|key", re.IGNORECASE)
REDACTED: Final = "***"
SHOWN_LINES: Final = 3  # of an agent's output in an error: the last ones say what was wrong
# The units of all agents are in it, so that stopping it ends whatever still runs of them.
SLICE: Final = "hbd-fence.slice"
POLL_SECONDS: Final = 1  # between two questions whether the power is off now

Wrap = Callable[[Sequence[str], Usec], Sequence[str]]


class PowerState(Enum):
    """What a power switch says of a machine."""

    ON = "on"
    OFF = "off"


def outside_sandbox(argv: Sequence[str], limit_usec: Usec) -> tuple[str, ...]:
    """The command that runs `argv` as a transient service, with its input, output and status.

    systemd ends it, and all it started, when its time is over, also when hbd has died meanwhile.
    That an agent says `off` by a status which systemd takes for a failure is not worth a warning.
    """
    return (
        *("/usr/bin/systemd-run", "--quiet", "--pipe", "--wait", "--collect"),
        *("--description=hbd: fence agent", f"--slice={SLICE}"),
        *("-p", f"RuntimeMaxSec={limit_usec}us", "-p", "KillSignal=SIGKILL"),
        *("-p", "TimeoutStopSec=1s", "-p", "DefaultDependencies=no", "-p", "LogLevelMax=err"),
        "--",
        *argv,
    )


def inside(argv: Sequence[str], limit_usec: Usec) -> Sequence[str]:
    """The command as it is: a child of this process."""
    return argv


class FenceAgent:
    """One device, asked through the agent `name` with `parameters`.

    Every call has `deadline_usec` for all it does. AdapterError says what failed, with the last
    lines of the agent and without its secrets.
    """

    def __init__(
        self,
        name: str,
        parameters: tuple[tuple[str, str], ...],
        deadline_usec: Usec,
        *,
        directory: Path = AGENTS,
        wrap: Wrap = inside,
    ) -> None:
        if not NAME.fullmatch(name):
            raise AdapterError(f"'{name}' is no name of a fence agent")
        for key, value in parameters:
            if not KEY.fullmatch(key) or not value.isprintable():
                raise AdapterError(f"the parameter '{key}' of {name} cannot be told to it")
        self.name = name
        self._parameters = parameters
        self._deadline_usec = deadline_usec
        self._path = str(directory / name)
        self._wrap = wrap

    def __repr__(self) -> str:
        """Without the parameters: they hold passwords."""
        return f"FenceAgent({self.name!r})"

    async def off(self, target: NodeName) -> None:
        """`target` has no power, by the device's own word afterwards. It may have been off before.

        AdapterError when that is not sure within the deadline: then nothing is known.
        """
        limit = self._deadline_usec / SECOND
        said = "it did not answer"
        try:
            async with asyncio.timeout(limit):
                finished = await self._ask("off", target)
                if finished.status != OK:
                    raise self._failure(f"turn '{target}' off", finished)
                while await self.status(target) is not PowerState.OFF:
                    said = "it says that the power is still on"
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            raise AdapterError(
                f"Failed to turn '{target}' off by {self.name}: not sure after {limit:g} s, {said}"
            ) from error

    async def status(self, target: NodeName) -> PowerState:
        """Whether `target` has power; AdapterError when the device cannot say."""
        finished = await self._ask("status", target)
        if finished.status == ON:
            return PowerState.ON
        if finished.status == OFF:
            return PowerState.OFF
        raise self._failure(f"ask the power of '{target}'", finished)

    async def monitor(self) -> None:
        """The device answers and accepts the parameters; AdapterError if not. Turns nothing off."""
        finished = await self._ask("monitor", None)
        if finished.status != OK:
            raise self._failure("reach the device", finished)

    async def _ask(self, action: str, target: NodeName | None) -> Finished:
        argv = self._wrap((self._path,), self._deadline_usec)
        try:
            return await process.run(argv, self._options(action, target), self._deadline_usec)
        except AdapterError as error:
            raise AdapterError(self._redacted(str(error))) from None

    def _options(self, action: str, target: NodeName | None) -> str:
        options = [*self._parameters, ("action", action)]
        if target is not None:
            options.append(("nodename", target))
            if not any(key in TARGET_KEYS for key, _ in self._parameters):
                options.append(("plug", target))
        return "".join(f"{key}={value}\n" for key, value in options)

    def _failure(self, what: str, finished: Finished) -> AdapterError:
        lines = [line.strip() for line in finished.output.splitlines() if line.strip()]
        said = self._redacted(" | ".join(lines[-SHOWN_LINES:])) or "it said nothing"
        return AdapterError(
            f"Failed to {what} by {self.name}: exit status {finished.status}: {said}"
        )

    def _redacted(self, text: str) -> str:
        secrets = [value for key, value in self._parameters if value and SECRET.search(key)]
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text
