"""What was sent and may be asked for again."""

from __future__ import annotations

from hbd.cluster.terms import MILLISECOND, Instant, Usec
from hbd.wire.history import MAX_ANSWERS, MAX_KEPT, History
from hbd.wire.message import TEXT, Field, Message

MAX_DELAY = Usec(250 * MILLISECOND)
NOW = Instant(10_000_000)


def message(number: int) -> Message:
    return Message((Field(TEXT, "seq", b"%x" % number),))


def history_of(count: int) -> History:
    history = History(MAX_DELAY)
    for number in range(1, count + 1):
        history.keep(number, message(number))
    return history


def test_a_request_is_answered_with_the_messages_as_they_were() -> None:
    """Goal: the same fields again. Method: a range in the middle."""
    history = history_of(9)
    assert list(history.answer(4, 6, NOW)) == [(n, message(n)) for n in (4, 5, 6)]


def test_only_the_last_ones_are_kept_and_the_rest_is_said_to_be_gone() -> None:
    """Goal: bounded memory and an honest NAK. Method: send more than are kept."""
    history = history_of(MAX_KEPT + 10)
    assert len(history) == MAX_KEPT
    assert list(history.answer(10, 11, NOW)) == [(10, None), (11, message(11))]


def test_what_is_acknowledged_is_let_go_and_not_sent_again() -> None:
    """Goal: heartbeat frees and ignores it. Method: acknowledge half, ask for all."""
    history = history_of(10)
    history.acknowledge(5)
    history.acknowledge(3)
    assert history.acknowledged == 5
    assert len(history) == 5
    assert [number for number, _ in history.answer(1, 10, NOW)] == [6, 7, 8, 9, 10]


def test_an_acknowledgement_of_the_future_is_ignored() -> None:
    """Goal: an ACK meant for an earlier life frees nothing. Method: beyond the highest."""
    history = history_of(10)
    history.acknowledge(11)
    assert len(history) == 10


def test_what_was_never_sent_is_not_answered() -> None:
    """Goal: no answer, not even a NAK. Method: ask beyond the end, also absurdly far."""
    history = history_of(3)
    assert list(history.answer(4, 2**63, NOW)) == []
    assert [number for number, _ in history.answer(1, 2**63, NOW)] == [1, 2, 3]


def test_the_same_message_is_not_sent_twice_within_the_delay() -> None:
    """Goal: the request repeated on every link costs one answer. Method: ask again and again."""
    history = history_of(3)
    shortest = 240 * MILLISECOND
    assert [n for n, _ in history.answer(2, 2, NOW)] == [2]
    assert list(history.answer(2, 2, Instant(NOW + shortest - 1))) == []
    assert [n for n, _ in history.answer(2, 2, Instant(NOW + shortest))] == [2]


def test_a_storm_of_requests_is_answered_at_a_bounded_rate() -> None:
    """Goal: recorded requests cannot make it flood a line. Method: ask for all, all the time."""
    history = history_of(MAX_KEPT)
    answers = 0
    for millisecond in range(1000):
        now = Instant(NOW + millisecond * MILLISECOND)
        for first in (1, 100, 200, 300, 400):
            answers += len(list(history.answer(first, first + 99, now)))
    assert answers <= 4 * MAX_ANSWERS


def test_numbers_go_on_after_clearing() -> None:
    """Goal: a new life on the wire keeps counting. Method: clear, keep the next one."""
    history = history_of(5)
    history.clear()
    history.keep(6, message(6))
    assert list(history.answer(5, 6, NOW)) == [(5, None), (6, message(6))]
