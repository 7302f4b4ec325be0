"""Everything the core can ask for, in the imperative: its only output.

Actions are idempotent ("be started") and may be repeated. Slow ones are answered by an event that
carries the same `operation`, so that an answer to an older ask is known as such.
"""

from __future__ import annotations

from dataclasses import dataclass

from hbd.cluster.terms import GroupName, JobId, JobResult, Means, NodeName, Report


@dataclass(frozen=True, slots=True)
class SendHeartbeat:
    """Send the regular status message on every link; a newer one makes it worthless."""

    report: Report


@dataclass(frozen=True, slots=True)
class Announce:
    """Something changed: tell the peer now, between two heartbeats, reliably."""

    report: Report


@dataclass(frozen=True, slots=True)
class SayGoodbye:
    """Tell the peer that everything is released and this node leaves (`shutdone`)."""

    report: Report


@dataclass(frozen=True, slots=True)
class ForgetPeerSequence:
    """The peer is lost: its message numbering may start anew (heartbeat's rule)."""


@dataclass(frozen=True, slots=True)
class ObserveGroup:
    """Look what is true of the group here; answered by GroupObserved."""

    group: GroupName


@dataclass(frozen=True, slots=True)
class StartGroup:
    """Start the group's resources left to right; answered by GroupStarted or GroupStartFailed."""

    group: GroupName
    operation: int


@dataclass(frozen=True, slots=True)
class StopGroup:
    """Stop them right to left, abandoning a start under way, and prove them gone.

    All but the first `leave`. Answered by GroupStopped or GroupStopFailed.
    """

    group: GroupName
    operation: int
    leave: int = 0


@dataclass(frozen=True, slots=True)
class ReviseGroup:
    """From now on the group is what the newest files say; look at it: answered by GroupObserved."""

    group: GroupName
    definition: int


@dataclass(frozen=True, slots=True)
class ForgetGroup:
    """The group is no longer in haresources, and proven gone from here."""

    group: GroupName


@dataclass(frozen=True, slots=True)
class Fence:
    """Make sure the peer will not write; answered by FenceConfirmed or FenceFailed.

    By reservation: take the disks of `groups` from it, the first one deciding. By STONITH: switch
    it off. By nothing: only look whether it still answers for the addresses of `groups`.
    """

    target: NodeName
    means: Means = Means.NONE
    groups: tuple[GroupName, ...] = ()


@dataclass(frozen=True, slots=True)
class Reboot:
    """Give up this node's claim on the group's disks and restart the machine, without unmounting.

    The last resort of a node that can prove neither that the group is gone nor that it may run.
    """

    group: GroupName
    why: str


@dataclass(frozen=True, slots=True)
class FinishJob:
    """Tell the operator how the request ended, and why."""

    job: JobId
    result: JobResult
    why: str


@dataclass(frozen=True, slots=True)
class KeepMaintenance:
    """Write down whether this node is in maintenance: a restart or a reboot does not end it."""

    on: bool


@dataclass(frozen=True, slots=True)
class ProveAlive:
    """Feed the watchdog: clock, loop and decision all work."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Everything is released and said: the daemon may end."""


Action = (
    SendHeartbeat
    | Announce
    | SayGoodbye
    | ForgetPeerSequence
    | ObserveGroup
    | StartGroup
    | StopGroup
    | ReviseGroup
    | ForgetGroup
    | Fence
    | Reboot
    | FinishJob
    | KeepMaintenance
    | ProveAlive
    | Quit
)
