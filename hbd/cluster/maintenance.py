"""Maintenance: this node keeps beating and moves nothing, until an operator ends it.

Nothing is started, revived, given or fenced, and nobody takes over from it: the report says so, and
the peer remembers it through silence. Records are still adopted, what was begun is brought to its
end, and what is not ours to run is still let go: two writers are worse than a broken promise. A
`LeaveRequested` releases and hands over as ever, for who stops the daemon means it.
"""

from __future__ import annotations

from dataclasses import replace

from hbd.cluster.action import FinishJob, KeepMaintenance, ObserveGroup
from hbd.cluster.event import MaintenanceSet
from hbd.cluster.node import Group, Node, Step
from hbd.cluster.terms import GroupState, JobResult, Phase

_NOT_LOOKED_AT = (GroupState.STARTING, GroupState.STOPPING, GroupState.STOP_FAILED)


def on_set(node: Node, event: MaintenanceSet) -> Step:
    """Begin or end maintenance; a node that leaves does neither."""
    if node.phase in (Phase.LEAVING, Phase.LEFT):
        why = f"this node is {node.phase.value}; start it first"
        return Step(node, (FinishJob(event.job, JobResult.REFUSED, why),))
    finish = FinishJob(event.job, JobResult.DONE, "")
    if event.on is node.maintenance:
        return Step(node, (finish,))
    begun = _begin(node) if event.on else _end(node)
    return Step(begun.node, (KeepMaintenance(event.on), *begun.actions, finish))


def _begin(node: Node) -> Step:
    """Forget every intention to move a group; the jobs that wait for one then end."""
    groups = tuple(replace(group, giving=False, wanted=False) for group in node.groups)
    return Step(replace(node, maintenance=True, groups=groups))


def _end(node: Node) -> Step:
    """Look at what the work has left behind, before anything is decided on it.

    A group of ours that is not whole may have been mended by hand: it is unknown until observed.
    """
    observe = [ObserveGroup(g.name) for g in node.groups if g.state not in _NOT_LOOKED_AT]
    groups = tuple(_to_be_seen(node, group) for group in node.groups)
    return Step(replace(node, maintenance=False, groups=groups), tuple(observe))


def _to_be_seen(node: Node, group: Group) -> Group:
    not_whole = group.state in (GroupState.STOPPED, GroupState.PARTIAL)
    return replace(group, state=GroupState.UNKNOWN) if node.owns(group) and not_whole else group
