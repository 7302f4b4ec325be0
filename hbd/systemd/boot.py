"""Resource units that would start by themselves at boot, on the node that does not hold them.

A share that two machines mount is a share that is lost, so hbd refuses to run beside such a unit
and says which command ends it. Source: systemctl(1) `is-enabled`; systemd-fstab-generator(8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from hbd.systemd.state import FileState, UnitState

OUR_TARGET: Final = "hbd-group@"
PULLS: Final = ("WantedBy", "RequiredBy", "UpheldBy", "TriggeredBy")
FSTAB: Final = "/etc/fstab"


@dataclass(frozen=True, slots=True, order=True)
class StartsAtBoot:
    """A unit that must not start by itself, what starts it, and the command that ends that."""

    unit: str
    started_by: str
    fix: str


class UnitReader(Protocol):
    """What is needed of Manager."""

    async def state(self, unit: str) -> UnitState:
        """The state of a unit."""

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        """Properties of a unit."""


async def enabled_at_boot(units: Iterable[str], systemd: UnitReader) -> tuple[StartsAtBoot, ...]:
    """Those of `units` that something other than hbd starts at boot, sorted.

    Raises AdapterError if systemd cannot be asked.
    """
    found = await asyncio.gather(*(_look(unit, systemd) for unit in sorted(set(units))))
    return tuple(entry for entry in found if entry is not None)


async def _look(unit: str, systemd: UnitReader) -> StartsAtBoot | None:
    state = await systemd.state(unit)
    lists = await systemd.properties(unit, "Unit", *PULLS)
    by = sorted(
        starter
        for name, units in zip(PULLS, lists, strict=True)
        for starter in _starters(name, units)
    )
    if state.file_state is FileState.ENABLED:
        return StartsAtBoot(unit, by[0] if by else "its [Install] section", _disable(unit))
    return StartsAtBoot(unit, by[0], _fix(unit, by[0])) if by else None


def _starters(name: str, units: object) -> list[str]:
    """The units that start ours at boot by the dependency `name`.

    Another service that merely wants the unit (nfs-server wants rpc-statd) does not start it at
    boot; it is judged itself if it is a resource.
    """
    kinds = (".socket", ".timer", ".path", ".automount") if name == "TriggeredBy" else (".target",)
    return [
        unit
        for unit in map(str, units if isinstance(units, list) else [])
        if unit.endswith(kinds) and not unit.startswith(OUR_TARGET)
    ]


def _disable(unit: str) -> str:
    return f"systemctl disable '{unit}'"


def _fix(unit: str, starter: str) -> str:
    """A target lists the unit because it was enabled; a socket, timer or path starts it itself.

    A mount that is pulled in without being enabled comes from /etc/fstab.
    """
    if unit.endswith(".mount"):
        return f"take its line out of {FSTAB} or add noauto to it; then systemctl daemon-reload"
    return _disable(unit if starter.endswith(".target") else starter)
