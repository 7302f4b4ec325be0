"""What is true in every reachable state; checked after every step, in production too.

A broken invariant is a mistake of ours and stops the daemon: groups are systemd units and keep
running, the watchdog is no longer fed, and systemd starts us anew, to observe and go on.
"""

from __future__ import annotations

from hbd.cluster.node import Group, Node
from hbd.cluster.terms import GroupState, PeerStatus, Phase

_LETTING_GO = (GroupState.STOPPING, GroupState.STOP_FAILED, GroupState.UNKNOWN)


def check(before: Node, after: Node) -> None:
    """Assert everything that must hold of a belief, and of the step that led to it."""
    _check_peer(after)
    now = {group.name: group for group in after.groups}
    assert len(now) == len(after.groups), "a group has one name"
    for was in before.groups:
        group = now.pop(was.name, None)
        if group is None:
            _check_gone(before, was)
            continue
        _check_record(was, group)
        assert group.definition >= was.definition, "definitions are numbered upwards"
        assert group.operation >= was.operation, "operations are numbered upwards"
        if before.maintenance and after.maintenance and group.state is GroupState.STARTING:
            assert group.operation == was.operation, "in maintenance nothing is started"
        _check_group(after, group)
    for new in now.values():
        assert new.state is GroupState.UNKNOWN, "a new group is to be looked at"
        _check_group(after, new)


def _check_gone(before: Node, was: Group) -> None:
    """A group goes when it is no longer in haresources and proven stopped."""
    may_run = was.state.is_held and bool(was.resources)
    assert was.removed or not may_run, "what may run is not forgotten by the reload itself"
    assert before.phase is not Phase.LEFT, "a node that left changes nothing"


def _check_record(was: Group, group: Group) -> None:
    if was.preferred == group.preferred:
        assert group.record >= was.record, "an ownership record only grows"
    else:
        assert group.epoch >= was.epoch, "an ownership record only grows"


def _check_peer(node: Node) -> None:
    peer = node.peer
    if peer.status is PeerStatus.LOST:
        assert peer.fence_due is not None, "a lost peer is being fenced"
        assert peer.report is None, "a lost peer's word is void"
    if peer.proven:
        assert peer.status is PeerStatus.FENCED, "only a fenced peer is proven off"


def _check_group(node: Node, group: Group) -> None:
    at_work = group.state in (GroupState.STARTING, GroupState.STOPPING, GroupState.STOP_FAILED)
    assert (group.deadline is not None) == at_work, "an ask has a deadline, and nothing else has"
    if group.state is GroupState.STARTING:
        assert node.owns(group), "only the owner starts a group"
    if not node.owns(group) and group.state.is_held and not node.found_serving(group):
        assert group.state in _LETTING_GO, "what is not ours is being released"
    if group.giving:
        assert node.owns(group), "only the owner can give"
    if not group.resources and group.is_changing:
        assert group.state is GroupState.UNKNOWN, "of a new group nothing is known"
    if group.state is GroupState.START_FAILED:
        assert group.start_failed, "a failed start is remembered as such"
    if group.retry_at is not None:
        assert group.start_failed, "only a failed start is to be tried again"
    if node.phase is Phase.LEFT:
        assert not group.state.is_held, "a node that left holds nothing"
