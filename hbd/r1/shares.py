"""heartbeat's words for sets of groups: `local`, `foreign`, both or none, seen from one node.

In this package a share is always seen from this node: `local` are the groups that prefer it. What
heartbeat says of itself is turned over once, when it is read.
"""

from __future__ import annotations

from hbd.cluster.node import Group, Node
from hbd.cluster.terms import GroupState, Phase
from hbd.wire.message import Hold

Share = frozenset[Hold]  # of LOCAL and FOREIGN

NOTHING: Share = frozenset()
LOCAL: Share = frozenset({Hold.LOCAL})
FOREIGN: Share = frozenset({Hold.FOREIGN})
ALL = LOCAL | FOREIGN

_SHARES = {Hold.NONE: NOTHING, Hold.LOCAL: LOCAL, Hold.FOREIGN: FOREIGN, Hold.ALL: ALL}
_HOLDS = {share: hold for hold, share in _SHARES.items()}
_OTHER_SIDE = {Hold.LOCAL: Hold.FOREIGN, Hold.FOREIGN: Hold.LOCAL}


def share_of(hold: Hold | None) -> Share:
    """The share that a word names, as its sender sees it.

    `failback`, in hb_takeover only, is documented as the asker's own groups: that is what it means
    here, though a heartbeat that hears it gives all.
    """
    return LOCAL if hold is Hold.FAILBACK else _SHARES[hold or Hold.NONE]


def hold_of(share: Share) -> Hold:
    """The word for a share."""
    return _HOLDS[share]


def mirrored(share: Share) -> Share:
    """The same groups as the other node calls them."""
    return frozenset(_OTHER_SIDE[side] for side in share)


def side_of(node: Node, group: Group) -> Hold:
    """Whether a group prefers this node."""
    return Hold.LOCAL if group.preferred == node.name else Hold.FOREIGN


def groups_of(node: Node, share: Share) -> list[Group]:
    """The groups of a share."""
    return [group for group in node.groups if side_of(node, group) in share]


def held_by(node: Node) -> Share:
    """What this node holds or is about to start, as heartbeat is to be told.

    A node without a group of its own has `local` all the same: that is heartbeat's custom.
    """
    active = node.phase is Phase.ACTIVE
    held = frozenset(
        side_of(node, group)
        for group in node.groups
        if group.state.is_held or (active and node.owns(group))
    )
    return held | LOCAL if active and not groups_of(node, LOCAL) else held


def is_at_rest(group: Group) -> bool:
    """Whether a group that is to run here does, or has failed to."""
    failed = group.state in (GroupState.START_FAILED, GroupState.STOP_FAILED)
    return failed or group.state is GroupState.STARTED
