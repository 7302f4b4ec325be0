"""Every link, proven in both directions: what we hear on it, and what the peer says it hears.

It is the article's test with `cat < /dev/ttyS0` and ping, made by the heartbeats themselves. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from hbd.check.finding import CheckId, Finding, error, ok, warning
from hbd.cluster.drift import FILES, differing
from hbd.cluster.node import Link, Node
from hbd.cluster.terms import GroupState, LinkName, LinkStatus, PeerStatus, Phase


def proven(node: Node, faults: Mapping[LinkName, str]) -> list[Finding]:
    """A line for each link, ping nodes and disks too."""
    return [_link(node, link, faults.get(link.name, "")) for link in node.links]


def _link(node: Node, link: Link, fault: str) -> Finding:
    check, name = CheckId.LINK_PROVEN, link.name
    hears = link.status is LinkStatus.UP
    if link.is_disk:
        if hears:
            return ok(check, f"{name}: the disk answers, and carries reservations")
        return error(check, f"{name}: the disk does not answer", f"sg_persist --read-keys {name}")
    if not link.leads_to_peer:
        if hears:
            return ok(check, f"{name}: the ping node answers")
        return error(check, f"{name}: the ping node does not answer", f"ping -c 3 {name}")
    if hears and node.is_heard_by_peer(name):
        return ok(check, f"{name}: heard in both directions")
    if hears and node.peer.is_heartbeat:
        return ok(check, f"{name}: heard; heartbeat on {node.peer.name} does not say what it hears")
    if hears and not node.peer.is_heard:
        why = f"{name}: heard, but {node.peer.name} does not yet say what it hears"
        return warning(check, why, "hbctl check, in a moment")
    if hears:
        why = f"{name}: {node.peer.name} is heard here and does not hear us"
        return error(check, why, _test(name, "send", node))
    why = f"{name}: nothing is heard from {node.peer.name}" + (f": {fault}" if fault else "")
    return error(check, why, _test(name, "hear", node))


def _test(name: str, what: str, node: Node) -> str:
    """The article's own test, with hbd stopped, since it keeps a serial line to itself."""
    if name.startswith("/"):
        there, here = f"cat < {name}", f"echo hello > {name}"
        if what == "hear":
            there, here = here, there
        return f"stop hbd on both; {here}; on {node.peer.name}: {there}"
    return f"ip -br link show {name}; ping -c 3 -I {name} ADDRESS-OF-{node.peer.name}"


def equal(node: Node) -> list[Finding]:
    """Whether both nodes run with the same three files."""
    peer = node.peer.name
    files = differing(node)
    if files:
        return [
            error(
                CheckId.CONFIG_EQUAL,
                f"{name} means something else on {peer}",
                f"diff /etc/ha.d/{name} <(ssh {peer} cat /etc/ha.d/{name}); copy the right one",
            )
            for name in files
        ]
    if node.peer.is_heartbeat:
        why = f"not checked: heartbeat on {peer} does not tell what it runs with"
        command = f"diff /etc/ha.d/haresources <(ssh {peer} cat /etc/ha.d/haresources)"
        return [warning(CheckId.CONFIG_EQUAL, why, command)]
    if not node.peer.digest:
        why = f"not checked: {peer} has not told what it runs with"
        return [warning(CheckId.CONFIG_EQUAL, why, f"systemctl status hbd, on {peer}")]
    return [ok(CheckId.CONFIG_EQUAL, f"{', '.join(FILES)}: the same on both nodes")]


def ready(node: Node) -> list[Finding]:
    """Whether anything known already stands in the way: the peer, maintenance, a failed group."""
    check, peer = CheckId.PEER_READY, node.peer
    found = []
    if peer.status not in (PeerStatus.ACTIVE, PeerStatus.LATE):
        why = f"{peer.name} is {peer.status.value}: there is nobody to take over"
        found.append(error(check, why, f"systemctl start hbd, on {peer.name}"))
    elif peer.report is not None and peer.report.phase is not Phase.ACTIVE:
        why = f"{peer.name} is {peer.report.phase.value}, not active"
        found.append(warning(check, why, f"hbctl status, on {peer.name}"))
    for name, on in ((node.name, node.maintenance), (peer.name, peer.maintenance)):
        if on:
            why = f"{name} is in maintenance: nothing is moved"
            found.append(error(check, why, f"hbctl maintenance off, on {name}"))
    for group in node.groups:
        if group.state in (GroupState.START_FAILED, GroupState.STOP_FAILED):
            why = f"{group.name}: {group.state.value}: {group.failure}"
            found.append(error(check, why, f"hbctl clear-failure {group.name}"))
    return found or [ok(check, f"{peer.name} is active and may take over")]
