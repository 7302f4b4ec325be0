"""Runs groups: resources left to right, back right to left, and posts what came of it.

Each group has one thing under way at a time; a stop abandons a start. Every outcome is an event
with the operation it answers, so the core never mistakes an old answer for a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from hbd.cluster.event import (
    Event,
    GroupObserved,
    GroupStarted,
    GroupStartFailed,
    GroupStopFailed,
    GroupStopped,
    ResourceChanged,
    ResourceLost,
)
from hbd.cluster.terms import SECOND, GroupName, GroupState, ResourceState, Usec
from hbd.errors import AdapterError, AddressInUse
from hbd.runtime.resources import Runnable
from hbd.systemd import hold
from hbd.systemd.limits import START_LIMIT_USEC
from hbd.systemd.state import UnitState

OBSERVE_RETRY: Final = 1.0  # seconds until systemd is asked again when it could not be
TARGET_LIMIT_USEC: Final = Usec(5 * SECOND)  # a target has nothing to do

_log = logging.getLogger("hbd.group")


class Units(Protocol):
    """What is asked of systemd beside the resources themselves; each raises AdapterError."""

    async def start(self, unit: str, timeout_usec: Usec) -> None:
        """Be started."""
        ...

    async def stop_alone(self, unit: str, timeout_usec: Usec) -> None:
        """Be stopped, and nothing with it."""
        ...


class SharedUnits:
    """Who needs which unit now, for those that more than one group uses (one smbd, two shares).

    Releasing one group stops such a unit, so that it lets go of the disk; whoever still needs it
    gets it back at once. In between its absence is no loss.
    """

    def __init__(self) -> None:
        self._users: dict[str, set[GroupName]] = {}
        self._away: set[str] = set()

    def uses(self, unit: str | None, group: GroupName) -> None:
        """Note that the group runs with this unit."""
        if unit is not None:
            self._users.setdefault(unit, set()).add(group)
            self._away.discard(unit)

    def leaves(self, unit: str | None, group: GroupName) -> None:
        """Note that the group is about to stop it."""
        if unit is not None:
            self._users.get(unit, set()).discard(group)
            self._away.add(unit)

    def is_away(self, unit: str) -> bool:
        """Whether the unit is stopped on purpose, though a group still needs it."""
        return unit in self._away

    def wanted_back(self) -> list[str]:
        """The stopped units that somebody still needs; they are no longer away."""
        back = sorted(unit for unit in self._away if self._users.get(unit))
        self._away.clear()
        return back


class GroupRunner:
    """One group's resources on this machine."""

    def __init__(
        self,
        name: GroupName,
        target: str,
        resources: Sequence[Runnable],
        manager: Units,
        shared: SharedUnits,
        post: Callable[[Event], None],
        *,
        definition: int = 0,
        runtime_directory: Path = hold.RUNTIME_DIRECTORY,
    ) -> None:
        """`runtime_directory` is where `hold` says to systemd what may run here.

        `definition` is the core's number for what `resources` are made from.
        """
        self.name = name
        self._target = target
        self._definition = definition
        self.resources = tuple(resources)
        self._manager = manager
        self._shared = shared
        self._post = post
        self._runtime_directory = runtime_directory
        self._task: asyncio.Task[None] | None = None
        self._tidying: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._is_look_due = False  # asked for while something else was under way
        self._serving = False  # every resource is started and meant to run
        self._up: set[str] = set()  # resources known to run, while not all of them are
        self._gone: dict[str, str] = {}  # those of them that were lost since, and why

    # --- what the core asks -------------------------------------------------------------------

    def observe(self) -> None:
        """Look at every resource and post GroupObserved; after what is under way, if it is."""
        if self._task is None or self._task.done():
            self._run(self._observe)
        else:
            self._is_look_due = True

    def start(self, operation: int) -> None:
        """Start left to right; a failure is posted and leaves what was started."""
        self._run(partial(self._start, operation))

    def stop(self, operation: int, leave: int = 0) -> None:
        """Stop right to left, whatever it was doing, all but the first `leave` resources."""
        self._run(partial(self._stop, operation, leave))

    def abandon(self) -> None:
        """Post nothing from now on; what is under way ends with `close`."""
        self._post = _to_nobody
        self._forget()
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """Abandon what is under way; the resources stay as they are."""
        await _ended(self._task)
        async with self._one_at_a_time:  # also what that one had still been waiting for
            await _ended(self._tidying)

    # --- what systemd and netlink tell --------------------------------------------------------

    def unit_changed(self, state: UnitState) -> None:
        """A unit of this group changed; if it should run and does not, that is a loss."""
        if state.active.is_running or not state.active.is_stopped:
            return
        if self._shared.is_away(state.unit):
            return
        for resource in self.resources:
            if resource.unit == state.unit:
                self.lost(resource.text, f"unit {state.unit} is {state.active.value}")

    def lost(self, text: str, why: str) -> None:
        """A resource is gone: told while the group serves, or as soon as it is said to."""
        if self._serving:
            self._serving = False
            self._post(ResourceChanged(self.name, text, ResourceState.FAILED, why))
            self._post(ResourceLost(self.name, text, why))
        elif text in self._up:
            self._gone[text] = why

    @property
    def texts(self) -> frozenset[str]:
        """The resources as written."""
        return frozenset(resource.text for resource in self.resources)

    @property
    def units(self) -> tuple[str, ...]:
        """The units to be watched."""
        return tuple(resource.unit for resource in self.resources if resource.unit is not None)

    # --- the work -------------------------------------------------------------------------------

    def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._alone(work), name=f"group {self.name}")

    async def _alone(self, work: Callable[[], Awaitable[None]]) -> None:
        """Let what was abandoned end first: two must never move one resource at once."""
        async with self._one_at_a_time:
            await work()
            if self._is_look_due:
                await self._observe()

    async def _observe(self) -> None:
        told = ""
        while True:
            self._forget()
            self._is_look_due = False
            try:
                looks = [await self._look(resource) for resource in self.resources]
                found = _sum([state for state in looks if state is not None])
                if found is GroupState.STARTED:
                    await self._adopt()
                break
            except AdapterError as error:
                if str(error) != told:
                    told = str(error)
                    _log.warning("Failed to look at group %s: %s; trying again", self.name, told)
                await asyncio.sleep(OBSERVE_RETRY)
        self._post(GroupObserved(self.name, found, self._definition))
        if found is GroupState.STARTED:
            self._serve()

    async def _look(self, resource: Runnable) -> ResourceState | None:
        state = await resource.look()
        if state is None:
            return None
        if state is ResourceState.STARTED:
            self._up.add(resource.text)
        self._changed(resource, state)
        return state

    async def _adopt(self) -> None:
        hold.hold(self.name, self._runtime_directory)
        for resource in self.resources:
            await resource.adopt()
            self._shared.uses(resource.unit, self.name)

    async def _start(self, operation: int) -> None:
        if self._tidying is not None:
            await asyncio.shield(self._tidying)
        self._forget()
        try:
            hold.hold(self.name, self._runtime_directory)
        except AdapterError as error:
            self._post(GroupStartFailed(self.name, operation, str(error)))
            return
        for resource in self.resources:
            resource.prepare()
        for resource in self.resources:
            self._changed(resource, ResourceState.STARTING)
            try:
                await resource.start()
            except AdapterError as error:
                self._changed(resource, ResourceState.FAILED, str(error))
                is_in_use = isinstance(error, AddressInUse)
                self._post(GroupStartFailed(self.name, operation, str(error), is_in_use))
                return
            self._up.add(resource.text)
            self._shared.uses(resource.unit, self.name)
            self._changed(resource, ResourceState.STARTED)
        self._post(GroupStarted(self.name, operation))
        self._serve()
        with contextlib.suppress(AdapterError):  # for systemctl's eye; the resources do the work
            await self._manager.start(self._target, TARGET_LIMIT_USEC)

    async def _stop(self, operation: int, leave: int) -> None:
        self._forget()
        failures: list[str] = []
        for resource in reversed(self.resources[leave:]):
            self._changed(resource, ResourceState.STOPPING)
            self._shared.leaves(resource.unit, self.name)
            try:
                await resource.stop()
            except AdapterError as error:
                self._changed(resource, ResourceState.FAILED, str(error))
                failures.append(str(error))
            else:
                self._changed(resource, ResourceState.STOPPED)
        if not failures and not leave:
            try:
                hold.let_go(self.name, self._runtime_directory)
            except AdapterError as error:
                failures.append(str(error))
        if failures:
            self._post(GroupStopFailed(self.name, operation, "; ".join(failures)))
        else:
            self._post(GroupStopped(self.name, operation))
        tidy = self._tidy(is_whole=not leave)
        self._tidying = asyncio.create_task(tidy, name=f"group {self.name}: tidy")
        await asyncio.shield(self._tidying)

    async def _tidy(self, *, is_whole: bool) -> None:
        """What a stop leaves to do when the group is told as stopped; nothing abandons it."""
        if is_whole:
            with contextlib.suppress(AdapterError):  # alone: what others share is part of it, too
                await self._manager.stop_alone(self._target, TARGET_LIMIT_USEC)
        for unit in self._shared.wanted_back():
            with contextlib.suppress(AdapterError):  # its group notices and restarts it
                await self._manager.start(unit, START_LIMIT_USEC)

    def _forget(self) -> None:
        """Nothing is known to run, and nothing that ends is a loss."""
        self._serving = False
        self._up.clear()
        self._gone.clear()

    def _serve(self) -> None:
        """Everything runs: from now on a loss is told at once, and one of before now."""
        self._serving = True
        for text, why in tuple(self._gone.items()):
            self.lost(text, why)

    def _changed(self, resource: Runnable, state: ResourceState, why: str = "") -> None:
        self._post(ResourceChanged(self.name, resource.text, state, why))


def _to_nobody(_event: Event) -> None:
    """Who was replaced has nothing to say."""


async def _ended(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it is over."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])


def _sum(states: Sequence[ResourceState]) -> GroupState:
    """All stopped, or nothing there: stopped. All started: started. Anything else: partial."""
    if all(state is ResourceState.STOPPED for state in states):
        return GroupState.STOPPED
    if all(state is ResourceState.STARTED for state in states):
        return GroupState.STARTED
    return GroupState.PARTIAL
