"""What we have sent and the peer may ask for again.

Source: heartbeat 3.0.6: the last 500 messages are kept until acknowledged; a request is answered
with the messages as they were, at most 50 at once, none again within the shortest time in which
the peer would ask again. hbd bounds the whole in the same way, so that requests recorded and played
again cannot make it flood a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hbd.cluster.terms import MILLISECOND, Instant, Usec
from hbd.wire.allowance import Allowance
from hbd.wire.message import Message

MAX_KEPT = 500
MAX_ANSWERS = 50  # per request, and per maximum delay in all
RESEND_SLACK = Usec(10 * MILLISECOND)  # a second request may come this much early


@dataclass(slots=True)
class Sent:
    """A message as it was sent, and when it was sent again last."""

    message: Message
    resent_at: Instant | None = None


@dataclass(slots=True)
class History:
    """The sending side: numbers given out and the messages that have them."""

    max_delay_usec: Usec
    highest: int = 0
    acknowledged: int = 0
    _kept: dict[int, Sent] = field(default_factory=dict)  # ascending numbers
    _allowance: Allowance = field(init=False)

    def __post_init__(self) -> None:
        self._allowance = Allowance(MAX_ANSWERS, self.max_delay_usec)

    def retune(self, max_delay_usec: Usec) -> None:
        """The peer asks again after another delay from now on."""
        self.max_delay_usec = max_delay_usec
        self._allowance.span_usec = max_delay_usec

    def __len__(self) -> int:
        """How many messages are kept."""
        return len(self._kept)

    def keep(self, number: int, message: Message) -> None:
        """Enter the next message; the oldest goes when there are too many."""
        assert number == self.highest + 1, "numbers are given out one by one"
        self.highest = number
        self._kept[number] = Sent(message)
        if len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]

    def acknowledge(self, number: int) -> None:
        """The peer has all up to `number`. A number never sent is ignored: of an earlier life."""
        if not self.acknowledged < number <= self.highest:
            return
        self.acknowledged = number
        for known in [kept for kept in self._kept if kept <= number]:
            del self._kept[known]

    def clear(self) -> None:
        """Keep nothing of what was sent; numbers go on."""
        self._kept.clear()

    def answer(self, first: int, last: int, now: Instant) -> Iterator[tuple[int, Message | None]]:
        """What to send for a request of `first` to `last`: a message, or None if not kept any more.

        Nothing for what the peer has acknowledged, was never sent, or was sent again just now.
        """
        first = max(first, self.acknowledged + 1)
        last = min(last, self.highest, first + MAX_ANSWERS - 1)
        for number in range(first, last + 1):
            sent = self._kept.get(number)
            if sent is not None and self._was_just_resent(sent, now):
                continue
            if not self._allowance.take(now):
                return
            if sent is None:
                yield number, None
            else:
                sent.resent_at = now
                yield number, sent.message

    def _was_just_resent(self, sent: Sent, now: Instant) -> bool:
        if sent.resent_at is None:
            return False
        return now - sent.resent_at < self.max_delay_usec - RESEND_SLACK
