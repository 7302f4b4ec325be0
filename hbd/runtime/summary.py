"""One human line on the state of the cluster, for `systemctl status hbd`."""

from __future__ import annotations

from hbd.cluster.change import links_up
from hbd.cluster.node import Node
from hbd.cluster.terms import GroupState


def summary(node: Node) -> str:
    """This node's phase, the peer's status, the links, and what is served here."""
    links = [link for link in node.links if link.leads_to_peer]
    serving = [group.name for group in node.groups if group.state is GroupState.STARTED]
    moving = [
        f"{group.name} {group.state.value}"
        for group in node.groups
        if group.state not in (GroupState.STARTED, GroupState.STOPPED)
    ]
    parts = [
        f"{node.name} {node.phase.value}",
        f"peer {node.peer.name} {node.peer.status.value}",
        f"{links_up(node)} of {len(links)} links up",
        f"serving {', '.join(serving)}" if serving else "serving nothing",
        *moving,
        *(["in maintenance: nothing is moved"] if node.maintenance else []),
        *([f"{node.peer.name} in maintenance"] if node.peer.maintenance else []),
    ]
    return "; ".join(parts)
