"""The units of the groups: there, not started at boot by themselves, and quick enough.

An administrator feels what is longer than half a minute as an outage, and a client's program may
have given up by then; so that is the limit for deadtime and the slowest start together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from hbd.check.finding import CheckId, Finding, error, ok, warning
from hbd.cluster.terms import SECOND, Usec
from hbd.systemd import boot
from hbd.systemd.resource import Group
from hbd.systemd.state import LoadState, UnitState

FAILOVER_LIMIT_USEC: Final = Usec(30 * SECOND)

_LOADED: Final = (LoadState.LOADED, LoadState.MERGED)


class UnitReader(Protocol):
    """What is needed of systemd's Manager; each raises AdapterError."""

    async def state(self, unit: str) -> UnitState:
        """The state of a unit."""

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        """Properties of a unit."""


def units_of(groups: Iterable[Group]) -> list[str]:
    """All units of all groups, each once, in the order of their starts."""
    return list(dict.fromkeys(unit for group in groups for unit in group.units))


async def look(groups: Sequence[Group], systemd: UnitReader) -> list[Finding]:
    """Existence, then boot."""
    units = units_of(groups)
    states = await asyncio.gather(*(systemd.state(unit) for unit in units))
    missing = [state for state in states if state.load not in _LOADED]
    here = [state.unit for state in states if state.load in _LOADED]
    found = [_missing(state) for state in missing]
    if not found:
        found = [ok(CheckId.UNIT_EXISTS, f"loaded: {', '.join(units) or 'no unit is needed'}")]
    entries = await boot.enabled_at_boot(here, systemd)
    at_boot = [
        error(
            CheckId.UNIT_AT_BOOT,
            f"{entry.unit} starts at boot by itself ({entry.started_by}), whoever has the disk",
            entry.fix,
        )
        for entry in entries
    ]
    return found + (at_boot or [ok(CheckId.UNIT_AT_BOOT, "no unit of a group starts at boot")])


def _missing(state: UnitState) -> Finding:
    why = f"{state.unit}: systemd says {state.load.value}; its group cannot start here"
    remedy = f"systemctl status '{state.unit}'; install what brings it"
    if state.load is LoadState.MASKED:
        remedy = f"systemctl unmask '{state.unit}'"
    return error(CheckId.UNIT_EXISTS, why, remedy)


def limits(groups: Sequence[Group], deadtime_usec: Usec) -> Finding:
    """Whether deadtime and the slowest single start can stay below the limit together."""
    slowest = max(
        (resource for group in groups for resource in group.resources if resource.unit),
        key=lambda resource: resource.start_limit_usec,
        default=None,
    )
    start_usec = 0 if slowest is None else slowest.start_limit_usec
    budget = deadtime_usec + start_usec
    told = f"deadtime {deadtime_usec / SECOND:g} s"
    if slowest is not None:
        told += f" and up to {start_usec / SECOND:g} s for {slowest.unit}"
    if budget <= FAILOVER_LIMIT_USEC:
        return ok(CheckId.TIME_LIMITS, f"{told}: within {FAILOVER_LIMIT_USEC // SECOND} s")
    why = f"{told}: a failover may take more than {FAILOVER_LIMIT_USEC // SECOND} s"
    if deadtime_usec > FAILOVER_LIMIT_USEC - 20 * SECOND:
        return warning(CheckId.TIME_LIMITS, why, "a shorter deadtime in ha.cf, on both nodes")
    return warning(
        CheckId.TIME_LIMITS, why, "a file system with a journal (ext4, xfs) is not checked"
    )
