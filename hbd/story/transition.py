"""One move of groups, from its first cause to its last resource, as one value.

The words are told as they are here by D-Bus, hbctl and the journal; the manual is hbd(8). Instants
are µs on CLOCK_BOOTTIME, which means nothing in another boot: `realtime_usec` is the wall clock's
word for `began_at`, given by whoever knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hbd.cluster.terms import Epoch, GroupName, Instant, NodeName, Usec


class Cause(Enum):
    """What began it."""

    PEER_LOST = "peer-lost"  # silence on every link for deadtime
    PEER_ABSENT = "peer-absent"  # never heard since this node started, for initdead
    PEER_LEFT = "peer-left"  # its goodbye
    PEER_CONFIRMED_DOWN = "peer-confirmed-down"  # an operator's own word
    PEER_GAVE = "peer-gave"  # it handed groups over, unasked: a standby or a stop there
    PEER_ASKED = "peer-asked"  # a takeover there
    TAKEOVER = "takeover"  # an operator's, here
    STANDBY = "standby"  # an operator's, here
    FAILBACK = "failback"  # the preferred node is back
    RESOURCE_LOST = "resource-lost"
    FAILURE_CLEARED = "failure-cleared"  # an operator's word that it is mended
    MAINTENANCE_ENDED = "maintenance-ended"
    START = "start"  # of this node's daemon
    STOP = "stop"  # of this node's daemon
    RELOAD = "reload"  # the files say otherwise now
    NEWER_RECORD = "newer-record"  # the other node has taken over meanwhile
    OTHER = "other"  # what was found differs from what was believed


class Rule(Enum):
    """The rule of the core that decided, by the name under which hbd(8) explains it."""

    FENCE_FIRST = "fence-first"  # fence.pursue
    ACQUIRE_PROVEN = "acquire-proven"  # groups._may_acquire, the peer fenced or confirmed down
    ACQUIRE_UNPROTECTED = "acquire-unprotected"  # the same, by ha.cf's word alone
    ACQUIRE_LEFT = "acquire-left"  # the same, after a goodbye
    ASK_OWNER = "ask-owner"  # requests.on_takeover
    GIVE = "give"  # groups._give
    GO_HOME = "go-home"  # groups._intent
    LEAVE = "leave"  # groups._leave
    ADOPT_RECORD = "adopt-record"  # groups.merge_records
    REVIVE_ONCE = "revive-once"  # groups.on_resource_lost
    FAIL_HERE = "fail-here"  # groups._fail
    OFFER_PEER = "offer-peer"  # groups._serve, after a failed start
    START_OWN = "start-own"  # groups._serve
    REDEFINE = "redefine"  # groups, once a reload has changed what a group is made of
    RELEASE_FOREIGN = "release-foreign"  # groups._release


class Result(Enum):
    """What became of it, of one group or of all together.

    running ──► moved | started | stayed | released | failed
    """

    RUNNING = "running"
    MOVED = "moved"  # served by another node than before
    STARTED = "started"  # served again where it was, or for the first time
    STAYED = "stayed"  # nothing was moved after all
    RELEASED = "released"  # stopped here; who serves it next was not seen from here
    FAILED = "failed"


class Fencing(Enum):
    """What came of making sure that the peer does not write.

    none ──► pending ──► unprotected ──► proven      pending ──► failed ──► unprotected | proven
    """

    NONE = "none"  # not needed
    PENDING = "pending"
    UNPROTECTED = "unprotected"  # nothing proves it: ha.cf's word
    PROVEN = "proven"  # by a device or by an operator's own word
    FAILED = "failed"


class Phase(Enum):
    """What a stretch of time was spent on."""

    DETECT = "detect"  # from the last sign of life until the peer was thought lost
    FENCE = "fence"
    PEER = "peer"  # the other node's part: it stops, or it starts
    STOP = "stop"  # one resource, here
    START = "start"  # one resource, here


class Kind(Enum):
    """What kind of resource a stretch was about."""

    NONE = ""
    ADDRESS = "address"  # put on and announced
    MOUNT = "mount"
    SAMBA = "samba"
    NFS = "nfs"
    SERVICE = "service"  # any other


class StageResult(Enum):
    """How a stretch ended: running ──► done | failed | abandoned."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ABANDONED = "abandoned"  # something else was wanted meanwhile


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was known when it was decided.

    `subject` is link, ping, peer, record, resource or operator; `usec` is how long it had been
    silent, where that is the point.
    """

    subject: str
    name: str
    word: str
    usec: Usec = Usec(0)


@dataclass(frozen=True, slots=True)
class Move:
    """One group's part. `outage_usec` is how long nobody was known to serve it, at most."""

    group: GroupName
    origin: str  # who served it before; empty if nobody did
    target: NodeName  # who is to serve it, at the end who does
    epoch: Epoch  # of the ownership record: the same number on both nodes
    result: Result = Result.RUNNING
    outage_usec: Usec = Usec(0)
    was_touched: bool = False  # started or stopped here, be it in part


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of time. `usec` counts from `began_at`, 0 while it runs."""

    phase: Phase
    began_at: Instant
    kind: Kind = Kind.NONE
    group: str = ""
    resource: str = ""
    usec: Usec = Usec(0)
    result: StageResult = StageResult.RUNNING
    why: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """One move of groups. `id` sorts by time on its node and is never used twice."""

    id: str
    node: NodeName  # who tells
    cause: Cause
    began_at: Instant  # the first cause: of a lost peer its last sign of life
    requested_by: str = ""
    rules: tuple[Rule, ...] = ()  # in the order in which they decided
    moves: tuple[Move, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    stages: tuple[Stage, ...] = ()
    fencing: Fencing = Fencing.NONE
    ended_at: Instant | None = None
    why: str = ""  # of a failure
    stages_dropped: int = 0  # beyond the bound
    realtime_usec: int = 0  # wall clock at `began_at`, µs since 1970; 0 if not known

    @property
    def groups(self) -> tuple[GroupName, ...]:
        """The groups it is about, in haresources' order."""
        return tuple(move.group for move in self.moves)

    @property
    def rule(self) -> str:
        """The name of the rule that decided last; empty if none did yet."""
        return self.rules[-1].value if self.rules else ""

    @property
    def origin(self) -> str:
        """Who served the groups before; empty for nobody, or if they differ."""
        return _common({move.origin for move in self.moves})

    @property
    def target(self) -> str:
        """Who is to serve them; empty if they differ."""
        return _common({str(move.target) for move in self.moves})

    @property
    def result(self) -> Result:
        """The worst that became of a group, or running while it does."""
        if self.ended_at is None:
            return Result.RUNNING
        found = {move.result for move in self.moves}
        order = (Result.FAILED, Result.MOVED, Result.STARTED, Result.RELEASED)
        return next((result for result in order if result in found), Result.STAYED)

    @property
    def usec(self) -> Usec:
        """How long it took in all; 0 while it runs."""
        return Usec(0 if self.ended_at is None else self.ended_at - self.began_at)

    @property
    def outage_usec(self) -> Usec:
        """What a client felt at most."""
        return Usec(max((move.outage_usec for move in self.moves), default=0))


def _common(names: set[str]) -> str:
    return names.pop() if len(names) == 1 else ""
