"""What a resource script says of itself, judged as heartbeat judges it, and its release.

systemd's unit for the script says whether hbd started the resource, while the script may know that
it runs all the same, started by hand or by the heartbeat before us.
Source: heartbeat's ResourceManager; the exit status of `status` is ignored there, so it is here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from hbd.cluster.terms import Usec
from hbd.errors import AdapterError
from hbd.systemd import hold, unitfile
from hbd.systemd.limits import STOP_LIMIT_USEC
from hbd.systemd.resource import Kind, Resource
from hbd.systemd.state import ActiveState, UnitState

OUTPUT_MAX = 64 * 1024  # bytes; the verdict is in the first line of every script there is

_NOT_RUNNING = re.compile(r"(?i:not)[ \t].*[Rr]unning", re.DOTALL)
_RUNNING = re.compile(r"[Rr]unning|OK")


class UnitStarter(Protocol):
    """What `is_running` needs of Manager."""

    async def start(self, unit: str, timeout_usec: Usec) -> None:
        """Start a unit and wait."""


class UnitRunner(UnitStarter, Protocol):
    """What `release` needs of Manager."""

    async def stop(self, unit: str, timeout_usec: Usec, *, must_succeed: bool = False) -> None:
        """Stop a unit and wait."""

    async def state(self, unit: str) -> UnitState:
        """The state of a unit."""

    async def reset_failed(self, unit: str) -> None:
        """Forget that a unit failed."""


def says_running(output: str) -> bool:
    """`not … running`: no; else `running`, `Running` or `OK` anywhere: yes; else no."""
    return not _NOT_RUNNING.search(output) and bool(_RUNNING.search(output))


async def release(resource: Resource, systemd: UnitRunner) -> None:
    """Return when the script has stopped its resource; repeating is harmless.

    systemd runs `stop` for a script that it has started, once. Where it has nothing to stop, since
    the start or an earlier stop failed, or since somebody else has started it, the script is told
    to stop by a unit for just that. Raises AdapterError if it does not: it may still run.
    """
    assert resource.unit is not None, "a script resource has a unit"
    state = (await systemd.state(resource.unit)).active
    if not state.is_stopped:
        await systemd.stop(resource.unit, resource.stop_limit_usec, must_succeed=True)
    elif state is ActiveState.FAILED or await is_running(resource, systemd):
        await systemd.start(unitfile.stop_unit(resource.unit), resource.stop_limit_usec)
        await systemd.reset_failed(resource.unit)


async def is_running(
    resource: Resource, systemd: UnitStarter, directory: Path = hold.RUNTIME_DIRECTORY
) -> bool:
    """Ask the script, in a unit of its own: what it needs, hbd's sandbox may not allow.

    Raises AdapterError if it cannot be asked, or does not answer in time.
    """
    assert resource.kind is Kind.SCRIPT, "only a script has a status of its own"
    assert resource.unit is not None, "a script resource has a unit"
    output = hold.status_path(resource.unit, directory)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AdapterError(f"Failed to make '{output.parent}': {error.strerror}") from error
    await systemd.start(unitfile.status_unit(resource.unit), STOP_LIMIT_USEC)
    try:
        with output.open(encoding="utf-8", errors="replace") as file:
            return says_running(file.read(OUTPUT_MAX))
    except OSError as error:
        raise AdapterError(
            f"Failed to read what '{resource.script}' said of its status: {error.strerror}"
        ) from error
