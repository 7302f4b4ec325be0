"""The one queue of events, bounded where the world can flood it.

Heartbeats may be dropped when too many wait (the next one says the same); commands and answers
may not. One event at a time is handled, never one within another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from hbd.cluster.event import Event, HeartbeatHeard, LinkHeard
from hbd.r1.translator import Heard

HEARTBEATS_WAITING = 256  # at 20 heartbeats a second more than ten seconds' worth
EVENTS_A_TURN = 64  # then sockets and timers get theirs

_DROPPABLE = (HeartbeatHeard, LinkHeard)

Item = Event | Heard  # what a heartbeat peer said is translated when its turn comes


class Inbox:
    """Takes events from anywhere on the loop and hands them to `handle` in order."""

    def __init__(self, handle: Callable[[Item], None]) -> None:
        self._handle = handle
        self._waiting: deque[Item] = deque()
        self._heartbeats = 0
        self._scheduled = False
        self._is_closed = False
        self.dropped_count = 0

    def close(self) -> None:
        """The daemon ends: nothing that waits or comes is handled any more."""
        self._is_closed = True
        self._waiting.clear()

    def post(self, event: Item) -> None:
        """Queue an event; a heartbeat beyond the bound is counted and forgotten."""
        if self._is_closed:
            return
        if _may_be_dropped(event):
            if self._heartbeats >= HEARTBEATS_WAITING:
                self.dropped_count += 1
                return
            self._heartbeats += 1
        self._waiting.append(event)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and self._waiting:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        for _ in range(min(EVENTS_A_TURN, len(self._waiting))):
            if not self._waiting:
                break
            event = self._waiting.popleft()
            if _may_be_dropped(event):
                self._heartbeats -= 1
            self._handle(event)
        self._schedule()


def _may_be_dropped(item: Item) -> bool:
    return item.may_be_dropped if isinstance(item, Heard) else isinstance(item, _DROPPABLE)
