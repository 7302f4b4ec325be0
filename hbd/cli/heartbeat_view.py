"""The picture in the words of Linux-HA heartbeat's own commands: pure functions, no I/O.

heartbeat knew nodes, links and one word for what a node holds. What hbd knows better (one group of
several moved, a peer that is lost and not yet fenced) becomes the word that claims less.
"""

from __future__ import annotations

from hbd.cli.view import GroupView, LinkView, StatusView
from hbd.cluster.terms import GroupState, LinkStatus, PeerStatus, Phase

NORMAL, PING = "normal", "ping"  # the two types of node
ALIVE = frozenset({"active", "up", "ping"})  # a node status of these is a success
UP, DEAD = "up", "dead"
TRANSITION = "transition"

# heartbeat has no word for late: such a node is active until it is dead.
_PEER_WORDS = {
    PeerStatus.UNKNOWN.value: "init",
    PeerStatus.ACTIVE.value: "active",
    PeerStatus.LATE.value: "active",
    PeerStatus.LOST.value: DEAD,
    PeerStatus.FENCED.value: DEAD,
    PeerStatus.LEFT.value: DEAD,
}
_PEER_IS_OUT = (PeerStatus.FENCED.value, PeerStatus.LEFT.value)
_AT_WORK = frozenset(
    each.value
    for each in (
        GroupState.UNKNOWN,
        GroupState.PARTIAL,
        GroupState.STARTING,
        GroupState.STOPPING,
        GroupState.STOP_FAILED,
    )
)
_PEER_AT_WORK = frozenset({GroupState.STARTING.value, GroupState.STOPPING.value})


def nodes(view: StatusView) -> dict[str, str]:
    """Every node with its type: the two of the cluster, then what is pinged."""
    cluster = {node.name: NORMAL for node in view.nodes}
    return cluster | {link.name: PING for link in view.links if not link.leads_to_peer}


def node_status(view: StatusView, name: str) -> str | None:
    """init, up, active or dead; for a ping node ping or dead; None for no node."""
    if name == view.node:
        return "up" if view.phase == Phase.STARTING.value else "active"
    if name == view.peer:
        return _PEER_WORDS.get(view.peer_status, DEAD)
    if name in nodes(view):
        return "ping" if link_status(view, name, name) == UP else DEAD
    return None


def links(view: StatusView, node: str) -> dict[str, str] | None:
    """The links of a node with up or dead; None for no node.

    Nobody hears himself: a link of this node counts as up unless this machine cannot use it.
    """
    kind = nodes(view).get(node)
    if kind is None:
        return None
    if kind == PING:
        return {link.name: link.status for link in view.links if link.name == node}
    to_peer = (link for link in view.links if link.leads_to_peer)
    return {link.name: _usable(link) if node == view.node else link.status for link in to_peer}


def link_status(view: StatusView, node: str, link: str) -> str | None:
    """up or dead; None if there is no such node or it has no such link."""
    return (links(view, node) or {}).get(link)


def resources(view: StatusView) -> str:
    """all, local, foreign or none: what this node serves; `transition` while that changes.

    local: every group that prefers this node; foreign: every group that prefers the other. A part
    of them is not claimed. Everything is `all` if some of it is the other's, or if the other is
    out. (heartbeat 3.0.6 also says `local` of a node that has no groups and serves nothing.)
    """
    if _changes(view):
        return TRANSITION
    local = [group for group in view.groups if group.preferred == view.node]
    foreign = [group for group in view.groups if group.preferred != view.node]
    if _served(local + foreign):
        return "all" if foreign or view.peer_status in _PEER_IS_OUT else "local"
    if _served(local):
        return "local"
    return "foreign" if _served(foreign) else "none"


def parameter(view: StatusView, name: str) -> str | None:
    """The value of ha.cf's directive as one could write it there; None for one that is not known.

    `hbversion` is heartbeat's word for the version of the daemon.
    """
    return {
        "hbversion": view.version,
        "auto_failback": view.auto_failback,
        "keepalive": _time(view.keepalive_usec),
        "warntime": _time(view.warntime_usec),
        "deadtime": _time(view.deadtime_usec),
        "initdead": _time(view.initdead_usec),
        "node": " ".join(node.name for node in view.nodes),
    }.get(name)


def _usable(link: LinkView) -> str:
    return LinkStatus.DEAD.value if link.fault else LinkStatus.UP.value


def _served(groups: list[GroupView]) -> bool:
    """Whether there are any, and every one of them is started here."""
    return bool(groups) and all(group.state == GroupState.STARTED.value for group in groups)


def _changes(view: StatusView) -> bool:
    return (
        view.phase != Phase.ACTIVE.value
        or view.peer_status == PeerStatus.UNKNOWN.value
        or bool(view.jobs)
        or any(
            group.state in _AT_WORK or group.peer_state in _PEER_AT_WORK for group in view.groups
        )
    )


def _time(usec: int) -> str:
    """As ha.cf has it: whole seconds, or milliseconds with their unit."""
    milliseconds = usec // 1000
    return f"{milliseconds}ms" if milliseconds % 1000 else str(milliseconds // 1000)
