"""The field's words as types.

Every other module speaks in these. A time is an integer count of microseconds: an `Instant` on
CLOCK_BOOTTIME, a `Usec` as a span. This module knows no rule, only words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

NodeName = NewType("NodeName", str)  # as in ha.cf, lower case
GroupName = NewType("GroupName", str)  # the first resource of a haresources line, as written
LinkName = NewType("LinkName", str)  # heartbeat's: "eth1", "/dev/ttyS0"
Instant = NewType("Instant", int)  # µs on CLOCK_BOOTTIME
Usec = NewType("Usec", int)  # a span in µs
Generation = NewType("Generation", int)  # one life of the daemon on a node; only grows
Epoch = NewType("Epoch", int)  # how often a group's ownership has changed; only grows
JobId = NewType("JobId", int)
ConfigDigest = NewType("ConfigDigest", str)  # of the three files, 8 hexadecimal digits each, or ""

NO_DIGEST = ConfigDigest("")
SECOND = Usec(1_000_000)
MILLISECOND = Usec(1_000)


class Phase(Enum):
    """Where this node's daemon is in its own life.

    starting ──observed, and peer heard or lost──► active ──SIGTERM──► leaving ──released──► left
    """

    STARTING = "starting"
    ACTIVE = "active"
    LEAVING = "leaving"
    LEFT = "left"


class PeerStatus(Enum):
    """What this node believes of the other one. Silence is not death: `lost` permits fencing only.

    unknown ──heard──► active ◄──heard── late ◄──warntime── active
    unknown ──initdead──► lost        late ──deadtime──► lost ──confirmed──► fenced
    active ──goodbye──► left          lost, fenced, left ──heard──► active
    """

    UNKNOWN = "unknown"
    ACTIVE = "active"
    LATE = "late"
    LOST = "lost"
    FENCED = "fenced"
    LEFT = "left"


class Implementation(Enum):
    """Which program speaks for a node: what it says, and can be told, differs."""

    HBD = "hbd"
    HEARTBEAT = "heartbeat"  # Linux-HA's, 3.0.6: it moves all groups of a home at once


class LinkStatus(Enum):
    """One medium, by itself: up ──deadtime of silence──► dead ──heard──► up."""

    UP = "up"
    DEAD = "dead"


class GroupState(Enum):
    """What is true of a resource group on one node.

    unknown ──observed──► stopped | partial | started
    stopped ──acquire──► starting ──► started ──release──► stopping ──► stopped
    starting ──failed──► stopping ──► start-failed    stopping ──failed──► stop-failed
    partial ──► starting | stopping      stop-failed ──retry──► stopping
    """

    UNKNOWN = "unknown"  # not yet looked at: must be treated as held
    STOPPED = "stopped"  # proven gone: nothing of it runs here
    PARTIAL = "partial"  # some of it runs and nobody is at work on it
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    START_FAILED = "start-failed"  # it would not start; proven stopped again
    STOP_FAILED = "stop-failed"  # it would not stop: may still run, nobody else may start it

    @property
    def is_held(self) -> bool:
        """Whether anything of the group may be running: all but the two proven-stopped states."""
        return self not in (GroupState.STOPPED, GroupState.START_FAILED)


class ResourceState(Enum):
    """One resource of a group on this node, for display.

    stopped ──► starting ──► started ──► stopping ──► stopped      starting, stopping ──► failed
    """

    STOPPED = "stopped"
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    FAILED = "failed"


class Scope(Enum):
    """Which groups a takeover or standby means, in heartbeat's words, seen from the node asked."""

    ALL = "all"
    LOCAL = "local"  # the groups that prefer this node
    FOREIGN = "foreign"  # the groups that prefer the peer
    FAILBACK = "failback"  # takeover: my own groups back; standby: the peer's groups back to it


class AutoFailback(Enum):
    """ha.cf `auto_failback`: whether a group goes home when its preferred node returns."""

    ON = "on"
    OFF = "off"
    LEGACY = "legacy"


class Fencing(Enum):
    """ha.cf `fencing`: what must confirm that a lost peer will not write before it is succeeded."""

    AUTO = "auto"  # the strongest of what there is; where nothing is, the administrator's word
    RESERVATION = "reservation"  # the shared disk itself, or nothing is taken over
    STONITH = "stonith"  # a power switch, or nothing is taken over
    NONE = "none"  # silence is enough, as in 2001
    REQUIRED = "required"  # a reservation or a power switch, or nothing is taken over


class Means(Enum):
    """What stands between the shared disk and a second writer: the word `protection`."""

    RESERVATION = "reservation"  # the disk refuses everybody but the node that serves
    STONITH = "stonith"  # a power switch makes sure that the peer is off
    NONE = "none"  # silence on every link, and the administrator's word that it is enough


class DiskHolder(Enum):
    """Whose registration a shared disk has, seen from this node."""

    SELF = "self"
    PEER = "peer"
    NOBODY = "nobody"


class LineState(Enum):
    """What the wire of a link says by itself, without a word being spoken on it.

    Only a wire that leads straight to the peer can be live: the carrier of an Ethernet port may be
    a switch's, and says something only when it is gone.
    """

    UNKNOWN = "unknown"
    LIVE = "live"  # a null-modem's DSR or DCD: the peer has power and holds the port open
    DEAD = "dead"  # no carrier, DSR and DCD dropped: unplugged, or the peer is without power


class JobResult(Enum):
    """How an operator's request ended."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class GroupReport:
    """One node's word on one group, as told in every heartbeat.

    `epoch` and `owner` are the ownership record; a record with a larger epoch replaces a smaller
    one everywhere. `state` is what is true on the reporting node itself. `wanted` asks the owner
    to hand the group over (an operator's takeover): state, too, told until it is fulfilled.
    """

    name: GroupName
    epoch: Epoch
    owner: NodeName
    state: GroupState
    wanted: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a node tells the other in every heartbeat: the whole of what the other must know.

    State, not change: any later report replaces any earlier one, so loss and repetition on the
    wire cost nothing but time. `deadtime_usec` is how long the sender may be silent before it
    may be thought lost (heartbeat's `dt`). `heard` is the generation of the other node that the
    sender has heard last, 0 for none: only a report that knows of the reader's present life can
    hold the reader to what it said in a former one, so no other is decided upon. `maintenance`
    says that the sender moves nothing: it is given nothing, and nothing is taken from it. `digest`
    stands for the sender's three files, and `hears` for the links on which it hears the reader,
    by their place among the links that lead to the peer, from 0: nothing is decided by either.
    """

    phase: Phase
    deadtime_usec: Usec
    groups: tuple[GroupReport, ...] = field(default=())
    heard: Generation = Generation(0)
    maintenance: bool = False
    digest: ConfigDigest = NO_DIGEST
    hears: frozenset[int] = frozenset()
