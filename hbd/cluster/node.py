"""What this node believes: one frozen value, printable, comparable, replayable.

Times are instants on CLOCK_BOOTTIME in µs. Nothing here decides; see `liveness`, `groups`,
`fence` and `requests`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from hbd.cluster.action import Action
from hbd.cluster.event import GroupDefinition
from hbd.cluster.terms import (
    NO_DIGEST,
    SECOND,
    AutoFailback,
    ConfigDigest,
    Epoch,
    Fencing,
    Generation,
    GroupName,
    GroupReport,
    GroupState,
    Implementation,
    Instant,
    JobId,
    LineState,
    LinkName,
    LinkStatus,
    Means,
    NodeName,
    PeerStatus,
    Phase,
    Report,
    ResourceState,
    Usec,
)
from hbd.cluster.timing import Timing

RESERVING = (Fencing.AUTO, Fencing.RESERVATION, Fencing.REQUIRED)  # a disk is claimed if it can be
SHOOTING = (Fencing.AUTO, Fencing.STONITH, Fencing.REQUIRED)  # a power switch is used if known


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer may take before its absence is itself an event; larger than the adapters'.

    The adapters enforce their own, shorter limits per resource; these only catch a lost answer.
    """

    start_usec: Usec = Usec(120 * SECOND)
    stop_usec: Usec = Usec(120 * SECOND)
    stop_retry_usec: Usec = Usec(5 * SECOND)
    address_retry_usec: Usec = Usec(5 * SECOND)  # a server without its disk soon takes it off
    fence_retry_usec: Usec = Usec(10 * SECOND)
    revive_holdoff_usec: Usec = Usec(60 * SECOND)
    job_usec: Usec = Usec(180 * SECOND)
    goodbye_gap_usec: Usec = Usec(SECOND // 10)
    # heartbeat wakes twice a second, and asks again for what it has missed: it stays 2 s itself
    slow_goodbye_gap_usec: Usec = Usec(SECOND * 7 // 10)
    lost_stop_usec: Usec = Usec(15 * SECOND)  # to let go of what the disk gave to the peer
    leave_usec: Usec = Usec(45 * SECOND)  # for a leaving node's next resource; systemd waits 60 s
    stop_tries: int = 3  # failed stops in a row before a node gives the group up by rebooting


@dataclass(frozen=True, slots=True)
class Link:
    """One medium. `leads_to_peer` is false for ping nodes: they answer, but are not the peer.

    And false for a shared disk: it answers as long as it can be read, and what its registrations
    say of the peer is the peer's `disk_at`.
    """

    name: LinkName
    leads_to_peer: bool = True
    deadtime_usec: Usec | None = None  # its own, such as deadping; None: the node's deadtime
    status: LinkStatus = LinkStatus.DEAD
    heard_at: Instant | None = None
    is_disk: bool = False
    line: LineState = LineState.UNKNOWN
    fell_at: Instant | None = None  # when the line died under a peer that was heard

    @property
    def is_ping(self) -> bool:
        """A host that only answers: a witness of whether this node can reach anybody."""
        return not self.leads_to_peer and not self.is_disk


@dataclass(frozen=True, slots=True)
class Peer:
    """The other node, as far as it can be known from here."""

    name: NodeName
    status: PeerStatus = PeerStatus.UNKNOWN
    generation: Generation = Generation(0)
    sequence: int = 0
    heard_at: Instant | None = None
    gap_usec: Usec = Usec(0)  # how long it had been silent when last heard
    report: Report | None = None
    stuck: frozenset[GroupName] = frozenset()  # groups it said it could not stop
    proven: bool = False  # FENCED only: by a device or by an operator's own word, not by ha.cf's
    fence_due: Instant | None = None  # LOST, or FENCED in part: when to ask (again) for fencing
    maintenance: bool = False  # it said that it moves nothing; its silence does not end that
    disk_at: Instant | None = None  # when its registration on a shared disk last moved
    fence_why: str = ""  # why it is not fenced, if it is to be
    secured: frozenset[GroupName] | None = None  # FENCED: by taking these groups' disks; None: all
    digest: ConfigDigest = NO_DIGEST  # what it last said of its files; "": it never did
    implementation: Implementation | None = None  # None: never heard
    takes: frozenset[GroupName] = frozenset()  # heartbeat's: what it has agreed to be given

    @property
    def is_heartbeat(self) -> bool:
        """It is Linux-HA's heartbeat: it knows no report, and moves groups by their home."""
        return self.implementation is Implementation.HEARTBEAT

    @property
    def is_heard(self) -> bool:
        """It speaks, in time or late."""
        return self.status in (PeerStatus.ACTIVE, PeerStatus.LATE)

    @property
    def is_out(self) -> bool:
        """It will not write: it said goodbye, or was fenced. The only licence to acquire."""
        return self.status in (PeerStatus.LEFT, PeerStatus.FENCED)

    def is_fenced_from(self, group: Group) -> bool:
        """Whether a fenced peer is kept from this group too.

        Taking one disk from a peer that may be alive says nothing of what it does with another;
        but a group whose disk carries reservations takes it at its own start.
        """
        return self.secured is None or group.name in self.secured or group.reserved

    def word_on(self, group: GroupName) -> GroupReport | None:
        """What it last said of this group; None if it has not mentioned it."""
        if self.report is None:
            return None
        return next((word for word in self.report.groups if word.name == group), None)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a group, for display and explanation; the executor moves it."""

    text: str
    state: ResourceState = ResourceState.STOPPED
    why: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """What moves as a whole: its ownership record, its state here, and what is intended."""

    name: GroupName
    preferred: NodeName
    owner: NodeName
    resources: tuple[Resource, ...] = ()
    epoch: Epoch = Epoch(0)
    state: GroupState = GroupState.UNKNOWN
    operation: int = 0  # the newest start or stop asked for
    deadline: Instant | None = None  # when its answer counts as lost; STOP_FAILED: when to retry
    failure: str = ""  # why the last start or stop failed; kept until it succeeds
    start_failed: bool = False  # once stopped, it is START_FAILED: nobody retries it here unasked
    retry_at: Instant | None = None  # START_FAILED: but this one is tried again by itself, then
    giving: bool = False  # on its way to the peer: release, then hand over
    wanted: bool = False  # an operator wants it here: ask the owner
    failback_due: bool = False  # acquired because the peer was away: goes home when it may
    revived_at: Instant | None = None  # when a lost resource was last restarted in place
    is_disk_known: bool = True  # its disks were looked at; not yet, for one that a reload changed
    has_disk: bool = False  # something of it writes to a disk that the peer can write to
    reserved: bool = False  # every such disk refuses all but the node that is registered there
    disk_lost: bool = False  # the disk is the peer's by now: let go within lost_stop, or reboot
    stop_failures: int = 0  # in a row
    definition: int = 0  # how often what it is made of has changed
    revision: GroupDefinition | None = None  # what it will be, once what runs has been let go of
    removed: bool = False  # no longer in haresources: forgotten once it is stopped
    left_running: int = 0  # how many resources, from the left, the last stop was not to touch

    @property
    def is_changing(self) -> bool:
        """Whether the files say otherwise than what it is run by."""
        return self.removed or self.revision is not None

    @property
    def retry_due(self) -> Instant | None:
        """When a start that failed is tried again by itself; None: not unasked."""
        return self.retry_at if self.state is GroupState.START_FAILED else None

    @property
    def record(self) -> tuple[int, bool]:
        """The order of ownership records: larger wins; on a tie the preferred node's."""
        return (self.epoch, self.owner == self.preferred)


@dataclass(frozen=True, slots=True)
class Job:
    """An operator's request under way."""

    id: JobId
    to_here: bool  # takeover: True; standby: False
    groups: tuple[GroupName, ...]
    deadline: Instant


@dataclass(frozen=True, slots=True)
class Node:
    """This node: everything the next step depends on."""

    name: NodeName
    generation: Generation
    timing: Timing
    auto_failback: AutoFailback
    peer: Peer
    links: tuple[Link, ...]
    groups: tuple[Group, ...]
    started_at: Instant
    stepped_at: Instant
    watched_since: Instant  # from when on silence is silence: we were listening all the time
    patient_until: Instant  # we were late a little: what waits in the sockets is heard first
    heartbeat_due: Instant
    alive_due: Instant
    phase: Phase = Phase.STARTING
    maintenance: bool = False  # an operator's wish: nothing is moved from here
    digest: ConfigDigest = NO_DIGEST  # of the three files this node runs with
    limits: Limits = Limits()
    jobs: tuple[Job, ...] = ()
    said: Report | None = None  # the last report sent, to know what is news
    stall_usec: Usec = Usec(0)  # how long we last failed to listen
    leave_due: Instant | None = None  # LEAVING: when no more progress is hoped for
    goodbyes: int = 0
    fencing: Fencing = Fencing.AUTO
    has_stonith: bool = False

    def group(self, name: GroupName) -> Group | None:
        """The group of this name, None if haresources has none."""
        return next((group for group in self.groups if group.name == name), None)

    @property
    def links_to_peer(self) -> tuple[Link, ...]:
        """The links that carry heartbeats, in ha.cf's order: the same place on both nodes."""
        return tuple(link for link in self.links if link.leads_to_peer)

    def is_heard_by_peer(self, name: LinkName) -> bool:
        """Whether the peer, while it speaks, says that it hears this node on the link."""
        report = self.peer.report
        if report is None or not self.peer.is_heard:
            return False
        places = [place for place, link in enumerate(self.links_to_peer) if link.name == name]
        return any(place in report.hears for place in places)

    @property
    def is_known_to_peer(self) -> bool:
        """Whether the peer speaks, and its report was made in knowledge of this life of ours.

        Until then its word may be older than what we said in a former life and have forgotten: a
        group that we gave away then would be started on both nodes.
        """
        report = self.peer.report
        return self.peer.is_heard and report is not None and report.heard == self.generation

    @property
    def peer_may_serve(self) -> bool:
        """Whether groups can be given to the peer: it knows us, has started, and moves groups."""
        report = self.peer.report
        active = report is not None and report.phase is Phase.ACTIVE
        return self.is_known_to_peer and active and not self.peer.maintenance

    def may_give(self, group: Group) -> bool:
        """Whether a group may be released for the peer: heartbeat agrees first, or never does."""
        return self.peer_may_serve and (not self.peer.is_heartbeat or group.name in self.peer.takes)

    def may_hand_over(self, group: Group) -> bool:
        """Whether a stopped group may be made the peer's.

        What heartbeat agreed to take it takes as a whole, when all of it is released.
        """
        return self.may_give(group) and not any(
            other.state.is_held for other in self.groups if other.name in self.peer.takes
        )

    @property
    def is_peer_only_on_disk(self) -> bool:
        """Whether every link is silent and the shared disk alone says that the peer lives."""
        peer = self.peer
        on_disk = peer.is_heard and peer.report is None and peer.disk_at is not None
        links = [link for link in self.links if link.leads_to_peer]
        return on_disk and all(link.status is LinkStatus.DEAD for link in links)

    def protection(self, group: Group | None = None) -> Means:
        """What protects a group, or the cluster as a whole, against a second writer."""
        groups = self.groups if group is None else (group,)
        with_disk = [each for each in groups if each.has_disk]
        if self.fencing in RESERVING and with_disk and all(each.reserved for each in with_disk):
            return Means.RESERVATION
        if self.fencing in SHOOTING and self.has_stonith:
            return Means.STONITH
        return Means.NONE

    @property
    def may_fence(self) -> bool:
        """Whether a lost peer is fenced: not while one of the two is in maintenance."""
        return not self.maintenance and not self.peer.maintenance

    def owns(self, group: Group) -> bool:
        """Whether the record says that this node may run the group."""
        return group.owner == self.name

    def found_serving(self, group: Group) -> bool:
        """Whether a daemon that is still starting has found the group running, and no owner of it.

        It becomes this node's once the peer has had its say: that is how a restarted daemon keeps
        what it served, though both have forgotten. Not before: a node that stood still, was taken
        over from and then restarted would claim what is the peer's by now.
        """
        unclaimed = group.state is GroupState.STARTED and group.epoch == 0
        return self.phase is Phase.STARTING and unclaimed and not group.disk_lost

    def with_group(self, changed: Group) -> Node:
        """The same node with one group replaced (by name)."""
        if any(group is changed for group in self.groups):
            return self
        groups = tuple(changed if group.name == changed.name else group for group in self.groups)
        return replace(self, groups=groups)


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of a decision: what is believed now, and what is to be done."""

    node: Node
    actions: tuple[Action, ...] = ()

    def then(self, decide: Callable[[Node], Step]) -> Step:
        """Decide further from the new belief; the actions add up in order."""
        following = decide(self.node)
        return Step(following.node, self.actions + following.actions)


def chain(node: Node, decisions: Iterable[Callable[[Node], Step]]) -> Step:
    """Take decisions one after another, each seeing what the ones before it concluded."""
    step = Step(node)
    for decide in decisions:
        step = step.then(decide)
    return step


def new_node(
    *,
    name: NodeName,
    generation: Generation,
    peer: NodeName,
    timing: Timing,
    auto_failback: AutoFailback,
    links: Iterable[Link],
    groups: Iterable[tuple[GroupName, NodeName, tuple[str, ...]]],
    now: Instant,
    maintenance: bool = False,
    fencing: Fencing = Fencing.AUTO,
    has_stonith: bool = False,
    digest: ConfigDigest = NO_DIGEST,
) -> Node:
    """A node that has just been started and knows nothing: everything is to be observed.

    `groups` are (name, preferred node, resources as written), in haresources' order;
    `maintenance` is what the daemon's former life wrote down.
    """
    return Node(
        name=name,
        generation=generation,
        timing=timing,
        auto_failback=auto_failback,
        peer=Peer(peer),
        links=tuple(links),
        groups=tuple(
            Group(
                name=group,
                preferred=preferred,
                owner=preferred,
                resources=tuple(Resource(text) for text in resources),
            )
            for group, preferred, resources in groups
        ),
        started_at=now,
        stepped_at=now,
        watched_since=now,
        patient_until=now,
        heartbeat_due=now,
        alive_due=now,
        maintenance=maintenance,
        fencing=fencing,
        has_stonith=has_stonith,
        digest=digest,
    )


def report_of(node: Node) -> Report:
    """What this node would tell the other now."""
    return Report(
        phase=node.phase,
        deadtime_usec=node.timing.deadtime_usec,
        groups=tuple(
            GroupReport(group.name, group.epoch, group.owner, group.state, group.wanted)
            for group in node.groups
        ),
        heard=node.peer.generation,
        maintenance=node.maintenance,
        digest=node.digest,
        hears=frozenset(
            place for place, link in enumerate(node.links_to_peer) if link.status is LinkStatus.UP
        ),
    )
