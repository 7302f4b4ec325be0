"""A node to look at: two groups, three links and a peer that speaks, and ways to change it."""

from __future__ import annotations

from dataclasses import replace

from hbd.bus.facts import Facts, GroupFacts, LinkFacts
from hbd.cluster.node import Link, Node, Peer, new_node
from hbd.cluster.terms import (
    SECOND,
    AutoFailback,
    Epoch,
    Generation,
    GroupName,
    GroupReport,
    GroupState,
    Instant,
    LinkName,
    LinkStatus,
    NodeName,
    PeerStatus,
    Phase,
    Report,
    ResourceState,
    Usec,
)
from hbd.cluster.timing import Timing

HERE, THERE = NodeName("ttisrv1"), NodeName("ttisrv2")
SHARE, OTHER = GroupName("192.168.0.100"), GroupName("192.168.0.101")
ETH1, TTY, GATEWAY = LinkName("eth1"), LinkName("/dev/ttyS0"), LinkName("192.168.0.1")
NOW = Instant(1_000 * SECOND)

TIMING = Timing(SECOND, Usec(3 * SECOND), Usec(5 * SECOND), Usec(12 * SECOND))

FACTS = Facts(
    version="1.2.3",
    generation=Generation(77),
    links=(LinkFacts(ETH1, "bcast"), LinkFacts(TTY, "serial"), LinkFacts(GATEWAY, "ping")),
    groups=(
        GroupFacts(
            SHARE,
            "hbd-group@192.168.0.100.target",
            ("", "ttidisk.mount", "smbd.service"),
        ),
        GroupFacts(OTHER, "hbd-group@192.168.0.101.target", ("",)),
    ),
)


def node() -> Node:
    """This node serves the first group; the peer is active and serves the second."""
    fresh = new_node(
        name=HERE,
        generation=FACTS.generation,
        peer=THERE,
        timing=TIMING,
        auto_failback=AutoFailback.ON,
        links=(
            Link(ETH1, leads_to_peer=True, status=LinkStatus.UP, heard_at=NOW),
            Link(TTY),
            Link(GATEWAY, leads_to_peer=False),
        ),
        groups=(
            (SHARE, HERE, (str(SHARE), "Filesystem::/dev/sdb1::/ttidisk::ext3", "smb")),
            (OTHER, THERE, (str(OTHER),)),
        ),
        now=NOW,
    )
    first, second = fresh.groups
    started = tuple(replace(each, state=ResourceState.STARTED) for each in first.resources)
    return replace(
        fresh,
        phase=Phase.ACTIVE,
        peer=Peer(
            THERE,
            status=PeerStatus.ACTIVE,
            generation=Generation(9),
            heard_at=NOW,
            report=report(GroupState.STOPPED, GroupState.STARTED),
        ),
        groups=(
            replace(first, state=GroupState.STARTED, epoch=Epoch(3), resources=started),
            replace(second, state=GroupState.STOPPED),
        ),
    )


def report(share: GroupState, other: GroupState) -> Report:
    """What the peer says of the two groups."""
    return Report(
        Phase.ACTIVE,
        TIMING.deadtime_usec,
        (
            GroupReport(SHARE, Epoch(3), HERE, share),
            GroupReport(OTHER, Epoch(0), THERE, other),
        ),
    )


def with_peer(before: Node, status: PeerStatus) -> Node:
    """The same with another opinion of the peer."""
    return replace(before, peer=replace(before.peer, status=status))


def with_share(before: Node, state: GroupState) -> Node:
    """The same with the first group in another state."""
    group = before.group(SHARE)
    assert group is not None
    return before.with_group(replace(group, state=state))


def heard_later(before: Node, seconds: int) -> Node:
    """The same after a heartbeat that says nothing new."""
    at = Instant(NOW + seconds * SECOND)
    links = tuple(replace(link, heard_at=at) for link in before.links)
    peer = replace(before.peer, heard_at=at, sequence=seconds)
    return replace(before, links=links, peer=peer, stepped_at=at)
