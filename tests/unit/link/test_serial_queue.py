"""What waits for a slow serial line: pure, no line needed."""

from __future__ import annotations

from hbd.link.serial_queue import MESSAGES_MAX, REPAIRS_MAX, SendQueue
from tests.unit.link.recorder import message, repair, status


def taken(queue: SendQueue) -> list[bytes]:
    """All that waits, in the order in which it would be sent."""
    found = []
    while (data := queue.take()) is not None:
        found.append(data)
    return found


def test_only_the_newest_status_waits() -> None:
    """Goal: newest wins and the rest is counted. Method: ten statuses, nothing taken."""
    queue = SendQueue()
    dropped = [queue.put(status(b"%d" % number)) for number in range(10)]
    assert dropped == [0] + [1] * 9
    assert taken(queue) == [b"9"]


def test_messages_keep_their_order_and_a_limit() -> None:
    """Goal: bounded; the oldest goes first. Method: three more than the limit."""
    queue = SendQueue()
    dropped = sum(queue.put(message(b"%d" % number)) for number in range(MESSAGES_MAX + 3))
    assert dropped == 3
    assert taken(queue) == [b"%d" % number for number in range(3, MESSAGES_MAX + 3)]


def test_repairs_are_bounded_too() -> None:
    """Goal: a storm of retransmissions cannot fill the line's queue. Method: a hundred."""
    queue = SendQueue()
    assert sum(queue.put(repair(b"r")) for _ in range(100)) == 100 - REPAIRS_MAX


def test_no_kind_starves_another() -> None:
    """Goal: each kind gets its turn however full the others are. Method: refill at every take."""
    queue = SendQueue()
    order = []
    for _ in range(9):
        for outgoing in (repair(b"repair"), status(b"status"), message(b"message")):
            queue.put(outgoing)
        order.append(queue.take())
    assert order == [b"message", b"status", b"repair"] * 3


def test_a_command_goes_before_a_status_said_later() -> None:
    """Goal: sequence numbers stay in order where they can. Method: status, message, status."""
    queue = SendQueue()
    queue.put(status(b"1"))
    assert queue.take() == b"1"
    queue.put(message(b"2"))
    queue.put(status(b"3"))
    assert taken(queue) == [b"2", b"3"]


def test_clearing_tells_how_many_were_lost() -> None:
    """Goal: the counter of dropped messages is true. Method: clear three, then nothing."""
    queue = SendQueue()
    for outgoing in (repair(b"r"), status(b"s"), message(b"m")):
        queue.put(outgoing)
    assert queue.clear() == 3
    assert queue.clear() == 0
