"""The conversation with a heartbeat peer: its words in, the core's events and our words out.

Sans-I/O. `recognise` learns what program the peer is: hbd's every status carries a report, and
heartbeat's never does. A heartbeat stays one until its next life, when an hbd may have replaced it;
a report proves an hbd at any time.

Everything that is sent is decided in `heed`, from what the core believes after it has believed
what was heard: so an answer never says less than is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from hbd.cluster.action import Announce, SayGoodbye, SendHeartbeat
from hbd.cluster.event import GoodbyeHeard, HandoverRefused, HeartbeatHeard, LinkHeard
from hbd.cluster.node import Node
from hbd.cluster.terms import (
    AutoFailback,
    Generation,
    GroupName,
    Implementation,
    Instant,
    LinkName,
    Phase,
    Report,
    Usec,
)
from hbd.r1.legacy import Legacy
from hbd.r1.negotiation import Negotiation
from hbd.wire import message
from hbd.wire.message import REPORT_FIELD, Message, MessageType, NodeState
from hbd.wire.session import Received, Verdict

_FRESH = (Verdict.NEW, Verdict.LATE)

Word = SendHeartbeat | Announce | SayGoodbye


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a heartbeat peer, as it waits for its turn."""

    link: LinkName
    received: Received

    @property
    def may_be_dropped(self) -> bool:
        """Whether the next one says the same."""
        heard = self.received.message
        return heard is None or heard.known_type is MessageType.STATUS


@dataclass(frozen=True, slots=True)
class Heeded:
    """What follows from the core's belief: to be sent in order, posted, and done.

    `renews`: this node must begin a new life on the wire, written down before it speaks again.
    """

    messages: tuple[Message, ...] = ()
    events: tuple[HandoverRefused, ...] = field(default=())
    renews: bool = False


class Manner(Protocol):
    """One of heartbeat's two ways of agreeing on groups."""

    def hear(self, node: Node, received: Received, heard: Message, now: Instant) -> None:
        """Believe one message of the peer."""

    def report(self, node: Node) -> Report:
        """What the peer would say of itself if it were an hbd."""

    def takes(self, node: Node) -> frozenset[GroupName]:
        """The groups that it has agreed to be given."""

    def heed(self, node: Node, now: Instant) -> tuple[Message, ...]:
        """What is to be said now that the core believes `node`."""

    def refusals(self) -> tuple[HandoverRefused, ...]:
        """What the peer did not agree to, told once."""

    def next_due(self) -> Instant | None:
        """When `heed` has something to say that time alone brings."""

    def is_life_void(self, node: Node) -> bool:
        """Whether the peer may have thought this life of ours over: said once for each time."""

    def meet_again(self, *, is_new_here: bool) -> None:
        """A new life there or here: nothing that was agreed on counts any more."""

    @property
    def is_acquainted(self) -> bool:
        """Whether the peer has shown that it knows this life of ours."""


class Translator:
    """For one node and its peer, over all lives of the peer."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._implementation: Implementation | None = None
        self._generation = Generation(0)
        self._manner: Manner = _manner_of(node)
        self._mode = node.auto_failback is AutoFailback.LEGACY
        self._sequence = 0
        self._goodbyes = 0
        self._is_renewing = False

    @property
    def is_heartbeat(self) -> bool:
        """Whether the peer is a heartbeat, by its last status."""
        return self._implementation is Implementation.HEARTBEAT

    def recognise(self, received: Received) -> None:
        """Learn from an accepted status what program the peer is."""
        heard = received.message
        if received.verdict not in _FRESH or heard is None or received.generation is None:
            return
        if heard.known_type is not MessageType.STATUS:
            return
        if heard.value(REPORT_FIELD) is not None:
            self._implementation = Implementation.HBD
        elif self._implementation is not Implementation.HBD or (
            received.generation > self._generation
        ):
            self._implementation = Implementation.HEARTBEAT
        if received.generation > self._generation or received.healed:
            self._manner.meet_again(is_new_here=False)
        self._generation = max(self._generation, received.generation)

    def hear(self, item: Heard, now: Instant) -> HeartbeatHeard | GoodbyeHeard | LinkHeard | None:
        """What the core must hear of a message; the state here changes, too."""
        received, link = item.received, item.link
        heard = received.message
        fresh = received.verdict in _FRESH and heard is not None
        if not fresh or heard is None or received.generation is None:
            return LinkHeard(link) if received.refreshes_link else None
        node = self._node
        self._manner.hear(node, received, heard, now)
        report = self._manner.report(node)
        self._sequence += 1
        if heard.known_type is MessageType.SHUTDONE:
            return GoodbyeHeard(
                link, received.generation, self._sequence, report, Implementation.HEARTBEAT
            )
        return HeartbeatHeard(
            link,
            received.generation,
            self._sequence,
            report,
            Implementation.HEARTBEAT,
            self._manner.takes(node),
        )

    def heed(self, node: Node, now: Instant) -> Heeded:
        """Say what follows from the core's newest belief; called after every step."""
        self._node = node
        if (node.auto_failback is AutoFailback.LEGACY) is not self._mode:
            self._mode = not self._mode
            self._manner = _manner_of(node)
        if not self.is_heartbeat:
            return Heeded()
        if self._manner.is_life_void(node) and not self._is_renewing:
            self._is_renewing = True
            self._manner.meet_again(is_new_here=True)
            return Heeded(renews=True)
        if self._is_renewing:
            return Heeded()
        return Heeded(self._manner.heed(node, now), self._manner.refusals())

    def renewed(self) -> None:
        """The new life is written down, or could not be: this node may speak again."""
        self._is_renewing = False

    def message(self, action: Word, natively: Callable[[Word], Message]) -> Message | None:
        """The core's word as the peer understands it; None: it is told by other words, or later.

        An hbd is spoken to `natively`. What is held is announced to nobody who was not heard yet: a
        heartbeat would take it for part of a negotiation that has not begun.
        """
        if self._implementation is None and isinstance(action, Announce):
            return None
        if not self.is_heartbeat:
            return natively(action)
        if self._is_renewing:
            return None
        deadtime_usec = action.report.deadtime_usec
        match action:
            case SendHeartbeat():
                return self._status(deadtime_usec, action.report)
            case Announce():
                return None
            case SayGoodbye():
                self._goodbyes += 1
                if self._goodbyes == 1:
                    return message.shutdone()
                return message.status(NodeState.ACTIVE, deadtime_usec=deadtime_usec)

    def _status(self, deadtime_usec: Usec, report: Report) -> Message:
        """The report stays out of it once the peer has shown that it is a heartbeat that knows us.

        Until then it goes along, for whoever may be an hbd by now: heartbeat does not look at it.
        """
        if self._manner.is_acquainted:
            return message.status(NodeState.ACTIVE, deadtime_usec=deadtime_usec)
        starting = report.phase is Phase.STARTING
        state = NodeState.UP if starting else NodeState.ACTIVE
        return message.status(state, deadtime_usec=deadtime_usec, report=report)

    def next_due(self) -> Instant | None:
        """When the core is to be given a tick, and `heed` called."""
        return self._manner.next_due() if self.is_heartbeat else None


def _manner_of(node: Node) -> Manner:
    return Legacy() if node.auto_failback is AutoFailback.LEGACY else Negotiation()
