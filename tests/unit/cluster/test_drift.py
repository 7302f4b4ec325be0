"""Files that differ between the nodes: noticed once when it begins and once when it ends."""

from __future__ import annotations

from dataclasses import replace

from hbd.cluster.action import Announce
from hbd.cluster.change import Change, Subject, changes
from hbd.cluster.drift import differing
from hbd.cluster.node import report_of
from hbd.cluster.terms import NO_DIGEST, ConfigDigest, PeerStatus
from tests.unit.cluster.driven import ETHERNET, ROUTER, SERIAL, THERE, Driven, serving

OURS = ConfigDigest("aaaaaaaabbbbbbbbcccccccc")
OTHER_GROUPS = ConfigDigest("aaaaaaaa00000000cccccccc")
OTHER = ConfigDigest("0" * 24)


def configured() -> Driven:
    """A node that knows its digest, and a peer that says the same."""
    driven = serving()
    driven.node = replace(driven.node, digest=OURS)
    says(driven, OURS)
    return driven


def says(driven: Driven, digest: ConfigDigest) -> list[Change]:
    """The peer's next heartbeat; what is told of drift."""
    before = driven.node
    driven.said = replace(driven.said, digest=digest)
    driven.hears()
    return [each for each in changes(before, driven.node) if each.subject is Subject.DRIFT]


def test_the_files_that_differ_are_named() -> None:
    """Goal: it is known what to copy. Method: no digest, an equal, and two other ones."""
    driven = configured()
    assert differing(driven.node) == ()
    says(driven, OTHER_GROUPS)
    assert differing(driven.node) == ("haresources",)
    says(driven, OTHER)
    assert differing(driven.node) == ("ha.cf", "haresources", "authkeys")
    says(driven, NO_DIGEST)
    assert differing(driven.node) == ()


def test_a_drift_is_told_when_it_begins_changes_and_ends_and_not_in_between() -> None:
    """Goal: one line, not one a second. Method: the same heartbeat again and again."""
    driven = configured()
    assert says(driven, OTHER_GROUPS) == [Change(Subject.DRIFT, THERE, "", "haresources")]
    for _ in range(5):
        assert says(driven, OTHER_GROUPS) == []
    assert says(driven, OTHER) == [
        Change(Subject.DRIFT, THERE, "haresources", "ha.cf haresources authkeys")
    ]
    assert says(driven, OURS) == [Change(Subject.DRIFT, THERE, "ha.cf haresources authkeys", "")]


def test_a_peer_that_falls_silent_and_returns_begins_no_new_drift() -> None:
    """Goal: a flapping cable writes no journal. Method: lost with a drift, heard with the same."""
    driven = configured()
    says(driven, OTHER_GROUPS)
    before = driven.node
    driven.passes(30)
    assert driven.status() is not PeerStatus.ACTIVE
    assert differing(driven.node) == ("haresources",)
    driven.hears()
    told = [each for each in changes(before, driven.node) if each.subject is Subject.DRIFT]
    assert told == []


def test_the_report_says_what_we_run_with_and_where_we_hear() -> None:
    """Goal: the peer can compare, and prove its half of each cable. Method: one link of two."""
    driven = configured()
    driven.hears(link=SERIAL)
    for _ in range(6):
        driven.passes(1)
        driven.hears(link=ETHERNET)
    report = report_of(driven.node)
    assert report.digest == OURS
    names = [link.name for link in driven.node.links_to_peer]
    assert report.hears == {names.index(ETHERNET)}


def test_a_link_is_heard_by_the_peer_if_it_says_so_and_speaks() -> None:
    """Goal: the other direction is the peer's word. Method: its report with and without the bit."""
    driven = configured()
    place = [link.name for link in driven.node.links_to_peer].index(SERIAL)
    assert not driven.node.is_heard_by_peer(SERIAL)
    driven.said = replace(driven.said, hears=frozenset({place}))
    driven.hears()
    assert driven.node.is_heard_by_peer(SERIAL)
    assert not driven.node.is_heard_by_peer(ETHERNET)
    assert not driven.node.is_heard_by_peer(ROUTER)
    driven.passes(30)
    assert not driven.node.is_heard_by_peer(SERIAL)


def test_a_link_that_is_heard_again_makes_no_extra_message() -> None:
    """Goal: nothing waits for that news. Method: a second link comes up between heartbeats."""
    driven = configured()
    driven.passes(1)
    driven.hears()
    actions = driven.hears(link=SERIAL)
    assert not any(isinstance(action, Announce) for action in actions)
