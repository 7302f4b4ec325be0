"""The core's words as messages, and messages as the core's events.

Between two hbd nodes the report inside a message is all that counts; the heartbeat words around it
(`st`, `rsc_hold`) say the same to whoever listens. It decides nothing: a message without a report
only proves that a link works.
"""

from __future__ import annotations

from collections.abc import Mapping

from hbd.cluster.action import Announce, SayGoodbye, SendHeartbeat
from hbd.cluster.event import GoodbyeHeard, HeartbeatHeard, LinkHeard
from hbd.cluster.terms import GroupName, GroupState, LinkName, NodeName, Phase, Report
from hbd.wire import message
from hbd.wire.message import Hold, Message, MessageType, NodeState
from hbd.wire.session import Received

_SETTLED = (GroupState.STOPPED, GroupState.STARTED, GroupState.START_FAILED)


class Speech:
    """Translates for one node, which must know which groups are its own (`preferred`)."""

    def __init__(self, node: NodeName, preferred: Mapping[GroupName, NodeName]) -> None:
        self._node = node
        self._preferred = preferred

    def message(self, action: SendHeartbeat | Announce | SayGoodbye) -> Message:
        """What to send for an action; CodecError only if names do not fit the wire."""
        report = action.report
        match action:
            case SendHeartbeat():
                state = NodeState.UP if report.phase is Phase.STARTING else NodeState.ACTIVE
                return message.status(state, deadtime_usec=report.deadtime_usec, report=report)
            case Announce():
                # A heartbeat acts on it at once: nothing is settled while this node is starting.
                settled = all(group.state in _SETTLED for group in report.groups)
                stable = settled and report.phase is Phase.ACTIVE
                return message.resource(self._held(report), is_stable=stable, report=report)
            case SayGoodbye():
                return message.shutdone(report=report)

    def _held(self, report: Report) -> Hold:
        mine = [g.name for g in report.groups if g.owner == self._node and g.state.is_held]
        local = any(self._preferred.get(name) == self._node for name in mine)
        foreign = any(self._preferred.get(name) != self._node for name in mine)
        words = {
            (False, False): Hold.NONE,
            (True, False): Hold.LOCAL,
            (False, True): Hold.FOREIGN,
            (True, True): Hold.ALL,
        }
        return words[local, foreign]


def event_of(
    link: LinkName, received: Received
) -> HeartbeatHeard | GoodbyeHeard | LinkHeard | None:
    """What the core must hear of a received message; None: nothing at all."""
    heard, report = received.message, received.report
    if heard is None or report is None or received.generation is None:
        return LinkHeard(link) if received.refreshes_link else None
    goodbye = heard.known_type is MessageType.SHUTDONE
    event = GoodbyeHeard if goodbye else HeartbeatHeard
    return event(link, received.generation, heard.sequence or 0, report)
