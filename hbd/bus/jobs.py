"""Requests that wait for their outcome: each is an object of its own while it runs.

A takeover may outlast the 25 s that a D-Bus caller waits by default, so a caller gets a job at
once and its result by the signal JobRemoved. Whether a request is legal is not known here: the
core says so through the job's result.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from hbd.bus.names import Error, Verb
from hbd.cluster.event import (
    Event,
    FailureCleared,
    MaintenanceSet,
    PeerConfirmedDown,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.terms import GroupName, Instant, JobId, Scope
from hbd.errors import Refused

# An operator has one or two under way; sixteen leave room for scripts and bound the memory.
MAX_RUNNING = 16


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: the groups of `scope`, or exactly `group` when one was named."""

    id: JobId
    verb: Verb
    scope: Scope
    group: GroupName | None
    requested_by: str
    requested_at: Instant

    @property
    def event(self) -> Event:
        """The same in the core's words."""
        groups = () if self.group is None else (self.group,)
        match self.verb:
            case Verb.TAKEOVER:
                return TakeoverRequested(self.id, self.scope, groups, self.requested_by)
            case Verb.STANDBY:
                return StandbyRequested(self.id, self.scope, groups, self.requested_by)
            case Verb.MAINTENANCE_ON | Verb.MAINTENANCE_OFF:
                on = self.verb is Verb.MAINTENANCE_ON
                return MaintenanceSet(self.id, on, self.requested_by)
            case Verb.CONFIRM_PEER_DOWN:
                return PeerConfirmedDown(self.id, self.requested_by)
            case Verb.CLEAR_FAILURE:
                return FailureCleared(self.id, groups, self.requested_by)
            case _:
                assert_never(self.verb)


class Requests:
    """The jobs under way, oldest first."""

    def __init__(self, next_job: Callable[[], JobId]) -> None:
        self._next_job = next_job
        self._running: dict[JobId, Request] = {}

    @property
    def running(self) -> tuple[Request, ...]:
        """Every job that was submitted and not yet finished."""
        return tuple(self._running.values())

    def submit(self, verb: Verb, scope: Scope, group: GroupName | None, by: str) -> Request:
        """Begin a job. Raise Refused(Busy) when too many are under way already."""
        if len(self._running) >= MAX_RUNNING:
            raise Refused(Error.BUSY, f"{MAX_RUNNING} jobs are under way; wait for one to end")
        now = Instant(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000)
        request = Request(self._next_job(), verb, scope, group, by, now)
        assert request.id not in self._running, "a job's number is used once"
        self._running[request.id] = request
        return request

    def finish(self, job: JobId) -> Request | None:
        """Forget a job; None if nobody on the bus asked for it, or it has ended before."""
        return self._running.pop(job, None)
