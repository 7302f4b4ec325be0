"""What differs between two beliefs, as facts for people: journal lines, traces, explanations.

Derived from the beliefs alone, so that nothing can be reported that is not believed, and nothing
be believed that is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from hbd.cluster.drift import differing
from hbd.cluster.node import Group, Node
from hbd.cluster.terms import LinkStatus, NodeName, PeerStatus, Usec

FORGOTTEN = "forgotten"  # no state: the group is no longer in haresources, nor here


class Subject(Enum):
    """What a change is about."""

    NODE = "node"  # this node's phase
    MAINTENANCE = "maint"  # a node's, this one's or the peer's
    DRIFT = "drift"  # the three files of the two nodes
    STALL = "stall"  # this node did not listen for a while
    PEER = "peer"
    LATE = "late"  # a heartbeat came after warntime
    DISK = "disk"  # every link is cut, and the peer alive on the shared disk
    FENCE = "fence"  # why a lost peer is not fenced
    LINK = "link"
    OWNER = "owner"  # a group's ownership record
    GROUP = "group"  # a group's state on this node


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `name` went from `was` to `now`, both the words of the enums.

    `usec` is how late or how long, where that is the point; `why` is the reason given.
    """

    subject: Subject
    name: str
    was: str
    now: str
    usec: Usec = Usec(0)
    why: str = ""


def changes(before: Node, after: Node) -> Iterator[Change]:
    """Every difference that an administrator may want to see, in the order node to group."""
    if before.phase is not after.phase:
        yield Change(Subject.NODE, after.name, before.phase.value, after.phase.value)
    if before.maintenance is not after.maintenance:
        yield _maintenance(after.name, on=after.maintenance)
    if before.watched_since != after.watched_since:
        yield Change(Subject.STALL, after.name, "", "", usec=after.stall_usec)
    yield from _peer(before, after)
    links = {link.name: link for link in before.links}
    for link in after.links:
        was = links.get(link.name, link)
        if was.status is not link.status:
            yield Change(Subject.LINK, link.name, was.status.value, link.status.value)
    groups = {group.name: group for group in before.groups}
    for group in after.groups:
        old = groups.pop(group.name, None)
        if old is None:
            yield Change(Subject.GROUP, group.name, "", group.state.value)
        else:
            yield from _group(old, group)
    for gone in groups.values():
        yield Change(Subject.GROUP, gone.name, gone.state.value, FORGOTTEN)


def _peer(before: Node, after: Node) -> Iterator[Change]:
    was, peer = before.peer, after.peer
    if was.maintenance is not peer.maintenance:
        yield _maintenance(peer.name, on=peer.maintenance)
    if (before.digest, was.digest) != (after.digest, peer.digest):
        old, new = " ".join(differing(before)), " ".join(differing(after))
        if old != new:
            yield Change(Subject.DRIFT, peer.name, old, new)
    if was.status is not peer.status or (peer.proven and not was.proven):
        silence = Usec(after.stepped_at - was.heard_at) if was.heard_at is not None else Usec(0)
        spoke = peer.status in (PeerStatus.ACTIVE, PeerStatus.LEFT)
        why = "" if peer.status is not PeerStatus.FENCED else _proof(proven=peer.proven)
        yield Change(
            Subject.PEER,
            peer.name,
            was.status.value,
            peer.status.value,
            usec=peer.gap_usec if spoke else silence,
            why=why,
        )
    if was.generation != peer.generation:
        yield Change(Subject.PEER, peer.name, f"life {was.generation}", f"life {peer.generation}")
    if before.is_peer_only_on_disk is not after.is_peer_only_on_disk:
        words = ("links", "disk only")
        only = after.is_peer_only_on_disk
        yield Change(Subject.DISK, peer.name, words[not only], words[only])
    if peer.fence_why and peer.fence_why != was.fence_why:
        yield Change(Subject.FENCE, peer.name, "", "", why=peer.fence_why)
    late = peer.heard_at != was.heard_at and peer.gap_usec > after.timing.warntime_usec
    if late and was.is_heard and peer.is_heard:
        yield Change(Subject.LATE, peer.name, "", "", usec=peer.gap_usec)


def _maintenance(name: NodeName, *, on: bool) -> Change:
    words = ("off", "on")
    return Change(Subject.MAINTENANCE, name, words[not on], words[on])


def _proof(*, proven: bool) -> str:
    return "proven" if proven else "unprotected: by the administrator's ha.cf, not by a device"


def _group(was: Group, group: Group) -> Iterator[Change]:
    if (was.owner, was.epoch) != (group.owner, group.epoch):
        yield Change(Subject.OWNER, group.name, was.owner, group.owner)
    if was.state is not group.state:
        yield Change(
            Subject.GROUP, group.name, was.state.value, group.state.value, why=group.failure
        )


def links_up(node: Node) -> int:
    """How many links to the peer are up: the one number an administrator asks for first."""
    return sum(link.leads_to_peer and link.status is LinkStatus.UP for link in node.links)


def holder(node: Node, group: Group) -> NodeName | None:
    """Who serves a group, as far as this node knows; None when nobody is known to."""
    if group.state.is_held and node.owns(group):
        return node.name
    word = node.peer.word_on(group.name)
    return node.peer.name if word is not None and word.state.is_held else None
