"""What the daemon told, as frozen types: hbctl's own picture, made from the public API only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from hbd.bus.names import ROOT, Interface
from hbd.cli.outcome import other_version

Properties = Mapping[str, object]  # a property's name -> its plain value
Objects = Mapping[str, Mapping[str, Properties]]  # path -> interface -> properties

Value = TypeVar("Value", str, int, bool)


@dataclass(frozen=True, slots=True)
class NodeView:
    """One machine. Times are µs on CLOCK_BOOTTIME, 0: never."""

    name: str
    local: bool
    status: str
    maintenance: bool
    fence_proven: bool
    implementation: str
    config_digest: str
    generation: int
    last_heard_usec: int
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkView:
    """One medium."""

    name: str
    kind: str
    leads_to_peer: bool
    status: str
    peer_hears: bool
    fault: str
    last_heard_usec: int
    counters: Mapping[str, int]

    @property
    def loss(self) -> float | None:
        """The part that was lost of what should have come, 0 to 1; None before anything came.

        A link to the peer counts the peer's numbers; a ping node answers every question, of which
        the last may still be on its way.
        """
        heard, missed = self.counters.get("heard", 0), self.counters.get("missed", 0)
        if not self.leads_to_peer:
            heard = self.counters.get("messages_received", 0)
            missed = max(0, self.counters.get("messages_sent", 0) - 1 - heard)
        return missed / (heard + missed) if heard + missed else None


@dataclass(frozen=True, slots=True)
class ResourceView:
    """One resource, as it is on this node."""

    text: str
    unit: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class LastView:
    """A group's last transition: when, in µs since the epoch, what happened, and its id."""

    at_usec: int
    text: str
    id: str


@dataclass(frozen=True, slots=True)
class GroupView:
    """One resource group."""

    name: str
    preferred: str
    owner: str
    state: str
    protection: str
    peer_state: str
    epoch: int
    failure: str
    unit: str
    resources: tuple[ResourceView, ...]
    last_transition: LastView | None = None


@dataclass(frozen=True, slots=True)
class JobView:
    """One request under way."""

    id: int
    verb: str
    scope: str
    groups: tuple[str, ...]
    requested_by: str
    requested_usec: int


@dataclass(frozen=True, slots=True)
class StatusView:
    """Everything that `hbctl status` shows."""

    version: str
    node: str
    peer: str
    phase: str
    maintenance: bool
    peer_status: str
    protection: str
    fence_failure: str
    auto_failback: str
    keepalive_usec: int
    warntime_usec: int
    deadtime_usec: int
    initdead_usec: int
    last_stall_usec: int
    config_drift: tuple[str, ...]
    denied_count: int
    nodes: tuple[NodeView, ...]
    links: tuple[LinkView, ...]
    groups: tuple[GroupView, ...]
    jobs: tuple[JobView, ...]


def status_view(objects: Objects, lasts: Mapping[str, LastView] | None = None) -> StatusView:
    """The picture. Raise Trouble if the daemon speaks another version of the API.

    `lasts` are the last transitions by group (`lasts`), where they are known.
    """
    try:
        return _status(objects, lasts or {})
    except (KeyError, TypeError) as error:
        raise other_version(f"no usable property {error}") from error


def last_ids(objects: Objects) -> dict[str, str]:
    """The id of each group's last transition, by the group's name; none for one without."""
    groups = [each[Interface.GROUP] for each in objects.values() if Interface.GROUP in each]
    ids = {str(group.get("Name", "")): str(group.get("LastTransition", "")) for group in groups}
    return {name: last for name, last in ids.items() if last}


def group_names(objects: Objects) -> dict[str, str]:
    """The name of each group and the text of each resource, by object path."""
    named = {path: _group_or_resource_name(interfaces) for path, interfaces in objects.items()}
    return {path: name for path, name in named.items() if name is not None}


def _group_or_resource_name(interfaces: Mapping[str, Properties]) -> str | None:
    for interface, name in ((Interface.GROUP, "Name"), (Interface.RESOURCE, "Text")):
        if interface in interfaces:
            return _get(interfaces[interface], name, str)
    return None


def _status(objects: Objects, lasts: Mapping[str, LastView]) -> StatusView:
    manager = objects[ROOT][Interface.MANAGER]
    return StatusView(
        version=_get(manager, "Version", str),
        node=_get(manager, "NodeName", str),
        peer=_get(manager, "PeerName", str),
        phase=_get(manager, "Phase", str),
        maintenance=_get(manager, "Maintenance", bool),
        peer_status=_get(manager, "PeerStatus", str),
        protection=_get(manager, "Protection", str),
        fence_failure=_get(manager, "FenceFailure", str),
        auto_failback=_get(manager, "AutoFailback", str),
        keepalive_usec=_get(manager, "KeepaliveUSec", int),
        warntime_usec=_get(manager, "WarntimeUSec", int),
        deadtime_usec=_get(manager, "DeadtimeUSec", int),
        initdead_usec=_get(manager, "InitdeadUSec", int),
        last_stall_usec=_get(manager, "LastStallUSec", int),
        config_drift=_texts(manager, "ConfigDrift"),
        denied_count=_get(manager, "DeniedCount", int),
        nodes=tuple(_node(each) for each in _objects(objects, manager, "Nodes", Interface.NODE)),
        links=tuple(_link(each) for each in _objects(objects, manager, "Links", Interface.LINK)),
        groups=tuple(
            _group(each, objects, lasts)
            for each in _objects(objects, manager, "Groups", Interface.GROUP)
        ),
        jobs=tuple(_job(each) for each in _objects(objects, manager, "Jobs", Interface.JOB)),
    )


def _objects(
    objects: Objects, parent: Properties, name: str, interface: Interface
) -> list[Properties]:
    """The objects a property points to; one that has gone since (a job) is left out."""
    return [objects[path][interface] for path in _texts(parent, name) if path in objects]


def _node(properties: Properties) -> NodeView:
    return NodeView(
        name=_get(properties, "Name", str),
        local=_get(properties, "Local", bool),
        status=_get(properties, "Status", str),
        maintenance=_get(properties, "Maintenance", bool),
        fence_proven=_get(properties, "FenceProven", bool),
        implementation=_get(properties, "Implementation", str),
        config_digest=_get(properties, "ConfigDigest", str),
        generation=_get(properties, "Generation", int),
        last_heard_usec=_get(properties, "LastHeardUSec", int),
        holds=_texts(properties, "Holds"),
    )


def _link(properties: Properties) -> LinkView:
    counters = properties["Counters"]
    if not isinstance(counters, Mapping):
        raise TypeError("Counters")
    return LinkView(
        name=_get(properties, "Name", str),
        kind=_get(properties, "Kind", str),
        leads_to_peer=_get(properties, "LeadsToPeer", bool),
        status=_get(properties, "Status", str),
        peer_hears=_get(properties, "PeerHears", bool),
        fault=_get(properties, "Fault", str),
        last_heard_usec=_get(properties, "LastHeardUSec", int),
        counters={str(word): int(count) for word, count in counters.items()},
    )


def _group(properties: Properties, objects: Objects, lasts: Mapping[str, LastView]) -> GroupView:
    resources = _objects(objects, properties, "Resources", Interface.RESOURCE)
    return GroupView(
        name=_get(properties, "Name", str),
        preferred=_get(properties, "Preferred", str),
        owner=_get(properties, "Owner", str),
        state=_get(properties, "State", str),
        protection=_get(properties, "Protection", str),
        peer_state=_get(properties, "PeerState", str),
        epoch=_get(properties, "Epoch", int),
        failure=_get(properties, "Failure", str),
        unit=_get(properties, "Unit", str),
        resources=tuple(_resource(each) for each in resources),
        last_transition=lasts.get(_get(properties, "Name", str)),
    )


def _resource(properties: Properties) -> ResourceView:
    return ResourceView(
        text=_get(properties, "Text", str),
        unit=_get(properties, "Unit", str),
        state=_get(properties, "State", str),
        why=_get(properties, "Why", str),
    )


def _job(properties: Properties) -> JobView:
    return JobView(
        id=_get(properties, "Id", int),
        verb=_get(properties, "Verb", str),
        scope=_get(properties, "Scope", str),
        groups=_texts(properties, "Groups"),
        requested_by=_get(properties, "RequestedBy", str),
        requested_usec=_get(properties, "RequestedUSec", int),
    )


def _get(properties: Properties, name: str, kind: type[Value]) -> Value:
    value = properties[name]
    if not isinstance(value, kind):
        raise TypeError(name)
    return value


def _texts(properties: Properties, name: str) -> tuple[str, ...]:
    values = properties[name]
    if not isinstance(values, list):
        raise TypeError(name)
    return tuple(str(value) for value in values)
