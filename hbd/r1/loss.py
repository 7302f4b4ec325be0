"""When this life of ours is void for a heartbeat peer, and must give way to the next.

heartbeat that has thought a node dead has taken its groups. Heard again in the same life it takes
that for a healed partition, gives up everything and restarts itself; heard in a new life it goes on
serving, and answers what it holds. So a node that may have been thought dead begins a new life.
Not where the disk itself kept the other out: then heartbeat has not served, and may restart.
Source: heartbeat 3.0.6 as observed.
"""

from __future__ import annotations

from hbd.cluster.node import Group, Node
from hbd.cluster.terms import Instant, Means, PeerStatus

_SILENT = (PeerStatus.LOST, PeerStatus.FENCED)


class Loss:
    """Notices a silence of the peer, or a standstill of this node, once."""

    def __init__(self) -> None:
        self._watched_since: Instant | None = None
        self._is_told = False

    def is_new(self, node: Node) -> bool:
        """Whether the peer has fallen silent, or this node stood still, since this was asked."""
        stood_still = self._watched_since not in (None, node.watched_since)
        self._watched_since = node.watched_since
        silent = node.peer.status in _SILENT
        fell_silent = silent and not self._is_told
        self._is_told = silent
        return (stood_still or fell_silent) and not any(keeps(node, g) for g in node.groups)


def keeps(node: Node, group: Group) -> bool:
    """Whether what runs here stays, whatever heartbeat says: its disk refuses everybody else."""
    reserved = node.protection(group) is Means.RESERVATION
    return reserved and group.state.is_held and not group.disk_lost
