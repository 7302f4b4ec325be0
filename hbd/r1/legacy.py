"""heartbeat's older way, `auto_failback legacy`: a node asks for its own groups, one by one.

    ip-request ipaddr=KEY         I want my group: sent by a node that starts
    ip-request-resp weown=yes|no  it is released: sent by the other, to that node

Nothing else is said: no node tells what it holds, and there is no hand-over by an operator. So a
heartbeat that is alive is taken to hold its own groups, and to hold ours until it has answered.
A group of the other's that is here because the other was away goes back when it is asked for.
Source: heartbeat 3.0.6 as observed.
"""

from __future__ import annotations

from hbd.cluster.event import HandoverRefused
from hbd.cluster.node import Group, Node
from hbd.cluster.terms import (
    SECOND,
    Epoch,
    Generation,
    GroupName,
    GroupReport,
    GroupState,
    Instant,
    Phase,
    Report,
    Usec,
)
from hbd.wire import message
from hbd.wire.message import Message, MessageType, NodeState
from hbd.wire.session import Received

GREET_EVERY = Usec(SECOND)
ASK_EVERY = Usec(30 * SECOND)  # heartbeat stops the group before it answers


class Legacy:
    """What is known of one heartbeat peer that negotiates by group."""

    def __init__(self) -> None:
        self._deadtime_usec: Usec | None = None
        self._is_active = False
        self._is_acquainted = False
        self._greet_at: Instant | None = None
        self._freed: set[GroupName] = set()  # it does not run them: it said so, or was away
        self._asked_at: dict[GroupName, Instant] = {}
        self._asked_by_peer: set[GroupName] = set()
        self._due: Instant | None = None

    @property
    def is_acquainted(self) -> bool:
        """See `Manner`."""
        return self._is_acquainted

    def meet_again(self, *, is_new_here: bool) -> None:
        """See `Manner`. Its new life does not take what is not its own while we live."""
        self._is_acquainted = self._is_acquainted and not is_new_here
        self._is_active = False
        self._greet_at = None
        self._asked_at.clear()
        self._asked_by_peer.clear()

    def is_life_void(self, node: Node) -> bool:
        """See `Manner`. Never here: heartbeat restarts itself, as it cannot tell what it holds."""
        del node
        return False

    def refusals(self) -> tuple[HandoverRefused, ...]:
        """See `Manner`."""
        return ()

    def next_due(self) -> Instant | None:
        """See `Manner`."""
        return self._due

    def hear(self, node: Node, received: Received, heard: Message, now: Instant) -> None:
        """See `Manner`."""
        del now, received
        match heard.known_type:
            case MessageType.STATUS:
                self._is_active = heard.state is NodeState.ACTIVE
                self._deadtime_usec = heard.deadtime_usec or self._deadtime_usec
            case MessageType.REPNODES:
                self._is_acquainted = True
            case MessageType.IP_REQUEST:
                self._asked_by_peer |= self._named(node, heard)
            case MessageType.IP_REQUEST_RESP if heard.destination == node.name and heard.is_ok:
                named = self._named(node, heard)
                self._freed |= named
                for name in named:
                    self._asked_at.pop(name, None)
            case _:
                pass

    @staticmethod
    def _named(node: Node, heard: Message) -> set[GroupName]:
        return {group.name for group in node.groups if group.name == heard.group_key}

    def report(self, node: Node) -> Report:
        """See `Manner`."""
        known = self._is_active and self._is_acquainted
        return Report(
            phase=Phase.ACTIVE if known else Phase.STARTING,
            deadtime_usec=self._deadtime_usec or node.timing.deadtime_usec,
            groups=tuple(self._word(node, group) for group in node.groups),
            heard=node.generation if known else Generation(0),
        )

    def _word(self, node: Node, group: Group) -> GroupReport:
        name, epoch, owner = group.name, group.epoch, group.owner
        asked = name in self._asked_by_peer
        if group.preferred == node.peer.name:
            runs = not node.owns(group)
            state = GroupState.STARTED if runs else GroupState.STOPPED
            if runs and group.wanted and name in self._freed:
                return GroupReport(name, Epoch(epoch + 1), node.name, GroupState.STOPPED)
            return GroupReport(name, epoch, owner, state, wanted=asked)
        if name not in self._freed:
            return GroupReport(name, epoch, owner, GroupState.UNKNOWN)
        if not node.owns(group):
            epoch, owner = Epoch(epoch + 1), node.name
        return GroupReport(name, epoch, owner, GroupState.STOPPED)

    def takes(self, node: Node) -> frozenset[GroupName]:
        """See `Manner`."""
        del node
        return frozenset(self._asked_by_peer)

    def heed(self, node: Node, now: Instant) -> tuple[Message, ...]:
        """See `Manner`."""
        self._due = None
        if node.peer.is_out:  # whatever it had is free for us, and what it asked for is void
            self._freed = {group.name for group in node.groups}
            self._asked_by_peer.clear()
        if not node.peer.is_heard:
            return ()
        if not self._is_acquainted:
            if self._greet_at is None or now >= self._greet_at:
                self._greet_at = self._due = Instant(now + GREET_EVERY)
                return (message.reqnodes(node.peer.name),)
            self._due = self._greet_at
            return ()
        return (*self._answers(node), *self._requests(node, now))

    def _answers(self, node: Node) -> list[Message]:
        """Who asks waits for ever: it is answered when nothing of the group is here."""
        words = []
        for group in node.groups:
            waits = group.name in self._asked_by_peer
            if waits and not node.owns(group) and not group.state.is_held:
                self._asked_by_peer.discard(group.name)
                self._freed.discard(group.name)
                words.append(message.ip_request_resp(node.peer.name, group.name))
        return words

    def _requests(self, node: Node, now: Instant) -> list[Message]:
        """Ask for our own groups that it may run, and for what an operator wants here."""
        words = []
        moving = node.phase in (Phase.STARTING, Phase.ACTIVE) and not node.maintenance
        for group in node.groups:
            ours = group.preferred == node.name and group.name not in self._freed
            wanted = group.wanted and not node.owns(group)
            if not moving or not self._is_active or not (ours or wanted):
                continue
            at = self._asked_at.get(group.name)
            if at is None or now >= at:
                at = self._asked_at[group.name] = Instant(now + ASK_EVERY)
                self._freed.discard(group.name)
                words.append(message.ip_request(group.name))
            self._due = at if self._due is None else min(self._due, at)
        return words
