"""A node whose events and time are dealt by hand: the core as its unit tests see it.

Only `step` and `next_deadline` are called, as the runtime calls them. The peer is a report that a
test changes word by word; unless told otherwise it agrees with this node on who owns what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from hbd.cluster.action import Action
from hbd.cluster.event import (
    ClockTicked,
    DiskFound,
    DiskLost,
    DiskRead,
    Event,
    FenceConfirmed,
    GoodbyeHeard,
    GroupObserved,
    GroupStarted,
    GroupStartFailed,
    GroupStopFailed,
    GroupStopped,
    HeartbeatHeard,
    LineChanged,
)
from hbd.cluster.node import Group, Link, Node, Peer, new_node
from hbd.cluster.step import next_deadline, step
from hbd.cluster.terms import (
    SECOND,
    AutoFailback,
    DiskHolder,
    Epoch,
    Fencing,
    Generation,
    GroupName,
    GroupReport,
    GroupState,
    Instant,
    LineState,
    LinkName,
    LinkStatus,
    NodeName,
    PeerStatus,
    Phase,
    Report,
    Usec,
)
from hbd.cluster.timing import Timing

HERE, THERE = NodeName("ttisrv1"), NodeName("ttisrv2")
DISK, MAIL = GroupName("disk"), GroupName("mail")
ETHERNET, SERIAL, ROUTER = LinkName("eth1"), LinkName("/dev/ttyS0"), LinkName("192.168.0.1")
DISK_LINK = LinkName("disk-1")
LIFE = Generation(7)  # of this node
PEER_LIFE = Generation(3)
START = Instant(1_000 * SECOND)
TIMING = Timing(
    keepalive_usec=SECOND,
    warntime_usec=Usec(5 * SECOND // 2),
    deadtime_usec=Usec(5 * SECOND),
    initdead_usec=Usec(12 * SECOND),
)

Actions = tuple[Action, ...]


class Driven:
    """One node, its clock, and what the peer says of itself."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.now = node.stepped_at
        self.said = Report(Phase.ACTIVE, TIMING.deadtime_usec, (), heard=node.generation)
        self.peer_life = PEER_LIFE
        self.sequence = 0

    # --- what is believed ------------------------------------------------------------------------

    @property
    def peer(self) -> Peer:
        """What the node believes of the other one."""
        return self.node.peer

    @property
    def disk(self) -> Group:
        """The one group that most stories are about."""
        return self.group(DISK)

    def group(self, name: GroupName) -> Group:
        """A group as this node believes it to be."""
        found = self.node.group(name)
        assert found is not None
        return found

    def state(self, name: GroupName = DISK) -> GroupState:
        """What is believed to be true of a group here."""
        return self.group(name).state

    def status(self) -> PeerStatus:
        """What is believed of the peer. (Calls, not properties: mypy takes those for constant.)"""
        return self.node.peer.status

    def phase(self) -> Phase:
        """Where this node's daemon is in its own life."""
        return self.node.phase

    def link_status(self, name: LinkName) -> LinkStatus:
        """Whether a link is believed to be up."""
        return next(link.status for link in self.node.links if link.name == name)

    # --- what happens ----------------------------------------------------------------------------

    def happens(self, event: Event) -> Actions:
        """One event, now."""
        decided = step(self.node, event, self.now)
        self.node = decided.node
        return decided.actions

    def ticks(self) -> Actions:
        """The timer, now."""
        return self.happens(ClockTicked())

    def passes(self, seconds: float) -> Actions:
        """Time in which nothing is heard; the timer is always in time."""
        until = Instant(self.now + round(seconds * SECOND))
        actions: Actions = ()
        while self.phase() is not Phase.LEFT and next_deadline(self.node) <= until:
            self.now = max(self.now, next_deadline(self.node))
            actions += self.ticks()
            assert next_deadline(self.node) > self.now or self.phase() is Phase.LEFT, "no busy loop"
        self.now = until
        return actions

    def listens(self, seconds: float) -> Actions:
        """Time in which the peer goes on saying the same, once a second."""
        actions: Actions = ()
        for _ in range(int(seconds)):
            actions += self.passes(1)
            actions += self.hears()
        return actions

    def sleeps(self, seconds: float) -> None:
        """Time in which this node does not run: no timer, no message."""
        self.now = Instant(self.now + round(seconds * SECOND))

    # --- what the peer says -----------------------------------------------------------------------

    def hears(self, *, link: LinkName = ETHERNET) -> Actions:
        """The peer's next heartbeat: whatever it has said before, once more."""
        self.sequence += 1
        return self.happens(HeartbeatHeard(link, self.peer_life, self.sequence, self.said))

    def hears_goodbye(self) -> Actions:
        """The peer has released everything and leaves."""
        self.sequence += 1
        groups = tuple(replace(word, state=GroupState.STOPPED) for word in self.said.groups)
        self.said = replace(self.said, phase=Phase.LEAVING, groups=groups)
        return self.happens(GoodbyeHeard(ETHERNET, self.peer_life, self.sequence, self.said))

    def peer_says(
        self,
        name: GroupName,
        state: GroupState,
        *,
        owner: NodeName | None = None,
        epoch: int | None = None,
        wanted: bool = False,
    ) -> Actions:
        """The peer's word on a group changes; it agrees on the owner where none is given."""
        ours = self.group(name)
        word = GroupReport(
            name,
            ours.epoch if epoch is None else Epoch(epoch),
            ours.owner if owner is None else owner,
            state,
            wanted,
        )
        others = tuple(other for other in self.said.groups if other.name != name)
        self.said = replace(self.said, groups=(*others, word))
        return self.hears()

    def peer_is(self, phase: Phase) -> Actions:
        """The peer goes to another phase of its life."""
        self.said = replace(self.said, phase=phase)
        return self.hears()

    def peer_restarts(self) -> Actions:
        """The peer's daemon begins a new life, which knows nothing yet."""
        self.peer_life = Generation(self.peer_life + 1)
        self.sequence = 0
        homes = {group.name: group.preferred for group in self.node.groups}
        words = tuple(
            GroupReport(n, Epoch(0), home, GroupState.UNKNOWN) for n, home in homes.items()
        )
        self.said = Report(Phase.STARTING, TIMING.deadtime_usec, words)
        return self.hears()

    # --- what the adapters say --------------------------------------------------------------------

    def fence_is_confirmed(self, *, proven: bool = False) -> Actions:
        """The peer will not write: by a device (`proven`), or by the administrator's ha.cf."""
        return self.happens(FenceConfirmed(THERE, proven=proven))

    def is_lost(self) -> Actions:
        """The peer is silent for its deadtime."""
        return self.passes(self.said.deadtime_usec / SECOND)

    def reads_disk(self, holder: DiskHolder = DiskHolder.PEER, *, moved: bool = True) -> Actions:
        """The disk is read: by default, the peer has renewed its registration since."""
        return self.happens(DiskRead(DISK_LINK, holder, moved))

    def loses_disk(self, name: GroupName = DISK) -> Actions:
        """The peer has preempted this node on the group's disk."""
        return self.happens(DiskLost(name, "another node is registered"))

    def line_is(self, line: LineState, *links: LinkName) -> Actions:
        """What the wires say by themselves changes, now."""
        actions: Actions = ()
        for link in links:
            actions += self.happens(LineChanged(link, line))
        return actions

    def watches_disk(self, seconds: float) -> Actions:
        """Time in which the peer speaks on no link, and renews its registration once a second."""
        actions: Actions = ()
        for _ in range(int(seconds)):
            actions += self.passes(1)
            actions += self.reads_disk()
        return actions

    def observes(self, name: GroupName, state: GroupState) -> Actions:
        """systemd, netlink and the disk were looked at."""
        return self.happens(GroupObserved(name, state))

    def started(self, name: GroupName = DISK) -> Actions:
        """The start asked for last succeeds."""
        return self.happens(GroupStarted(name, self.group(name).operation))

    def start_fails(self, name: GroupName = DISK, *, is_in_use: bool = False) -> Actions:
        """The start asked for last fails; `is_in_use`: somebody answers for its address."""
        why = "it is in use" if is_in_use else "no such disk"
        return self.happens(GroupStartFailed(name, self.group(name).operation, why, is_in_use))

    def stopped(self, name: GroupName = DISK) -> Actions:
        """The stop asked for last succeeds."""
        return self.happens(GroupStopped(name, self.group(name).operation))

    def stop_fails(self, name: GroupName = DISK) -> Actions:
        """The stop asked for last fails."""
        return self.happens(GroupStopFailed(name, self.group(name).operation, "target is busy"))


_Kind = TypeVar("_Kind", bound=Action)


def only(kind: type[_Kind], actions: Actions) -> list[_Kind]:
    """The actions of one kind, in order."""
    return [action for action in actions if isinstance(action, kind)]


# --- nodes to begin with ------------------------------------------------------------------------


def fresh(
    homes: Mapping[GroupName, NodeName] | None = None,
    *,
    auto_failback: AutoFailback = AutoFailback.ON,
    timing: Timing = TIMING,
) -> Driven:
    """A daemon that has just been started: nothing observed, nobody heard."""
    homes = {DISK: HERE} if homes is None else homes
    links = (Link(ETHERNET), Link(SERIAL))
    node = new_node(
        name=HERE,
        generation=LIFE,
        peer=THERE,
        timing=timing,
        auto_failback=auto_failback,
        links=links,
        groups=[(name, home, (f"{name}-first", f"{name}-last")) for name, home in homes.items()],
        now=START,
    )
    return Driven(node)


def with_router(driven: Driven) -> Driven:
    """The same with a ping node, which has not answered yet."""
    router = Link(ROUTER, leads_to_peer=False)
    driven.node = replace(driven.node, links=(*driven.node.links, router))
    return driven


def equipped(
    driven: Driven,
    *,
    fencing: Fencing = Fencing.AUTO,
    disk: bool | None = True,
    stonith: bool = False,
) -> Driven:
    """The same with what can fence; `disk`: reserved, plain (False), or none in any group."""
    driven.node = replace(driven.node, fencing=fencing, has_stonith=stonith)
    if disk is not None:
        link = DISK_LINK if disk else None
        driven.happens(DiskFound(DISK, reserved=disk, link=link))
    return driven


def joined(
    homes: Mapping[GroupName, NodeName] | None = None,
    *,
    auto_failback: AutoFailback = AutoFailback.ON,
) -> Driven:
    """Both nodes are active and watch each other; each serves the groups that prefer it."""
    driven = fresh(homes, auto_failback=auto_failback)
    driven.ticks()
    for group in driven.node.groups:
        driven.observes(group.name, GroupState.STOPPED)
        at_peer = GroupState.STOPPED if group.preferred == HERE else GroupState.STARTED
        driven.peer_says(group.name, at_peer)
    for group in driven.node.groups:
        if group.preferred == HERE:
            driven.started(group.name)
    assert driven.phase() is Phase.ACTIVE
    return driven


def serving(*, auto_failback: AutoFailback = AutoFailback.ON) -> Driven:
    """This node prefers the disk and serves it; the peer watches."""
    driven = joined({DISK: HERE}, auto_failback=auto_failback)
    assert driven.state() is GroupState.STARTED
    return driven


def watching(*, auto_failback: AutoFailback = AutoFailback.ON) -> Driven:
    """The peer prefers the disk and serves it; this node watches."""
    driven = joined({DISK: THERE}, auto_failback=auto_failback)
    assert driven.state() is GroupState.STOPPED
    return driven


def alone() -> Driven:
    """This node serves the disk; the peer has never been heard and is taken to be out."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.passes(TIMING.initdead_usec / SECOND)
    driven.fence_is_confirmed()
    driven.started()
    assert driven.state() is GroupState.STARTED
    return driven
