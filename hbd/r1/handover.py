"""Hand-overs with heartbeat: when one begins, what it waits for, and what became of it.

The core only marks groups: it wants to give them (`giving`), or to have them (`wanted`), or has
failed to start them. Here that becomes heartbeat's handshake of a whole share, both roles, and
its `hb_takeover`, by which the taker asks the giver to begin one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hbd.cluster.event import HandoverRefused
from hbd.cluster.node import Group, Node
from hbd.cluster.terms import SECOND, GroupName, GroupState, Instant, Phase, Usec
from hbd.r1.exchange import (
    ASK_LIMIT,
    GIVE_WAY_LIMIT,
    MOVE_LIMIT,
    RETRY_AFTER,
    TAKEOVER_LIMIT,
    TRIES,
    Exchange,
    Role,
    Stage,
)
from hbd.r1.shares import (
    FOREIGN,
    LOCAL,
    NOTHING,
    Share,
    groups_of,
    held_by,
    hold_of,
    is_at_rest,
    mirrored,
)
from hbd.wire import message
from hbd.wire.message import Exchange as Word
from hbd.wire.message import Message

START_LIMIT = Usec(180 * SECOND)  # of what was taken; then heartbeat is told that it is done
WISH_LIMIT = Usec(60 * SECOND)  # a wish of the peer's that could not be followed is forgotten
ORPHANED_FOR = Usec(15 * SECOND)  # nobody claims a share: longer than any step of a negotiation


class Handover:
    """At most one exchange, and what is to follow it."""

    def __init__(self) -> None:
        self._exchange: Exchange | None = None
        self._owed: list[Message] = []
        self._owes_standby = False
        self._is_over = False
        self._wish: tuple[Share, Instant] = (NOTHING, Instant(0))
        self._takeover: tuple[Share, Instant] | None = None  # asked for by us, until when
        self._tries = 0
        self._retry_at = Instant(0)
        self._offered: frozenset[GroupName] = frozenset()  # failed here, and offered since
        self._orphaned_since: Instant | None = None
        self._refused: list[HandoverRefused] = []
        self._moments: list[Instant] = []

    # --- what it means for the peer's word --------------------------------------------------------

    def _share(self, role: Role, *stages: Stage) -> Share:
        exchange = self._exchange
        fits = exchange is not None and exchange.role is role and exchange.stage in stages
        return exchange.share if exchange is not None and fits else NOTHING

    @property
    def agreed(self) -> Share:
        """What the peer has agreed to be given."""
        return self._share(Role.GIVER, Stage.AGREED)

    @property
    def given(self) -> Share:
        """What the peer may start from now on, and has not said to have started."""
        return self._share(Role.GIVER, Stage.GIVEN)

    @property
    def unreleased(self) -> Share:
        """What the peer gives, and may still run whatever it claims."""
        return self._share(Role.TAKER, Stage.AGREED)

    @property
    def taken(self) -> Share:
        """What the peer has given, and this node starts."""
        return self._share(Role.TAKER, Stage.TAKING)

    @property
    def wished(self) -> Share:
        """What the peer's operator wants to go there; it waits for what is being taken from there.

        Else what has just come would not be started, for it is to go back, and never come to rest.
        """
        takes = self._exchange is not None and self._exchange.role is Role.TAKER
        return self.agreed | (NOTHING if takes else self._wish[0])

    @property
    def is_under_way(self) -> bool:
        """Whether both are at it: a request alone is not."""
        return self._exchange is not None and self._exchange.stage is not Stage.ASKED

    def is_over(self) -> bool:
        """Whether an exchange has ended since this was asked."""
        over, self._is_over = self._is_over, False
        return over

    def refusals(self) -> tuple[HandoverRefused, ...]:
        """What the peer did not agree to, told once."""
        refused, self._refused = tuple(self._refused), []
        return refused

    def forget(self) -> None:
        """The peer, or what it knew, is gone."""
        self._exchange = self._takeover = self._orphaned_since = None
        self._forget_wish()
        self._owed = []
        self._owes_standby = False
        self._tries = 0

    def _forget_wish(self) -> None:
        self._wish = (NOTHING, Instant(0))

    # --- what the peer says -----------------------------------------------------------------------

    def asked_to_give(self, share: Share, now: Instant) -> None:
        """Its operator has said hb_takeover."""
        self._wish = (share, Instant(now + WISH_LIMIT))

    def hear(
        self, node: Node, heard: Message, named: Share, now: Instant, *, may_take: bool
    ) -> Share:
        """Take one step; answers what the peer has just released. `named` is in giver's words."""
        number = heard.sequence or 0
        match heard.exchange:
            case Word.ME:
                self._hear_me(node, number, mirrored(named), now, may_take=may_take)
            case Word.OTHER:
                self._hear_other(node, named, now)
            case Word.DONE:
                return self._hear_done(number, mirrored(named), now)
            case None:
                pass
        return NOTHING

    def hear_giving_way(self, number: int, now: Instant) -> None:
        """The peer has heard our `other`, and lets go: from now on it takes what it takes."""
        if self._exchange is not None and self.unreleased and number > self._exchange.number:
            self._exchange = replace(self._exchange, deadline=Instant(now + MOVE_LIMIT))

    def _hear_me(
        self, node: Node, number: int, share: Share, now: Instant, *, may_take: bool
    ) -> None:
        """Agree, or be silent: there is no other refusal."""
        exchange = self._exchange
        given_up = exchange is not None and bool(self.unreleased) and now >= exchange.repeat_at
        free = exchange is None or (given_up and number > exchange.number)
        if may_take and free and node.phase is Phase.ACTIVE and not node.maintenance:
            deadline, repeat_at = Instant(now + GIVE_WAY_LIMIT), Instant(now + ASK_LIMIT)
            self._exchange = Exchange(Role.TAKER, share, Stage.AGREED, deadline, number, repeat_at)
            self._takeover = None
            self._tries = 0
            self._forget_wish()
            self._owed.append(message.ask_resources(hold_of(mirrored(share)), Word.OTHER))

    def _hear_other(self, node: Node, share: Share, now: Instant) -> None:
        """Go on with what was asked for; also after it was given up, if it is still to go."""
        if self._exchange is None:
            asked = bool(share) and share <= _to_give(node)
        else:
            asked = self._share(Role.GIVER, Stage.ASKED) == share
        if asked:
            deadline = Instant(now + MOVE_LIMIT)
            self._exchange = Exchange(Role.GIVER, share, Stage.AGREED, deadline)
            self._owes_standby = True
            self._tries = 0

    def _hear_done(self, number: int, share: Share, now: Instant) -> Share:
        """What is named is released: not always what was agreed on, if much was said at once."""
        exchange = self._exchange
        if self.given:
            self._exchange = None
            self._is_over = True
        if exchange is None or not self.unreleased or number < exchange.number:
            return NOTHING  # a heartbeat that has taken over says it to itself
        deadline = Instant(now + START_LIMIT)
        self._exchange = replace(exchange, share=share, stage=Stage.TAKING, deadline=deadline)
        return share

    # --- what this node says ----------------------------------------------------------------------

    def heed(self, node: Node, now: Instant, theirs: Share, is_free: bool) -> list[Message]:  # noqa: FBT001  # read by its name where it is made
        """What is to be said now; `is_free`: a hand-over may begin."""
        self._moments = []
        started = {group.name for group in node.groups if group.state is GroupState.STARTED}
        self._offered -= started
        wished = groups_of(node, self._wish[0])
        if now >= self._wish[1] or not any(node.owns(group) for group in wished):
            self._forget_wish()
        words, self._owed = self._owed, []
        if self._owes_standby:
            self._owes_standby = False
            left = held_by(node) - self.agreed
            words.append(message.resource(hold_of(left), is_stable=False, info="standby"))
        words += self.finish(node)
        words += self._finish_taking(node, now)
        self._give_up(node, now)
        if self._exchange is None and is_free and self._takeover is None and now >= self._retry_at:
            words += self._begin(node, now, theirs)
        else:
            self._moments.append(self._retry_at)
        self._moments += [self._exchange.deadline] if self._exchange is not None else []
        self._moments += [self._takeover[1]] if self._takeover is not None else []
        self._moments = [moment for moment in self._moments if moment > now]
        return words

    def next_due(self) -> Instant | None:
        """When time alone brings something."""
        return min(self._moments, default=None)

    def finish(self, node: Node) -> tuple[Message, ...]:
        """Say `done` once all that was agreed on is released here, and the peer's by the record."""
        exchange = self._exchange
        if exchange is None or not self.agreed:
            return ()
        groups = groups_of(node, exchange.share)
        if any(node.owns(group) or group.state.is_held for group in groups):
            return ()
        self._exchange = replace(exchange, stage=Stage.GIVEN)
        return (message.ask_resources(hold_of(exchange.share), Word.DONE),)

    def _finish_taking(self, node: Node, now: Instant) -> tuple[Message, ...]:
        exchange = self._exchange
        if exchange is None or not self.taken:
            return ()
        groups = groups_of(node, exchange.share)
        waits = any(node.owns(group) and not is_at_rest(group) for group in groups)
        if waits and now < exchange.deadline:
            return ()
        self._exchange = None
        self._is_over = True
        return (message.ask_resources(hold_of(mirrored(exchange.share)), Word.DONE),)

    def _give_up(self, node: Node, now: Instant) -> None:
        """A `me` or hb_takeover that is not answered was refused: try again, or tell who waits."""
        exchange, takeover = self._exchange, self._takeover
        if exchange is not None and now >= exchange.deadline:
            self._exchange = None
            if exchange.stage is Stage.ASKED:
                self._try_again(node, exchange.share, now)
        if takeover is not None and now >= takeover[1]:
            self._takeover = None
            self._try_again(node, takeover[0], now)

    def _try_again(self, node: Node, share: Share, now: Instant) -> None:
        self._tries += 1
        self._retry_at = Instant(now + RETRY_AFTER)
        names = {group.name for group in groups_of(node, share)}
        waited_for = {name for job in node.jobs for name in job.groups} & names
        if self._tries >= TRIES and waited_for:
            self._tries = 0
            why = f"heartbeat on {node.peer.name} did not agree; see its log"
            self._refused.append(HandoverRefused(tuple(sorted(names)), why))

    def _begin(self, node: Node, now: Instant, theirs: Share) -> list[Message]:
        share = _to_give(node) or self._to_offer(node)
        if share:
            self._forget_wish()
            self._offered |= {group.name for group in groups_of(node, share)}
            deadline = Instant(now + ASK_LIMIT)
            self._exchange = Exchange(Role.GIVER, share, Stage.ASKED, deadline)
            return [message.ask_resources(hold_of(share), Word.ME)]
        share = _to_take(node) or self._orphans(node, now, theirs)
        if share:
            self._takeover = (share, Instant(now + TAKEOVER_LIMIT))
            return [message.hb_takeover(hold_of(share))]
        return []

    def _to_offer(self, node: Node) -> Share:
        """What has wholly failed to start here: perhaps it does there. Once for each failure."""
        return _sides(
            node,
            lambda groups: all(
                group.state is GroupState.START_FAILED and group.name not in self._offered
                for group in groups
            ),
            owner=node.name,
        )

    def _orphans(self, node: Node, now: Instant, theirs: Share) -> Share:
        """What neither node claims, though the record says it is the peer's.

        heartbeat has been killed and came back without it, and some of it may run there still. So
        it is not just started here, but asked for: what gives a share stops it first.
        """
        share = _sides(node, lambda _groups: True, owner=node.peer.name) - theirs
        if not share:
            self._orphaned_since = None
            return NOTHING
        if self._orphaned_since is None:
            self._orphaned_since = now
        due = Instant(self._orphaned_since + ORPHANED_FOR)
        if now < due:
            self._moments.append(due)
            return NOTHING
        self._orphaned_since = None
        return share


def _sides(node: Node, fits: Callable[[list[Group]], bool], *, owner: str) -> Share:
    """The sides of which `owner` has groups, and of which all that it has fit."""
    fitting = NOTHING
    for side in (LOCAL, FOREIGN):
        groups = [group for group in groups_of(node, side) if group.owner == owner]
        if groups and fits(groups):
            fitting |= side
    return fitting


def _to_give(node: Node) -> Share:
    """What the core wants to give, as far as that is all that this node has of it."""
    return _sides(node, lambda groups: all(group.giving for group in groups), owner=node.name)


def _to_take(node: Node) -> Share:
    """What an operator wants here."""
    peer = node.peer.name
    return _sides(node, lambda groups: all(group.wanted for group in groups), owner=peer)
