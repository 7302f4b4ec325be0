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

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError
from hbd.systemd.connection import PRIVATE, SYSTEM_BUS, CallFailed, Endpoint, Signal
from hbd.systemd.jobs import Jobs, Result
from hbd.systemd.limits import KILL_GRACE_USEC
from hbd.systemd.reading import NO_SUCH_UNIT, Reader
from hbd.systemd.session import Session, watch_rule
from hbd.systemd.state import UnitState
from hbd.systemd.watches import OnChange, Watches

MODE: Final = "replace"  # a conflicting job gives way: the cluster's word is the last one
ALONE: Final = "ignore-dependencies"  # the unit itself and nothing that is part of it
SIGKILL: Final = 9
RELOAD_LIMIT_USEC: Final = Usec(60 * SECOND)  # generators run anew, and they may be slow


class Manager:
    """systemd's Manager as hbd uses it; `on_connection` hears of every loss and every return."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint] = (SYSTEM_BUS, PRIVATE),
        on_connection: Callable[[bool], None] | None = None,
    ) -> None:
        self._on_connection = on_connection
        self._jobs = Jobs()
        self._watches = Watches()
        self._session = Session(
            endpoints,
            on_signal=self._on_signal,
            watched=lambda: self._watches.units,
            on_lost=self._lost,
            on_back=self._back,
        )
        self._reader = Reader(self._session.require)

    async def connect(self) -> None:
        """Connect, and from then on again whenever the connection is lost. Once, before all else.

        Raises AdapterError when systemd cannot be reached now; nothing is left running then.
        """
        await self._session.connect()

    async def close(self) -> None:
        """Let go of systemd; units and their jobs go on by themselves."""
        await self._session.close()
        self._jobs.lost("the connection to systemd was closed by hbd")

    @property
    def endpoint(self) -> Endpoint | None:
        """Which way systemd is spoken to now; None while it cannot be reached."""
        return self._session.endpoint

    # Jobs ------------------------------------------------------------------------------------

    async def start(self, unit: str, timeout_usec: Usec) -> None:
        """Start `unit` and return when it runs (a oneshot: when it has run).

        Raises AdapterError that says why not. A start that takes longer than `timeout_usec` is
        cancelled and reported; the unit may then be half started, so stop it.
        """
        try:
            result = await self._start_job(unit, timeout_usec)
        except CallFailed as error:
            raise AdapterError(f"Failed to start '{unit}': {error}") from error
        if result != "done":
            why = await self._reader.why_failed(unit, result)
            raise AdapterError(f"Failed to start '{unit}': {why}")
        if why_not := await self._reader.why_not_started(unit):
            raise AdapterError(f"Failed to start '{unit}': {why_not}")

    async def _start_job(self, unit: str, timeout_usec: Usec) -> str:
        job, result = await self._enqueue("StartUnit", unit)
        try:
            return await _within(timeout_usec, result)
        except TimeoutError as error:
            await self._cancel(job)
            raise AdapterError(
                f"Failed to start '{unit}': not done within {_seconds(timeout_usec)}; cancelled"
            ) from error
        finally:
            result.cancel()

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
        if why := await self._reader.why_not_stopped(unit, must_succeed=must_succeed):
            raise AdapterError(f"Failed to stop '{unit}': job {result}, {why}")

    async def stop_alone(self, unit: str, timeout_usec: Usec) -> None:
        """Stop a unit that has no processes, and nothing else: not what is PartOf= it.

        For a group's target: by then its units are stopped, but for those that another group uses.
        """
        try:
            _, result = await self._enqueue("StopUnit", unit, ALONE)
        except CallFailed as error:
            raise AdapterError(f"Failed to stop '{unit}': {error}") from error
        try:
            await _within(timeout_usec, result)
        except TimeoutError as error:
            why = f"not done within {_seconds(timeout_usec)}"
            raise AdapterError(f"Failed to stop '{unit}': {why}") from error
        finally:
            result.cancel()

    async def _stop_job(self, unit: str, timeout_usec: Usec) -> str:
        _, result = await self._enqueue("StopUnit", unit)
        try:
            try:
                return await _within(timeout_usec, result)
            except TimeoutError:
                await self._kill(unit)
            return await _within(KILL_GRACE_USEC, result)
        except TimeoutError as error:
            raise AdapterError(
                f"Failed to stop '{unit}': not done within {_seconds(timeout_usec)}, nor "
                f"{_seconds(KILL_GRACE_USEC)} after SIGKILL"
            ) from error
        finally:
            result.cancel()

    async def _enqueue(self, method: str, unit: str, mode: str = MODE) -> tuple[str, Result]:
        """Ask for a job: its path, and its result to come."""
        with self._jobs.asking():
            (job,) = await self._session.require().call(method, "ss", unit, mode)
            return str(job), self._jobs.expect(str(job))

    async def _cancel(self, job: str) -> None:
        """Best effort: a job that ended meanwhile is as good as cancelled."""
        try:
            await self._session.require().call("CancelJob", "u", int(job.rpartition("/")[2]))
        except CallFailed:
            return

    async def _kill(self, unit: str) -> None:
        """SIGKILL to every process of the unit; none left is as good as killed."""
        try:
            await self._session.require().call("KillUnit", "ssi", unit, "all", SIGKILL)
        except CallFailed:
            return

    async def reset_failed(self, unit: str) -> None:
        """Forget that `unit` failed, so that it reads as inactive."""
        try:
            await self._session.require().call("ResetFailedUnit", "s", unit)
        except CallFailed as error:
            if error.name != NO_SUCH_UNIT:
                raise

    async def reload(self) -> None:
        """Make systemd read the unit files anew (daemon-reload); return when it has."""
        await self._session.require().call("Reload", limit_usec=RELOAD_LIMIT_USEC)

    # State -----------------------------------------------------------------------------------

    async def state(self, unit: str) -> UnitState:
        """What `unit` is now. A unit that does not exist is not-found and inactive, no error."""
        return await self._reader.state(unit)

    async def loaded_name(self, unit: str) -> str | None:
        """The canonical name of `unit` if systemd has it, else None (also when it is masked)."""
        return await self._reader.loaded_name(unit)

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        """Properties of `unit`, in the order asked; `interface` is Unit, Service, Mount …

        Raises AdapterError, also for a property that this systemd does not have.
        """
        return await self._reader.properties(unit, interface, *names)

    async def watch(self, units: Iterable[str], on_change: OnChange) -> None:
        """Tell `on_change` of each unit's state now and of every change from now on.

        The names must be canonical. Watching a unit again replaces its `on_change`.
        """
        for unit in units:
            is_new = unit not in self._watches.units
            self._watches.add(unit, on_change)
            if is_new:
                await self._session.require().match(watch_rule(unit))
            await self._watches.refresh(unit, self.state)

    async def watch_only(self, units: Iterable[str]) -> None:
        """Of the units that are watched, go on watching these alone."""
        wanted = set(units)
        for unit in self._watches.units:
            if unit not in wanted:
                self._watches.remove(unit)
                await self._session.require().unmatch(watch_rule(unit))

    # What the session tells ------------------------------------------------------------------

    def _on_signal(self, signal: Signal) -> None:
        match signal.member, signal.body:
            case "JobRemoved", [_, str(job), _, str(result)]:
                self._jobs.removed(job, result)
            case "PropertiesChanged", [str(interface), dict(changed), *_]:
                self._watches.changed(signal.path, interface, changed)

    def _lost(self, why: str) -> None:
        self._jobs.lost(f"the connection to systemd was lost: {why}")
        if self._on_connection is not None:
            self._on_connection(False)  # noqa: FBT003 - the callback's one argument

    async def _back(self) -> None:
        """Tell what changed while nobody listened; if the connection goes again, next time."""
        if self._on_connection is not None:
            self._on_connection(True)  # noqa: FBT003 - the callback's one argument
        try:
            for unit in self._watches.units:
                await self._watches.refresh(unit, self.state)
        except AdapterError:
            return


async def _within(limit_usec: Usec, result: Result) -> str:
    """The result, or TimeoutError; unlike under asyncio.timeout it can be waited for again."""
    await asyncio.wait({result}, timeout=limit_usec / SECOND)
    if not result.done():
        raise TimeoutError
    return result.result()


def _seconds(usec: Usec) -> str:
    return f"{usec / SECOND:g} s"
