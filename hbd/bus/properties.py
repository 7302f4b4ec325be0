"""Every property of every object, as a pure function of what the node believes.

Nobody sets a property: what changed is the difference of two of these trees. The names and types
are the contract's (dbus/*.xml), the words are the enums' of hbd.cluster.terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from dbus_next.signature import Variant

from hbd.bus import names
from hbd.bus.facts import Facts, LinkReadings
from hbd.bus.jobs import Request
from hbd.bus.names import Interface
from hbd.cluster.drift import differing
from hbd.cluster.node import Group, Link, Node
from hbd.cluster.terms import (
    GroupName,
    GroupState,
    Implementation,
    Instant,
    LinkName,
    PeerStatus,
)

Properties = dict[str, Variant]
Tree = dict[str, dict[str, Properties]]  # path -> interface -> name -> value


def tree(
    node: Node,
    facts: Facts,
    readings: LinkReadings,
    jobs: tuple[Request, ...] = (),
    denied_count: int = 0,
    last_transition: Callable[[GroupName], str] = lambda _group: "",
) -> Tree:
    """All objects with all their properties, as of now. Times are µs on CLOCK_BOOTTIME."""
    counters, faults = readings.counters(), readings.faults()
    objects: Tree = {
        names.ROOT: {Interface.MANAGER: _manager(node, facts, jobs, denied_count, readings.now())},
        names.node_path(node.name): {Interface.NODE: _this_node(node, facts)},
        names.node_path(node.peer.name): {Interface.NODE: _peer(node)},
    }
    for link in node.links:
        properties = _link(
            node, link, facts, counters.get(link.name, {}), faults.get(link.name, "")
        )
        objects[names.link_path(link.name)] = {Interface.LINK: properties}
    for group in node.groups:
        properties = _group(node, group, facts, last_transition(group.name))
        objects[names.group_path(group.name)] = {Interface.GROUP: properties}
        objects.update(_resources(group, facts))
    for job in jobs:
        objects[names.job_path(job.id)] = {Interface.JOB: _job(node, job)}
    return objects


def looks_equal(one: Node, other: Node) -> bool:
    """Whether two beliefs certainly differ in nothing that a signal must tell.

    Cheap, because it is asked after every step: parts that a step left alone are the same objects.
    """
    return (
        one.groups == other.groups
        and one.phase is other.phase
        and one.maintenance is other.maintenance
        and one.peer.maintenance is other.peer.maintenance
        and one.peer.status is other.peer.status
        and one.peer.report == other.peer.report
        and one.peer.generation == other.peer.generation
        and one.peer.proven == other.peer.proven
        and one.peer.fence_why == other.peer.fence_why
        and one.digest == other.digest
        and one.peer.digest == other.peer.digest
        and one.peer.implementation is other.peer.implementation
        and one.generation == other.generation
        and one.jobs == other.jobs
        and [_looks(link) for link in one.links] == [_looks(link) for link in other.links]
        and one.timing == other.timing
        and one.auto_failback is other.auto_failback
    )


def _looks(link: Link) -> tuple[object, ...]:
    return link.name, link.status, link.leads_to_peer


def _manager(
    node: Node, facts: Facts, jobs: tuple[Request, ...], denied_count: int, now_usec: int
) -> Properties:
    timing = node.timing
    return {
        "Version": _text(facts.version),
        "NodeName": _text(node.name),
        "PeerName": _text(node.peer.name),
        "Phase": _text(node.phase.value),
        "Maintenance": _truth(value=node.maintenance),
        "PeerStatus": _text(node.peer.status.value),
        "Protection": _text(node.protection().value),
        "FenceFailure": _text(node.peer.fence_why),
        "AutoFailback": _text(node.auto_failback.value),
        "KeepaliveUSec": _number(timing.keepalive_usec),
        "WarntimeUSec": _number(timing.warntime_usec),
        "DeadtimeUSec": _number(timing.deadtime_usec),
        "InitdeadUSec": _number(timing.initdead_usec),
        "NowUSec": _number(now_usec),
        "LastStallUSec": _number(node.stall_usec),
        "ConfigDrift": _texts(differing(node)),
        "DeniedCount": _number(denied_count),
        "Nodes": _paths([names.node_path(node.name), names.node_path(node.peer.name)]),
        "Links": _paths(names.link_path(link.name) for link in node.links),
        "Groups": _paths(names.group_path(group.name) for group in node.groups),
        "Jobs": _paths(names.job_path(job.id) for job in jobs),
    }


def _this_node(node: Node, facts: Facts) -> Properties:
    return {
        "Name": _text(node.name),
        "Local": _truth(value=True),
        "Status": _text(node.phase.value),
        "Maintenance": _truth(value=node.maintenance),
        "FenceProven": _truth(value=False),
        "Implementation": _text(Implementation.HBD.value),
        "ConfigDigest": _text(node.digest),
        "Generation": _number(node.generation),
        "LastHeardUSec": _number(0),
        "Holds": _texts(group.name for group in node.groups if group.state.is_held),
    }


def _peer(node: Node) -> Properties:
    peer = node.peer
    return {
        "Name": _text(peer.name),
        "Local": _truth(value=False),
        "Status": _text(peer.status.value),
        "Maintenance": _truth(value=peer.maintenance),
        "FenceProven": _truth(value=peer.status is PeerStatus.FENCED and peer.proven),
        "Implementation": _text(peer.implementation.value if peer.implementation else ""),
        "ConfigDigest": _text(peer.digest),
        "Generation": _number(peer.generation),
        "LastHeardUSec": _instant(peer.heard_at),
        "Holds": _texts(_held_by_peer(node)),
    }


def _held_by_peer(node: Node) -> list[GroupName]:
    """What it may be running by its own last word; nothing once it left or was fenced."""
    if node.peer.is_out or node.peer.report is None:
        return []
    return [word.name for word in node.peer.report.groups if word.state.is_held]


def _link(
    node: Node, link: Link, facts: Facts, counters: Mapping[str, int], fault: str
) -> Properties:
    return {
        "Name": _text(link.name),
        "Kind": _text("disk" if link.is_disk else facts.link_kind(LinkName(link.name))),
        "LeadsToPeer": _truth(value=link.leads_to_peer),
        "Status": _text(link.status.value),
        "PeerHears": _truth(value=node.is_heard_by_peer(link.name)),
        "Fault": _text(fault),
        "LastHeardUSec": _instant(link.heard_at),
        "Counters": Variant("a{st}", {word: max(0, count) for word, count in counters.items()}),
    }


def _group(node: Node, group: Group, facts: Facts, last_transition: str) -> Properties:
    positions = range(1, len(group.resources) + 1)
    return {
        "Name": _text(group.name),
        "Preferred": _text(group.preferred),
        "Owner": _text(group.owner),
        "State": _text(group.state.value),
        "Protection": _text(node.protection(group).value),
        "PeerState": _text(_peer_state(node, group.name).value),
        "Epoch": _number(group.epoch),
        "Failure": _text(group.failure),
        "LastTransition": _text(last_transition),
        "Unit": _text(facts.group_unit(group.name)),
        "Resources": _paths(names.resource_path(group.name, position) for position in positions),
    }


def _peer_state(node: Node, group: GroupName) -> GroupState:
    """What is true of the group there: its word while it speaks; silence is not knowledge."""
    if node.peer.is_out:
        return GroupState.STOPPED
    if not node.peer.is_heard:
        return GroupState.UNKNOWN
    word = node.peer.word_on(group)
    return GroupState.UNKNOWN if word is None else word.state


def _resources(group: Group, facts: Facts) -> Tree:
    objects: Tree = {}
    for index, resource in enumerate(group.resources):
        objects[names.resource_path(group.name, index + 1)] = {
            Interface.RESOURCE: {
                "Group": Variant("o", names.group_path(group.name)),
                "Text": _text(resource.text),
                "Unit": _text(facts.resource_unit(group.name, index)),
                "State": _text(resource.state.value),
                "Why": _text(resource.why),
            }
        }
    return objects


def _job(node: Node, request: Request) -> Properties:
    known = next((job for job in node.jobs if job.id == request.id), None)
    named = () if request.group is None else (request.group,)
    return {
        "Id": Variant("u", request.id),
        "Verb": _text(request.verb),
        "Scope": _text(request.scope.value),
        "Groups": _texts(named if known is None else known.groups),
        "RequestedBy": _text(request.requested_by),
        "RequestedUSec": _instant(request.requested_at),
    }


def _text(value: str) -> Variant:
    return Variant("s", sendable(value))


def _texts(values: Iterable[str]) -> Variant:
    return Variant("as", [sendable(value) for value in values])


def _paths(values: Iterable[str]) -> Variant:
    return Variant("ao", list(values))


def _truth(*, value: bool) -> Variant:
    return Variant("b", value)


def _number(value: int) -> Variant:
    return Variant("t", value)


def _instant(value: Instant | None) -> Variant:
    return Variant("t", 0 if value is None else value)


def sendable(value: str) -> str:
    """The text as D-Bus can carry it: valid UTF-8 without NUL. Other bytes become `?`.

    A reason may quote what a program printed; one bad byte may not cost the whole signal.
    """
    return value.replace("\0", "?").encode("utf-8", "replace").decode("utf-8")
