"""Whether both nodes run with the same three files, as far as the heartbeats tell.

A cluster whose nodes disagree about a group or a time works until the first failover. Nothing is
decided by it: administrators change one node before the other, and are told until both are alike.
Silence ends no drift, so a peer that comes and goes is told of once.
"""

from __future__ import annotations

from hbd.cluster.node import Node

FILES = ("ha.cf", "haresources", "authkeys")  # in the order of their parts of a digest
PART = 8  # hexadecimal digits: one in four thousand million changes goes unseen


def differing(node: Node) -> tuple[str, ...]:
    """The files that mean something else on the peer, by name; none while it has not told."""
    ours, theirs = node.digest, node.peer.digest
    if not ours or not theirs:
        return ()
    return tuple(
        name
        for place, name in enumerate(FILES)
        if ours[place * PART : (place + 1) * PART] != theirs[place * PART : (place + 1) * PART]
    )
