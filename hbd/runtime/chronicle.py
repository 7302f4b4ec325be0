"""Every step of the core goes through here: decided, told to the journal, remembered.

It connects the pure story (`hbd.story`) with the journal, the history file and the flight
recorder. It changes no decision; what it writes to disks it writes beside the loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from hbd.bus.history import HistoryReadings
from hbd.cluster.action import FinishJob
from hbd.cluster.event import Event
from hbd.cluster.node import Node, Step
from hbd.cluster.step import step
from hbd.cluster.terms import GroupName, Instant, JobResult
from hbd.journal import NOTICE, MessageId, fields
from hbd.runtime.flight import FlightRecorder
from hbd.runtime.history import History
from hbd.runtime.lines import journal_lines
from hbd.runtime.recorder import Recorder
from hbd.story import telling
from hbd.story.taken import Taken
from hbd.story.teller import Story, Told, tell
from hbd.story.transition import Result, Stage, StageResult, Transition

LAST_WORDS_SECONDS: Final = 2.0  # for the disk, when the daemon ends


class Chronicle:
    """Decides by the core, and keeps what came of it."""

    def __init__(self, log: logging.Logger, directory: Path, changed: Callable[[], None]) -> None:
        """`changed` is called when a transition begins or ends."""
        self._log = log
        self._changed = changed
        self._lines = _Lines(log)
        self._recorder = Recorder(self._lines)
        self._history = History(directory)
        self._flight = FlightRecorder()
        self._story = Story()
        self._work: set[asyncio.Task[None]] = set()

    def decide(self, before: Node, event: Event, now: Instant) -> Step:
        """Take one step. What breaks an invariant is written down before it ends the daemon."""
        try:
            decided = step(before, event, now)
        except Exception as error:
            broken = replace(before, stepped_at=now)
            self._flight.note(Taken(before, event, broken), f"{type(error).__name__}: {error}")
            self._flight.write_now("a decision failed")
            raise
        taken = Taken(before, event, decided.node, decided.actions)
        self._flight.note(taken)
        told = tell(self._story, taken)
        self._story = told.story
        self._lines.told = told
        for transition in told.begun:
            self._begun(transition)
        self._recorder.record(before, event, decided.node, decided.actions)
        for transition in told.ended:
            self._ended(transition)
        self._keep_steps(taken, told)
        if told.begun or told.ended:
            self._changed()
        return decided

    @property
    def readings(self) -> HistoryReadings:
        """How the bus asks for it."""
        return HistoryReadings(lambda: self.newest_first, self.last_of, journal_lines)

    @property
    def newest_first(self) -> tuple[Transition, ...]:
        """Every transition that is known, those under way first."""
        running = tuple(reversed([_dated(each) for each in self._story.running]))
        return running + self._history.newest_first

    def last_of(self, group: GroupName) -> str:
        """The id of the group's last transition; empty if none is known."""
        running = [each.id for each in self._story.running if group in each.groups]
        return running[-1] if running else self._history.last_of(group)

    async def close(self) -> None:
        """Give the disk a moment for what is not written yet."""
        if self._story.running:
            self._flight.write_now("the daemon ends")
        if self._work:
            await asyncio.wait(self._work, timeout=LAST_WORDS_SECONDS)

    def _keep_steps(self, taken: Taken, told: Told) -> None:
        """Write the steps where somebody will ask how it came to this."""
        if told.ended:
            self._spawn(self._flight.write(", ".join(each.id for each in told.ended)))
        elif taken.before.watched_since != taken.after.watched_since:
            self._spawn(self._flight.write("this node stood still"))
        elif any(isinstance(a, FinishJob) and a.result is JobResult.REFUSED for a in taken.actions):
            self._spawn(self._flight.write("a request was refused"))
        elif told.story.running and self._flight.is_due:
            self._spawn(self._flight.write("a transition is under way", goes_on=True))

    def _begun(self, transition: Transition) -> None:
        self._log.log(
            NOTICE,
            "%s of %s begins: %s",
            transition.id,
            ", ".join(transition.groups),
            transition.cause.value,
            extra=fields(
                MessageId.TRANSITION_BEGUN,
                transition=transition.id,
                group=transition.groups,
                cause=transition.cause.value,
                rule=tuple(rule.value for rule in transition.rules),
                evidence=tuple(telling.told(each) for each in transition.evidence),
            ),
        )

    def _ended(self, transition: Transition) -> None:
        transition = _dated(transition)
        self._history.add(transition)
        self._spawn(self._history.keep(transition))
        failed = transition.result is Result.FAILED
        self._log.log(
            logging.WARNING if failed else NOTICE,
            "%s",
            telling.summary(transition),
            extra=fields(
                MessageId.TRANSITION_ENDED,
                transition=transition.id,
                group=transition.groups,
                cause=transition.cause.value,
                rule=tuple(rule.value for rule in transition.rules),
                evidence=tuple(telling.told(each) for each in transition.evidence),
                result=transition.result.value,
                usec=transition.usec,
                outage_usec=transition.outage_usec,
            ),
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="chronicle")
        self._work.add(task)
        task.add_done_callback(self._work.discard)


class _Lines(logging.LoggerAdapter[logging.Logger]):
    """Adds to the recorder's lines which transition they belong to, and what a stretch took."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__(log, {})
        self.told = Told(Story())

    def process(
        self,
        msg: Any,  # noqa: ANN401  # the library's
        kwargs: MutableMapping[str, Any],
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """See LoggerAdapter."""
        named = kwargs.get("extra", {}).get("journal")
        if named is not None:
            kwargs["extra"] = {"journal": self._of_transition(named) | named}
        return msg, kwargs

    def _of_transition(self, named: Mapping[str, object]) -> dict[str, object]:
        """What is to be added to a line with these fields."""
        group, resource = named.get("HBD_GROUP"), named.get("HBD_RESOURCE")
        concerned = (*self.told.story.running, *self.told.ended)
        mine = [each for each in concerned if group is None or group in each.groups]
        if not mine:
            return {}
        added = fields(transition=tuple(each.id for each in mine))
        stage = _stage(mine, group, resource) if resource is not None else None
        if stage is not None:
            added["journal"] |= fields(step=telling.label(stage), usec=stage.usec)["journal"]
        return added["journal"]


def _stage(transitions: list[Transition], group: object, resource: object) -> Stage | None:
    """The last stretch of a resource, if it has ended."""
    found = [
        stage
        for transition in transitions
        for stage in transition.stages
        if stage.group == group and stage.resource == resource
    ]
    return found[-1] if found and found[-1].result is not StageResult.RUNNING else None


def _dated(transition: Transition) -> Transition:
    """With the wall clock's word for its beginning."""
    since_usec = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000 - transition.began_at
    return replace(transition, realtime_usec=time.time_ns() // 1000 - since_usec)
