"""What is wrong in a picture, and the one command that helps: a pure function.

Each rule looks at one kind of object. A consequence is not told beside its cause: while the peer
is away, its silent links and its groups being here are no news.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hbd.cli.view import GroupView, LinkView, StatusView
from hbd.cluster.terms import GroupState, LinkStatus, PeerStatus, Phase

_HEARD = (PeerStatus.ACTIVE.value, PeerStatus.LATE.value)
DISK = "disk"  # a link's kind: a shared disk on which the peer's registration is read
_FAILURES = {
    GroupState.START_FAILED.value: "failed to start",
    GroupState.STOP_FAILED.value: "failed to stop",
}
_SERVED = (GroupState.STARTED.value, GroupState.STARTING.value, GroupState.STOPPING.value)


class Severity(StrEnum):
    """How much it matters: something does not work, is at risk, or is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Kind(StrEnum):
    """What it is, for programs."""

    NODE_NOT_ACTIVE = "node-not-active"
    PEER_UNKNOWN = "peer-unknown"
    PEER_LATE = "peer-late"
    PEER_LOST = "peer-lost"
    FENCE_WAITS = "fence-waits"
    PEER_FENCED = "peer-fenced"
    PEER_LEFT = "peer-left"
    LINK_DEAD = "link-dead"
    CONFIG_DRIFT = "config-drift"
    GROUP_FAILED = "group-failed"
    GROUP_NOT_SERVED = "group-not-served"
    GROUP_NOT_AT_HOME = "group-not-at-home"
    RESOURCE_FAILED = "resource-failed"
    MAINTENANCE = "maintenance"
    UNPROTECTED = "unprotected"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that needs a person. `command` is run on `node`."""

    severity: Severity
    kind: Kind
    subject: str
    text: str
    node: str
    command: str


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What a status of the peer means to a person; `there`: the command is for the peer."""

    severity: Severity
    kind: Kind
    text: str
    command: str
    there: bool = False


_OPINIONS = {
    PeerStatus.UNKNOWN.value: _Opinion(
        Severity.NOTICE,
        Kind.PEER_UNKNOWN,
        "{peer} has not been heard yet",
        "systemctl start hbd",
        there=True,
    ),
    PeerStatus.LATE.value: _Opinion(
        Severity.WARNING,
        Kind.PEER_LATE,
        "{peer} is late: it has been silent for longer than warntime",
        "hbctl links",
    ),
    PeerStatus.LOST.value: _Opinion(
        Severity.ERROR,
        Kind.PEER_LOST,
        "{peer} is lost: silent on every link, and not known to be off. Once you have switched it "
        "off, say so",
        "hbctl confirm-peer-down {peer}",
    ),
    PeerStatus.FENCED.value: _Opinion(
        Severity.ERROR,
        Kind.PEER_FENCED,
        "{peer} is taken for off by ha.cf's times alone; no device has proved it. Once you have "
        "switched it off, say so",
        "hbctl confirm-peer-down {peer}",
    ),
    PeerStatus.LEFT.value: _Opinion(
        Severity.WARNING,
        Kind.PEER_LEFT,
        "{peer} has left: nobody stands by",
        "systemctl start hbd",
        there=True,
    ),
}
_WAITING = _Opinion(
    Severity.ERROR,
    Kind.FENCE_WAITS,
    "{peer} is lost but not fenced, so nothing is taken over: {why}. Once you have switched it "
    "off, say so",
    "hbctl confirm-peer-down {peer}",
)
_PROVEN = _Opinion(
    Severity.WARNING,
    Kind.PEER_FENCED,
    "{peer} is fenced: nobody stands by until it is mended and started",
    "systemctl start hbd",
    there=True,
)


def problems(view: StatusView) -> list[Problem]:
    """Everything that is wrong, the worst first."""
    found = [
        *_node(view),
        *_peer(view),
        *_groups(view),
        *_links(view),
        *_files(view),
        *_maintenance(view),
        *_protection(view),
    ]
    return sorted(found, key=lambda problem: list(Severity).index(problem.severity))


def _node(view: StatusView) -> Iterator[Problem]:
    if view.phase != Phase.ACTIVE.value:
        text = f"{view.node} is {view.phase} and moves nothing yet"
        if view.phase != Phase.STARTING.value:
            text = f"{view.node} is {view.phase}: it gives its groups away"
        command = "hbctl status --watch"
        yield Problem(Severity.NOTICE, Kind.NODE_NOT_ACTIVE, view.node, text, view.node, command)


def _peer(view: StatusView) -> Iterator[Problem]:
    proven = any(node.fence_proven for node in view.nodes if node.name == view.peer)
    opinion = _PROVEN if proven else _OPINIONS.get(view.peer_status)
    if view.fence_failure and view.peer_status == PeerStatus.LOST.value:
        opinion = _WAITING
    if opinion is not None:
        yield Problem(
            opinion.severity,
            opinion.kind,
            view.peer,
            opinion.text.format(peer=view.peer, why=view.fence_failure),
            view.peer if opinion.there else view.node,
            opinion.command.format(peer=view.peer),
        )


def _links(view: StatusView) -> Iterator[Problem]:
    for link in view.links:
        # A disk is dead, too, where an absent peer has ceased to renew its registration.
        is_ping = not link.leads_to_peer and link.kind != DISK
        expected = view.peer_status in _HEARD or is_ping
        if link.fault or (expected and link.status == LinkStatus.DEAD.value):
            why = f": {link.fault}" if link.fault else ""
            yield Problem(
                Severity.WARNING if is_ping else Severity.ERROR,
                Kind.LINK_DEAD,
                link.name,
                f"{'disk' if link.kind == DISK else 'link'} {link.name} is {link.status}{why}",
                view.node,
                _look_at(link),
            )


def _files(view: StatusView) -> Iterator[Problem]:
    if view.config_drift:
        yield Problem(
            Severity.WARNING,
            Kind.CONFIG_DRIFT,
            view.peer,
            f"{' and '.join(view.config_drift)} on {view.peer} and here mean different things",
            view.node,
            "hbctl check",
        )


def _look_at(link: LinkView) -> str:
    """The command that shows whether the medium itself works."""
    if link.kind == "serial":
        return f"stty -F {link.name}"
    if link.kind == DISK:
        return f"blkid -p {link.name}"
    return f"ip -s link show {link.name}" if link.leads_to_peer else f"ping -c 3 {link.name}"


def _groups(view: StatusView) -> Iterator[Problem]:
    for group in view.groups:
        yield from _failures(view, group)
        yield from _resources(view, group)
        yield from _service(view, group)


def _failures(view: StatusView, group: GroupView) -> Iterator[Problem]:
    for node, state in ((view.node, group.state), (view.peer, group.peer_state)):
        here = node == view.node
        if state in _FAILURES or (here and group.failure):
            what = _FAILURES.get(state, "failed")  # while it is tried again, the reason tells
            why = f": {group.failure}" if here and group.failure else ""
            yield Problem(
                Severity.ERROR,
                Kind.GROUP_FAILED,
                group.name,
                f"{group.name} {what} on {node}{why}. Once that is mended, try again",
                node,
                f"hbctl clear-failure {group.name}",
            )


def _resources(view: StatusView, group: GroupView) -> Iterator[Problem]:
    for resource in group.resources:
        if resource.why:
            look = f"systemctl status {resource.unit}" if resource.unit else "journalctl -x -u hbd"
            yield Problem(
                Severity.ERROR,
                Kind.RESOURCE_FAILED,
                resource.text,
                f"{resource.text} of {group.name} is {resource.state}: {resource.why}",
                view.node,
                look,
            )


def _service(view: StatusView, group: GroupView) -> Iterator[Problem]:
    """A group that nobody serves, or that is served away from home without need."""
    if view.phase != Phase.ACTIVE.value:
        return
    if group.state not in _SERVED and group.peer_state not in _SERVED:
        if not any(state in _FAILURES for state in (group.state, group.peer_state)):
            yield Problem(
                Severity.ERROR,
                Kind.GROUP_NOT_SERVED,
                group.name,
                f"{group.name} is served by nobody that is known; it belongs to {group.owner}",
                view.node,
                f"hbctl takeover --group {group.name}",
            )
    elif group.owner != group.preferred and view.peer_status in _HEARD:
        yield Problem(
            Severity.NOTICE,
            Kind.GROUP_NOT_AT_HOME,
            group.name,
            f"{group.name} is not at home: {group.owner} serves it, it prefers {group.preferred}",
            view.node,
            "hbctl failback",
        )


def _maintenance(view: StatusView) -> Iterator[Problem]:
    for node in view.nodes:
        if node.maintenance:
            yield Problem(
                Severity.WARNING,
                Kind.MAINTENANCE,
                node.name,
                f"{node.name} is in maintenance: it moves nothing, and nothing is taken from it",
                node.name,
                "hbctl maintenance off",
            )


def _protection(view: StatusView) -> Iterator[Problem]:
    if view.protection == "none":
        yield Problem(
            Severity.WARNING,
            Kind.UNPROTECTED,
            view.node,
            "protection none: nothing proves that a lost peer is off, so both nodes could serve",
            view.node,
            "man 7 hbd-fencing",
        )
