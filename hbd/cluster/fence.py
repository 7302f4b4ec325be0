"""When the peer must be fenced, and what a confirmation permits.

Two nodes have no majority, so silence never proves death; only a confirmation does. A cluster
without any fence device takes the same path: the administrator's ha.cf is the confirmation, given
at once and said so every time (`proven` is false). What may then be acquired is for `groups`.
"""

from __future__ import annotations

from dataclasses import replace

from hbd.cluster.action import Fence, FinishJob
from hbd.cluster.event import FenceConfirmed, FenceFailed, PeerConfirmedDown
from hbd.cluster.node import Node, Step
from hbd.cluster.terms import Instant, JobResult, LinkStatus, PeerStatus


def pursue(node: Node, now: Instant) -> Step:
    """Ask for fencing as soon as the peer is lost, and again when no answer came in time.

    Not in maintenance, ours or the peer's: a machine that somebody works on may fall silent. Only
    an operator's word ends that wait (`on_confirmed_by_operator`), or the end of the maintenance.
    """
    peer = node.peer
    if not node.may_fence:
        return Step(node)
    if peer.status is not PeerStatus.LOST or peer.fence_due is None or now < peer.fence_due:
        return Step(node)
    again = Instant(now + node.limits.fence_retry_usec)
    return Step(replace(node, peer=replace(peer, fence_due=again)), (Fence(peer.name),))


def on_confirmed(node: Node, event: FenceConfirmed) -> Step:
    """The peer will not write: its groups may be acquired.

    A confirmation for a peer that has been heard again meanwhile is stale and permits nothing.
    """
    assert event.target == node.peer.name, "a node fences its peer and nothing else"
    if node.peer.status is not PeerStatus.LOST:
        return Step(node)
    peer = replace(node.peer, status=PeerStatus.FENCED, proven=event.proven, fence_due=None)
    return Step(replace(node, peer=peer))


def on_confirmed_by_operator(node: Node, event: PeerConfirmedDown) -> Step:
    """An operator says that the peer is off: proof, unless what we hear ourselves says otherwise.

    It covers what ha.cf's times do not: groups that the peer could not stop, and a peer that fell
    silent in maintenance.
    """
    why = _why_not_down(node)
    if why:
        return Step(node, (FinishJob(event.job, JobResult.REFUSED, why),))
    peer = replace(
        node.peer, status=PeerStatus.FENCED, proven=True, fence_due=None, maintenance=False
    )
    return Step(replace(node, peer=peer), (FinishJob(event.job, JobResult.DONE, ""),))


def _why_not_down(node: Node) -> str:
    """Why the operator's word is not taken; empty if it is."""
    peer = node.peer
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
    return Step(node)
