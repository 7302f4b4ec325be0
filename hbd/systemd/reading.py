"""What systemd says of units when asked: states, properties, and why something failed.

Read only. All questions about one unit go out together, so each answer costs one round trip.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from hbd.errors import AdapterError
from hbd.systemd import unitname
from hbd.systemd.connection import DBUS, SYSTEMD, CallFailed, Connection
from hbd.systemd.state import ActiveState, FileState, LoadState, UnitState

NO_SUCH_UNIT: Final = f"{SYSTEMD}.NoSuchUnit"
NO_FILE: Final = frozenset(
    {f"{DBUS}.Error.FileNotFound", f"{DBUS}.Error.InvalidArgs", NO_SUCH_UNIT}
)

# The types of unit that have a Result, and the interface it is on.
WITH_RESULT: Final = {
    "service": "Service",
    "mount": "Mount",
    "socket": "Socket",
    "timer": "Timer",
    "path": "Path",
    "swap": "Swap",
    "automount": "Automount",
    "scope": "Scope",
}


class Reader:
    """Asks through whatever connection there is."""

    def __init__(self, require: Callable[[], Connection]) -> None:
        self._require = require

    async def state(self, unit: str) -> UnitState:
        """What `unit` is now. A unit that does not exist is not-found and inactive, no error."""
        listed, file_state, result = await asyncio.gather(
            self._require().call("ListUnitsByNames", "as", [unit]),
            self._file_state(unit),
            self._result(unit),
        )
        match listed:
            case [[[str(name), _, load, active, str(sub), *_]]]:
                return UnitState(
                    unit=name,
                    load=LoadState.parse(load),
                    active=ActiveState.parse(active),
                    sub=sub,
                    file_state=file_state,
                    result=result,
                )
            case _:
                raise AdapterError(f"Failed to read the state of '{unit}': systemd lists {listed}")

    async def loaded_name(self, unit: str) -> str | None:
        """The canonical name of `unit` if systemd has it, else None (also when it is masked)."""
        try:
            listed = await self._require().call("ListUnitsByNames", "as", [unit])
        except CallFailed:  # no valid name of a unit
            return None
        match listed:
            case [[[str(name), _, "loaded", *_]]]:
                return name
            case _:
                return None

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        """Properties of `unit`, in the order asked; `interface` is Unit, Service, Mount …

        Raises AdapterError, also for a property that this systemd does not have.
        """
        connection = self._require()
        replies = await asyncio.gather(
            *(
                connection.call(
                    "Get",
                    "ss",
                    f"{SYSTEMD}.{interface}",
                    name,
                    path=unitname.bus_path(unit),
                    interface=f"{DBUS}.Properties",
                )
                for name in names
            )
        )
        return tuple(getattr(reply[0], "value", reply[0]) for reply in replies)

    async def why_not_started(self, unit: str) -> str | None:
        """After a start job that was `done`: None if the unit runs, or has run as it should.

        The job is done too when a condition was not met, or when the unit ended again at once.
        """
        (active,) = await self.properties(unit, "Unit", "ActiveState")
        if ActiveState.parse(active).is_running:
            return None
        if await self._has_run(unit):
            return None
        (met,) = await self.properties(unit, "Unit", "ConditionResult")
        if met is False:
            return f"a condition in its unit file is not met (see systemctl status '{unit}')"
        result = await self._result(unit)
        return f"it is {active} again, unit result '{result}'{await self.last_exit(unit)}"

    async def why_not_stopped(self, unit: str, *, must_succeed: bool) -> str | None:
        """After a stop job: None if nothing of the unit runs (and, if it must, it ended well)."""
        (word,) = await self.properties(unit, "Unit", "ActiveState")
        active = ActiveState.parse(word)
        if not active.is_stopped:
            return f"the unit is still {word}{await self.last_exit(unit)}"
        if must_succeed and active is ActiveState.FAILED:
            return f"unit result '{await self._result(unit)}'{await self.last_exit(unit)}"
        return None

    async def why_failed(self, unit: str, result: str) -> str:
        """What the result word of a job means, with the unit's own."""
        match result:
            case "assert":
                return "an assertion in its unit file is not met: this node does not hold its group"
            case "dependency":
                return "a unit it requires failed"
            case "canceled":
                return "another job for the unit came between"
        try:
            state = await self.state(unit)
            if state.load not in (LoadState.LOADED, LoadState.MERGED):
                return f"systemd says the unit is {state.load.value}"
            return f"job {result}, unit result '{state.result}'{await self.last_exit(unit)}"
        except AdapterError as error:
            return f"job {result}; why is not known: {error}"

    async def last_exit(self, unit: str) -> str:
        """`, exit status 32` of what the unit ran last, or nothing when there is none to tell."""
        try:
            match unit.rpartition(".")[2]:
                case "service":
                    (status,) = await self.properties(unit, "Service", "ExecMainStatus")
                    return f", exit status {status}"
                case "mount":
                    return await self._mount_exit(unit)
        except AdapterError:
            pass
        return ""

    async def _has_run(self, unit: str) -> bool:
        """Whether it is a oneshot that has done its work and is not meant to stay active.

        systemd may have forgotten the unit by now, and with it the verdict on its conditions; then
        the job's word is all there is.
        """
        if not unit.endswith(".service"):
            return False
        (kind, stays, result), (met, tested) = await asyncio.gather(
            self.properties(unit, "Service", "Type", "RemainAfterExit", "Result"),
            self.properties(unit, "Unit", "ConditionResult", "ConditionTimestampMonotonic"),
        )
        return (kind, stays, result) == ("oneshot", False, "success") and (
            met is True or not tested
        )

    async def _mount_exit(self, unit: str) -> str:
        """mount(8) or umount(8), whichever began later.

        Each run is (path, arguments, ignore, began, began, ended, ended, pid, code, status).
        """
        runs = await self.properties(unit, "Mount", "ExecMount", "ExecUnmount")
        last = [run[0] for run in runs if isinstance(run, list) and run]
        if not last:
            return ""
        latest = max(last, key=lambda run: int(run[3]))
        return f", {latest[0].rpartition('/')[2]} exit status {latest[-1]}"

    async def _file_state(self, unit: str) -> FileState:
        try:
            (word,) = await self._require().call("GetUnitFileState", "s", unit)
        except CallFailed as error:
            if error.name in NO_FILE:
                return FileState.NONE
            raise
        return FileState.parse(word)

    async def _result(self, unit: str) -> str:
        interface = WITH_RESULT.get(unit.rpartition(".")[2])
        if interface is None:
            return "success"
        (result,) = await self.properties(unit, interface, "Result")
        return str(result)
