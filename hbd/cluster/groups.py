"""Who holds what: acquire, release, takeover, standby, failback, leave.

Each group has an ownership record (epoch, owner) that both nodes tell in every heartbeat. Only its
owner may run a group, only its owner may give it away, and only after it is proven stopped; a
larger epoch replaces a smaller one everywhere. So a lost, late or repeated message costs time and
nothing else, an operator's wish and a failure take the same road, and after a partition the side
that was taken over from gives way. The words (local, foreign, standby, failback, auto_failback)
are heartbeat's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from hbd.cluster import evidence
from hbd.cluster.action import Reboot, StartGroup, StopGroup
from hbd.cluster.event import (
    DiskLost,
    GroupObserved,
    GroupStarted,
    GroupStartFailed,
    GroupStopFailed,
    GroupStopped,
    ResourceChanged,
    ResourceLost,
)
from hbd.cluster.node import Group, Node, Step, chain
from hbd.cluster.terms import (
    SECOND,
    AutoFailback,
    Epoch,
    GroupName,
    GroupState,
    Instant,
    Means,
    PeerStatus,
    Phase,
    ResourceState,
)

_AT_WORK = (GroupState.STARTING, GroupState.STOPPING)


# --- what the peer says ---------------------------------------------------------------------


def merge_records(node: Node, *, peer_restarted: bool) -> Step:
    """Adopt every ownership record of the peer's report that is newer than ours."""
    groups: list[Group] = []
    for group in node.groups:
        word = node.peer.word_on(group.name)
        if word is not None:
            told = replace(group, epoch=word.epoch, owner=word.owner)
            if told.record > group.record:
                group = replace(told, giving=False, wanted=False, failback_due=False)
                group = _tried_anew(group) if node.owns(group) else group
            if peer_restarted and _goes_home_at_restart(node, group):
                group = replace(group, failback_due=True)
        groups.append(group)
    return Step(replace(node, groups=tuple(groups)))


def _goes_home_at_restart(node: Node, group: Group) -> bool:
    legacy = node.auto_failback is AutoFailback.LEGACY
    return legacy and node.owns(group) and group.preferred == node.peer.name


def note_absence(node: Node) -> Step:
    """Once the peer is away, its groups that are here go home when it is back (`auto_failback`).

    Also those that an operator had sent here before: that is heartbeat's rule.
    """
    if node.peer.status not in (PeerStatus.LOST, PeerStatus.LEFT):
        return Step(node)
    groups = tuple(
        replace(group, failback_due=True)
        if node.owns(group) and group.preferred == node.peer.name
        else group
        for group in node.groups
    )
    return Step(replace(node, groups=groups))


# --- what the adapters answer ---------------------------------------------------------------


def on_observed(node: Node, event: GroupObserved) -> Step:
    """Believe what systemd, netlink and the disk say of a group that nobody is at work on."""
    group = node.group(event.group)
    if group is None or group.state in (*_AT_WORK, GroupState.STOP_FAILED):
        return Step(node)
    if node.goodbyes:
        return Step(node)  # all of it was proven stopped, and said to be: that stands
    if event.definition != group.definition or (group.is_changing and not group.resources):
        return Step(node)  # of what it was before a reload, or is not yet
    if event.state is GroupState.STOPPED and group.state is GroupState.START_FAILED:
        return Step(node)
    disk_lost = group.disk_lost and event.state is not GroupState.STOPPED
    return Step(node.with_group(replace(group, state=event.state, disk_lost=disk_lost)))


def on_started(node: Node, event: GroupStarted) -> Step:
    """The group serves."""
    group = _answered(node, event.group, event.operation, GroupState.STARTING)
    if group is None:
        return Step(node)
    started = replace(
        group, state=GroupState.STARTED, deadline=None, failure="", start_failed=False
    )
    return Step(node.with_group(started))


def on_start_failed(node: Node, event: GroupStartFailed, now: Instant) -> Step:
    """Release what was started; once that is proven, `decide` offers the group to the peer.

    With one exception: an address that is answered for by the machine that the disk was taken from
    is soon free, and nobody else can serve the group. It is tried again until it is.
    """
    group = _answered(node, event.group, event.operation, GroupState.STARTING)
    if group is None:
        return Step(node)
    if not (event.is_in_use and _is_taken_by_disk(node, group)):
        return _fail(node, group, event.why, now)
    wait = node.limits.address_retry_usec
    why = f"{event.why}; asking again every {wait // SECOND} s"
    return _fail(node, group, why, now, retry_at=Instant(now + wait))


def _is_taken_by_disk(node: Node, group: Group) -> bool:
    """Whether the peer cannot write to the group, whatever it may still do.

    Where nothing says so but silence, who answers for the address may be writing.
    """
    fenced = node.peer.status is PeerStatus.FENCED and node.peer.is_fenced_from(group)
    return fenced and node.protection(group) is Means.RESERVATION


def on_stopped(node: Node, event: GroupStopped) -> Step:
    """The group is proven gone from this node, or what was to be stopped of it."""
    group = _answered(node, event.group, event.operation, GroupState.STOPPING)
    if group is None:
        return Step(node)
    if group.left_running:
        return Step(node.with_group(replace(group, state=GroupState.PARTIAL, deadline=None)))
    state = GroupState.START_FAILED if group.start_failed else GroupState.STOPPED
    stopped = replace(
        group,
        state=state,
        deadline=None,
        failure=group.failure if group.start_failed else "",
        disk_lost=False,
        stop_failures=0,
    )
    return Step(node.with_group(stopped))


def on_stop_failed(node: Node, event: GroupStopFailed, now: Instant) -> Step:
    """It may still run here. Keep it, say so in every heartbeat, and try again."""
    group = _answered(node, event.group, event.operation, GroupState.STOPPING)
    return Step(node) if group is None else _stop_failed(node, group, event.why, now)


def on_disk_lost(node: Node, event: DiskLost, now: Instant) -> Step:
    """The disk has another master: what it says goes, before any word on any link.

    So the group belongs to the peer, which is alive as it seems, and is let go of here: its writes
    are refused already, and clients must not be shown a disk of yesterday.
    """
    group = node.group(event.group)
    if group is None or not group.state.is_held:
        return Step(node)
    node = evidence.is_alive_on_disk(node, now)
    if node.owns(group):
        epoch = Epoch(group.epoch + 1)
        group = replace(group, epoch=epoch, owner=node.peer.name, giving=False, wanted=False)
    lost = replace(group, failback_due=False, disk_lost=True, failure=event.why)
    if lost.state is GroupState.STOPPING and lost.deadline is not None:
        due = Instant(now + node.limits.lost_stop_usec)
        lost = replace(lost, deadline=min(lost.deadline, due))
    return Step(node.with_group(lost))


def on_resource_changed(node: Node, event: ResourceChanged, now: Instant) -> Step:
    """Note how far a start or stop has come; a leaving node that gets on has time for the next."""
    group = node.group(event.group)
    if group is None:
        return Step(node)
    resources = tuple(
        replace(resource, state=event.state, why=event.why)
        if resource.text == event.resource
        else resource
        for resource in group.resources
    )
    if node.phase is Phase.LEAVING and event.state is ResourceState.STOPPED:
        node = replace(node, leave_due=Instant(now + node.limits.leave_usec))
    return Step(node.with_group(replace(group, resources=resources)))


def on_resource_lost(node: Node, event: ResourceLost, now: Instant) -> Step:
    """Restart a lost resource in place, once; if it is lost again soon, the group fails here.

    In maintenance it is noted and nothing else.
    """
    group = node.group(event.group)
    if group is None or group.state is not GroupState.STARTED:
        return Step(node)
    why = f"{event.resource}: {event.why}"
    if node.maintenance:
        return Step(node.with_group(replace(group, state=GroupState.PARTIAL, failure=why)))
    holdoff = node.limits.revive_holdoff_usec
    if group.revived_at is not None and now < group.revived_at + holdoff:
        return _fail(node, group, why, now)
    lost = replace(group, state=GroupState.PARTIAL, failure=why, revived_at=now)
    return Step(node.with_group(lost))


# --- time -----------------------------------------------------------------------------------


def expire(node: Node, now: Instant) -> Step:
    """A lost answer is an answer too: a start or stop past its deadline has failed.

    And a start that waited for an address is due again: `decide` finds it stopped.
    """
    for group in node.groups:
        if group.retry_due is not None and now >= group.retry_due:
            node = node.with_group(_tried_anew(group))
    due = [group for group in node.groups if group.deadline is not None and now >= group.deadline]
    step = chain(node, [partial(_expired, group=group, now=now) for group in due])
    return step.then(partial(_despair, now=now))


def _expired(node: Node, group: Group, now: Instant) -> Step:
    if group.state is GroupState.STARTING:
        return _fail(node, group, "no answer to the start in time", now)
    if group.state is GroupState.STOPPING:
        return _stop_failed(node, group, "no answer to the stop in time", now)
    if node.maintenance and node.owns(group) and node.phase is not Phase.LEAVING:
        return _stop_failed(node, group, group.failure, now)  # not now: look again later
    return stop(node, group, now)


def _despair(node: Node, now: Instant) -> Step:
    """A leaving node that gets no further gives up what the peer waits for, and with it itself.

    Nobody else would end it well: systemd kills the daemon a little later, and what is mounted
    stays mounted, with nobody to renew its registration or to try again.
    """
    if node.leave_due is None or now < node.leave_due:
        return Step(node)
    node = replace(node, leave_due=Instant(now + node.limits.leave_usec))
    held = [group.name for group in node.groups if _may_give_up(node, group)]
    return chain(node, [partial(_give_up, name=name, now=now) for name in held])


def _give_up(node: Node, name: GroupName, now: Instant) -> Step:
    group = node.group(name)
    assert group is not None, "a node does not lose groups"
    if group.state is GroupState.STOPPING:
        step = _stop_failed(node, group, "its stop does not come to an end", now)
        if step.actions:
            return step
        node = step.node
    return Step(node, (Reboot(name, group.failure or "its stop does not come to an end"),))


# --- decisions ------------------------------------------------------------------------------


def join(node: Node) -> Step:
    """End the start: everything here is observed, and the peer knows us or is certainly away.

    What was found serving and nobody else's is then this node's. It goes home when a peer that is
    out comes back, as everything does that is taken over.
    """
    observed = all(group.state is not GroupState.UNKNOWN for group in node.groups)
    certain = node.is_known_to_peer or node.peer.is_out
    if not node.groups:  # nothing is at stake, so a lost peer is never fenced
        certain = certain or node.peer.status is PeerStatus.LOST
    if node.phase is not Phase.STARTING or not observed or not certain:
        return Step(node)
    groups = tuple(
        replace(group, epoch=Epoch(1), owner=node.name, failback_due=_is_guest(node, group))
        if node.found_serving(group)
        else group
        for group in node.groups
    )
    return Step(replace(node, phase=Phase.ACTIVE, groups=groups))


def _is_guest(node: Node, group: Group) -> bool:
    return node.peer.is_out and group.preferred == node.peer.name


def decide(node: Node, now: Instant) -> Step:
    """For each group, in file order: do the one next thing that the beliefs ask for."""
    if node.phase is Phase.LEFT:
        return Step(node)
    return chain(node, [partial(_decide, name=group.name, now=now) for group in node.groups])


def _decide(node: Node, name: GroupName, now: Instant) -> Step:
    group = node.group(name)
    assert group is not None, "a node does not lose groups"
    if group.state is GroupState.UNKNOWN or group.state is GroupState.STOP_FAILED:
        return Step(node)
    if group.disk_lost and group.state.is_held:  # whoever owns it by now: this mount is stale
        return _release(node, group, now)
    if not node.owns(group):
        if node.phase is Phase.ACTIVE and not group.is_changing and _may_acquire(node, group):
            return _acquire(node, group, now)
        if node.found_serving(group):
            return Step(node)
        return _release(node, group, now)
    if node.phase is Phase.LEAVING:
        return _leave(node, group, now)
    if group.is_changing:
        return Step(node)  # `reconfigure` lets go of it first
    if node.phase is Phase.ACTIVE and not node.maintenance:
        return _serve(node, group, now)
    return Step(node)  # still starting, or in maintenance: keep what runs, touch nothing


def _serve(node: Node, group: Group, now: Instant) -> Step:
    """What an active owner does with a group of its own."""
    group = _intent(node, group)
    node = node.with_group(group)
    if _must_let_go(node):
        return _release(node, group, now)
    if group.giving:
        return _give(node, group, now)
    if group.state is GroupState.START_FAILED and _peer_could_start(node, group):
        return _hand_over(node, group) if group.retry_due is None else Step(node)
    if group.state in (GroupState.STOPPED, GroupState.PARTIAL) and (
        _may_revive(node, group, now) or is_clear_of_peer(node, group)
    ):
        return _start(node, group, now)
    return Step(node)


def _may_revive(node: Node, group: Group, now: Instant) -> bool:
    """Whether a group goes on here whatever the peer says: it served until this very step.

    Not if we may have slept through a takeover: then the peer must be heard first. And not later,
    when what runs in part may be leftovers: then the peer must be clear, as for any start.
    """
    peer = node.peer
    listened = peer.heard_at is not None and peer.heard_at >= node.watched_since
    knows = peer.report is not None or (peer.status is PeerStatus.LOST and listened)
    return group.state is GroupState.PARTIAL and group.revived_at == now and knows


def _intent(node: Node, group: Group) -> Group:
    """Whether the group is to go to the peer: asked by it, going home, or no longer possible."""
    word = node.peer.word_on(group.name)
    if word is not None and node.peer_may_serve:
        home = group.failback_due and node.auto_failback is not AutoFailback.OFF
        goes_home = home and word.state is GroupState.STOPPED and group.preferred == node.peer.name
        if word.wanted or goes_home:
            return replace(group, giving=True, failback_due=False)
        return group
    return replace(group, giving=False) if group.giving else group


def _must_let_go(node: Node) -> bool:
    """Whether a server that reaches nobody stops, because another may be serving by now.

    Only where nothing protects: a disk or a power switch would have told it.
    """
    peer = node.peer
    certain = peer.is_heard or peer.status is PeerStatus.LEFT or peer.proven
    unprotected = node.protection() is Means.NONE
    return unprotected and not certain and evidence.has_become_isolated(node)


def _give(node: Node, group: Group, now: Instant) -> Step:
    if group.state in _AT_WORK or not node.may_give(group):
        return Step(node)
    if group.state.is_held:
        return _release(node, group, now)
    return _hand_over(node, group) if node.may_hand_over(group) else Step(node)


def _leave(node: Node, group: Group, now: Instant) -> Step:
    if group.state.is_held:
        return _release(node, group, now)
    return _hand_over(node, group) if node.may_hand_over(group) else Step(node)


def _release(node: Node, group: Group, now: Instant) -> Step:
    """Stop whatever of the group runs here and is not being stopped already."""
    if not group.state.is_held or group.state is GroupState.STOPPING:
        return Step(node)
    return stop(node, group, now)


def _may_acquire(node: Node, group: Group) -> bool:
    """Whether a group of the peer's may be taken without asking: the peer is out.

    With one exception: a group that the peer last said it could not stop may still be mounted
    there, and the administrator's word that silence is death does not cover it; only proof does.
    In maintenance nothing is acquired at all.
    """
    return not node.maintenance and node.peer.is_out and is_clear_of_peer(node, group)


def _acquire(node: Node, group: Group, now: Instant) -> Step:
    """Take over a group from a peer that left or was fenced: the only place where that happens.

    Two nodes have no majority: silence never proves death, so the caller has a goodbye or a
    confirmed fencing in hand (`fence`). The epoch grows, so that a peer that comes back from
    wherever it was gives way.
    """
    acquired = replace(
        group,
        epoch=Epoch(group.epoch + 1),
        owner=node.name,
        failback_due=group.preferred == node.peer.name,
        wanted=False,
    )
    acquired = _tried_anew(acquired)
    return _serve(node.with_group(acquired), acquired, now)


def _tried_anew(group: Group) -> Group:
    """A new mandate is worth a new try: an earlier failed start here stands in its way no more.

    It comes when there is no one else left: from a peer that is out, or that gives the group away
    although it knows of the failure. A peer whose own start fails gives it to no one who failed.
    """
    if group.state is not GroupState.START_FAILED:
        return group
    return replace(group, state=GroupState.STOPPED, start_failed=False, retry_at=None, failure="")


def _hand_over(node: Node, group: Group) -> Step:
    """Make the peer the owner. The group is proven stopped here and the peer listens."""
    assert not group.state.is_held, "only what is proven stopped is handed over"
    given = replace(
        group,
        epoch=Epoch(group.epoch + 1),
        owner=node.peer.name,
        giving=False,
        wanted=False,
        failback_due=False,
        revived_at=None,
    )
    return Step(node.with_group(given))


def is_clear_of_peer(node: Node, group: Group) -> bool:
    """Whether nothing of the group can be running on the peer, by its own word or by fencing.

    A peer that does not mention the group has another haresources: that is doubt, and in doubt
    nothing is started.
    """
    peer = node.peer
    if peer.is_out:
        if peer.status is PeerStatus.FENCED and not peer.is_fenced_from(group):
            return False
        certain = peer.status is PeerStatus.LEFT or peer.proven
        return certain or (group.name not in peer.stuck and not peer.maintenance)
    word = peer.word_on(group.name)
    return node.is_known_to_peer and word is not None and not word.state.is_held


def _peer_could_start(node: Node, group: Group) -> bool:
    word = node.peer.word_on(group.name)
    can = word is not None and word.state is GroupState.STOPPED
    return can and node.may_hand_over(group)


def clear_failure(node: Node, name: GroupName, now: Instant) -> Step:
    """Forget a failure here: a start is tried again if the group is ours, a stop at once."""
    group = node.group(name)
    assert group is not None, "a node does not lose groups"
    if group.state is GroupState.STOP_FAILED:
        return stop(node, group, now)
    return Step(node.with_group(replace(_tried_anew(group), revived_at=None)))


# --- the two things done to a group ---------------------------------------------------------


def _start(node: Node, group: Group, now: Instant) -> Step:
    operation = group.operation + 1
    deadline = Instant(now + node.limits.start_usec)
    starting = replace(
        group,
        state=GroupState.STARTING,
        operation=operation,
        deadline=deadline,
        left_running=0,
        retry_at=None,
    )
    return Step(node.with_group(starting), (StartGroup(group.name, operation),))


def stop(node: Node, group: Group, now: Instant, *, leave: int = 0) -> Step:
    """Stop what runs of the group here, but for the first `leave` resources."""
    operation = group.operation + 1
    limit = node.limits.lost_stop_usec if group.disk_lost else node.limits.stop_usec
    deadline = Instant(now + limit)
    stopping = replace(
        group,
        state=GroupState.STOPPING,
        operation=operation,
        deadline=deadline,
        left_running=leave,
    )
    return Step(node.with_group(stopping), (StopGroup(group.name, operation, leave),))


def _fail(
    node: Node, group: Group, why: str, now: Instant, retry_at: Instant | None = None
) -> Step:
    failed = replace(group, start_failed=True, failure=why, retry_at=retry_at)
    return stop(node, failed, now)


def _stop_failed(node: Node, group: Group, why: str, now: Instant) -> Step:
    retry_at = Instant(now + node.limits.stop_retry_usec)
    failed = replace(
        group,
        state=GroupState.STOP_FAILED,
        failure=why,
        deadline=retry_at,
        stop_failures=group.stop_failures + 1,
    )
    node = node.with_group(failed)
    return Step(node, (Reboot(group.name, why),)) if _must_reboot(node, failed) else Step(node)


def _must_reboot(node: Node, group: Group) -> bool:
    """Whether a group that cannot be stopped is worth the whole machine.

    It is where the disk belongs to the peer already; and where the peer waits for the group, or is
    the only one who could start it, and the disk can be given up, so that the restart of this
    machine is no takeover from a living one.
    """
    if group.disk_lost:
        return True
    return _may_give_up(node, group) and group.stop_failures >= node.limits.stop_tries


def _may_give_up(node: Node, group: Group) -> bool:
    reserved = node.protection(group) is Means.RESERVATION
    leaves = group.giving or not node.owns(group) or node.phase is Phase.LEAVING
    awaited = (node.peer_may_serve and leaves) or (
        group.start_failed and _peer_could_start(node, group)
    )
    return reserved and awaited and group.state in (GroupState.STOPPING, GroupState.STOP_FAILED)


def _answered(node: Node, name: GroupName, operation: int, state: GroupState) -> Group | None:
    """The group an answer is for; None if the answer belongs to an older ask."""
    group = node.group(name)
    if group is None or group.operation != operation or group.state is not state:
        return None
    return group
