"""Who speaks, who is late, who is lost; and what silence may be trusted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.cluster.action import Fence, ForgetPeerSequence, ObserveGroup, StartGroup
from hbd.cluster.event import GoodbyeHeard, HeartbeatHeard, LinkHeard
from hbd.cluster.step import next_deadline
from hbd.cluster.terms import (
    SECOND,
    Generation,
    GroupState,
    Instant,
    LinkName,
    LinkStatus,
    Means,
    PeerStatus,
    Phase,
    Usec,
)
from hbd.cluster.timing import Timing
from tests.unit.cluster.driven import (
    DISK,
    ETHERNET,
    ROUTER,
    SERIAL,
    TIMING,
    fresh,
    only,
    serving,
    watching,
    with_router,
)

DEADTIME = TIMING.deadtime_usec / SECOND


def test_a_link_dies_by_itself_while_the_peer_is_heard_on_another() -> None:
    """Goal: a dead cable costs no node. Method: two links, then silence on one of them."""
    driven = serving()
    driven.hears(link=SERIAL)
    assert driven.link_status(SERIAL) is LinkStatus.UP
    driven.listens(DEADTIME + 1)
    assert driven.link_status(SERIAL) is LinkStatus.DEAD
    assert driven.link_status(ETHERNET) is LinkStatus.UP
    assert driven.status() is PeerStatus.ACTIVE


def test_a_link_is_dead_exactly_at_deadtime() -> None:
    """Goal: not before, not after. Method: the microsecond before and the moment itself."""
    driven = serving()
    driven.passes(DEADTIME - 0.000001)
    assert driven.link_status(ETHERNET) is LinkStatus.UP
    driven.passes(0.000001)
    assert driven.link_status(ETHERNET) is LinkStatus.DEAD


def test_a_dead_link_is_up_again_as_soon_as_it_is_heard() -> None:
    """Goal: a cable put back counts at once. Method: silence, then one message."""
    driven = serving()
    driven.hears(link=SERIAL)
    driven.listens(DEADTIME + 1)
    driven.hears(link=SERIAL)
    assert driven.link_status(SERIAL) is LinkStatus.UP


def test_a_repetition_on_a_second_link_proves_that_link() -> None:
    """Goal: every message goes on every link, and is new only on the first. Method: LinkHeard."""
    driven = serving()
    driven.happens(LinkHeard(SERIAL))
    assert driven.link_status(SERIAL) is LinkStatus.UP


def test_a_link_may_have_a_deadtime_of_its_own() -> None:
    """Goal: ha.cf's deadping. Method: a ping node that may be silent for longer."""
    driven = with_router(serving())
    links = tuple(
        replace(link, deadtime_usec=Usec(8 * SECOND)) if link.name == ROUTER else link
        for link in driven.node.links
    )
    driven.node = replace(driven.node, links=links)
    driven.happens(LinkHeard(ROUTER))
    driven.listens(7)
    assert driven.link_status(ROUTER) is LinkStatus.UP
    driven.listens(1)
    assert driven.link_status(ROUTER) is LinkStatus.DEAD


def test_a_peer_is_lost_only_when_every_link_is_silent() -> None:
    """Goal: one word on any link is life. Method: words on the other link only, for long."""
    driven = serving()
    for _ in range(20):
        driven.passes(1)
        driven.happens(LinkHeard(SERIAL))
    assert driven.status() is PeerStatus.ACTIVE
    driven.passes(DEADTIME)
    assert driven.status() is PeerStatus.LOST


def test_a_ping_node_is_not_the_peer() -> None:
    """Goal: a router that answers proves no node. Method: the router answers, the peer does not."""
    driven = with_router(serving())
    for _ in range(int(DEADTIME)):
        driven.passes(1)
        driven.happens(LinkHeard(ROUTER))
    assert driven.link_status(ROUTER) is LinkStatus.UP
    assert driven.status() is PeerStatus.LOST


def test_noise_from_an_unknown_link_refreshes_nothing() -> None:
    """Goal: only links of ha.cf count. Method: a name that this node does not have."""
    driven = serving()
    before = driven.node
    driven.happens(LinkHeard(LinkName("eth9")))
    assert driven.node.links == before.links
    assert driven.peer == before.peer


def test_a_peer_is_late_at_warntime_and_in_time_again_when_it_speaks() -> None:
    """Goal: warntime warns, and nothing else. Method: silence up to warntime, then a word."""
    driven = serving()
    driven.passes(2.4)
    assert driven.status() is PeerStatus.ACTIVE
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LATE
    driven.hears()
    assert driven.status() is PeerStatus.ACTIVE
    assert driven.peer.gap_usec == 2_500_000, "how late is told"


def test_a_late_peer_is_in_time_again_by_a_word_on_any_link() -> None:
    """Goal: life is life, also without a new report. Method: a repetition on the serial line."""
    driven = serving()
    driven.passes(3)
    driven.happens(LinkHeard(SERIAL))
    assert driven.status() is PeerStatus.ACTIVE
    assert driven.peer.gap_usec == 3 * SECOND


def test_warntime_above_deadtime_never_warns() -> None:
    """Goal: legal in ha.cf, so harmless. Method: silence goes straight to lost."""
    timing = Timing(SECOND, Usec(9 * SECOND), Usec(5 * SECOND), Usec(12 * SECOND))
    driven = fresh(timing=timing)
    driven.hears()
    driven.passes(4.9)
    assert driven.status() is PeerStatus.ACTIVE
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


def test_silence_for_deadtime_asks_for_fencing_and_starts_nothing() -> None:
    """Goal: silence is not death. Method: the peer's disk stays where it is until an answer."""
    driven = watching()
    actions = driven.is_lost()
    assert driven.status() is PeerStatus.LOST
    assert only(Fence, actions) == [Fence(driven.peer.name, Means.NONE, (DISK,))]
    assert only(StartGroup, actions) == []
    assert only(ForgetPeerSequence, actions) == [ForgetPeerSequence()]


def test_a_lost_peers_word_is_void() -> None:
    """Goal: nothing is decided on what a silent node said. Method: its report is gone."""
    driven = watching()
    driven.is_lost()
    assert driven.peer.report is None
    assert driven.peer.word_on(DISK) is None


def test_the_peers_own_deadtime_counts() -> None:
    """Goal: heartbeat's `dt`: the sender says how long it may be silent. Method: 30 s of it."""
    driven = serving()
    driven.said = replace(driven.said, deadtime_usec=Usec(30 * SECOND))
    driven.hears()
    driven.passes(29.9)
    assert driven.status() is PeerStatus.LATE
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


def test_a_peer_never_heard_has_initdead() -> None:
    """Goal: a machine that boots is waited for. Method: the moment before initdead, and it."""
    driven = fresh()
    driven.ticks()
    driven.passes(11.9)
    assert driven.status() is PeerStatus.UNKNOWN
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


def test_a_peer_heard_once_has_only_deadtime_left() -> None:
    """Goal: initdead is for those never heard. Method: one word at the start, then silence."""
    driven = fresh()
    driven.ticks()
    driven.hears()
    driven.passes(DEADTIME)
    assert driven.status() is PeerStatus.LOST


@pytest.mark.parametrize("age", [0, 1])
def test_an_old_word_of_a_life_changes_no_belief_about_the_peer(age: int) -> None:
    """Goal: no repetition is news. Method: the last number again, and one before it."""
    driven = serving()
    driven.listens(2)
    known = driven.peer
    driven.passes(1)
    old = HeartbeatHeard(ETHERNET, driven.peer_life, driven.sequence - age, driven.said)
    driven.happens(old)
    assert driven.peer == known, "not even that it lives"


def test_a_word_of_an_earlier_life_changes_no_belief_about_the_peer() -> None:
    """Goal: what a former life said is void. Method: a large number of a smaller generation."""
    driven = watching()
    former, word = driven.peer_life, driven.said
    driven.peer_restarts()
    known = driven.peer
    driven.passes(1)
    driven.happens(HeartbeatHeard(ETHERNET, former, 10_000, word))
    driven.happens(GoodbyeHeard(ETHERNET, former, 10_001, word))
    assert driven.peer == known


def test_a_peer_that_said_goodbye_stays_away_until_its_next_life() -> None:
    """Goal: a straggler revives nobody. Method: a later number of the life that has ended."""
    driven = serving()
    driven.hears_goodbye()
    assert driven.status() is PeerStatus.LEFT
    driven.hears()
    driven.happens(LinkHeard(SERIAL))
    assert driven.status() is PeerStatus.LEFT
    driven.peer_restarts()
    assert driven.status() is PeerStatus.ACTIVE


def test_a_peer_that_left_is_never_lost() -> None:
    """Goal: its silence is expected. Method: much of it."""
    driven = serving()
    driven.hears_goodbye()
    actions = driven.passes(100)
    assert driven.status() is PeerStatus.LEFT
    assert only(Fence, actions) == []


def test_a_lost_peer_that_speaks_again_is_active_at_once() -> None:
    """Goal: a healed cable heals all. Method: the same life goes on after a loss."""
    driven = serving()
    driven.is_lost()
    driven.hears()
    assert driven.status() is PeerStatus.ACTIVE
    assert driven.peer.fence_due is None


def test_a_noise_on_a_link_does_not_bring_a_lost_peer_back() -> None:
    """Goal: only a report ends a loss. Method: a message that carries none."""
    driven = serving()
    driven.is_lost()
    driven.happens(LinkHeard(ETHERNET))
    assert driven.link_status(ETHERNET) is LinkStatus.UP
    assert driven.status() is PeerStatus.LOST


def test_a_restarted_peer_is_answered_at_once_by_a_status() -> None:
    """Goal: it knows nothing and waits for us. Method: a new generation between two heartbeats."""
    driven = serving()
    driven.passes(0.5)
    driven.peer_restarts()
    assert driven.node.heartbeat_due == driven.now + SECOND, "one has just been sent"
    assert driven.node.said is not None
    assert driven.node.said.heard == driven.peer_life


# --- stalls ---------------------------------------------------------------------------------------


def stalled(seconds: float) -> tuple[Instant, float]:
    """When a serving node that slept `seconds` past its deadline trusts silence from, and now."""
    driven = serving()
    driven.hears()
    driven.now = next_deadline(driven.node)
    driven.sleeps(seconds)
    driven.ticks()
    return driven.node.watched_since, driven.now


@pytest.mark.parametrize(("late", "is_stall"), [(2.5, False), (2.500001, True), (3600.0, True)])
def test_a_wake_up_later_than_half_of_deadtime_is_a_stall(late: float, is_stall: bool) -> None:
    """Goal: the rule, to the microsecond. Method: half of deadtime late, and one more."""
    since, now = stalled(late)
    assert (since == now) is is_stall


def test_a_stalled_node_trusts_no_silence_it_did_not_listen_to() -> None:
    """Goal: a node that was suspended fences nobody. Method: an hour's sleep, then the timer."""
    driven = watching()
    driven.sleeps(3600)
    actions = driven.ticks()
    assert only(Fence, actions) == []
    assert driven.status() is PeerStatus.LATE
    assert driven.node.stall_usec > 3590 * SECOND
    driven.passes(DEADTIME - 0.1)
    assert driven.status() is PeerStatus.LATE
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST, "now it has listened for deadtime"


def test_a_stall_gives_links_their_deadtime_again() -> None:
    """Goal: a link is not dead because nobody listened. Method: sleep, then deadtime."""
    driven = serving()
    driven.sleeps(3600)
    driven.ticks()
    assert driven.link_status(ETHERNET) is LinkStatus.UP
    driven.passes(DEADTIME)
    assert driven.link_status(ETHERNET) is LinkStatus.DEAD


def test_a_stalled_node_believes_no_earlier_word_and_looks_at_its_groups() -> None:
    """Goal: it re-observes before it acts. Method: what it asks for, and the peer's report."""
    driven = serving()
    driven.sleeps(60)
    actions = driven.ticks()
    assert actions[0] == ObserveGroup(DISK)
    assert driven.peer.report is None


def test_a_stall_voids_even_a_proven_fencing() -> None:
    """Goal: while we slept the peer may have been switched on again. Method: sleep after proof."""
    driven = watching()
    driven.is_lost()
    driven.fence_is_confirmed(proven=True)
    driven.started()
    driven.sleeps(60)
    driven.ticks()
    assert driven.status() is PeerStatus.LATE
    assert not driven.peer.proven


def test_a_stall_gives_every_pending_answer_its_time_back() -> None:
    """Goal: work that stood still with us is not late. Method: a start, then a long sleep."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.peer_says(DISK, GroupState.STOPPED)
    assert driven.state() is GroupState.STARTING
    driven.sleeps(3600)
    driven.ticks()
    assert driven.state() is GroupState.STARTING
    assert driven.disk.deadline is not None
    assert driven.disk.deadline > driven.now


def test_a_stall_while_starting_gives_initdead_anew() -> None:
    """Goal: a slow boot takes nothing over. Method: sleep past initdead before it is over."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.sleeps(60)
    driven.ticks()
    assert driven.status() is PeerStatus.UNKNOWN
    driven.passes(11.9)
    assert driven.status() is PeerStatus.UNKNOWN
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


def test_how_late_counts_only_time_that_was_listened_to() -> None:
    """Goal: no report of an hour's lateness after a suspend. Method: sleep, then a heartbeat."""
    driven = serving()
    driven.sleeps(3600)
    driven.ticks()
    driven.passes(0.2)
    driven.hears()
    assert driven.peer.gap_usec == 200_000


def test_a_stalled_node_gives_way_to_what_happened_meanwhile() -> None:
    """Goal: the peer that took over keeps it. Method: sleep while serving; it says epoch 1."""
    driven = serving()
    driven.sleeps(60)
    driven.ticks()
    driven.peer_says(DISK, GroupState.STARTED, owner=driven.peer.name, epoch=1)
    assert driven.disk.owner == driven.peer.name
    assert driven.state() is GroupState.STOPPING


@pytest.mark.parametrize(("late", "is_lost"), [(0.9, True), (1.0, False), (2.4, False)])
def test_a_node_late_by_a_heartbeat_hears_one_more_before_it_concludes(
    late: float, is_lost: bool
) -> None:
    """Goal: what waits in its sockets is heard first. Method: late past the peer's deadtime.

    Late by less than a keepalive, it concludes at once: nothing more can be waiting.
    """
    driven = serving()
    driven.passes(DEADTIME - 0.1)
    driven.now = next_deadline(driven.node)
    driven.sleeps(late)
    driven.ticks()
    assert (driven.status() is PeerStatus.LOST) is is_lost
    driven.hears()
    assert driven.status() is PeerStatus.ACTIVE


def test_a_late_node_that_then_hears_nothing_concludes_a_heartbeat_later() -> None:
    """Goal: patience ends. Method: late past the peer's deadtime, and nothing was waiting."""
    driven = serving()
    driven.passes(DEADTIME - 0.1)
    driven.sleeps(1.5)
    driven.ticks()
    driven.passes(0.9)
    assert driven.status() is PeerStatus.LATE
    driven.passes(0.1)
    assert driven.status() is PeerStatus.LOST


# --- the life of this node ------------------------------------------------------------------------


def test_a_node_is_active_when_all_is_observed_and_the_peer_knows_it() -> None:
    """Goal: neither alone is enough. Method: one after the other."""
    driven = fresh()
    driven.ticks()
    driven.hears()
    assert driven.phase() is Phase.STARTING
    driven.observes(DISK, GroupState.STOPPED)
    assert driven.phase() is Phase.ACTIVE


def test_a_peer_that_speaks_to_our_former_life_does_not_make_us_active() -> None:
    """Goal: its word may be older than what we said and have forgotten. Method: `heard` differs."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.said = replace(driven.said, heard=Generation(driven.node.generation - 1))
    driven.peer_says(DISK, GroupState.STOPPED)
    assert driven.phase() is Phase.STARTING
    assert driven.state() is GroupState.STOPPED
    driven.said = replace(driven.said, heard=driven.node.generation)
    driven.hears()
    assert driven.phase() is Phase.ACTIVE
    assert driven.state() is GroupState.STARTING


def test_a_node_alone_is_active_after_initdead_and_an_answer() -> None:
    """Goal: silence alone does not end the start. Method: lost, then confirmed."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.passes(12)
    assert driven.status() is PeerStatus.LOST
    assert driven.phase() is Phase.STARTING
    driven.fence_is_confirmed()
    assert driven.phase() is Phase.ACTIVE
    assert driven.state() is GroupState.STARTING
