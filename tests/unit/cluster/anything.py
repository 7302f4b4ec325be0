"""Any event at all, in any order, at any distance in time: the lives of the property tests.

A seed is a life. What happens next is thrown by looking at the node, so that answers often fit what
was asked and the peer often speaks in turn, as they do in life, and often they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from hbd.cluster.action import Action
from hbd.cluster.event import (
    ClockTicked,
    ConfigurationChanged,
    DiskFound,
    DiskLost,
    DiskRead,
    Event,
    FailureCleared,
    FenceConfirmed,
    FenceFailed,
    GoodbyeHeard,
    GroupDefinition,
    GroupObserved,
    GroupStarted,
    GroupStartFailed,
    GroupStopFailed,
    GroupStopped,
    HeartbeatHeard,
    LeaveRequested,
    LineChanged,
    LinkDefinition,
    LinkHeard,
    MaintenanceSet,
    PeerConfirmedDown,
    ResourceChanged,
    ResourceLost,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.node import Node
from hbd.cluster.step import next_deadline, step
from hbd.cluster.terms import (
    MILLISECOND,
    SECOND,
    AutoFailback,
    DiskHolder,
    Epoch,
    Fencing,
    Generation,
    GroupName,
    GroupReport,
    GroupState,
    Instant,
    JobId,
    LineState,
    LinkName,
    NodeName,
    Phase,
    Report,
    ResourceState,
    Scope,
    Usec,
)
from hbd.cluster.timing import Timing
from tests.unit.cluster.driven import (
    DISK,
    DISK_LINK,
    ETHERNET,
    HERE,
    LIFE,
    MAIL,
    ROUTER,
    SERIAL,
    THERE,
    TIMING,
    fresh,
    joined,
    with_router,
)

GHOST = GroupName("ghost")  # a group, a link and a node that this node does not have
STRANGER = NodeName("ttisrv9")
NAMES = (DISK, DISK, DISK, MAIL, MAIL, GHOST)
LINKS = (ETHERNET, SERIAL, ROUTER, LinkName("eth9"))
DISK_LINKS = (*(DISK_LINK,) * 6, None, LinkName("disk-9"))
OBSERVED = (GroupState.STOPPED, GroupState.PARTIAL, GroupState.STARTED)
LONGEST_WAIT = 400 * SECOND  # beyond every limit of the core


@dataclass(frozen=True)
class Taken:
    """One step of a life, as it was taken."""

    before: Node
    event: Event
    now: Instant
    after: Node
    actions: tuple[Action, ...]


def life_of(seed: int, length: int) -> Iterator[Taken]:
    """So many events of the life that `seed` is, and the timer's ticks on the way.

    In some lives the node sleeps through every wait: no timer is in time.
    """
    dice = Dice(seed)
    node, sleeps = dice.beginning(), dice.is_lucky(0.2)
    now = node.stepped_at
    for _ in range(length):
        until = Instant(now + dice.wait())
        while not sleeps and node.phase is not Phase.LEFT and next_deadline(node) < until:
            now = max(now, next_deadline(node))
            yield (taken := take(node, ClockTicked(), now))
            node = taken.after
            assert next_deadline(node) > now or node.phase is Phase.LEFT, "a busy loop"
        now = until
        yield (taken := take(node, dice.event(node), now))
        node = taken.after


def take(node: Node, event: Event, now: Instant) -> Taken:
    """One step; the invariants are asserted within."""
    decided = step(node, event, now)
    return Taken(node, event, now, decided.node, decided.actions)


class Dice:
    """Throws what happens; the same seed throws the same."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._kinds: tuple[Callable[[Node], Event], ...] = (
            *(self._heartbeat,) * 10,
            *(self._answer,) * 8,
            *(self._observed,) * 3,
            *(self._disk,) * 3,
            self._line,
            *(self._request,) * 2,
            self._goodbye,
            self._fencing,
            self._operator,
            self._noise,
            self._resource,
            self._lost,
            self._leave,
            self._reload,
        )

    def is_lucky(self, chance: float) -> bool:
        """One in so many."""
        return self._random.random() < chance

    def beginning(self) -> Node:
        """A node just started, or one in the middle of its day."""
        begin = self._random.choice((fresh, joined))
        homes = self._random.choice(({DISK: HERE}, {DISK: THERE}, {DISK: HERE, MAIL: THERE}))
        driven = begin(homes, auto_failback=self._random.choice(list(AutoFailback)))
        if self.is_lucky(0.5):
            with_router(driven)
        fencing = self._random.choice(list(Fencing))
        return replace(driven.node, fencing=fencing, has_stonith=self.is_lucky(0.4))

    def wait(self) -> int:
        """How long nothing happens, in µs."""
        longest = (0, MILLISECOND, 500 * MILLISECOND, SECOND, 6 * SECOND, LONGEST_WAIT)
        weights = (20, 20, 20, 20, 8, 1)
        return self._random.randint(0, self._random.choices(longest, weights)[0])

    def event(self, node: Node) -> Event:
        """What happens."""
        return self._random.choice(self._kinds)(node)

    def _heartbeat(self, node: Node) -> Event:
        return HeartbeatHeard(*self._said(node))

    def _goodbye(self, node: Node) -> Event:
        return GoodbyeHeard(*self._said(node))

    def _said(self, node: Node) -> tuple[LinkName, Generation, int, Report]:
        choose = self._random.choice
        life = node.peer.generation + choose((0,) * 12 + (1, -1))
        number = node.peer.sequence + choose((1,) * 12 + (0, -1, 300))
        return choose(LINKS), Generation(max(1, life)), max(0, number), self._report(node)

    def _report(self, node: Node) -> Report:
        choose = self._random.choice
        return Report(
            choose((Phase.ACTIVE,) * 6 + tuple(Phase)),
            choose((Usec(5 * SECOND),) * 6 + (Usec(1), Usec(60 * SECOND))),
            tuple(self._word(node, name) for name in (DISK, MAIL) if self.is_lucky(0.9)),
            heard=choose((LIFE,) * 8 + (Generation(0), Generation(LIFE + 1))),
            maintenance=self.is_lucky(0.05),
        )

    def _word(self, node: Node, name: GroupName) -> GroupReport:
        """Mostly what a peer that agrees with us would say."""
        choose, ours = self._random.choice, node.group(name)
        epoch, owner = (0, THERE) if ours is None else (ours.epoch, ours.owner)
        if self.is_lucky(0.2):
            epoch, owner = max(0, epoch + choose((-1, 0, 1, 1, 2))), choose((HERE, THERE, STRANGER))
        state = choose((GroupState.STOPPED,) * 6 + tuple(GroupState))
        return GroupReport(name, Epoch(epoch), owner, state, wanted=self.is_lucky(0.1))

    def _answer(self, node: Node) -> Event:
        name, age = self._random.choice(NAMES), self._random.choice((0,) * 8 + (1, 2, -1))
        group = node.group(name)
        number = (0 if group is None else group.operation) - age
        if self.is_lucky(0.4):
            if self._random.choice((GroupStartFailed, GroupStopFailed)) is GroupStopFailed:
                return GroupStopFailed(name, number, "no")
            return GroupStartFailed(name, number, "no", is_in_use=number % 2 == 1)
        return self._random.choice((GroupStarted, GroupStopped))(name, number)

    def _observed(self, node: Node) -> Event:
        name = self._random.choice(NAMES)
        ours = node.group(name)
        number = (0 if ours is None else ours.definition) - self._random.choice((0,) * 8 + (1,))
        return GroupObserved(name, self._random.choice(OBSERVED), number)

    def _disk(self, _: Node) -> Event:
        choose, link = self._random.choice, self._random.choice(DISK_LINKS)
        if self.is_lucky(0.3):
            return DiskFound(choose(NAMES), reserved=self.is_lucky(0.7), link=link)
        if self.is_lucky(0.2):
            return DiskLost(choose(NAMES), "preempted")
        return DiskRead(link or DISK_LINK, choose(list(DiskHolder)), moved=self.is_lucky(0.5))

    def _line(self, _: Node) -> Event:
        return LineChanged(self._random.choice(LINKS), self._random.choice(list(LineState)))

    def _request(self, _: Node) -> Event:
        kind = self._random.choice((TakeoverRequested, StandbyRequested))
        named = self._random.choice(((), (), (DISK,), (MAIL,), (DISK, MAIL), (GHOST,)))
        job = JobId(self._random.randint(1, 5))
        return kind(job, self._random.choice(list(Scope)), named)

    def _operator(self, node: Node) -> Event:
        job = JobId(self._random.randint(1, 5))
        if node.maintenance or self.is_lucky(0.3):
            return MaintenanceSet(job, on=self.is_lucky(0.4))
        if self.is_lucky(0.5):
            return PeerConfirmedDown(job)
        return FailureCleared(job, self._random.choice(((), (DISK,), (MAIL,), (GHOST,))))

    def _fencing(self, _: Node) -> Event:
        if self.is_lucky(0.3):
            return FenceFailed(THERE, "no")
        return FenceConfirmed(THERE, proven=self.is_lucky(0.5))

    def _noise(self, _: Node) -> Event:
        return LinkHeard(self._random.choice(LINKS)) if self.is_lucky(0.7) else ClockTicked()

    def _resource(self, _: Node) -> Event:
        state = self._random.choice(list(ResourceState))
        text = self._random.choice(("disk-first", "mail-last", "x"))
        return ResourceChanged(self._random.choice(NAMES), text, state, "why")

    def _lost(self, _: Node) -> Event:
        return ResourceLost(self._random.choice(NAMES), "disk-last", "died")

    def _reload(self, node: Node) -> Event:
        """Lines come, go and change; what was kept is what the runtime would find."""
        choose = self._random.choice
        slow = Timing(Usec(2 * SECOND), Usec(5 * SECOND), Usec(20 * SECOND), Usec(20 * SECOND))
        groups = []
        for name in (DISK, MAIL):
            ours = node.group(name)
            known = () if ours is None else tuple(resource.text for resource in ours.resources)
            kept = self._random.randint(0, len(known))
            texts = known[:kept] + choose((known[kept:], (), ("x",), (f"{name}-new", "y")))
            if texts and self.is_lucky(0.8):
                same = len(known) if texts == known else kept
                groups.append(GroupDefinition(name, choose((HERE, THERE)), texts, same))
        links = tuple(
            LinkDefinition(name, name != ROUTER, is_new=self.is_lucky(0.2))
            for name in (ETHERNET, SERIAL, ROUTER)
            if self.is_lucky(0.8)
        )
        timing = choose((TIMING, TIMING, slow))
        failback = choose((node.auto_failback, *AutoFailback))
        return ConfigurationChanged(timing, failback, links, tuple(groups))

    def _leave(self, _: Node) -> Event:
        return LeaveRequested() if self.is_lucky(0.3) else ClockTicked()
