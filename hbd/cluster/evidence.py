"""What speaks for or against a silent peer's death, besides its silence.

The wires themselves (a null-modem's DSR and DCD, an Ethernet port's carrier), hosts that answer a
ping, the peer's registration on the shared disk. Evidence never permits what only fencing may; it
makes an unprotected takeover rarer, and a protected one faster.
"""

from __future__ import annotations

from dataclasses import replace

from hbd.cluster.event import DiskFound, DiskRead, LineChanged
from hbd.cluster.node import Link, Node, Step
from hbd.cluster.terms import (
    DiskHolder,
    Instant,
    LineState,
    LinkStatus,
    PeerStatus,
)


def on_disk_found(node: Node, event: DiskFound) -> Step:
    """Note what a group's disk can do; a disk that refuses writers is a link from now on."""
    group = node.group(event.group)
    if group is None:
        return Step(node)
    found = replace(group, has_disk=event.has_disk, reserved=event.reserved, is_disk_known=True)
    node = node.with_group(found)
    known = any(link.name == event.link for link in node.links)
    if event.link is None or known:
        return Step(node)
    link = Link(event.link, leads_to_peer=False, is_disk=True)
    return Step(replace(node, links=(*node.links, link)))


def on_disk_read(node: Node, event: DiskRead, now: Instant) -> Step:
    """Believe the disk: it can be read, and a peer that renews its registration is alive.

    A peer that said goodbye had let go of its disks; what was read before is no word against that.
    """
    holder_lives = event.moved or event.holder is not DiskHolder.PEER
    if holder_lives:
        links = tuple(
            replace(link, status=LinkStatus.UP, heard_at=now) if link.name == event.link else link
            for link in node.links
        )
        node = replace(node, links=links)
    if not event.moved or node.peer.status is PeerStatus.LEFT:
        return Step(node)
    return Step(is_alive_on_disk(node, now))


def is_alive_on_disk(node: Node, now: Instant) -> Node:
    """The peer has just done something to a shared disk: whatever it seems, it is alive."""
    peer = replace(node.peer, disk_at=now)
    if not peer.is_heard:
        peer = replace(
            peer,
            status=PeerStatus.LATE,
            report=None,
            proven=False,
            fence_due=None,
            fence_why="",
        )
    return replace(node, peer=peer)


def on_line_changed(node: Node, event: LineChanged, now: Instant) -> Step:
    """Note what a wire says by itself, and that it fell silent under a peer that was heard."""
    fell = event.line is LineState.DEAD and node.peer.is_heard
    links = tuple(
        replace(link, line=event.line, fell_at=now if fell else None)
        if link.name == event.link and link.line is not event.line
        else link
        for link in node.links
    )
    return Step(replace(node, links=links))


def against_death(node: Node) -> str:
    """Why silence is not enough to take over unprotected; empty if nothing speaks against it.

    A dead cable together with a line that is live is not a dead node, and a node that reaches
    nobody at all is more likely to be the one that is cut off.
    """
    if _is_unanswered(node):
        return "no ping node answers either: it may be this node that is cut off"
    to_peer = [link for link in node.links if link.leads_to_peer]
    live = [link.name for link in to_peer if link.line is LineState.LIVE]
    dead = [link.name for link in to_peer if link.line is LineState.DEAD]
    if live and dead:
        return f"{', '.join(dead)} is unplugged, and the line {', '.join(live)} is live"
    return ""


def _is_unanswered(node: Node) -> bool:
    """Whether no ping node has answered since a heartbeat of the peer failed to come.

    Not whether they are dead: one cut may end both the peer's words and the pings, and deadping is
    often longer than deadtime. What answered up to a keepalive after the last word proves nothing.
    """
    since = node.stepped_at - (node.timing.deadtime_usec - node.timing.keepalive_usec)
    pings = [link.heard_at for link in node.links if link.is_ping]
    return bool(pings) and all(heard_at is None or heard_at < since for heard_at in pings)


def is_isolated(node: Node) -> bool:
    """Whether this node has ping nodes and reaches none of them."""
    pings = [link for link in node.links if link.is_ping]
    return bool(pings) and all(link.status is LinkStatus.DEAD for link in pings)


def has_become_isolated(node: Node) -> bool:
    """The same of a node that did reach one: a ping node just written down has had no time yet."""
    return is_isolated(node) and any(link.is_ping and link.heard_at for link in node.links)


def without_power_at(node: Node) -> Instant | None:
    """When every wire to the peer had died by itself: a machine without power, or two unplugged.

    One wire is not enough. What was on its way when they died has a moment to arrive: after a later
    word the wires are wrong. A disk that can say that the peer lives has more than a heartbeat's
    time to do so. The first look at it may show what the peer did before, and the wait begins
    again; what a later one shows means that it lives. A fall that this node slept through, or
    after, proves nothing: what has been said since waits in its sockets.
    """
    to_peer = [link for link in node.links if link.leads_to_peer]
    falls = [link.fell_at for link in to_peer if link.fell_at is not None]
    if len(to_peer) < 2 or len(falls) < len(to_peer):
        return None
    at = max(falls)
    if at < node.watched_since:
        return None
    keepalive = node.timing.keepalive_usec
    has_disk = any(link.is_disk for link in node.links)
    patience = keepalive * 3 // 2 if has_disk else keepalive // 4
    heard_at, disk_at = node.peer.heard_at or 0, node.peer.disk_at or 0
    first_look = keepalive * 5 // 4
    if heard_at >= at + patience // 2 or disk_at >= at + first_look:
        return None
    return Instant(max(at, disk_at) + patience)
