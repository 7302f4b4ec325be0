"""What moves while a job is under way: steps with their times, and how far it has come. Pure.

A step is a resource that starts or stops here, or a group that does so on the peer, which tells
of itself as a whole only. Times are measured where they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hbd.bus.names import Verb
from hbd.cli.ink import printable
from hbd.cli.view import JobView, StatusView
from hbd.cluster.terms import GroupState, ResourceState

_BEGINS = {ResourceState.STARTING.value: "start", ResourceState.STOPPING.value: "stop"}
_ENDS = (
    ResourceState.STARTED.value,
    ResourceState.STOPPED.value,
    ResourceState.FAILED.value,
    GroupState.START_FAILED.value,
    GroupState.STOP_FAILED.value,
)
_WELL = (ResourceState.STARTED.value, ResourceState.STOPPED.value)
_SECOND = 1_000_000  # µs


def job_progress(view: StatusView, job: JobView) -> str:
    """How many resources of the job's groups are where it wants them; empty if it moves none."""
    if job.verb not in (Verb.TAKEOVER, Verb.STANDBY):
        return ""
    wanted = ResourceState.STARTED if job.verb == Verb.TAKEOVER else ResourceState.STOPPED
    resources = [
        resource
        for group in view.groups
        if group.name in job.groups
        for resource in group.resources
    ]
    if not resources:
        return ""
    there = sum(resource.state == wanted.value for resource in resources)
    return f"{there} of {len(resources)} resources {wanted.value}"


class Progress(Protocol):
    """What to write while a job runs: `feed` for every change, `close` at the end."""

    def feed(self, path: str, properties: Mapping[str, object], now_usec: int) -> str:
        """What to write for this change of this object; empty if it is of no interest."""
        ...

    def close(self) -> str:
        """The end of a line that still waits for its step; empty if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class States:
    """Lines for a pipe: every state as it comes. `names` are those of objects, by path."""

    names: Mapping[str, str]

    def feed(self, path: str, properties: Mapping[str, object], now_usec: int) -> str:
        """A line for a state or an owner."""
        del now_usec  # a pipe has its own clock
        words = {"State": "", "PeerState": "on the peer: ", "Owner": "now belongs to "}
        told = [f"{say}{properties[key]}" for key, say in words.items() if key in properties]
        if path not in self.names or not told:
            return ""
        return printable(f"{self.names[path]}: {', '.join(told)}") + "\n"

    def close(self) -> str:
        """Nothing: no line waits."""
        return ""


@dataclass(slots=True)
class Steps:
    """Lines for a terminal: `stop smb ... 0.12 s`, the second half once the step has ended.

    `resources` are the names by object path; `groups` likewise, whose steps are the peer's.
    """

    resources: Mapping[str, str]
    groups: Mapping[str, str]
    peer: str
    _begun: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    _open: tuple[str, str] | None = None  # the step whose line waits for its end

    def feed(self, path: str, properties: Mapping[str, object], now_usec: int) -> str:
        """What to write for this change; empty if it is of no interest."""
        if path in self.resources and "State" in properties:
            return self._state(path, "State", self.resources[path], properties, now_usec)
        if path in self.groups:
            written = ""
            if "PeerState" in properties:
                name = f"{self.groups[path]} on {self.peer}"
                written = self._state(path, "PeerState", name, properties, now_usec)
            if "Owner" in properties:
                told = printable(f"{self.groups[path]} now belongs to {properties['Owner']}")
                written += f"{self.close()}{told}\n"
            return written
        return ""

    def close(self) -> str:
        """The end of a line that still waits for its step; empty if there is none."""
        waits, self._open = self._open, None
        return "" if waits is None else "\n"

    def _state(
        self, path: str, key: str, name: str, properties: Mapping[str, object], now_usec: int
    ) -> str:
        step, state = (path, key), str(properties[key])
        if state in _BEGINS:
            line = printable(f"{_BEGINS[state]} {name} ...")
            self._begun[step] = (line, now_usec)
            written = self.close() + line
            self._open = step
            return written
        if state not in _ENDS or step not in self._begun:
            return ""
        line, since = self._begun.pop(step)
        took = f" {max(0, now_usec - since) / _SECOND:.2f} s"
        why = str(properties.get("Why", ""))
        took += "" if state in _WELL else printable(f" {state}{': ' if why else ''}{why}")
        if self._open == step:
            self._open = None
            return f"{took}\n"
        return f"{self.close()}{line}{took}\n"
