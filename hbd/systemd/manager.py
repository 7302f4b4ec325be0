"""systemd, asked over D-Bus: units are started and stopped by jobs whose results are awaited.

It does not know groups, order or policy. Nothing is polled: JobRemoved ends a job and
PropertiesChanged tells of a change. When the connection is lost, callers get AdapterError at once,
and a new one is sought, on the system bus or on systemd's own socket, until there is one.

Sources: org.freedesktop.systemd1(5), systemctl(1) for the meaning of the modes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from hbd.cluster.terms import MILLISECOND, SECOND, Usec
from hbd.errors import AdapterError
from hbd.systemd import unitname
from hbd.systemd.connection import (
    DBUS,
    PRIVATE,
    SYSTEM_BUS,
    SYSTEMD,
    CallFailed,
    Connection,
    Endpoint,
    Signal,
)
from hbd.systemd.jobs import Jobs
from hbd.systemd.limits import KILL_GRACE_USEC
from hbd.systemd.state import ActiveState, FileState, LoadState, UnitState
from hbd.systemd.watches import OnChange, Watches

UNIT: Final = f"{SYSTEMD}.Unit"
MODE: Final = "replace"  # a conflicting job gives way: the cluster's word is the last one
SIGKILL: Final = 9
RELOAD_LIMIT_USEC: Final = Usec(60 * SECOND)  # generators run anew, and they may be slow
BACK_OFF_USEC: Final = (20 * MILLISECOND, 100 * MILLISECOND, 500 * MILLISECOND, 2 * SECOND)
NO_SUCH_UNIT: Final = f"{SYSTEMD}.NoSuchUnit"
NO_SUCH_FILE: Final = frozenset(
    {f"{DBUS}.Error.FileNotFound", NO_SUCH_UNIT, f"{DBUS}.Error.InvalidArgs"}
)

# Only these types of unit have a Result property on an interface of their own.
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


class Manager:
    """The one connection to systemd; everything else here goes through it."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint] = (SYSTEM_BUS, PRIVATE),
        on_connection: Callable[[bool], None] | None = None,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._on_connection = on_connection
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._jobs = Jobs()
        self._watches = Watches()

    # Connection ------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Connect once, and from then on again whenever the connection is lost.

        Raises AdapterError when systemd cannot be reached now; nothing is left running then.
        `on_connection` hears of every later loss and return, not of this first success.
        """
        assert self._keeper is None, "connect is called once"
        self._connection = await self._open()
        self._keeper = asyncio.create_task(self._keep_connected(), name="systemd-keeper")

    async def close(self) -> None:
        """Let go of systemd; units and their jobs go on by themselves."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
        self._jobs.lost("the connection to systemd was closed by hbd")

    @property
    def endpoint(self) -> Endpoint | None:
        """Which way systemd is spoken to now; None while it cannot be reached."""
        return self._connection.endpoint if self._connection else None

    async def _open(self) -> Connection:
        """The first endpoint that answers and lets us subscribe."""
        failures: list[str] = []
        for endpoint in self._endpoints:
            try:
                connection = await Connection.open(endpoint, self._on_signal)
            except AdapterError as error:
                failures.append(str(error))
                continue
            try:
                await self._subscribe(connection)
            except AdapterError as error:
                failures.append(str(error))
                await connection.close()
                continue
            return connection
        raise AdapterError("; ".join(failures))

    async def _subscribe(self, connection: Connection) -> None:
        await asyncio.gather(
            connection.match(f"interface='{SYSTEMD}.Manager',member='JobRemoved'"),
            connection.call("Subscribe"),
            *(connection.match(_watch_rule(unit)) for unit in self._watches.units),
        )

    async def _keep_connected(self) -> None:
        while True:
            assert self._connection is not None, "there is a connection to keep"
            why = await self._connection.lost
            await self._connection.close()
            self._connection = None
            self._jobs.lost(f"the connection to systemd was lost: {why}")
            self._tell(connected=False)
            self._connection = await self._open_again()
            self._tell(connected=True)
            await self._refresh_watches()

    async def _open_again(self) -> Connection:
        attempt = 0
        while True:
            try:
                return await self._open()
            except AdapterError:
                pause = BACK_OFF_USEC[min(attempt, len(BACK_OFF_USEC) - 1)]
                attempt += 1
                await asyncio.sleep(pause / SECOND)

    async def _refresh_watches(self) -> None:
        """Tell what changed while nobody listened; if the connection goes again, again later."""
        try:
            for unit in self._watches.units:
                self._watches.replace(await self.state(unit))
        except AdapterError:
            return

    def _tell(self, *, connected: bool) -> None:
        if self._on_connection is not None:
            self._on_connection(connected)

    def _require(self) -> Connection:
        if self._connection is None:
            raise AdapterError(
                "Failed to reach systemd: there is no connection now, it is sought again"
            )
        return self._connection

    def _on_signal(self, signal: Signal) -> None:
        match signal.member, signal.body:
            case "JobRemoved", [_, str(job), _, str(result)]:
                self._jobs.removed(job, result)
            case "PropertiesChanged", [str(interface), dict(changed), *_]:
                self._watches.changed(signal.path, interface, changed)

    # Jobs ------------------------------------------------------------------------------------

    async def start(self, unit: str, timeout_usec: Usec) -> None:
        """Start `unit` and return when it runs (a oneshot: when it has run).

        Raises AdapterError that says why not. A start that takes longer than `timeout_usec` is
        cancelled and reported; the unit may then be half started, so stop it.
        """
        with self._jobs.asking():
            job = await self._enqueue("StartUnit", unit)
            try:
                async with asyncio.timeout(timeout_usec / SECOND):
                    result = await self._jobs.wait(job)
            except TimeoutError as error:
                await self._cancel(job)
                raise AdapterError(
                    f"Failed to start '{unit}': not done within {_seconds(timeout_usec)}; cancelled"
                ) from error
        if result != "done":
            raise AdapterError(f"Failed to start '{unit}': {await self._why(unit, result)}")
        await self._check_started(unit)

    async def stop(self, unit: str, timeout_usec: Usec, *, must_succeed: bool = False) -> None:
        """Stop `unit` and return when systemd has seen it stopped. Unknown units are stopped.

        After `timeout_usec` its processes get SIGKILL and a short grace; what is still there then
        raises AdapterError. With `must_succeed`, so does a unit that stopped with a failed result:
        for a script, whose exit status is the only word on what it stopped.
        """
        try:
            result = await self._stop_job(unit, timeout_usec)
        except CallFailed as error:
            if error.name == NO_SUCH_UNIT:
                return
            raise AdapterError(f"Failed to stop '{unit}': {error}") from error
        state = await self.state(unit)
        if not state.active.is_stopped:
            why = f"job {result}, the unit is still {state.active.value} ({state.sub})"
            raise AdapterError(f"Failed to stop '{unit}': {why}{await self._exit(unit)}")
        if must_succeed and state.active is ActiveState.FAILED:
            why = f"it ended with result '{state.result}'{await self._exit(unit)}"
            raise AdapterError(f"Failed to stop '{unit}': {why}")

    async def _stop_job(self, unit: str, timeout_usec: Usec) -> str:
        with self._jobs.asking():
            connection = self._require()
            job = _text(await connection.call("StopUnit", "ss", unit, MODE))
            try:
                async with asyncio.timeout(timeout_usec / SECOND):
                    return await self._jobs.wait(job)
            except TimeoutError:
                pass
            await self._kill(unit)
            try:
                async with asyncio.timeout(KILL_GRACE_USEC / SECOND):
                    return await self._jobs.wait(job)
            except TimeoutError as error:
                raise AdapterError(
                    f"Failed to stop '{unit}': not done within {_seconds(timeout_usec)}, "
                    f"nor {_seconds(KILL_GRACE_USEC)} after SIGKILL{await self._exit(unit)}"
                ) from error

    async def _enqueue(self, method: str, unit: str) -> str:
        try:
            return _text(await self._require().call(method, "ss", unit, MODE))
        except CallFailed as error:
            raise AdapterError(f"Failed to start '{unit}': {error}") from error

    async def _cancel(self, job: str) -> None:
        """Best effort: a job that ended meanwhile is as good as cancelled."""
        try:
            await self._require().call("CancelJob", "u", int(job.rpartition("/")[2]))
        except CallFailed:
            return

    async def _kill(self, unit: str) -> None:
        """SIGKILL to every process of the unit; none left is as good as killed."""
        try:
            await self._require().call("KillUnit", "ssi", unit, "all", SIGKILL)
        except CallFailed:
            return

    async def reset_failed(self, unit: str) -> None:
        """Forget that `unit` failed, so that it reads as inactive."""
        try:
            await self._require().call("ResetFailedUnit", "s", unit)
        except CallFailed as error:
            if error.name != NO_SUCH_UNIT:
                raise

    async def reload(self) -> None:
        """Make systemd read the unit files anew (daemon-reload); return when it has."""
        await self._require().call("Reload", limit_usec=RELOAD_LIMIT_USEC)

    # State -----------------------------------------------------------------------------------

    async def state(self, unit: str) -> UnitState:
        """What `unit` is now. A unit that does not exist is not-found and inactive, no error."""
        connection = self._require()
        listed, file_state, result = await asyncio.gather(
            connection.call("ListUnitsByNames", "as", [unit]),
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
        return tuple(_variant(reply[0]) for reply in replies)

    async def watch(self, units: Iterable[str], on_change: OnChange) -> None:
        """Tell `on_change` of each unit's state now and of every change from now on.

        The names must be canonical. Watching a unit again replaces its `on_change`.
        """
        connection = self._require()
        for unit in units:
            is_new = unit not in self._watches.units
            self._watches.add(unit, on_change)
            if is_new:
                await connection.match(_watch_rule(unit))
            self._watches.replace(await self.state(unit))

    async def _file_state(self, unit: str) -> FileState:
        try:
            return FileState.parse(_text(await self._require().call("GetUnitFileState", "s", unit)))
        except CallFailed as error:
            if error.name in NO_SUCH_FILE:
                return FileState.NONE
            raise

    async def _result(self, unit: str) -> str:
        interface = WITH_RESULT.get(unit.rpartition(".")[2])
        if interface is None:
            return "success"
        (result,) = await self.properties(unit, interface, "Result")
        return str(result)

    # Reasons ---------------------------------------------------------------------------------

    async def _check_started(self, unit: str) -> None:
        """A job is `done` too when a condition of the unit is not met: then nothing was started."""
        active, met = await self.properties(unit, "Unit", "ActiveState", "ConditionResult")
        if ActiveState.parse(active).is_stopped and met is False:
            raise AdapterError(
                f"Failed to start '{unit}': a condition in its unit file is not met "
                f"(see systemctl status '{unit}')"
            )

    async def _why(self, unit: str, result: str) -> str:
        """What a job's result word means, with the unit's own."""
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
            return f"job {result}, unit result '{state.result}'{await self._exit(unit)}"
        except AdapterError as error:
            return f"job {result}; why is not known: {error}"

    async def _exit(self, unit: str) -> str:
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

    async def _mount_exit(self, unit: str) -> str:
        """mount(8) or umount(8), whichever ran later; their last two fields are code and status."""
        runs = await self.properties(unit, "Mount", "ExecMount", "ExecUnmount")
        last = [run[0] for run in runs if isinstance(run, list) and run]
        if not last:
            return ""
        run = max(last, key=lambda fields: int(fields[3]))  # start time
        return f", {run[0].rpartition('/')[2]} exit status {run[-1]}"


def _watch_rule(unit: str) -> str:
    path = unitname.bus_path(unit)
    return f"interface='{DBUS}.Properties',member='PropertiesChanged',path='{path}'"


def _variant(value: object) -> object:
    return getattr(value, "value", value)


def _text(body: Sequence[object]) -> str:
    if len(body) != 1 or not isinstance(body[0], str):
        raise AdapterError(f"Failed to read systemd's answer: it is {body!r}, not one text")
    return body[0]


def _seconds(usec: Usec) -> str:
    return f"{usec / SECOND:g} s"
