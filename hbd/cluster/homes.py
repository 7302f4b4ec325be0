"""Which groups a heartbeat peer can be asked to move: all of a home that one node holds, or none.

heartbeat's words for a hand-over are `local`, `foreign` and `all`: the groups that prefer the node
that gives, the others, or both. There is no word for one group of several. In its `legacy` mode it
gives the groups that it is asked for one by one, and takes none but its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from hbd.cluster.node import Group, Node
from hbd.cluster.terms import AutoFailback, GroupName, NodeName


def why_not_given(node: Node, chosen: Iterable[Group]) -> str:
    """Why these groups of ours cannot go to a heartbeat peer as asked; empty if they can."""
    names = {group.name for group in chosen}
    if not names:
        return ""
    peer = node.peer.name
    if node.auto_failback is AutoFailback.LEGACY:
        return (
            f"heartbeat on {peer} takes no group by hand-over with auto_failback legacy; "
            f"there: ask for its own by restarting heartbeat"
        )
    return _why_not_whole(node, names, node.name, "give")


def why_not_taken(node: Node, missing: Iterable[Group]) -> str:
    """Why these groups of the peer's cannot be had from heartbeat as asked; empty if they can."""
    names = {group.name for group in missing if not node.owns(group)}
    if not names or node.auto_failback is AutoFailback.LEGACY:
        return ""
    return _why_not_whole(node, names, node.peer.name, "take")


def _why_not_whole(node: Node, names: set[GroupName], owner: NodeName, verb: str) -> str:
    for home in (node.name, node.peer.name):
        there = [g.name for g in node.groups if g.owner == owner and g.preferred == home]
        left = [name for name in there if name not in names]
        if left and len(left) < len(there):
            scope = "local" if home == node.name else "foreign"
            return (
                f"{node.peer.name} runs heartbeat, which moves all groups of a home at once: "
                f"{', '.join(left)} would go along; {verb} them together: scope {scope}"
            )
    return ""
