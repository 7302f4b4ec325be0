"""corosync.conf of the equivalent cluster: who is in it, over which links, and when one is lost.

Source: corosync.conf(5), votequorum(5).
"""

from __future__ import annotations

from collections.abc import Iterable

from hbd.cluster.terms import MILLISECOND, NodeName
from hbd.cluster.timing import Timing
from hbd.export.remark import Remark
from hbd.export.rings import Ring


def corosync_conf(
    nodes: tuple[NodeName, ...],
    rings: tuple[Ring, ...],
    timing: Timing,
    remarks: Iterable[Remark],
    head: str,
) -> str:
    """The whole file; the remarks stand in it as comments."""
    blocks = [
        [f"# {head}", *(f"# {remark}" for remark in remarks)],
        _totem(timing),
        _nodelist(nodes, rings),
        _quorum(),
        ["logging {", "    to_syslog: yes", "    to_logfile: no", "    timestamp: on", "}"],
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _totem(timing: Timing) -> list[str]:
    warned = 100 * timing.warntime_usec // timing.deadtime_usec
    lines = [
        "totem {",
        "    version: 2",
        "    cluster_name: hbd",
        "    transport: knet",
        "    # authkeys is no word of Corosync: `corosync-keygen` writes /etc/corosync/authkey, of",
        "    # which the other node gets a copy, owned by root, mode 0400.",
        "    crypto_cipher: aes256",
        "    crypto_hash: sha256",
        "    # deadtime. What follows a lost token (consensus) takes 1.2 times as long again, so a",
        "    # dead node is noticed here after 2.2 times deadtime.",
        f"    token: {timing.deadtime_usec // MILLISECOND}",
    ]
    if warned < 100:
        lines += ["    # warntime, in percent of token.", f"    token_warning: {warned}"]
    return [*lines, "}"]


def _nodelist(nodes: tuple[NodeName, ...], rings: tuple[Ring, ...]) -> list[str]:
    lines = ["nodelist {"]
    for number, ring in enumerate(rings):
        lines.append(f"    # link {number}: {ring.interface or 'to be chosen'} in ha.cf")
    for number, name in enumerate(nodes, start=1):
        lines += ["    node {", f"        name: {name}", f"        nodeid: {number}"]
        lines += [f"        ring{n}_addr: {ring.addresses[name]}" for n, ring in enumerate(rings)]
        lines.append("    }")
    return [*lines, "}"]


def _quorum() -> list[str]:
    return [
        "quorum {",
        "    provider: corosync_votequorum",
        "    # Either of two may go on alone, as with heartbeat: fencing decides, not numbers.",
        "    two_node: 1",
        "    # And may start alone, after dc-deadtime: heartbeat's initdead.",
        "    wait_for_all: 0",
        "}",
    ]
