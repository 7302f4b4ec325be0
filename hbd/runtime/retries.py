"""What was already said of a stop or start that is tried again and again: it says nothing twice.

A group that cannot be stopped is tried every 5 s, perhaps for days; so is one whose address is
still answered for by a machine that has lost the disk. The first try is told step by step; later
ones only where something comes out otherwise, and once a minute that it still fails.
Pure: instants are µs on CLOCK_BOOTTIME, and come with the call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hbd.cluster.change import FORGOTTEN, Change
from hbd.cluster.event import ResourceChanged
from hbd.cluster.terms import SECOND, GroupState, Instant, ResourceState, Usec

REMINDER_USEC: Final = Usec(60 * SECOND)

_ON_THE_WAY = (ResourceState.STARTING, ResourceState.STOPPING)
_AT_WORK = (GroupState.STARTING.value, GroupState.STOPPING.value)


class Telling(Enum):
    """How a group's change is told."""

    IN_FULL = "in-full"
    STILL = "still"  # as a reminder: with how often, and for how long
    NOT = "not"


@dataclass(slots=True)
class Retry:
    """A group's stop or start that failed and is tried again. `tries` counts the failures."""

    since: Instant
    told_at: Instant
    why: str
    tries: int = 1


class Retries:
    """What was said of every group; as many entries as haresources has resources."""

    def __init__(self) -> None:
        self._retries: dict[str, Retry] = {}
        self._outcomes: dict[str, dict[tuple[str, ResourceState], str]] = {}

    def is_news(self, event: ResourceChanged) -> bool:
        """Whether a resource's new state is to be told; it counts as told then."""
        is_again = event.group in self._retries
        if event.state in _ON_THE_WAY:
            return not is_again
        outcomes = self._outcomes.setdefault(event.group, {})
        before = outcomes.get((event.resource, event.state))
        outcomes[event.resource, event.state] = event.why
        return not is_again or before != event.why

    def telling(self, change: Change, now: Instant, *, is_tried_again: bool = False) -> Telling:
        """How a group's new state is to be told; it counts as told then.

        `is_tried_again`: it is a start that failed, and is asked for again without anybody's word.
        """
        retry = self._retries.get(change.name)
        if change.now == GroupState.STOP_FAILED.value or is_tried_again:
            return self._failed(retry, change, now)
        if retry is not None and change.now in _AT_WORK:
            return Telling.NOT
        self._retries.pop(change.name, None)
        if change.now == FORGOTTEN:
            self._outcomes.pop(change.name, None)
        return Telling.IN_FULL

    def _failed(self, retry: Retry | None, change: Change, now: Instant) -> Telling:
        if retry is None:
            self._retries[change.name] = Retry(since=now, told_at=now, why=change.why)
            return Telling.IN_FULL
        retry.tries += 1
        is_new = change.why != retry.why
        if not is_new and now < retry.told_at + REMINDER_USEC:
            return Telling.NOT
        retry.told_at, retry.why = now, change.why
        return Telling.IN_FULL if is_new else Telling.STILL

    def of(self, group: str) -> Retry:
        """The retry that is to be told as STILL."""
        return self._retries[group]

    def begin_anew(self, groups: Iterable[str]) -> None:
        """Somebody asks for one more try: its outcome is told in full, whatever it is."""
        for group in tuple(groups) or tuple(self._retries):
            self._retries.pop(group, None)
