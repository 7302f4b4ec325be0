"""Following the peer's numbers: duplicates, holes, restarts, losses and replays."""

from __future__ import annotations

import copy
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.cluster.terms import MILLISECOND, SECOND, Generation, Instant, LinkName, Usec
from hbd.errors import CodecError
from hbd.wire.reason import Reason
from hbd.wire.sequence import (
    ACK_EVERY,
    MAX_ATTEMPTS,
    MAX_GAP,
    MAX_MISSING,
    MAX_REQUESTS,
    MIN_REQUEST_DELAY,
    REMEMBERED_NUMBERS,
    Accepted,
    Arrival,
    Incoming,
)

ETH, TTY = LinkName("eth1"), LinkName("/dev/ttyS0")
LIFE = Generation(100)
MAX_DELAY = Usec(250 * MILLISECOND)


def at(seconds: float) -> Instant:
    return Instant(round(seconds * SECOND))


class Peer:
    """A sender's numbers, entered into `incoming` one by one."""

    def __init__(self, seed: int = 1) -> None:
        self.incoming = Incoming(MAX_DELAY, seed)
        self.incoming.patience_usec = Usec(5 * SECOND)

    def says(
        self,
        number: int,
        *,
        link: LinkName = ETH,
        now: float = 0,
        life: Generation = LIFE,
        is_status: bool = True,
    ) -> Accepted:
        return self.incoming.enter(link, life, number, at(now), is_status=is_status)

    def is_refused(self, number: int, *, life: Generation = LIFE, is_status: bool = True) -> bool:
        """Whether the message is rejected as a replay, and changed nothing."""
        before = copy.deepcopy(self.incoming)
        with pytest.raises(CodecError) as refused:
            self.says(number, life=life, is_status=is_status)
        assert refused.value.reason == Reason.REPLAYED.value
        return self.incoming == before


def test_numbers_in_order_are_new_and_again_are_duplicates() -> None:
    """Goal: the normal case with two links. Method: each number on both."""
    peer = Peer()
    for number in range(1, 20):
        assert peer.says(number).arrival is Arrival.NEW
        assert peer.says(number, link=TTY).arrival is Arrival.DUPLICATE
    assert not peer.incoming.missing


def test_a_hole_is_noticed_asked_for_and_filled_late() -> None:
    """Goal: the newer message is not held back, the older not lost. Method: skip two."""
    peer = Peer()
    peer.says(1)
    assert peer.says(4).arrival is Arrival.NEW
    assert set(peer.incoming.missing) == {2, 3}
    assert peer.says(3).arrival is Arrival.LATE
    assert peer.says(3).arrival is Arrival.DUPLICATE
    assert peer.says(2).arrival is Arrival.LATE
    assert peer.incoming.next_due() is None


def test_each_link_counts_what_it_lost() -> None:
    """Goal: a bad cable is seen though the other link fills every hole.

    Method: the serial line loses two of five; one comes late by repair; then a new life begins.
    """
    peer = Peer()
    for number in range(10, 15):
        peer.says(number)
        if number not in (11, 13):
            peer.says(number, link=TTY)
    peer.says(11, link=TTY)
    peer.says(14, link=TTY)
    tallies = peer.incoming.tallies
    assert (tallies[ETH].heard, tallies[ETH].missed) == (5, 0)
    assert (tallies[TTY].heard, tallies[TTY].missed) == (3, 2)
    peer.says(900, link=TTY, life=Generation(LIFE + 1))
    assert (tallies[TTY].heard, tallies[TTY].missed) == (4, 2)


def test_a_life_begins_with_a_status_at_any_number() -> None:
    """Goal: no act on the word of a life that nobody announced. Method: other types first."""
    peer = Peer()
    before = copy.deepcopy(peer.incoming)
    assert peer.says(6, is_status=False).arrival is Arrival.EARLY
    assert peer.incoming == before
    assert peer.says(7).arrival is Arrival.NEW
    assert peer.says(8, is_status=False).arrival is Arrival.NEW
    assert peer.says(6, is_status=False).arrival is Arrival.DUPLICATE


def test_a_larger_generation_is_a_restart_said_once() -> None:
    """Goal: a rebooted peer is followed from 1. Method: a new life, its first two messages."""
    peer = Peer()
    first = peer.says(1000)
    assert not first.restarted
    peer.says(1003)
    assert peer.says(2, life=Generation(101), is_status=False).arrival is Arrival.EARLY
    again = peer.says(1, life=Generation(101))
    assert (again.arrival, again.restarted, again.healed) == (Arrival.NEW, True, False)
    assert not peer.incoming.missing
    assert not peer.says(2, life=Generation(101)).restarted


def test_a_smaller_generation_is_a_replay() -> None:
    """Goal: messages of a life that ended do nothing. Method: status and others of before."""
    peer = Peer()
    peer.says(1)
    peer.says(1, life=Generation(101))
    for number in (1, 2, 500):
        assert peer.is_refused(number)
        assert peer.is_refused(number, is_status=False)


def test_a_lost_peer_comes_back_only_by_a_status_it_never_sent_before() -> None:
    """Goal: recordings bring nobody back. Method: lose, replay all, then a new message."""
    peer = Peer()
    for number in (1, 2, 3, 5):
        peer.says(number)
    peer.incoming.lose()
    assert peer.incoming.next_due() is None
    for number in range(1, 6):
        assert peer.is_refused(number)
        assert peer.is_refused(number, is_status=False)
    assert peer.says(6, is_status=False).arrival is Arrival.EARLY
    back = peer.says(7)
    assert (back.arrival, back.healed, back.restarted) == (Arrival.NEW, True, False)
    assert not peer.says(8).healed


def test_a_second_loss_does_not_forget_what_was_used() -> None:
    """Goal: losing twice without a word between changes nothing. Method: lose, lose, replay."""
    peer = Peer()
    peer.says(9)
    peer.incoming.lose()
    peer.incoming.lose()
    assert peer.is_refused(9)


def test_a_lost_peer_that_restarted_is_restarted_not_healed() -> None:
    """Goal: tell a partition from a reboot. Method: lose, then a larger generation from 1."""
    peer = Peer()
    peer.says(50)
    peer.incoming.lose()
    back = peer.says(1, life=Generation(101))
    assert (back.restarted, back.healed) == (True, False)


def test_a_large_gap_is_not_asked_for() -> None:
    """Goal: heartbeat's limit of 250. Method: one less, exactly, one more."""
    for lost, asked in ((MAX_GAP - 1, MAX_GAP - 1), (MAX_GAP, MAX_GAP), (MAX_GAP + 1, 0)):
        peer = Peer()
        peer.says(1)
        peer.says(2 + lost)
        assert len(peer.incoming.missing) == asked


def test_memory_is_bounded_whatever_is_lost() -> None:
    """Goal: no growth. Method: every second gap as large as allowed, for a long time."""
    peer = Peer()
    for number in range(1, 20_000, MAX_GAP):
        peer.says(number)
        assert len(peer.incoming.missing) <= MAX_MISSING
        assert len(peer.incoming._known_since) <= REMEMBERED_NUMBERS


def test_requests_are_bounded_in_time_and_end() -> None:
    """Goal: much loss makes no flood. Method: the largest gap, no answer, count per second."""
    peer = Peer()
    peer.says(1)
    peer.says(MAX_GAP + 2)
    asked: list[Instant] = []
    for _ in range(MAX_GAP * MAX_ATTEMPTS * 2):
        due = peer.incoming.next_due()
        if due is None:
            break
        asked += [due] * len(peer.incoming.requests(due))
    assert not peer.incoming.missing
    assert len(asked) == MAX_GAP * MAX_ATTEMPTS
    for earlier, later in zip(asked, asked[2 * MAX_REQUESTS :], strict=False):
        assert later - earlier >= MAX_DELAY


@given(st.integers(0, 2**64), st.integers(1, 400), st.integers(2, 10**6))
def test_the_first_request_waits_for_stragglers(seed: int, delay_ms: int, number: int) -> None:
    """Goal: 50 ms to the maximum, or 0 to it when below 100 ms. Method: any seed and number."""
    incoming = Incoming(Usec(delay_ms * MILLISECOND), seed)
    incoming.enter(ETH, LIFE, number, at(10), is_status=True)
    incoming.enter(ETH, LIFE, number + 2, at(10), is_status=True)
    due = incoming.next_due()
    assert due is not None
    least = MIN_REQUEST_DELAY if delay_ms >= 100 else 0
    assert least <= due - at(10) <= delay_ms * MILLISECOND


def test_a_request_is_repeated_at_the_maximum_delay_and_given_up_in_the_end() -> None:
    """Goal: neither silence nor a flood. Method: let the requests run with no answer."""
    peer = Peer()
    peer.says(1)
    peer.says(3)
    asked_at = []
    while (due := peer.incoming.next_due()) is not None:
        if peer.incoming.requests(due):
            asked_at.append(due)
    assert len(asked_at) == MAX_ATTEMPTS
    pauses = {later - earlier for earlier, later in itertools.pairwise(asked_at)}
    assert pauses == {MAX_DELAY}


def test_many_holes_take_turns() -> None:
    """Goal: none is starved by the limit per turn. Method: all are asked for at the same rate."""
    peer = Peer()
    peer.says(1)
    peer.says(102)
    counts = dict.fromkeys(range(2, 102), 0)
    for turn in range(1, 101):
        for number in peer.incoming.requests(at(turn)):
            counts[number] += 1
    assert set(counts.values()) == {MAX_REQUESTS}


def test_nothing_is_asked_for_before_its_time() -> None:
    """Goal: `requests` may be called too early, harmlessly. Method: call at once."""
    peer = Peer()
    peer.says(1)
    peer.says(3)
    before = copy.deepcopy(peer.incoming)
    assert peer.incoming.requests(at(0)) == ()
    assert peer.incoming == before


@given(st.integers(0, 2**32))
def test_one_number_in_ten_is_acknowledged_once(seed: int) -> None:
    """Goal: heartbeat's pace. Method: a hundred numbers; the remainder is the seed's."""
    peer = Peer(seed)
    acknowledged = []
    for number in range(1, 101):
        peer.says(number)
        acknowledged.append(peer.incoming.acknowledgement())
        assert peer.incoming.acknowledgement() is None
    said = [number for number in acknowledged if number is not None]
    assert len(said) == 10
    assert len({number % ACK_EVERY for number in said}) == 1
    assert all(acknowledged[number - 1] == number for number in said)


@given(st.integers(0, 2**32))
def test_an_acknowledgement_waits_for_the_hole_before_it(seed: int) -> None:
    """Goal: an ACK means that everything before has come. Method: one hole, filled at the end."""
    peer = Peer(seed)
    peer.says(1)
    for number in range(3, 43):
        peer.says(number)
        acknowledged = peer.incoming.acknowledgement()
        assert acknowledged in (None, 1)
    peer.says(2)
    said = peer.incoming.acknowledgement()
    assert said is not None
    assert 42 - ACK_EVERY < said <= 42


def test_what_the_peer_cannot_send_again_is_given_up_and_no_longer_blocks() -> None:
    """Goal: NAK closes a hole. Method: forget it; the ACK that waited becomes due."""
    peer = Peer()
    peer.says(1)
    for number in range(3, 23):
        peer.says(number)
    peer.incoming.acknowledgement()
    peer.incoming.forget(2)
    assert not peer.incoming.missing
    assert peer.incoming.acknowledgement() is not None


def test_a_peer_without_flow_control_gets_no_acknowledgement() -> None:
    """Goal: heartbeat's rule for a status without `protocol`. Method: switch it off."""
    peer = Peer()
    peer.incoming.acknowledges = False
    for number in range(1, 50):
        peer.says(number)
        peer.incoming.acknowledges = False
        assert peer.incoming.acknowledgement() is None


def test_a_copy_on_the_other_link_refreshes_that_link_too() -> None:
    """Goal: a slow serial line is alive though all it brings is known. Method: lag by 0.5 s."""
    peer = Peer()
    for number in range(1, 10):
        assert peer.says(number, now=number).refreshes_link
        assert peer.says(number, link=TTY, now=number + 0.5).refreshes_link


def test_the_same_message_again_refreshes_no_link() -> None:
    """Goal: a replay keeps nobody alive. Method: play every message again on its own link."""
    peer = Peer()
    for number in range(1, 10):
        peer.says(number, now=number)
    for number in range(1, 10):
        again = peer.says(number, now=10)
        assert (again.arrival, again.refreshes_link) == (Arrival.DUPLICATE, False)


def test_recordings_of_one_link_do_not_revive_another_for_longer_than_deadtime() -> None:
    """Goal: a cut link cannot be kept alive with what was heard elsewhere. Method: replay there."""
    peer = Peer()
    for number in range(1, 100):
        peer.says(number, now=number * 0.1)
    revived = [
        number
        for number in range(1, 100)
        if peer.says(number, link=TTY, now=15 + number).refreshes_link
    ]
    assert revived == []


def test_suppressed_messages_cannot_be_used_up_later_as_heartbeats() -> None:
    """Goal: a message held back by someone in between proves no life later than its successor.

    Method: withhold every second message on one link, let all go silent, then play them.
    """
    peer = Peer()
    for number in range(1, 40, 2):
        peer.says(number, now=number)
    for number in range(2, 40, 2):
        late = peer.says(number, link=TTY, now=50 + number)
        assert (late.arrival, late.refreshes_link) == (Arrival.LATE, False)


def test_a_restarted_peer_refreshes_links_from_its_first_number() -> None:
    """Goal: small numbers of a new life count. Method: large numbers before."""
    peer = Peer()
    peer.says(5000)
    assert peer.says(1, life=Generation(101)).refreshes_link
    assert peer.says(2, life=Generation(101), link=TTY).refreshes_link


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ETH, TTY]),
            st.integers(99, 103),
            st.integers(1, 30),
            st.booleans(),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_no_message_is_handed_out_twice(
    arrivals: list[tuple[LinkName, int, int, bool, bool]],
) -> None:
    """Goal: NEW or LATE at most once per number of a life, and NEW only upwards.

    Method: any order of lives, numbers, types, links and losses.
    """
    peer = Peer()
    handed_out: set[tuple[int, int]] = set()
    newest = (0, 0)
    for link, life, number, is_status, is_lost in arrivals:
        if is_lost:
            peer.incoming.lose()
        try:
            accepted = peer.says(number, link=link, life=Generation(life), is_status=is_status)
        except CodecError:
            continue
        mark = (life, number)
        if accepted.arrival is Arrival.NEW:
            assert mark > newest
            newest = mark
        if accepted.arrival in (Arrival.NEW, Arrival.LATE):
            assert mark not in handed_out
            handed_out.add(mark)
