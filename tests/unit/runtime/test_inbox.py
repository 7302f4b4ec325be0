"""The one queue: in order, one at a time, bounded where the world can flood it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from hbd.cluster.event import (
    ClockTicked,
    Event,
    FenceConfirmed,
    GoodbyeHeard,
    GroupStopped,
    HeartbeatHeard,
    LeaveRequested,
    LinkHeard,
    TakeoverRequested,
)
from hbd.cluster.terms import (
    SECOND,
    Generation,
    GroupName,
    JobId,
    LinkName,
    NodeName,
    Phase,
    Report,
    Scope,
)
from hbd.runtime.inbox import EVENTS_A_TURN, HEARTBEATS_WAITING, Inbox, Item
from tests.unit.runtime.parts import some_turns, turns_until

LINK = LinkName("eth1")
WORD = Report(Phase.ACTIVE, SECOND)


def heartbeat(number: int) -> HeartbeatHeard:
    """One of many."""
    return HeartbeatHeard(LINK, Generation(1), number, WORD)


class Desk:
    """An inbox, and what came out of it."""

    def __init__(self) -> None:
        self.handled: list[Item] = []
        self.on_event: Callable[[Item], None] | None = None
        self.inbox = Inbox(self._handle)

    def _handle(self, event: Item) -> None:
        self.handled.append(event)
        if self.on_event is not None:
            self.on_event(event)


async def test_events_come_out_in_the_order_in_which_they_went_in() -> None:
    """Goal: causes before effects. Method: different kinds, many."""
    desk = Desk()
    events: list[Item] = [
        heartbeat(1),
        ClockTicked(),
        GroupStopped(GroupName("disk"), 1),
        heartbeat(2),
    ]
    for event in events:
        desk.inbox.post(event)
    await turns_until(lambda: len(desk.handled) == len(events))
    assert desk.handled == events


async def test_nothing_is_handled_within_a_post() -> None:
    """Goal: no step within a step. Method: look right after posting; post while handling."""
    desk = Desk()
    depth = deepest = 0

    def on_event(event: Item) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(deepest, depth)
        if isinstance(event, LeaveRequested):
            desk.inbox.post(ClockTicked())
        depth -= 1

    desk.on_event = on_event
    desk.inbox.post(LeaveRequested())
    assert desk.handled == []
    await turns_until(lambda: len(desk.handled) == 2)
    assert desk.handled == [LeaveRequested(), ClockTicked()]
    assert deepest == 1


async def test_heartbeats_beyond_the_bound_are_counted_and_forgotten() -> None:
    """Goal: a flood fills no memory. Method: more than the bound before the loop turns."""
    desk = Desk()
    for number in range(HEARTBEATS_WAITING + 7):
        desk.inbox.post(heartbeat(number) if number % 2 else LinkHeard(LINK))
    assert desk.inbox.dropped_count == 7
    await turns_until(lambda: len(desk.handled) == HEARTBEATS_WAITING)
    await some_turns()
    assert len(desk.handled) == HEARTBEATS_WAITING


@pytest.mark.parametrize(
    "event",
    [
        ClockTicked(),
        GroupStopped(GroupName("disk"), 1),
        FenceConfirmed(NodeName("ttisrv2"), proven=True),
        GoodbyeHeard(LINK, Generation(1), 1, WORD),
        TakeoverRequested(JobId(1), Scope.ALL),
        LeaveRequested(),
    ],
)
async def test_nothing_else_is_ever_dropped(event: Event) -> None:
    """Goal: no answer and no wish is lost in a flood. Method: each, behind a full queue."""
    desk = Desk()
    for number in range(HEARTBEATS_WAITING + 1):
        desk.inbox.post(heartbeat(number))
    for _ in range(2 * HEARTBEATS_WAITING):
        desk.inbox.post(event)
    await turns_until(lambda: len(desk.handled) == 3 * HEARTBEATS_WAITING)
    assert desk.handled.count(event) == 2 * HEARTBEATS_WAITING
    assert desk.inbox.dropped_count == 1


async def test_a_queue_that_was_full_takes_heartbeats_again() -> None:
    """Goal: the bound is on what waits. Method: fill, empty, fill."""
    desk = Desk()
    for _ in range(2):
        desk.handled.clear()
        for number in range(HEARTBEATS_WAITING):
            desk.inbox.post(heartbeat(number))
        await turns_until(lambda: len(desk.handled) == HEARTBEATS_WAITING)
    assert desk.inbox.dropped_count == 0


async def test_a_long_queue_leaves_turns_to_others() -> None:
    """Goal: sockets and timers get theirs. Method: how much is handled in one turn."""
    desk = Desk()
    for _ in range(3 * EVENTS_A_TURN):
        desk.inbox.post(ClockTicked())
    sizes = []

    def look() -> bool:
        sizes.append(len(desk.handled))
        return sizes[-1] == 3 * EVENTS_A_TURN

    await turns_until(look)
    assert max(after - before for before, after in itertools.pairwise(sizes)) <= EVENTS_A_TURN


async def test_a_closed_inbox_handles_nothing_more() -> None:
    """Goal: after a crash nothing is decided. Method: close while handling; post afterwards."""
    desk = Desk()
    desk.on_event = lambda _: desk.inbox.close()
    for _ in range(3):
        desk.inbox.post(ClockTicked())
    await some_turns()
    desk.inbox.post(LeaveRequested())
    await some_turns()
    assert desk.handled == [ClockTicked()]
