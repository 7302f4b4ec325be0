"""When the peer must be fenced, by what, and what a confirmation permits.

Two nodes have no majority, so silence never proves death; only a confirmation does: of the shared
disk that refuses the peer from now on (reservation), of a power switch (STONITH), of an operator,
or, where ha.cf says that silence must do, of nobody (`proven` is false, and everyone is told).
Facts behind the rules: hbd-fencing(7). What may then be acquired is for `groups`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hbd.cluster import evidence
from hbd.cluster.action import Fence, FinishJob
from hbd.cluster.event import FenceConfirmed, FenceFailed, PeerConfirmedDown
from hbd.cluster.node import RESERVING, SHOOTING, Group, Node, Peer, Step
from hbd.cluster.terms import (
    Fencing,
    GroupState,
    Instant,
    JobResult,
    LinkStatus,
    Means,
    PeerStatus,
    Phase,
)

_TRUSTING = (Fencing.AUTO, Fencing.NONE)
_FENCEABLE = (PeerStatus.LOST, PeerStatus.FENCED)


def pursue(node: Node, now: Instant) -> Step:
    """Ask for fencing once the peer is lost and something depends on it; again without an answer.

    Not in maintenance, ours or the peer's: a machine that somebody works on may fall silent. Only
    an operator's word ends that wait (`on_confirmed_by_operator`), or the end of the maintenance.
    """
    peer = node.peer
    if not is_due(node) or (peer.fence_due is not None and now < peer.fence_due):
        return Step(node)
    again = Instant(now + node.limits.fence_retry_usec)
    means, why = _choice(node)
    node = replace(node, peer=replace(peer, fence_due=again, fence_why=why or peer.fence_why))
    if means is None:
        return Step(node)
    names = tuple(group.name for group in _to_secure(node))
    return Step(node, (Fence(peer.name, means, names),))


def is_due(node: Node) -> bool:
    """Whether a lost peer is to be fenced: only if a group waits for it.

    A node that serves everything already shoots nobody: with every cable cut both would. One that
    was fenced by taking a disk is fenced again for a group that this does not cover.
    """
    if node.peer.status not in _FENCEABLE or not node.may_fence:
        return False
    if node.phase is Phase.STARTING and node.peer.status is PeerStatus.LOST:
        return bool(_to_secure(node))
    return node.phase is Phase.ACTIVE and bool(_at_stake(node))


def _at_stake(node: Node) -> list[Group]:
    """The groups that could be started here if the peer were out for certain.

    Never one that is still mounted from before the disk was the peer's: whoever claims a disk
    makes its own mounts of it writable again, and what such a mount would write is yesterday's.
    """
    fenced = node.peer.status is PeerStatus.FENCED
    return [
        group
        for group in node.groups
        if _could_start(node, group) and not (fenced and node.peer.is_fenced_from(group))
    ]


def _could_start(node: Node, group: Group) -> bool:
    if group.removed:
        return False
    if group.disk_lost or not node.owns(group):
        return not group.state.is_held
    return group.state in (GroupState.STOPPED, GroupState.PARTIAL)


def _to_secure(node: Node) -> list[Group]:
    """The groups to make sure of; those that run, for a node that starts and finds them running."""
    running = [g for g in node.groups if g.state is GroupState.STARTED and not g.disk_lost]
    return _at_stake(node) or running


def _choice(node: Node) -> tuple[Means | None, str]:
    """By what to fence now; None and the reason where nothing permits it."""
    stake = _to_secure(node)
    unknown = [group.name for group in stake if not group.is_disk_known]
    if unknown and node.fencing is not Fencing.NONE:
        return None, f"the disk of {', '.join(unknown)} has not been looked at yet"
    exposed = [group.name for group in stake if group.has_disk and not group.reserved]
    has_disk = any(group.has_disk for group in stake)
    if (
        node.fencing in RESERVING
        and not exposed
        and (has_disk or node.fencing is Fencing.RESERVATION)
    ):
        return Means.RESERVATION, ""
    if node.fencing in SHOOTING and node.has_stonith:
        return Means.STONITH, ""
    if node.fencing in _TRUSTING:
        doubt = evidence.against_death(node)
        return (None, doubt) if doubt else (Means.NONE, "")
    return None, _why_unprotected(node, exposed)


def _why_unprotected(node: Node, exposed: Sequence[str]) -> str:
    has_not = {
        Fencing.RESERVATION: "the disk carries no reservations",
        Fencing.STONITH: "ha.cf has no stonith_host for it",
        Fencing.REQUIRED: "neither the disk nor a power switch can make sure",
    }[node.fencing]
    what = f" ({', '.join(exposed)})" if exposed and node.fencing is not Fencing.STONITH else ""
    return (
        f"fencing is {node.fencing.value} and {has_not}{what}; "
        f"if {node.peer.name} is off for certain: hbctl confirm-peer-down {node.peer.name}"
    )


def on_confirmed(node: Node, event: FenceConfirmed) -> Step:
    """The peer will not write: its groups may be acquired.

    A confirmation for a peer that has been heard again meanwhile is stale and permits nothing.
    """
    assert event.target == node.peer.name, "a node fences its peer and nothing else"
    if node.peer.status not in _FENCEABLE:
        return Step(node)
    secured = None if event.groups is None else frozenset(event.groups)
    if secured is not None and node.peer.status is PeerStatus.FENCED:
        known = node.peer.secured
        secured = None if known is None else known | secured
    peer = replace(_fenced(node), proven=event.proven, secured=secured)
    return Step(replace(node, peer=peer))


def on_confirmed_by_operator(node: Node, event: PeerConfirmedDown) -> Step:
    """An operator says that the peer is off: proof, unless what we hear ourselves says otherwise.

    It covers what ha.cf's times do not: groups that the peer could not stop, and a peer that fell
    silent in maintenance.
    """
    why = _why_not_down(node)
    if why:
        return Step(node, (FinishJob(event.job, JobResult.REFUSED, why),))
    peer = replace(_fenced(node), proven=True, maintenance=False, secured=None)
    return Step(replace(node, peer=peer), (FinishJob(event.job, JobResult.DONE, ""),))


def _fenced(node: Node) -> Peer:
    return replace(node.peer, status=PeerStatus.FENCED, fence_due=None, fence_why="")


def _why_not_down(node: Node) -> str:
    """Why the operator's word is not taken; empty if it is."""
    peer = node.peer
    if node.is_peer_only_on_disk:
        return f"{peer.name} still renews its registration on the shared disk, so it is not off"
    if peer.is_heard:
        return f"{peer.name} is {peer.status.value}: it is heard, so it is not off"
    if peer.status is PeerStatus.LEFT:
        return f"{peer.name} has left by itself and released everything; nothing is to be confirmed"
    if peer.status is PeerStatus.UNKNOWN:
        return f"{peer.name} is unknown yet; wait until it is lost, at the latest after initdead"
    heard = [ln.name for ln in node.links if ln.leads_to_peer and ln.status is LinkStatus.UP]
    if heard:
        return f"{peer.name} was heard on {', '.join(heard)} within deadtime; is it really off?"
    return ""


def on_failed(node: Node, event: FenceFailed) -> Step:
    """Nothing is permitted; `pursue` asks again later."""
    assert event.target == node.peer.name, "a node fences its peer and nothing else"
    if node.peer.status not in _FENCEABLE:
        return Step(node)
    return Step(replace(node, peer=replace(node.peer, fence_why=event.why)))
