"""Everything that can happen, in the past tense: the only input of the core.

Adapters post these; nothing else changes what a node believes.
"""

from __future__ import annotations

from dataclasses import dataclass

from hbd.cluster.terms import (
    NO_DIGEST,
    AutoFailback,
    ConfigDigest,
    DiskHolder,
    Generation,
    GroupName,
    GroupState,
    Implementation,
    JobId,
    LineState,
    LinkName,
    NodeName,
    Report,
    ResourceState,
    Scope,
    Usec,
)
from hbd.cluster.timing import Timing


@dataclass(frozen=True, slots=True)
class ClockTicked:
    """The armed deadline has come; what is due is for the core to see."""


@dataclass(frozen=True, slots=True)
class LinkHeard:
    """The peer (or a ping node) spoke on this link and said nothing the core has not heard."""

    link: LinkName


@dataclass(frozen=True, slots=True)
class HeartbeatHeard:
    """An authentic, unrepeated report of the peer came in.

    What a peer that is no hbd said was translated into one. It takes a group only once it has
    agreed to: `takes` are those groups.
    """

    link: LinkName
    generation: Generation
    sequence: int
    report: Report
    implementation: Implementation = Implementation.HBD
    takes: frozenset[GroupName] = frozenset()


@dataclass(frozen=True, slots=True)
class GoodbyeHeard:
    """The peer says that it has released everything and is leaving (heartbeat's `shutdone`)."""

    link: LinkName
    generation: Generation
    sequence: int
    report: Report
    implementation: Implementation = Implementation.HBD


@dataclass(frozen=True, slots=True)
class HandoverRefused:
    """The peer did not agree to what groups were to do: nothing of them has moved."""

    groups: tuple[GroupName, ...]
    why: str


@dataclass(frozen=True, slots=True)
class LifeRenewed:
    """This node begins a new life on the wire: the peer may have acted on its silence."""

    generation: Generation


@dataclass(frozen=True, slots=True)
class GroupObserved:
    """What systemd, netlink and the disk say of a group: stopped, partial or started.

    `definition` numbers what it was looked at as: a reload may have changed that since.
    """

    group: GroupName
    state: GroupState
    definition: int = 0


@dataclass(frozen=True, slots=True)
class GroupStarted:
    """Every resource of the group runs; answers StartGroup with the same `operation`."""

    group: GroupName
    operation: int


@dataclass(frozen=True, slots=True)
class GroupStartFailed:
    """A resource would not start; what was started before it still runs.

    `is_in_use`: it is the shared address, and another machine answers for it.
    """

    group: GroupName
    operation: int
    why: str
    is_in_use: bool = False


@dataclass(frozen=True, slots=True)
class GroupStopped:
    """Every resource of the group is proven gone; answers StopGroup."""

    group: GroupName
    operation: int


@dataclass(frozen=True, slots=True)
class GroupStopFailed:
    """Something of the group may still run here: nobody else may start it."""

    group: GroupName
    operation: int
    why: str


@dataclass(frozen=True, slots=True)
class ResourceChanged:
    """One resource of a group went to another state in the course of a start or stop."""

    group: GroupName
    resource: str
    state: ResourceState
    why: str = ""


@dataclass(frozen=True, slots=True)
class ResourceLost:
    """A resource of a started group is gone though nobody here stopped it."""

    group: GroupName
    resource: str
    why: str


@dataclass(frozen=True, slots=True)
class FenceConfirmed:
    """The peer will not write: `proven` by a device, or (False) only by the administrator's word.

    The classic set-up has no fence device; ha.cf's links and times are then the administrator's
    decision that silence on every link for deadtime is enough. `groups` are those whose disks were
    taken from it, which proves nothing about others; None: the machine is off, or said to be.
    """

    target: NodeName
    proven: bool
    groups: tuple[GroupName, ...] | None = None


@dataclass(frozen=True, slots=True)
class FenceFailed:
    """The fence device did not confirm; nothing may be acquired."""

    target: NodeName
    why: str


@dataclass(frozen=True, slots=True)
class DiskFound:
    """A group's disk has been looked at: whether it carries reservations, and is so a link too.

    `link` is the disk as a link; None where the disk cannot refuse a writer (`reserved` is false)
    or the group has none (`has_disk` is false).
    """

    group: GroupName
    reserved: bool
    link: LinkName | None = None
    has_disk: bool = True


@dataclass(frozen=True, slots=True)
class DiskRead:
    """The shared disk told whose registration it has; `moved`: the peer has renewed its own."""

    link: LinkName
    holder: DiskHolder
    moved: bool = False


@dataclass(frozen=True, slots=True)
class DiskLost:
    """The disk of a group that runs here refuses this node's writes: another has preempted it."""

    group: GroupName
    why: str


@dataclass(frozen=True, slots=True)
class LineChanged:
    """The wire of a link came alive or died, whatever is spoken on it."""

    link: LinkName
    line: LineState


@dataclass(frozen=True, slots=True)
class TakeoverRequested:
    """An operator wants groups here: those of `scope`, or exactly `groups` when given."""

    job: JobId
    scope: Scope
    groups: tuple[GroupName, ...] = ()
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class StandbyRequested:
    """An operator wants groups to go to the peer."""

    job: JobId
    scope: Scope
    groups: tuple[GroupName, ...] = ()
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class MaintenanceSet:
    """An operator wants this node to move nothing (`on`), or to go on as ever."""

    job: JobId
    on: bool
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class PeerConfirmedDown:
    """An operator gives their own word that the peer is off: as good as a fence device's."""

    job: JobId
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class FailureCleared:
    """An operator has mended what made groups fail here: exactly `groups`, or all if none given."""

    job: JobId
    groups: tuple[GroupName, ...] = ()
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class LinkDefinition:
    """One link of ha.cf. `is_new`: it is opened now, whatever had that name before."""

    name: LinkName
    leads_to_peer: bool = True
    deadtime_usec: Usec | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """One line of haresources.

    `kept` is how many resources, from the left, are in every detail what this node runs the group
    by now: not all of a resource is in its text.
    """

    name: GroupName
    preferred: NodeName
    resources: tuple[str, ...]
    kept: int = 0


@dataclass(frozen=True, slots=True)
class ConfigurationChanged:
    """The files were read anew and can be run: this is all of what they say now."""

    timing: Timing
    auto_failback: AutoFailback
    links: tuple[LinkDefinition, ...]
    groups: tuple[GroupDefinition, ...]
    digest: ConfigDigest = NO_DIGEST


@dataclass(frozen=True, slots=True)
class LeaveRequested:
    """The daemon is to stop: release everything, hand it over, say goodbye."""


Event = (
    ClockTicked
    | LinkHeard
    | HeartbeatHeard
    | GoodbyeHeard
    | HandoverRefused
    | LifeRenewed
    | GroupObserved
    | GroupStarted
    | GroupStartFailed
    | GroupStopped
    | GroupStopFailed
    | ResourceChanged
    | ResourceLost
    | FenceConfirmed
    | FenceFailed
    | DiskFound
    | DiskRead
    | DiskLost
    | LineChanged
    | TakeoverRequested
    | StandbyRequested
    | MaintenanceSet
    | PeerConfirmedDown
    | FailureCleared
    | ConfigurationChanged
    | LeaveRequested
)
