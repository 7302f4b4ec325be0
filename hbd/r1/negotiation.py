"""heartbeat's negotiation with `auto_failback on` or `off`: `starting`, `resource`, hand-overs.

The peer's word is coarse: it names shares (`local`, `foreign`), and says what it holds before it
has started it. So a share counts as the peer's from the moment it is claimed, and until its
release is said: by `done` at the end of a hand-over, or by `shutdone`. Between the two nodes of a
pair the ladder is

    reqnodes, repnodes       each has processed what the other said before
    starting, resource       what do you hold; this
    resource isstable=1      that is settled

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
from hbd.r1.handover import Handover
from hbd.r1.loss import Loss, keeps
from hbd.r1.shares import (
    NOTHING,
    Share,
    groups_of,
    held_by,
    hold_of,
    mirrored,
    share_of,
    side_of,
)
from hbd.wire import message
from hbd.wire.message import Exchange, Hold, Message, MessageType, NodeState
from hbd.wire.session import Received

GREET_EVERY = Usec(SECOND)  # reqnodes, as heartbeat repeats it
ASK_EVERY = Usec(5 * SECOND)  # `starting`: it is answered within a second, or was lost

REST_AT = 2  # goodbyes, which are some tenths of a second apart: `shutdone` has long arrived

SHUTDOWN = "shutdown"  # `info` of a resource message: the sender stops, and releases all of it
STANDBY = "standby"  # … the sender has agreed to give, and releases what it no longer claims


class Negotiation:
    """What is known of one heartbeat peer; nothing of it is believed by the core but `report`."""

    def __init__(self) -> None:
        self._loss = Loss()
        self._handover = Handover()
        self._deadtime_usec: Usec | None = None
        self._is_active = False  # its own word: it handles what is said to it
        self._is_acquainted = False
        self._is_answered = False
        self._is_stable = False
        self._is_leaving = False
        self._theirs: Share | None = None  # None: not told
        self._claim_number = 0  # of its newest word on what it holds
        self._claimed: dict[Hold, int] = {}  # the number of its newest claim of each side
        self._greet_at: Instant | None = None
        self._ask_at: Instant | None = None
        self._owes_word = False
        self._said: tuple[Share, bool] | None = None
        self._has_said_leaving = False
        self._has_said_rest = False
        self._due: Instant | None = None

    @property
    def is_acquainted(self) -> bool:
        """See `Manner`."""
        return self._is_acquainted

    def meet_again(self, *, is_new_here: bool) -> None:
        """See `Manner`. What it holds is unknown until it answers."""
        self._handover.forget()
        self._is_acquainted = self._is_acquainted and not is_new_here
        self._is_active = self._is_answered = False
        self._is_stable = self._is_leaving = False
        self._theirs = None
        self._claim_number = 0
        self._claimed = {}
        self._greet_at = self._ask_at = None
        self._owes_word = False
        self._said = None

    def is_life_void(self, node: Node) -> bool:
        """See `Manner`."""
        return self._loss.is_new(node)

    def refusals(self) -> tuple[HandoverRefused, ...]:
        """See `Manner`."""
        return self._handover.refusals()

    def next_due(self) -> Instant | None:
        """See `Manner`."""
        return self._due

    # --- what it says ---------------------------------------------------------------------------

    def hear(self, node: Node, received: Received, heard: Message, now: Instant) -> None:
        """See `Manner`."""
        number = heard.sequence or 0
        match heard.known_type:
            case MessageType.STATUS:
                self._is_active = heard.state is NodeState.ACTIVE
                self._deadtime_usec = heard.deadtime_usec or self._deadtime_usec
            case MessageType.REPNODES:
                self._is_acquainted = True
            case MessageType.STARTING:
                self._is_stable = False
                self._owes_word = True
            case MessageType.RESOURCE:
                self._hear_resource(heard, number, now)
            case MessageType.ASK_RESOURCES:
                self._hear_step(node, heard, number, now)
            case MessageType.HB_TAKEOVER:
                self._handover.asked_to_give(mirrored(share_of(heard.hold)), now)
            case MessageType.SHUTDONE:
                self._is_leaving = True
                self._is_stable = False
                self._theirs = NOTHING
                self._handover.forget()
            case _:
                pass

    def _hear_resource(self, heard: Message, number: int, now: Instant) -> None:
        """Its word on what it holds; a late one is older than what is known."""
        info = heard.get("info")
        if info not in (SHUTDOWN, STANDBY):
            for side in mirrored(share_of(heard.hold)):
                self._claimed[side] = max(number, self._claimed.get(side, 0))
        if number < self._claim_number:
            return
        self._claim_number = number
        self._is_leaving = self._is_leaving or info == SHUTDOWN
        if info == STANDBY:
            self._handover.hear_giving_way(number, now)
        if info != SHUTDOWN:
            claimed = mirrored(share_of(heard.hold))
            before = self._theirs or NOTHING
            kept = NOTHING if heard.is_full else before
            self._theirs = claimed | kept | (self._handover.unreleased & before)
            self._theirs |= self._handover.given
        if heard.is_full and self._ask_at is not None:
            self._is_answered = True
        stable = heard.is_stable
        if stable and not self._is_stable:
            self._owes_word = True  # heartbeat answers every first word of the other's rest
        if stable is not None:
            self._is_stable = stable and not self._is_leaving

    def _hear_step(self, node: Node, heard: Message, number: int, now: Instant) -> None:
        share = share_of(heard.hold)
        if heard.exchange is Exchange.DONE and self._is_taken_back(mirrored(share), number):
            self._handover.forget()
            return
        may_take = self._is_answered and not self._is_leaving
        released = self._handover.hear(node, heard, share, now, may_take=may_take)
        if released and self._theirs is not None:
            self._theirs -= released

    def _is_taken_back(self, released: Share, number: int) -> bool:
        """Whether it has claimed since what a `done` of that number says to be released.

        Thinking this node dead, it took that back, and its word has been on its way ever since.
        """
        claimed_since = any(self._claimed.get(side, 0) > number for side in released)
        return claimed_since and bool(self._handover.unreleased)

    # --- what the core is told ------------------------------------------------------------------

    def report(self, node: Node) -> Report:
        """See `Manner`."""
        phase = Phase.ACTIVE if self._is_active and self._is_answered else Phase.STARTING
        return Report(
            phase=Phase.LEAVING if self._is_leaving else phase,
            deadtime_usec=self._deadtime_usec or node.timing.deadtime_usec,
            groups=tuple(self._word(node, group) for group in node.groups),
            heard=node.generation if self._is_answered else Generation(0),
        )

    def _word(self, node: Node, group: Group) -> GroupReport:
        """Its word on one group, as an ownership record: ours, unless it says otherwise.

        A claim of what is ours by our record means that it has taken over, thinking us dead, or
        served before we came: its word is the newer one.
        """
        side = side_of(node, group)
        epoch, owner = group.epoch, group.owner
        if self._theirs is None:
            return GroupReport(group.name, epoch, owner, GroupState.UNKNOWN)
        if side in self._theirs:
            state = GroupState.STARTED
            if side in self._handover.given:
                state = GroupState.STARTING
            elif side in self._handover.unreleased:
                state = GroupState.STOPPING
            if node.owns(group) and not keeps(node, group):
                epoch, owner = Epoch(epoch + 1), node.peer.name
            return GroupReport(group.name, epoch, owner, state)
        if side in self._handover.taken and not node.owns(group):
            epoch, owner = Epoch(epoch + 1), node.name
        wanted = side in self._handover.wished
        return GroupReport(group.name, epoch, owner, GroupState.STOPPED, wanted=wanted)

    def takes(self, node: Node) -> frozenset[GroupName]:
        """See `Manner`."""
        return frozenset(group.name for group in groups_of(node, self._handover.agreed))

    # --- what is said to it ---------------------------------------------------------------------

    def heed(self, node: Node, now: Instant) -> tuple[Message, ...]:
        """See `Manner`."""
        self._due = None
        if not node.peer.is_heard:
            self._handover.forget()
            if node.peer.is_out:
                self._theirs = NOTHING
            return ()
        if not self._is_acquainted:
            return self._greet(node, now)
        if node.phase is Phase.LEAVING:
            return self._rest(node) if node.goodbyes else self._leave(node)
        if node.phase is Phase.LEFT:
            return ()
        if not _has_looked(node):
            return ()
        words: list[Message] = []
        if self._is_active and not self._is_answered:
            words += self._ask(now)
        if self._is_answered:
            words += self._handover.heed(node, now, self._theirs or NOTHING, self._is_free(node))
            if self._handover.is_over():
                self._owes_word = True
            self._due = _earlier(self._due, self._handover.next_due())
        words += self._tell(node)
        return tuple(words)

    def _is_free(self, node: Node) -> bool:
        """Whether a hand-over may begin: both are at rest, and neither leaves."""
        at_rest = self._is_stable and self._is_active and not self._is_leaving
        return at_rest and node.phase is Phase.ACTIVE and not node.maintenance

    def _greet(self, node: Node, now: Instant) -> tuple[Message, ...]:
        """Ask for its list of nodes: the answer proves that it has read all that we said before."""
        if self._greet_at is not None and now < self._greet_at:
            self._due = self._greet_at
            return ()
        self._greet_at = self._due = Instant(now + GREET_EVERY)
        return (message.reqnodes(node.peer.name),)

    def _ask(self, now: Instant) -> tuple[Message, ...]:
        if self._ask_at is not None and now < self._ask_at:
            self._due = self._ask_at
            return ()
        self._ask_at = self._due = Instant(now + ASK_EVERY)
        return (message.starting(),)

    def _leave(self, node: Node) -> tuple[Message, ...]:
        """Say that this node releases everything; once. What was agreed on goes on to its end."""
        words = self._handover.finish(node)
        if not self._has_said_leaving:
            self._has_said_leaving = True
            last = message.resource(message.Hold.NONE, is_stable=False, info=SHUTDOWN)
            words = (*words, last)
        return words

    def _rest(self, node: Node) -> tuple[Message, ...]:
        """After `shutdone`, that all is over here; once, and to who asks.

        A heartbeat that was told to stop before does not hear it from `shutdone`, and would wait
        for the end of what `isstable=0` has begun. Any other one must hear `shutdone` first, or it
        offers groups to who is gone.
        """
        due = node.goodbyes >= REST_AT and not self._has_said_rest
        if not due and not self._owes_word:
            return ()
        self._has_said_rest, self._owes_word = True, False
        return (message.resource(message.Hold.NONE, is_stable=True),)

    def _tell(self, node: Node) -> tuple[Message, ...]:
        """Say what this node holds, when that is news or somebody waits for it.

        Not what the peer has claimed: that is being let go of here, and is its own already.
        """
        busy = self._handover.is_under_way
        lets_go = any(group.state.is_held and not node.owns(group) for group in node.groups)
        share = held_by(node) - self._handover.agreed - (self._theirs or NOTHING)
        word = (share, node.phase is Phase.ACTIVE and not busy and not lets_go)
        is_news = word != self._said and not busy and self._is_answered
        if not is_news and not self._owes_word:
            return ()
        self._owes_word = False
        self._said = word
        share, stable = word
        return (message.resource(hold_of(share), is_stable=stable),)


def _has_looked(node: Node) -> bool:
    """Whether this node knows what it holds: to claim too much alarms the peer, and so does to
    correct it. Nothing is taken by either meanwhile: the peer has no word to go by."""
    return all(group.state is not GroupState.UNKNOWN for group in node.groups)


def _earlier(one: Instant | None, other: Instant | None) -> Instant | None:
    moments = [moment for moment in (one, other) if moment is not None]
    return min(moments, default=None)
