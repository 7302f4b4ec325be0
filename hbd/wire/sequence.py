"""What has been received from the peer: its life, its numbers, the holes, and what to ask or ACK.

    nothing heard ──status──► following ──status of a larger generation──► following (restarted)
    following ──peer_lost──► waiting ──status, same generation──► following (healed)

Source: heartbeat 3.0.6's receive algorithm, retransmission and acknowledgement. hbd is stricter in
four ways, each against messages that were recorded and are played again:
  * a life, and a return from being lost, begins with a status; other messages before are `EARLY`;
  * after a loss, numbers up to the last one known stay used;
  * a link is refreshed only by a number larger than any that this link brought before;
  * and only while that number is not older than the peer's own deadtime.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from hbd.cluster.terms import MILLISECOND, SECOND, Generation, Instant, LinkName, Usec
from hbd.wire.allowance import Allowance
from hbd.wire.reason import Reason, rejection

MAX_GAP = 250  # more lost at once: not worth asking for, begin anew (heartbeat's limit)
MAX_MISSING = 500  # holes kept; the peer keeps no more messages than that either
MIN_REQUEST_DELAY = Usec(50 * MILLISECOND)  # reordering by one or two is normal, not loss
SHORT_DELAY = Usec(100 * MILLISECOND)  # a maximum below this has no minimum
MAX_REQUESTS = 10  # per maximum delay; they fill a serial line of 19200 baud for about a second
MAX_ATTEMPTS = 40  # 10 s at the default delay; then the message is given up
ACK_EVERY = 10  # heartbeat acknowledges one number in ten
DEFAULT_PATIENCE = Usec(30 * SECOND)  # ha.cf's default deadtime, for a peer that tells none
REMEMBERED_NUMBERS = 512  # for how long ago a number was first known; more than MAX_MISSING


class Arrival(Enum):
    """What a message's number says about it."""

    NEW = "new"
    LATE = "late"
    DUPLICATE = "duplicate"
    EARLY = "early"


@dataclass(frozen=True, slots=True)
class Accepted:
    """How one numbered message was entered; the flags are explained in `session.Received`."""

    arrival: Arrival
    restarted: bool = False
    healed: bool = False
    refreshes_link: bool = False


@dataclass(slots=True)
class Hole:
    """A number that has not arrived: when to ask for it next, and how often that was done."""

    due: Instant
    attempts: int = 0


def scattered(seed: int, value: int) -> int:
    """A 64-bit number that looks random and is always the same for the same arguments.

    The finalising steps of SplitMix64 (Steele, Lea, Flood 2014); no secret depends on it.
    """
    mask = 2**64 - 1
    mixed = (seed * 0x9E3779B97F4A7C15 + value) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    return mixed ^ (mixed >> 31)


@dataclass(slots=True)
class Tally:
    """How many of the peer's numbers one link brought first-hand, and how many it should have.

    The peer sends every number on every link, so a gap between two that came on one link is what
    that link lost; what is sent again later fills the hole, and the link has lost it all the same.
    """

    heard: int = 0
    missed: int = 0


@dataclass(slots=True)
class Incoming:
    """The receiving side for one peer. All memory is bounded by the constants above."""

    max_delay_usec: Usec
    seed: int
    generation: Generation | None = None  # the life that is followed, or was before the loss
    last: int | None = None  # the largest number received; None while no status began it
    patience_usec: Usec = DEFAULT_PATIENCE
    acknowledges: bool = True
    missing: dict[int, Hole] = field(default_factory=dict)  # ascending numbers
    tallies: dict[LinkName, Tally] = field(default_factory=dict)
    _first: int = 0  # the number that this life, as far as we heard it, began with
    _used: int = 0  # after a loss: numbers up to this one can only be repetitions
    _acknowledged: int = 0
    _known_since: dict[int, Instant] = field(default_factory=dict)  # ascending numbers
    _newest_on: dict[LinkName, tuple[Generation, int]] = field(default_factory=dict)
    _allowance: Allowance = field(init=False)

    def __post_init__(self) -> None:
        self._allowance = Allowance(MAX_REQUESTS, self.max_delay_usec)

    def retune(self, max_delay_usec: Usec) -> None:
        """Ask again after another delay from now on."""
        self.max_delay_usec = max_delay_usec
        self._allowance.span_usec = max_delay_usec

    def check_generation(self, generation: Generation) -> None:
        """Raise CodecError for a message of an earlier life than the one known."""
        if self.generation is not None and generation < self.generation:
            raise rejection(Reason.REPLAYED, "from an earlier generation")

    def follows(self, generation: Generation) -> bool:
        """Whether a status has begun this life and the peer has not been lost since."""
        return self.last is not None and generation == self.generation

    def enter(
        self, link: LinkName, generation: Generation, number: int, now: Instant, *, is_status: bool
    ) -> Accepted:
        """Enter one numbered message; CodecError if it can only be a replay, changing nothing."""
        self.check_generation(generation)
        if not self.follows(generation):
            return self._begin(link, generation, number, now, is_status=is_status)
        arrival = self._place(number, now)
        return Accepted(arrival, refreshes_link=self._refreshes(link, generation, number, now))

    def lose(self) -> None:
        """Expect nothing more of this life unless a new status heals it."""
        self._used = max(self._used, self.last or 0)
        self.last = None
        self.missing.clear()
        self._known_since.clear()

    def forget(self, number: int) -> None:
        """Give a missing number up: the peer does not have it any more."""
        self.missing.pop(number, None)

    def requests(self, now: Instant) -> tuple[int, ...]:
        """The missing numbers to ask for now; each is due again after the maximum delay.

        Beyond what is allowed in that time the least asked come first, the rest wait for the next.
        """
        due = [number for number, hole in self.missing.items() if hole.due <= now]
        due.sort(key=lambda number: (self.missing[number].attempts, number))
        return tuple([number for number in due if self._may_ask(number, now)])

    def next_due(self) -> Instant | None:
        """When `requests` next has something to say."""
        return min((hole.due for hole in self.missing.values()), default=None)

    def acknowledgement(self) -> int | None:
        """The number to acknowledge now, once: all up to it has arrived or was given up.

        One number in ten is acknowledged, which one depends on the seed, so that many nodes do not
        answer the same message at once (heartbeat's rule).
        """
        if self.last is None or not self.acknowledges:
            return None
        complete = next(iter(self.missing)) - 1 if self.missing else self.last
        trigger = scattered(self.seed, -1) % ACK_EVERY
        number = complete - (complete - trigger) % ACK_EVERY
        if number < self._first or number <= self._acknowledged:
            return None
        self._acknowledged = number
        return number

    def _may_ask(self, number: int, now: Instant) -> bool:
        hole = self.missing[number]
        if hole.attempts == MAX_ATTEMPTS:
            del self.missing[number]
            return False
        if not self._allowance.take(now):
            hole.due = self._allowance.renewed_at(now)
            return False
        hole.attempts += 1
        hole.due = Instant(now + self.max_delay_usec)
        return True

    def _begin(
        self, link: LinkName, generation: Generation, number: int, now: Instant, *, is_status: bool
    ) -> Accepted:
        returns = generation == self.generation
        if returns and number <= self._used:
            raise rejection(Reason.REPLAYED, "from before the loss")
        if not is_status:
            return Accepted(Arrival.EARLY)
        restarted = self.generation is not None and not returns
        self.generation = generation
        self.acknowledges = True
        self._used = 0
        self._start_at(number, now)
        return Accepted(
            Arrival.NEW,
            restarted=restarted,
            healed=returns,
            refreshes_link=self._refreshes(link, generation, number, now),
        )

    def _start_at(self, number: int, now: Instant) -> None:
        self.last = self._first = number
        self.missing.clear()
        self._acknowledged = 0
        self._known_since.clear()
        self._known_since[number] = now

    def _place(self, number: int, now: Instant) -> Arrival:
        assert self.last is not None, "only a life that has begun has places"
        if number > self.last:
            self._advance(self.last, number, now)
            return Arrival.NEW
        if self.missing.pop(number, None) is not None:
            return Arrival.LATE
        return Arrival.DUPLICATE

    def _advance(self, last: int, number: int, now: Instant) -> None:
        if number - last - 1 > MAX_GAP:
            self._start_at(number, now)
            return
        for lost in range(last + 1, number):
            self._known_since[lost] = now
            if len(self.missing) < MAX_MISSING:
                self.missing[lost] = Hole(Instant(now + self._first_delay(lost)))
        self._known_since[number] = now
        self.last = number
        while len(self._known_since) > REMEMBERED_NUMBERS:
            del self._known_since[next(iter(self._known_since))]

    def _first_delay(self, number: int) -> int:
        least = MIN_REQUEST_DELAY if self.max_delay_usec >= SHORT_DELAY else Usec(0)
        return least + scattered(self.seed, number) % (self.max_delay_usec - least + 1)

    def _refreshes(self, link: LinkName, generation: Generation, number: int, now: Instant) -> bool:
        """Whether the message proves the link alive, by the last two rules of the module."""
        mark = (generation, number)
        former, newest = self._newest_on.get(link, (Generation(-1), 0))
        if mark <= (former, newest):
            return False
        tally = self.tallies.setdefault(link, Tally())
        tally.heard += 1
        tally.missed += number - newest - 1 if generation == former else 0
        self._newest_on[link] = mark
        known_since = self._known_since.get(number)
        return known_since is not None and now - known_since <= self.patience_usec
