"""One step as it was taken: what was believed, what happened, what was decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hbd.cluster.action import Action, StartGroup, StopGroup
from hbd.cluster.event import Event, GoodbyeHeard, HeartbeatHeard
from hbd.cluster.node import Group, Node
from hbd.cluster.terms import GroupName, GroupState, Instant, PeerStatus, Usec


@dataclass(frozen=True, slots=True)
class Taken:
    """A step of the core."""

    before: Node
    event: Event
    after: Node
    actions: tuple[Action, ...] = ()

    @property
    def now(self) -> Instant:
        """When it was taken."""
        return self.after.stepped_at

    @property
    def by_report(self) -> bool:
        """Whether it was the peer's word that came."""
        return isinstance(self.event, HeartbeatHeard | GoodbyeHeard)

    @property
    def loses_peer(self) -> bool:
        """Whether the peer is thought lost from this step on."""
        lost = PeerStatus.LOST
        return self.after.peer.status is lost and self.before.peer.status is not lost

    @property
    def silent_since(self) -> Instant:
        """When the peer was last heard, as far as this node was listening."""
        heard_at = self.before.peer.heard_at
        since = self.before.started_at if heard_at is None else heard_at
        return Instant(max(since, self.after.watched_since))

    @property
    def silence_usec(self) -> Usec:
        """For how long the peer had been silent."""
        return Usec(self.now - self.silent_since)

    def groups(self) -> Iterator[tuple[Group, Group]]:
        """Each group as it was believed before and after."""
        for group in self.after.groups:
            was = self.before.group(group.name)
            if was is not None:
                yield was, group

    def starts(self, group: GroupName) -> bool:
        """Whether the group is to be started."""
        return any(isinstance(a, StartGroup) and a.group == group for a in self.actions)

    def stops(self, group: GroupName) -> bool:
        """Whether the group is to be stopped."""
        return any(isinstance(a, StopGroup) and a.group == group for a in self.actions)

    def is_dull(self) -> bool:
        """Whether nothing happened to the peer or to a group: almost always."""
        before, after = self.before, self.after
        if before.peer.status is not after.peer.status or before.groups != after.groups:
            return False
        was, report = before.peer.report, after.peer.report
        if was is report:
            return True
        return was is not None and report is not None and was.groups == report.groups


def is_served(node: Node, group: Group) -> bool:
    """Whether somebody is known to serve the group: this node, or the peer by its own word."""
    if group.state is GroupState.STARTED:
        return True
    word = node.peer.word_on(group.name)
    return node.peer.is_heard and word is not None and word.state is GroupState.STARTED
