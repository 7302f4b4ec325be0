"""When the peer must be fenced, and what a confirmation permits.

Two nodes have no majority, so silence never proves death; only a confirmation does. A cluster
without any fence device takes the same path: the administrator's ha.cf is the confirmation, given
at once and said so every time (`proven` is false). What may then be acquired is for `groups`.
"""

from __future__ import annotations

from dataclasses import replace

from hbd.cluster.action import Fence
from hbd.cluster.event import FenceConfirmed, FenceFailed
from hbd.cluster.node import Node, Step
from hbd.cluster.terms import Instant, PeerStatus


def pursue(node: Node, now: Instant) -> Step:
    """Ask for fencing as soon as the peer is lost, and again when no answer came in time."""
    peer = node.peer
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


def on_failed(node: Node, event: FenceFailed) -> Step:
    """Nothing is permitted; `pursue` asks again later."""
    assert event.target == node.peer.name, "a node fences its peer and nothing else"
    return Step(node)
