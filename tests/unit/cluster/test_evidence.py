"""The shared disk as a link, and wires that die by themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.cluster.action import Fence, FinishJob, ForgetPeerSequence, StartGroup
from hbd.cluster.change import links_up
from hbd.cluster.event import DiskFound, LinkHeard, PeerConfirmedDown
from hbd.cluster.node import Link
from hbd.cluster.step import next_deadline
from hbd.cluster.terms import (
    SECOND,
    DiskHolder,
    GroupState,
    JobId,
    JobResult,
    LineState,
    LinkName,
    LinkStatus,
    Means,
    PeerStatus,
    Usec,
)
from tests.unit.cluster.driven import (
    DISK,
    DISK_LINK,
    ETHERNET,
    HERE,
    MAIL,
    ROUTER,
    SERIAL,
    THERE,
    TIMING,
    Driven,
    equipped,
    fresh,
    joined,
    only,
    serving,
    watching,
    with_router,
)

DEADTIME = TIMING.deadtime_usec / SECOND
LIVE, DEAD, UNKNOWN = LineState.LIVE, LineState.DEAD, LineState.UNKNOWN


# --- the disk as a link -------------------------------------------------------------------------


def test_a_disk_that_refuses_writers_is_a_link_and_one_that_does_not_is_none() -> None:
    """Goal: status shows it, and it is not the peer. Method: found; found again; a plain one."""
    driven = equipped(watching())
    driven.happens(DiskFound(DISK, reserved=True, link=DISK_LINK))
    disks = [link for link in driven.node.links if link.is_disk]
    assert [(link.name, link.leads_to_peer, link.is_ping) for link in disks] == [
        (DISK_LINK, False, False)
    ]
    driven.reads_disk()
    assert driven.link_status(DISK_LINK) is LinkStatus.UP
    assert links_up(driven.node) == 1, "words are heard on Ethernet alone"
    plain = equipped(watching(), disk=False)
    assert not any(link.is_disk for link in plain.node.links)
    assert (plain.disk.has_disk, plain.disk.reserved) == (True, False)


def test_a_disk_may_lose_its_power_to_refuse() -> None:
    """Goal: the newest look counts. Method: reserved, then not."""
    driven = equipped(watching())
    driven.happens(DiskFound(DISK, reserved=False))
    assert driven.node.protection() is Means.NONE


def test_a_disk_of_no_group_is_nothing() -> None:
    """Goal: only haresources' disks count. Method: a group that this node does not have."""
    driven = watching()
    before = driven.node.links
    driven.happens(DiskFound(MAIL, reserved=True, link=DISK_LINK))
    assert driven.node.links == before


@pytest.mark.parametrize("holder", [DiskHolder.NOBODY, DiskHolder.SELF])
def test_a_disk_without_the_peer_on_it_is_up_while_it_can_be_read(holder: DiskHolder) -> None:
    """Goal: the path is what the link shows then. Method: read, then not for deadtime."""
    driven = equipped(watching())
    driven.reads_disk(holder, moved=False)
    assert driven.link_status(DISK_LINK) is LinkStatus.UP
    driven.passes(DEADTIME)
    assert driven.link_status(DISK_LINK) is LinkStatus.DEAD
    assert driven.status() is PeerStatus.LOST, "no word of the peer was in it"


def test_a_registration_of_the_peer_that_stands_still_is_no_life() -> None:
    """Goal: only movement is a heartbeat. Method: read once a second, the same key each time."""
    driven = equipped(watching())
    for _ in range(int(DEADTIME)):
        driven.passes(1)
        driven.reads_disk(moved=False)
    assert driven.link_status(DISK_LINK) is LinkStatus.DEAD
    assert driven.status() is PeerStatus.LOST


def test_a_peer_that_renews_on_the_disk_is_alive_though_every_link_is_silent() -> None:
    """Goal: cut cables move nothing. Method: a minute of silence with a moving registration."""
    driven = equipped(watching())
    actions = driven.watches_disk(60)
    assert driven.status() is PeerStatus.LATE
    assert only(Fence, actions) == []
    assert only(StartGroup, actions) == []
    assert driven.node.is_peer_only_on_disk
    assert driven.link_status(DISK_LINK) is LinkStatus.UP


def has_word(driven: Driven) -> bool:
    """Whether anything that the peer said is still believed."""
    return driven.peer.report is not None


def test_what_a_peer_said_is_void_at_deadtime_though_it_lives_on_the_disk() -> None:
    """Goal: nothing is decided on old words. Method: the moment before deadtime, and after."""
    driven = equipped(watching())
    actions = driven.watches_disk(DEADTIME - 1)
    assert has_word(driven)
    assert only(ForgetPeerSequence, actions) == []
    actions = driven.watches_disk(1)
    assert not has_word(driven)
    assert only(ForgetPeerSequence, actions) == [ForgetPeerSequence()], "once"
    assert only(ForgetPeerSequence, driven.watches_disk(5)) == []
    assert not driven.node.peer_may_serve


def test_the_peers_own_deadtime_voids_its_word() -> None:
    """Goal: `dt` counts on the disk too. Method: a peer that may be silent for half a minute."""
    driven = equipped(watching())
    driven.said = replace(driven.said, deadtime_usec=Usec(30 * SECOND))
    driven.hears()
    driven.watches_disk(29)
    assert driven.peer.report is not None
    driven.watches_disk(1)
    assert driven.peer.report is None


def test_a_void_word_takes_the_peers_own_deadtime_with_it() -> None:
    """Goal: no timer is armed in the past. Method: half a minute's `dt`, one move long ago."""
    driven = equipped(watching())
    driven.said = replace(driven.said, deadtime_usec=Usec(30 * SECOND))
    driven.hears()
    driven.passes(2)
    driven.reads_disk()
    driven.passes(27.9)
    assert driven.status() is PeerStatus.LATE
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


def test_a_peer_is_lost_deadtime_after_its_last_move_on_the_disk() -> None:
    """Goal: the disk is a link among the others. Method: to the microsecond."""
    driven = equipped(watching())
    driven.watches_disk(60)
    driven.passes(DEADTIME - 0.000001)
    assert driven.status() is PeerStatus.LATE
    asked = only(Fence, driven.passes(0.000001))
    assert driven.status() is PeerStatus.LOST
    assert asked == [Fence(THERE, Means.RESERVATION, (DISK,))]


def test_a_word_ends_life_on_the_disk_alone() -> None:
    """Goal: a healed cable heals all. Method: one heartbeat after a minute."""
    driven = equipped(watching())
    driven.watches_disk(60)
    driven.hears()
    assert driven.status() is PeerStatus.ACTIVE
    assert not driven.node.is_peer_only_on_disk
    assert driven.peer.report is not None


def test_a_lost_peer_that_moves_on_the_disk_is_not_lost() -> None:
    """Goal: proof of life beats every guess. Method: lost, and then a move."""
    driven = equipped(watching())
    driven.is_lost()
    driven.reads_disk()
    assert driven.status() is PeerStatus.LATE
    assert (driven.peer.fence_due, driven.peer.fence_why) == (None, "")
    driven.fence_is_confirmed(proven=True)
    assert driven.status() is PeerStatus.LATE, "the confirmation is stale"


def test_a_fenced_peer_that_moves_on_the_disk_is_not_off() -> None:
    """Goal: no proof outlives a sign of life. Method: fenced, then a move."""
    driven = equipped(watching())
    driven.is_lost()
    driven.fence_is_confirmed(proven=True)
    driven.reads_disk()
    assert driven.status() is PeerStatus.LATE
    assert not driven.peer.proven


def test_a_peer_never_heard_that_moves_on_the_disk_is_there() -> None:
    """Goal: two machines that start with all cables cut. Method: initdead and a moving disk."""
    driven = fresh({DISK: HERE})
    driven.ticks()
    equipped(driven)
    driven.observes(DISK, GroupState.STOPPED)
    actions = driven.watches_disk(60)
    assert driven.status() is PeerStatus.LATE
    assert only(Fence, actions) == []
    assert only(StartGroup, actions) == []


def test_a_peer_that_left_is_not_called_back_by_an_old_look_at_the_disk() -> None:
    """Goal: a goodbye stands. Method: a look from before it arrives late."""
    driven = equipped(watching())
    driven.hears_goodbye()
    driven.reads_disk()
    assert driven.status() is PeerStatus.LEFT


def test_a_stall_does_not_forget_that_the_peer_was_seen_on_the_disk() -> None:
    """Goal: it is late, not unknown. Method: alive on the disk alone, then an hour of sleep."""
    driven = fresh({DISK: THERE})
    driven.ticks()
    equipped(driven)
    driven.watches_disk(5)
    driven.sleeps(3600)
    driven.ticks()
    assert driven.status() is PeerStatus.LATE
    driven.passes(DEADTIME)
    assert driven.status() is PeerStatus.LOST


def test_an_operator_is_not_believed_against_the_disk() -> None:
    """Goal: a registration that moves is not off. Method: confirm; it stands still; confirm."""
    driven = equipped(watching())
    driven.watches_disk(10)
    refused = only(FinishJob, driven.happens(PeerConfirmedDown(JobId(1))))
    assert [job.result for job in refused] == [JobResult.REFUSED]
    assert driven.status() is PeerStatus.LATE
    driven.passes(DEADTIME)
    done = only(FinishJob, driven.happens(PeerConfirmedDown(JobId(2))))
    assert [job.result for job in done] == [JobResult.DONE]


# --- wires that die -----------------------------------------------------------------------------


def lost_after(driven: Driven, *links: LinkName) -> float:
    """How long after these wires died, half a second after a word, the peer is lost."""
    driven.line_is(LIVE, SERIAL)
    driven.hears()
    driven.passes(0.5)
    fell_at = driven.now
    driven.line_is(DEAD, *links)
    while driven.status() is not PeerStatus.LOST:
        driven.now = max(driven.now, next_deadline(driven.node))
        driven.ticks()
    return (driven.now - fell_at) / SECOND


def test_a_machine_without_power_is_lost_at_once_where_something_makes_sure() -> None:
    """Goal: faster because surer. Method: both wires die; a disk gets a heartbeat's time to object.

    keepalive is 1 s, deadtime 5 s: a quarter of keepalive, and one and a half with a disk.
    """
    assert lost_after(equipped(watching(), stonith=True, disk=None), ETHERNET, SERIAL) == 0.25
    assert lost_after(equipped(watching()), ETHERNET, SERIAL) == 1.5


def test_one_dead_wire_waits_for_deadtime() -> None:
    """Goal: a pulled cable is not a dead machine. Method: either wire alone."""
    for link in (ETHERNET, SERIAL):
        assert lost_after(equipped(watching()), link) == DEADTIME - 0.5


def test_where_nothing_makes_sure_dead_wires_hasten_nothing() -> None:
    """Goal: silence alone is not trusted sooner. Method: both wires die, no means."""
    assert lost_after(equipped(watching(), disk=False), ETHERNET, SERIAL) == DEADTIME - 0.5


def test_a_single_wire_hastens_nothing() -> None:
    """Goal: one cable proves nothing. Method: a cluster with one link."""
    driven = equipped(watching())
    keep = tuple(link for link in driven.node.links if link.name != SERIAL)
    driven.node = replace(driven.node, links=keep)
    assert lost_after(driven, ETHERNET) == DEADTIME - 0.5


def test_a_ping_node_has_no_part_in_it() -> None:
    """Goal: only wires to the peer count. Method: both die beside a router that has none."""
    assert lost_after(equipped(with_router(watching())), ETHERNET, SERIAL) == 1.5


def test_the_later_of_two_falls_counts() -> None:
    """Goal: the second cable of two that were pulled. Method: one second between."""
    driven = equipped(watching())
    driven.hears()
    driven.line_is(DEAD, ETHERNET)
    driven.passes(1)
    driven.hears(link=SERIAL)
    driven.line_is(DEAD, SERIAL)
    driven.passes(1.4)
    assert driven.status() is not PeerStatus.LOST
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


@pytest.mark.parametrize(("after", "is_dark"), [(0.7, True), (0.75, False)])
def test_what_was_on_its_way_when_the_wires_died_is_no_sign_of_life(
    after: float, is_dark: bool
) -> None:
    """Goal: the last word arrives late; a later one is life. Method: half of the patience."""
    driven = equipped(watching())
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.passes(after)
    driven.hears()
    driven.passes(1.5 - after)
    assert (driven.status() is PeerStatus.LOST) is is_dark


@pytest.mark.parametrize("after", [0.1, 1.2])
def test_the_first_look_at_the_disk_may_show_what_was_before_the_darkness(after: float) -> None:
    """Goal: no luck is needed to be fast. Method: a move that is read late; then 1.5 keepalives."""
    driven = equipped(watching())
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.passes(after)
    driven.reads_disk()
    driven.passes(1.4)
    assert driven.status() is not PeerStatus.LOST
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


@pytest.mark.parametrize("first", [0.1, 0.9, 1.25])
def test_a_peer_that_renews_after_its_wires_died_is_not_without_power(first: float) -> None:
    """Goal: cut cables are not darkness. Method: a move once a keepalive, then none any more."""
    driven = equipped(watching())
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.passes(first)
    for _ in range(3):
        driven.reads_disk()
        driven.passes(1)
        assert driven.status() is not PeerStatus.LOST
    driven.passes(DEADTIME - 1.1)
    assert driven.status() is not PeerStatus.LOST
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


def test_a_wire_that_comes_back_is_no_darkness() -> None:
    """Goal: a flicker moves nothing. Method: both die, one lives again."""
    driven = equipped(watching())
    driven.hears()
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.passes(1)
    driven.line_is(LIVE, SERIAL)
    driven.passes(DEADTIME - 1.1)
    assert driven.status() is not PeerStatus.LOST


def test_wires_that_are_dead_when_the_daemon_starts_are_not_a_fall() -> None:
    """Goal: a peer that boots has initdead, and then deadtime. Method: dead first, heard then."""
    driven = fresh({DISK: THERE})
    driven.ticks()
    equipped(driven)
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.passes(11.9)
    assert driven.status() is PeerStatus.UNKNOWN
    driven.hears()
    driven.passes(DEADTIME - 0.1)
    assert driven.status() is not PeerStatus.LOST


def test_wires_that_died_under_a_peer_that_was_not_heard_are_not_a_fall() -> None:
    """Goal: who speaks over dead wires has power. Method: lost, both die, a word right after."""
    driven = equipped(watching())
    driven.line_is(LIVE, ETHERNET, SERIAL)
    driven.is_lost()
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.passes(0.3)
    driven.hears()
    driven.passes(DEADTIME - 0.1)
    assert driven.status() is not PeerStatus.LOST


def test_a_wire_told_dead_twice_fell_once() -> None:
    """Goal: a repeated look moves no clock. Method: dead again, a second later."""
    driven = equipped(watching())
    driven.hears()
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.passes(1)
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.passes(0.5)
    assert driven.status() is PeerStatus.LOST


def test_a_node_that_slept_after_the_wires_died_listens_first() -> None:
    """Goal: what came while it slept is in its sockets. Method: both die, then a long sleep."""
    driven = equipped(watching())
    driven.hears()
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.sleeps(60)
    driven.ticks()
    assert driven.status() is PeerStatus.LATE
    driven.passes(DEADTIME - 0.1)
    assert driven.status() is PeerStatus.LATE
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


def test_a_node_that_was_a_little_late_listens_first_too() -> None:
    """Goal: patience holds for dark wires. Method: two seconds late, both dead for three."""
    driven = equipped(watching())
    driven.hears()
    driven.line_is(DEAD, ETHERNET, SERIAL)
    driven.now = next_deadline(driven.node)
    driven.sleeps(2)
    driven.ticks()
    assert driven.status() is not PeerStatus.LOST
    driven.passes(1)
    assert driven.status() is PeerStatus.LOST


# --- a server that is cut off ---------------------------------------------------------------------


def isolated(driven: Driven, seconds: float = DEADTIME) -> Driven:
    """The ping node answered once; now nobody does."""
    with_router(driven).happens(LinkHeard(ROUTER))
    driven.passes(seconds)
    return driven


def test_a_server_that_reaches_nobody_lets_go_where_nothing_protects() -> None:
    """Goal: the other side may be serving by now. Method: silence of peer and router together."""
    driven = isolated(equipped(serving(), disk=False))
    assert driven.state() is GroupState.STOPPING
    driven.stopped()
    assert only(StartGroup, driven.passes(120)) == []
    assert driven.state() is GroupState.STOPPED


def test_it_serves_again_when_the_router_answers() -> None:
    """Goal: no service stays down for nothing. Method: the router answers, the peer does not."""
    driven = isolated(equipped(serving(), disk=False))
    driven.stopped()
    asked: list[Fence] = []
    for _ in range(15):
        asked += only(Fence, driven.happens(LinkHeard(ROUTER)) + driven.passes(1))
    assert asked[0] == Fence(THERE, Means.NONE, (DISK,))
    driven.fence_is_confirmed()
    assert driven.state() is GroupState.STARTING


@pytest.mark.parametrize(("disk", "stonith"), [(True, False), (False, True)])
def test_a_protected_server_that_reaches_nobody_serves_on(disk: bool, stonith: bool) -> None:
    """Goal: a disk or a switch would have told it. Method: the same with each."""
    driven = isolated(equipped(serving(), disk=disk, stonith=stonith), 120)
    assert driven.state() is GroupState.STARTED


def test_a_server_serves_on_while_the_router_answers() -> None:
    """Goal: one witness is enough. Method: the peer alone is silent."""
    driven = with_router(equipped(serving(), disk=False))
    for _ in range(30):
        driven.happens(LinkHeard(ROUTER))
        driven.passes(1)
    assert driven.status() is PeerStatus.LOST
    assert driven.state() is GroupState.STARTED


def test_one_ping_node_of_two_that_answers_is_enough() -> None:
    """Goal: a router may be down by itself. Method: two ping nodes, one silent; either node."""
    for driven in (equipped(serving(), disk=False), equipped(watching(), disk=False)):
        with_router(driven)
        other = Link(LinkName("192.168.0.2"), leads_to_peer=False)
        driven.node = replace(driven.node, links=(*driven.node.links, other))
        asked: list[Fence] = []
        for _ in range(30):
            asked += only(Fence, driven.happens(LinkHeard(ROUTER)) + driven.passes(1))
        if driven.disk.owner == HERE:
            assert driven.state() is GroupState.STARTED
        else:
            assert asked[0] == Fence(THERE, Means.NONE, (DISK,))


def test_a_server_without_ping_nodes_is_not_isolated() -> None:
    """Goal: no witness is no evidence. Method: no ping node, a minute of silence."""
    driven = equipped(serving(), disk=False)
    driven.passes(60)
    assert driven.state() is GroupState.STARTED


def test_a_server_whose_peer_is_out_for_certain_serves_on() -> None:
    """Goal: nobody else can be serving. Method: left; and confirmed off by an operator."""
    left = equipped(serving(), disk=False)
    left.hears_goodbye()
    assert isolated(left, 60).state() is GroupState.STARTED
    off = equipped(serving(), disk=False)
    off.is_lost()
    off.happens(PeerConfirmedDown(JobId(1)))
    assert isolated(off, 60).state() is GroupState.STARTED


def test_a_server_that_hears_its_peer_serves_on_without_a_router() -> None:
    """Goal: the router may be the broken one. Method: heartbeats go on."""
    driven = equipped(with_router(serving()), disk=False)
    driven.happens(LinkHeard(ROUTER))
    driven.listens(60)
    assert driven.link_status(ROUTER) is LinkStatus.DEAD
    assert driven.state() is GroupState.STARTED


def test_one_of_two_groups_exposed_lets_both_go() -> None:
    """Goal: the cluster is as strong as its weakest disk. Method: one reserved, one plain."""
    driven = equipped(joined({DISK: HERE, MAIL: HERE}))
    driven.happens(DiskFound(MAIL, reserved=False))
    isolated(driven)
    assert (driven.state(DISK), driven.state(MAIL)) == (GroupState.STOPPING,) * 2
