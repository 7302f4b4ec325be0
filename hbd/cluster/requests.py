"""What an operator asks for: takeover and standby, refused with a reason or followed to the end.

A request only marks groups (`wanted`, `giving`); the rest is the same road that failures take. The
scopes are heartbeat's, seen from the node asked; `failback` means the groups that are not at home.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from hbd.cluster import groups as moves
from hbd.cluster import homes
from hbd.cluster.action import FinishJob
from hbd.cluster.event import (
    FailureCleared,
    HandoverRefused,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.node import Group, Job, Node, Peer, Step, chain
from hbd.cluster.terms import GroupState, Instant, JobResult, PeerStatus, Phase, Scope

NOT_CONFIGURED = "no longer in haresources"


def on_takeover(node: Node, event: TakeoverRequested, now: Instant) -> Step:
    """Ask the peer for groups; those that failed to start here are tried again."""
    chosen = _chosen(node, event)
    missing = [group for group in chosen if not _serves(node, group)]
    why = _why_gone(node, event) or _why_no_takeover(node, missing)
    if why:
        return Step(node, (FinishJob(event.job, JobResult.REFUSED, why),))
    for group in missing:
        if group.state is GroupState.START_FAILED:  # asked for: worth a new try
            group = replace(group, state=GroupState.STOPPED, start_failed=False, retry_at=None)
        node = node.with_group(replace(group, wanted=not node.owns(group), giving=False))
    return Step(_with_job(node, event, to_here=True, chosen=chosen, now=now))


def on_standby(node: Node, event: StandbyRequested, now: Instant) -> Step:
    """Give groups to the peer, if it can take them."""
    chosen = [group for group in _chosen(node, event) if node.owns(group)]
    why = _why_gone(node, event) or _why_no_standby(node, chosen)
    if why:
        return Step(node, (FinishJob(event.job, JobResult.REFUSED, why),))
    for group in chosen:
        node = node.with_group(replace(group, giving=True, failback_due=False))
    return Step(_with_job(node, event, to_here=False, chosen=chosen, now=now))


def on_failure_cleared(node: Node, event: FailureCleared, now: Instant) -> Step:
    """Try again what failed here: a start by the rules of any start, a stop at once.

    The job ends with the word being taken; whether the new try succeeds, the group's state tells.
    """
    if node.phase is not Phase.ACTIVE:
        why = _not_active(node)
        return Step(node, (FinishJob(event.job, JobResult.REFUSED, why),))
    failed = [
        group.name
        for group in node.groups
        if group.state in (GroupState.START_FAILED, GroupState.STOP_FAILED)
        and (not event.groups or group.name in event.groups)
    ]
    why = "" if failed else "nothing had failed on this node"
    cleared = chain(node, [partial(moves.clear_failure, name=name, now=now) for name in failed])
    return Step(cleared.node, (*cleared.actions, FinishJob(event.job, JobResult.DONE, why)))


def on_refused(node: Node, event: HandoverRefused) -> Step:
    """Let the groups stay where they are, and tell who waited for them."""
    for name in event.groups:
        group = node.group(name)
        if group is not None:
            node = node.with_group(replace(group, giving=False, wanted=False))
    over = [job for job in node.jobs if not set(event.groups).isdisjoint(job.groups)]
    jobs = tuple(job for job in node.jobs if job not in over)
    told = tuple(FinishJob(job.id, JobResult.FAILED, event.why) for job in over)
    return Step(replace(node, jobs=jobs), told)


def settle(node: Node, now: Instant) -> Step:
    """Finish every job whose groups have come to rest, or whose time is up."""
    actions: list[FinishJob] = []
    running: list[Job] = []
    for job in node.jobs:
        verdict = _verdict(node, job, now)
        if verdict is None:
            running.append(job)
        else:
            actions.append(FinishJob(job.id, *verdict))
    if not actions:
        return Step(node)
    still_wanted = {name for job in running if job.to_here for name in job.groups}
    groups = tuple(
        replace(group, wanted=group.wanted and group.name in still_wanted) for group in node.groups
    )
    return Step(replace(node, jobs=tuple(running), groups=groups), tuple(actions))


def _chosen(node: Node, event: TakeoverRequested | StandbyRequested) -> list[Group]:
    groups = [group for group in node.groups if not group.removed]
    if event.groups:
        return [group for group in groups if group.name in event.groups]
    takeover = isinstance(event, TakeoverRequested)
    home = node.name if takeover else node.peer.name
    wanted_home = {
        Scope.ALL: None,
        Scope.LOCAL: node.name,
        Scope.FOREIGN: node.peer.name,
        Scope.FAILBACK: home,
    }[event.scope]
    return [g for g in groups if wanted_home is None or g.preferred == wanted_home]


def _why_gone(node: Node, event: TakeoverRequested | StandbyRequested) -> str:
    """Why a group that was named cannot be moved any more; empty if it can."""
    gone = [group.name for group in node.groups if group.removed and group.name in event.groups]
    return f"{', '.join(gone)}: {NOT_CONFIGURED}" if gone else ""


def _serves(node: Node, group: Group) -> bool:
    return node.owns(group) and group.state is GroupState.STARTED and not group.giving


def _why_no_takeover(node: Node, missing: list[Group]) -> str:
    """Why the missing groups cannot come here now, and what would make it possible."""
    if not missing:
        return ""
    if node.maintenance or node.peer.maintenance:
        return _maintained(node)
    if node.phase is not Phase.ACTIVE:
        return _not_active(node)
    if node.peer.status is PeerStatus.LOST:
        why = f" ({node.peer.fence_why})" if node.peer.fence_why else ""
        off = f"once it is switched off for certain: hbctl confirm-peer-down {node.peer.name}"
        return f"{node.peer.name} is lost but not fenced{why}; its groups follow when it is; {off}"
    if node.is_peer_only_on_disk:
        return f"every link is cut and {node.peer.name} alive on the shared disk; mend a link"
    for group in missing:
        if not node.owns(group) and node.peer.report is not None:
            word = node.peer.word_on(group.name)
            if word is None:
                return f"{node.peer.name} does not know {group.name}: make both haresources equal"
            if word.state is GroupState.STOP_FAILED:
                return f"{node.peer.name} cannot stop {group.name}; {_mend_there(group)}"
    return homes.why_not_taken(node, missing) if node.peer.is_heartbeat else ""


def _why_no_standby(node: Node, chosen: list[Group]) -> str:
    """Why the chosen groups cannot go to the peer now, and what would make it possible."""
    if chosen and (node.maintenance or node.peer.maintenance):
        return _maintained(node)
    if node.phase is not Phase.ACTIVE:
        return _not_active(node)
    if chosen and not node.peer_may_serve:
        return _cannot_serve(node.peer)
    for group in chosen:
        word = node.peer.word_on(group.name)
        if word is None:
            return f"{node.peer.name} does not know {group.name}: make both haresources equal"
        if word.state is GroupState.START_FAILED:
            return f"{group.name} failed to start on {node.peer.name}; retry it there by takeover"
        if word.state is GroupState.STOP_FAILED:
            left = f"{node.peer.name} cannot stop what is left of {group.name}"
            return f"{left}; {_mend_there(group)}"
        if group.state is GroupState.STOP_FAILED:
            mend = f"once that is mended: hbctl clear-failure {group.name}"
            return f"{group.name} cannot be stopped here: {group.failure}; {mend}"
    return homes.why_not_given(node, chosen) if node.peer.is_heartbeat else ""


def _not_active(node: Node) -> str:
    leaves = node.phase in (Phase.LEAVING, Phase.LEFT)
    what = "start hbd here again" if leaves else "wait until it is active"
    return f"this node is {node.phase.value}; {what}"


def _cannot_serve(peer: Peer) -> str:
    """Why the peer can be given nothing now, and what would change that."""
    if peer.status is PeerStatus.ACTIVE:
        if peer.report is not None and peer.report.phase is not Phase.ACTIVE:
            return f"hbd on {peer.name} is {peer.report.phase.value}; wait until it is active"
        return f"{peer.name} does not know of this life of hbd here yet; wait a heartbeat"
    what = {
        PeerStatus.UNKNOWN: "start hbd there, or mend the links",
        PeerStatus.LATE: "wait until it is heard again, or mend the links",
        PeerStatus.LOST: "mend the links, or start it and hbd there",
        PeerStatus.FENCED: "mend it, then start hbd there",
        PeerStatus.LEFT: "start hbd there",
    }[peer.status]
    return f"{peer.name} is {peer.status.value} and cannot take over; {what}"


def _mend_there(group: Group) -> str:
    return f"once that is mended, there: hbctl clear-failure {group.name}"


def _maintained(node: Node) -> str:
    who = "this node" if node.maintenance else node.peer.name
    return f"{who} is in maintenance; end that first (hbctl maintenance off)"


def _with_job(
    node: Node,
    event: TakeoverRequested | StandbyRequested,
    *,
    to_here: bool,
    chosen: list[Group],
    now: Instant,
) -> Node:
    names = tuple(group.name for group in chosen)
    job = Job(event.job, to_here, names, Instant(now + node.limits.job_usec))
    return replace(node, jobs=(*node.jobs, job))


def _verdict(node: Node, job: Job, now: Instant) -> tuple[JobResult, str] | None:
    groups = [group for group in node.groups if group.name in job.groups and not group.removed]
    failures = [why for group in groups if (why := _failure(node, job, group))]
    there = {group.name for group in groups}
    failures += [f"{name}: {NOT_CONFIGURED}" for name in job.groups if name not in there]
    if failures:
        return JobResult.FAILED, "; ".join(failures)
    if all(_arrived(node, job, group) for group in groups):
        return JobResult.DONE, ""
    if now >= job.deadline:
        return JobResult.TIMEOUT, "the groups did not arrive in time; see the status of each"
    return None


def _arrived(node: Node, job: Job, group: Group) -> bool:
    if job.to_here:
        return _serves(node, group)
    word = node.peer.word_on(group.name)
    at_peer = word is not None and word.state is GroupState.STARTED
    return not node.owns(group) and at_peer and not group.state.is_held


def _failure(node: Node, job: Job, group: Group) -> str:
    """Why the group will not arrive any more; empty while it still may."""
    if node.phase is not Phase.ACTIVE:
        return f"{group.name}: this node is {node.phase.value}"
    if node.maintenance:
        return "" if _arrived(node, job, group) else f"{group.name}: {_maintained(node)}"
    if job.to_here:
        if group.state in (GroupState.START_FAILED, GroupState.STOP_FAILED):
            return f"{group.name}: {group.failure}"
        on_its_way = node.owns(group) or group.wanted
        return "" if on_its_way and not group.giving else f"{group.name}: went to the peer"
    if node.owns(group) and not group.giving:
        return f"{group.name}: stayed here, {node.peer.name} is {node.peer.status.value}"
    word = node.peer.word_on(group.name)
    if not node.owns(group) and word is not None and word.state is GroupState.START_FAILED:
        return f"{group.name}: failed to start on {node.peer.name}"
    return ""
