"""The flight recorder: what is written, once, and never more than the hour allows."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from hbd.cluster.event import ClockTicked, Event, TakeoverRequested
from hbd.cluster.node import Node
from hbd.cluster.step import step
from hbd.cluster.terms import SECOND, Instant, JobId, Scope
from hbd.replay.rerun import replay
from hbd.runtime.flight import FlightRecorder
from hbd.story.recording import Recording, read
from hbd.story.taken import Taken
from tests.unit.cluster.driven import fresh


class Journal(logging.Handler):
    """Keeps the lines and their fields."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.lines.append(record)

    @property
    def recorded(self) -> list[Recording]:
        """The recordings among them."""
        found = (getattr(line, "journal", {}).get("HBD_STEPS") for line in self.lines)
        return [read(text) for text in found if text is not None]


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    """What the recorder writes."""
    kept = Journal()
    log = logging.getLogger("hbd.flight")
    monkeypatch.setattr(log, "handlers", [kept])
    monkeypatch.setattr(log, "level", logging.INFO)
    monkeypatch.setattr(log, "propagate", False)
    return kept


def fly(recorder: FlightRecorder, node: Node, seconds: int) -> Node:
    """Let time pass, a step a second."""
    for _ in range(seconds):
        node = take(recorder, node, ClockTicked())
    return node


def take(recorder: FlightRecorder, node: Node, event: Event) -> Node:
    """One step, a second later."""
    decided = step(node, event, Instant(node.stepped_at + SECOND))
    recorder.note(Taken(node, event, decided.node, decided.actions))
    return decided.node


async def test_what_is_written_replays_and_is_written_once(journal: Journal) -> None:
    """Goal: two incidents soon after each other share nothing. Method: write, go on, write."""
    recorder = FlightRecorder()
    node = fly(recorder, fresh().node, 10)
    await recorder.write("first")
    await recorder.write("nothing is new")
    fly(recorder, node, 5)
    recorder.write_now("second")
    assert [(part.first, part.last) for part in journal.recorded] == [(1, 10), (11, 15)]
    assert replay(journal.recorded).differences == []


async def test_only_the_last_steps_are_remembered(journal: Journal) -> None:
    """Goal: memory is bounded. Method: more steps than are remembered."""
    recorder = FlightRecorder(remembered=8)
    fly(recorder, fresh().node, 7)
    due = [recorder.is_due]
    await recorder.write("so far")
    fly(recorder, fresh().node, 20)
    due.append(recorder.is_due)
    await recorder.write("the rest")
    assert due == [False, True]
    assert [(part.first, part.last) for part in journal.recorded] == [(1, 7), (20, 27)]


async def test_what_goes_on_for_long_is_written_at_growing_distances(journal: Journal) -> None:
    """Goal: a stop that hangs does not fill the journal. Method: 150 steps of it, then the end.

    What comes next is another matter, and begins anew.
    """
    recorder = FlightRecorder(remembered=10)
    node = fresh().node
    for _ in range(150):
        node = fly(recorder, node, 1)
        if recorder.is_due:
            await recorder.write("it hangs", goes_on=True)
    await recorder.write("it is over")
    begun = [(1, 10), (21, 30), (61, 70), (141, 150)]
    assert [(part.first, part.last) for part in journal.recorded] == begun
    fly(recorder, node, 10)
    assert recorder.is_due


async def test_the_hours_bytes_are_a_bound_that_is_told_once(journal: Journal) -> None:
    """Goal: a flapping link cannot fill the journal. Method: a small allowance, many writes."""
    recorder = FlightRecorder(bytes_an_hour=5000)
    node = fresh().node
    for _ in range(30):
        node = fly(recorder, node, 3)
        await recorder.write("flapping")
    sizes = [len(getattr(line, "journal", {}).get("HBD_STEPS", "")) for line in journal.lines]
    assert 0 < sum(sizes) <= 5000
    warnings = [line for line in journal.lines if line.levelno == logging.WARNING]
    assert len(warnings) == 1


async def test_what_was_dropped_is_counted_in_the_next_recording(journal: Journal) -> None:
    """Goal: a hole is known as one. Method: an allowance used up, then an hour later."""
    recorder = FlightRecorder(bytes_an_hour=1)
    node = fly(recorder, fresh().node, 4)
    await recorder.write("too much")
    assert journal.recorded == []
    recorder._bytes_an_hour = 100_000
    fly(recorder, node, 2)
    await recorder.write("again")
    assert [(part.first, part.dropped) for part in journal.recorded] == [(5, 4)]


async def test_a_decision_that_failed_is_recorded_as_such_and_fails_again(
    journal: Journal,
) -> None:
    """Goal: an invariant that broke can be looked into. Method: time that goes backwards."""
    recorder = FlightRecorder()
    node = fly(recorder, fresh().node, 3)
    event = TakeoverRequested(JobId(1), Scope.ALL)
    past = Instant(node.stepped_at - 1)
    with pytest.raises(AssertionError) as broken:
        step(node, event, past)
    broken_at = replace(node, stepped_at=past)
    recorder.note(Taken(node, event, broken_at), f"AssertionError: {broken.value}")
    recorder.write_now("a decision failed")
    [part] = journal.recorded
    assert part.broken == f"AssertionError: {broken.value}"
    assert part.steps[-1].event == event
    result = replay([part])
    assert (result.broken, result.differences) == ([part.broken], [])
