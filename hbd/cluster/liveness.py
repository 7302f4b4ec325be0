"""Who speaks, who is late, who is lost; and what to say oneself.

Source of the rules: heartbeat's (a link is dead after deadtime of silence, a node when all its
links are; `dt` in a report is the sender's own deadtime; initdead before it was ever heard), with
two of hbd's own: silence counts only while this node was listening, and a repeated or old message
refreshes nothing. It knows no group.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from hbd.cluster import evidence, fence
from hbd.cluster.action import (
    Announce,
    ForgetPeerSequence,
    ObserveGroup,
    ProveAlive,
    SendHeartbeat,
)
from hbd.cluster.event import GoodbyeHeard, HeartbeatHeard, LifeRenewed
from hbd.cluster.node import Link, Node, Peer, Step, report_of
from hbd.cluster.terms import (
    GroupName,
    GroupState,
    Instant,
    LinkName,
    LinkStatus,
    Means,
    PeerStatus,
    Phase,
    Report,
    Usec,
)

ALIVE_PART = 12  # of deadtime: three times while the watchdog waits (deadtime / 4) once


def notice_stall(node: Node, now: Instant) -> Step:
    """Trust no silence that was not listened to: start observing anew after a late wake-up.

    A node whose loop came more than half of deadtime too late, or whose machine was suspended
    (`now` counts suspend), has not heard the peer because it did not listen. It forgets what it
    concluded about the peer, looks at its own groups again and gives every timer its time back.
    One that was late by less, but by a heartbeat or more, waits for one more before it concludes
    anything: what came meanwhile is in its sockets still.
    """
    late = Usec(now - next_deadline(node))
    if late <= node.timing.deadtime_usec // 2:
        if late >= node.timing.keepalive_usec:
            node = replace(node, patient_until=Instant(now + node.timing.keepalive_usec))
        return Step(replace(node, stepped_at=now))
    peer = node.peer
    if peer.status is not PeerStatus.UNKNOWN:
        never = peer.heard_at is None and peer.disk_at is None
        status = PeerStatus.UNKNOWN if never else PeerStatus.LATE
        peer = replace(peer, status=status, report=None, proven=False, fence_due=None, fence_why="")
    groups = tuple(
        replace(group, deadline=Instant(group.deadline + late)) if group.deadline else group
        for group in node.groups
    )
    jobs = tuple(replace(job, deadline=Instant(job.deadline + late)) for job in node.jobs)
    leave_due = Instant(node.leave_due + late) if node.leave_due else None
    observe = tuple(
        ObserveGroup(group.name)
        for group in node.groups
        if group.state not in (GroupState.STARTING, GroupState.STOPPING)
    )
    return Step(
        replace(
            node,
            peer=peer,
            groups=groups,
            jobs=jobs,
            leave_due=leave_due,
            stepped_at=now,
            watched_since=now,
            stall_usec=late,
        ),
        observe,
    )


def on_link_heard(node: Node, name: LinkName, now: Instant) -> Step:
    """Note that a link works; if the peer is at its other end and known, that the peer does."""
    links = tuple(
        replace(link, status=LinkStatus.UP, heard_at=now) if link.name == name else link
        for link in node.links
    )
    node = replace(node, links=links)
    leads = any(link.leads_to_peer for link in links if link.name == name)
    if leads and node.peer.is_heard:
        node = replace(node, peer=_heard(node, now))
    return Step(node)


def on_report(node: Node, event: HeartbeatHeard | GoodbyeHeard, now: Instant) -> Step:
    """Believe the newest report of the peer, and note which link it came on.

    An older generation, or an older report of this one, is a repetition and proves nothing.
    A peer that has said goodbye stays away until it comes back with a new generation.
    """
    peer = node.peer
    known = event.generation == peer.generation
    if event.generation < peer.generation or (known and event.sequence <= peer.sequence):
        return Step(node)
    step = on_link_heard(node, event.link, now)
    if known and peer.status is PeerStatus.LEFT:
        return step
    left = isinstance(event, GoodbyeHeard)
    peer = replace(
        _heard(node, now),
        status=PeerStatus.LEFT if left else PeerStatus.ACTIVE,
        generation=event.generation,
        sequence=event.sequence,
        report=event.report,
        stuck=_stuck(event.report),
        proven=False,
        fence_due=None,
        fence_why="",
        maintenance=event.report.maintenance and not left,  # who left holds nothing
        digest=event.report.digest,
        implementation=event.implementation,
        takes=frozenset() if isinstance(event, GoodbyeHeard) else event.takes,
    )
    return Step(replace(step.node, peer=peer))


def on_renewed(node: Node, event: LifeRenewed, now: Instant) -> Step:
    """Speak at once, by a status, which alone begins a life; what the peer knew is void."""
    assert event.generation > node.generation, "a generation only grows"
    return Step(replace(node, generation=event.generation, heartbeat_due=now, said=None))


def expire(node: Node, now: Instant) -> Step:
    """Let time pass: links die, the peer becomes late, then lost.

    Lost is not dead. It permits asking for fencing (`fence`) and nothing else.
    """
    if node.phase is Phase.LEFT:
        return Step(node)
    due = [link.name for link in node.links if _is_due(node, link, now)]
    if due:
        links = tuple(
            replace(link, status=LinkStatus.DEAD) if link.name in due else link
            for link in node.links
        )
        node = replace(node, links=links)
    peer = node.peer
    lost_at = _lost_at(node)
    if lost_at is not None and now >= lost_at:
        peer = replace(peer, status=PeerStatus.LOST, report=None, fence_due=now)
        return Step(replace(node, peer=peer), (ForgetPeerSequence(),))
    void_at = _void_at(node)
    if void_at is not None and now >= void_at:  # alive on the disk, but what it said is too old
        peer = replace(peer, status=PeerStatus.LATE, report=None)
        void = Step(replace(node, peer=peer), (ForgetPeerSequence(),))
        return void.then(partial(expire, now=now))  # its deadtime was its word, too
    late_at = _late_at(node)
    if late_at is not None and now >= late_at:
        return Step(replace(node, peer=replace(peer, status=PeerStatus.LATE)))
    return Step(node)


def speak(node: Node, now: Instant) -> Step:
    """Send the heartbeat when it is due; in between, tell at once what has changed.

    Which links the peer is heard on is told with the next heartbeat: nothing waits for it.
    """
    if node.phase is Phase.LEFT or node.goodbyes:
        return Step(node)
    report = report_of(node)
    if now >= node.heartbeat_due:
        due = Instant(node.heartbeat_due + node.timing.keepalive_usec)
        if due <= now:  # too late for the rhythm: start it anew
            due = Instant(now + node.timing.keepalive_usec)
        spoken = replace(node, said=report, heartbeat_due=due)
        return Step(spoken, (SendHeartbeat(report),))
    if node.said is None or replace(report, hears=node.said.hears) != node.said:
        return Step(replace(node, said=report), (Announce(report),))
    return Step(node)


def prove_alive(node: Node, now: Instant) -> Step:
    """Feed the watchdog, here and nowhere else: so it proves clock, loop and decision.

    Its rhythm is a part of deadtime, as the watchdog's own time is, and not keepalive, which may
    be as long as almost half of deadtime.
    """
    if node.phase is Phase.LEFT or now < node.alive_due:
        return Step(node)
    due = Instant(now + node.timing.deadtime_usec // ALIVE_PART)
    return Step(replace(node, alive_due=due), (ProveAlive(),))


def next_deadline(node: Node) -> Instant:
    """The next moment at which time alone changes something: the one timer is armed for it."""
    moments: list[Instant | None] = [node.heartbeat_due, node.alive_due]
    moments += [_lost_at(node), _late_at(node), _void_at(node)]
    moments += [_link_deadline(node, link) for link in node.links if link.status is LinkStatus.UP]
    moments += [group.deadline for group in node.groups]
    moments += [group.retry_due for group in node.groups]
    moments += [job.deadline for job in node.jobs]
    moments.append(node.leave_due)
    if fence.is_due(node):
        moments.append(node.peer.fence_due)
    return Instant(min(moment for moment in moments if moment is not None))


def _heard(node: Node, now: Instant) -> Peer:
    """The peer, heard now; how long it was silent counts only from when we listened."""
    peer = node.peer
    gap = Usec(now - _silent_since(node)) if peer.heard_at is not None else Usec(0)
    status = PeerStatus.ACTIVE if peer.status is PeerStatus.LATE else peer.status
    return replace(peer, status=status, heard_at=now, gap_usec=gap)


def _stuck(report: Report) -> frozenset[GroupName]:
    return frozenset(w.name for w in report.groups if w.state is GroupState.STOP_FAILED)


def _silent_since(node: Node) -> Instant:
    """Since when no link has brought a word of the peer, as far as we listened."""
    heard_at = node.peer.heard_at
    since = node.started_at if heard_at is None else heard_at
    return Instant(max(since, node.watched_since))


def _lifeless_since(node: Node) -> Instant:
    """Since when there is no sign of the peer's life: neither a word nor a move on the disk."""
    disk_at = node.peer.disk_at
    since = _silent_since(node)
    return since if disk_at is None else Instant(max(since, disk_at))


def _peer_deadtime(node: Node) -> Usec:
    report = node.peer.report
    return node.timing.deadtime_usec if report is None else report.deadtime_usec


def _lost_at(node: Node) -> Instant | None:
    if node.peer.is_heard:
        lost_at = _lifeless_since(node) + _peer_deadtime(node)
        dark_at = evidence.without_power_at(node)
        if dark_at is not None and node.protection() is not Means.NONE:
            lost_at = min(lost_at, dark_at)
    elif node.peer.status is PeerStatus.UNKNOWN:
        lost_at = _silent_since(node) + node.timing.initdead_usec
    else:
        return None
    return Instant(max(lost_at, node.patient_until))


def _void_at(node: Node) -> Instant | None:
    """When the word of a peer that lives on the disk alone becomes too old to be decided upon."""
    peer = node.peer
    if not peer.is_heard or peer.report is None or peer.disk_at is None:
        return None
    return Instant(max(_silent_since(node) + _peer_deadtime(node), node.patient_until))


def _late_at(node: Node) -> Instant | None:
    if node.peer.status is PeerStatus.ACTIVE:
        return Instant(_silent_since(node) + node.timing.warntime_usec)
    return None


def _is_due(node: Node, link: Link, now: Instant) -> bool:
    return link.status is LinkStatus.UP and now >= _link_deadline(node, link)


def _link_deadline(node: Node, link: Link) -> Instant:
    heard_at = node.started_at if link.heard_at is None else link.heard_at
    deadtime = node.timing.deadtime_usec if link.deadtime_usec is None else link.deadtime_usec
    if link.leads_to_peer:  # a peer whose ha.cf still has the longer times speaks less often
        deadtime = max(deadtime, _peer_deadtime(node))
    return Instant(max(heard_at, node.watched_since) + deadtime)
