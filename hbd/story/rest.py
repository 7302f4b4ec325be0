"""When a group's move is over, and how it ended, from the beliefs alone."""

from __future__ import annotations

from hbd.cluster.node import Group, Node
from hbd.cluster.terms import GroupState, PeerStatus, Phase
from hbd.story.transition import Move, Result

_FAILED = (GroupState.START_FAILED, GroupState.STOP_FAILED)


def result_of(move: Move, node: Node, group: Group) -> Result:
    """What became of the group's move by now; RUNNING while it is not at rest."""
    if node.phase is Phase.LEFT:
        return Result.RELEASED
    if group.giving or group.wanted:
        return Result.RUNNING
    if node.owns(group):
        return _here(move, node, group)
    if group.state is GroupState.STOP_FAILED:
        return Result.FAILED
    if group.state.is_held:
        return Result.RUNNING
    return _there(move, node, group)


def _here(move: Move, node: Node, group: Group) -> Result:
    if group.retry_due is not None:
        return Result.RUNNING  # it goes on trying by itself
    if group.state in _FAILED:
        return Result.FAILED
    if group.state is not GroupState.STARTED:
        return Result.RUNNING
    if move.origin not in ("", node.name):
        return Result.MOVED
    return Result.STARTED if move.was_touched else Result.STAYED


def _there(move: Move, node: Node, group: Group) -> Result:
    """The peer owns it and it is gone from here: what does the peer say?"""
    word = node.peer.word_on(group.name)
    if not node.peer.is_heard or word is None:
        return Result.RUNNING
    if word.state is GroupState.START_FAILED and node.peer.status is not PeerStatus.LEFT:
        return Result.FAILED
    if word.state is not GroupState.STARTED or word.owner != node.peer.name:
        return Result.RUNNING
    if move.origin == node.name:
        return Result.MOVED
    return Result.STARTED if move.was_touched else Result.STAYED


def why_failed(node: Node, group: Group) -> str:
    """The reason of a failed move."""
    if group.failure:
        return group.failure
    return f"did not start on {node.peer.name}"
