"""Links, files and readiness as findings: what the core believes, said for a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.check import links
from hbd.check.finding import CheckId, Finding, Level
from hbd.cluster.node import Link, Node
from hbd.cluster.terms import ConfigDigest, GroupState, LinkName, LinkStatus, PeerStatus, Phase
from tests.bus import beliefs
from tests.bus.beliefs import ETH1, GATEWAY, TTY

DIGEST = ConfigDigest("0" * 24)


def level(found: list[Finding], name: str) -> Level:
    """The level of the line about a link."""
    [one] = [each for each in found if each.text.startswith(f"{name}:")]
    return one.level


def linked(
    here: LinkStatus, *, there: bool, peer: PeerStatus = PeerStatus.ACTIVE, digest: str = DIGEST
) -> Node:
    """A node that hears, or not, and a peer that says so of us, or not, on the first link."""
    node = beliefs.with_peer(beliefs.node(), peer)
    links = tuple(
        replace(link, status=here if link.name == ETH1 else link.status) for link in node.links
    )
    report = node.peer.report
    assert report is not None
    said = replace(report, hears=frozenset({0} if there else ()))
    other = replace(node.peer, report=said, digest=ConfigDigest(digest))
    return replace(node, links=links, peer=other, digest=DIGEST)


@pytest.mark.parametrize(
    ("here", "there", "peer", "expected"),
    [
        (LinkStatus.UP, True, PeerStatus.ACTIVE, Level.OK),
        (LinkStatus.UP, False, PeerStatus.ACTIVE, Level.ERROR),
        (LinkStatus.DEAD, True, PeerStatus.ACTIVE, Level.ERROR),
        (LinkStatus.DEAD, False, PeerStatus.LOST, Level.ERROR),
        (LinkStatus.UP, True, PeerStatus.UNKNOWN, Level.WARNING),
    ],
)
def test_a_link_is_proven_in_both_directions_or_not(
    here: LinkStatus, *, there: bool, peer: PeerStatus, expected: Level
) -> None:
    """Goal: a half-broken cable is found. Method: all that can be true of one link."""
    found = links.proven(linked(here, there=there, peer=peer), {})
    assert level(found, ETH1) is expected


@pytest.mark.parametrize("status", LinkStatus)
def test_a_disk_is_no_ping_node(status: LinkStatus) -> None:
    """Goal: the remedy fits the link. Method: a disk in every state; nobody is told to ping it."""
    disk = Link(LinkName("/dev/sda"), status=status, leads_to_peer=False, is_disk=True)
    [found] = links.proven(replace(beliefs.node(), links=(disk,)), {})
    assert found.level is (Level.OK if status is LinkStatus.UP else Level.ERROR)
    assert "ping" not in found.text + found.remedy


def test_every_link_has_a_line_and_every_bad_one_a_remedy() -> None:
    """Goal: nothing is left out. Method: a serial line and a ping node that are silent."""
    node = linked(LinkStatus.UP, there=True)
    found = links.proven(node, {TTY: "No such device"})
    assert len(found) == len(node.links)
    assert level(found, TTY) is Level.ERROR
    assert level(found, GATEWAY) is Level.ERROR
    assert all(each.remedy for each in found if each.level is not Level.OK)
    [told] = [each for each in found if each.text.startswith(TTY)]
    assert "No such device" in told.text
    assert f"cat < {TTY}" in told.remedy


def test_a_ping_node_that_answers_needs_no_word_of_the_peer() -> None:
    """Goal: it is not the peer. Method: the gateway is up."""
    node = linked(LinkStatus.UP, there=True)
    up = tuple(replace(link, status=LinkStatus.UP) for link in node.links)
    assert level(links.proven(replace(node, links=up), {}), GATEWAY) is Level.OK


def test_each_file_that_differs_has_its_line() -> None:
    """Goal: what to copy is said. Method: equal, one and all different, and not told."""
    up = LinkStatus.UP
    assert [f.level for f in links.equal(linked(up, there=True))] == [Level.OK]
    other = links.equal(linked(up, there=True, digest="0" * 16 + "1" * 8))
    assert [(f.level, f.text.split()[0]) for f in other] == [(Level.ERROR, "authkeys")]
    assert len(links.equal(linked(up, there=True, digest="1" * 24))) == 3
    assert [f.level for f in links.equal(linked(up, there=True, digest=""))] == [Level.WARNING]


def test_what_already_stands_in_the_way_is_told() -> None:
    """Goal: a check that is all ok means a failover. Method: one obstacle each."""
    good = linked(LinkStatus.UP, there=True)
    report = good.peer.report
    assert report is not None
    starting = replace(good.peer, report=replace(report, phase=Phase.STARTING))
    cases = {
        Level.OK: [good],
        Level.WARNING: [replace(good, peer=starting)],
        Level.ERROR: [
            beliefs.with_peer(good, PeerStatus.LEFT),
            replace(good, maintenance=True),
            replace(good, peer=replace(good.peer, maintenance=True)),
            beliefs.with_share(good, GroupState.START_FAILED),
            beliefs.with_share(good, GroupState.STOP_FAILED),
        ],
    }
    for expected, nodes in cases.items():
        for node in nodes:
            assert [each.level for each in links.ready(node)] == [expected]
            assert {each.check for each in links.ready(node)} == {CheckId.PEER_READY}
