"""Recorded steps taken again: whatever a life meets is written, read and decided the same."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hbd.cluster.event import Event
from hbd.cluster.node import Node
from hbd.replay.rerun import replay
from hbd.story.codec import from_plain, to_plain
from hbd.story.recording import Numbered, Recording, read, recordings
from tests.sim.test_transitions import live
from tests.sim.witness import Witness

VERSION = "1.0.0"


def written(steps: list[Numbered]) -> list[Recording]:
    """The steps as the journal has them, read back."""
    return [read(text) for text in recordings(steps, version=VERSION, wall_usec=7)]


def lives(witness: Witness) -> list[list[Numbered]]:
    """The steps of each life."""
    return list(witness.steps.values())


@pytest.mark.parametrize("seed", range(21, 27))
def test_whatever_a_life_meets_is_replayed_without_a_difference(seed: int) -> None:
    """Goal: a recording tells what the core did. Method: seeded faults, written, read, decided."""
    _, witness = live(seed)
    found = [each for steps in lives(witness) for each in written(steps)]
    result = replay(found)
    assert result.differences == []
    assert result.gaps == []
    assert len(result.scenes) == sum(map(len, lives(witness)))


@pytest.mark.parametrize("seed", range(31, 34))
def test_every_event_and_belief_that_is_met_comes_back_as_it_was(seed: int) -> None:
    """Goal: the codec loses nothing. Method: each event, belief and action, through JSON text."""
    _, witness = live(seed)
    steps = [each.taken for life in lives(witness) for each in life]
    kinds = {type(taken.event) for taken in steps}
    assert len(kinds) > 8, "a life that met enough"
    for taken in steps[::7]:
        plain = json.loads(json.dumps(to_plain(Node, taken.after)))
        assert from_plain(Node, plain) == taken.after
    for taken in steps:
        plain = json.loads(json.dumps(to_plain(Event, taken.event)))
        assert from_plain(Event, plain) == taken.event


def test_a_decision_that_was_tampered_with_is_found() -> None:
    """Goal: a difference is seen. Method: one recorded action left out, one belief altered."""
    _, witness = live(41)
    part = written(lives(witness)[0])[0]
    place, noted = next((i, n) for i, n in enumerate(part.steps) if n.actions)
    steps = (*part.steps[:place], replace(noted, actions=()), *part.steps[place + 1 :])
    [found] = replay([replace(part, steps=steps)]).differences
    assert found.step == part.first + place
    [found] = replay([replace(part, digest=part.digest ^ 1)]).differences
    assert found.step == part.last


def test_a_missing_part_is_a_gap_and_the_same_part_twice_counts_once() -> None:
    """Goal: journals may overlap and have holes. Method: parts left out and doubled."""
    _, witness = live(42)
    steps = max(lives(witness), key=len)
    parts = written(steps)
    assert len(parts) >= 3, "a life long enough for several parts"
    result = replay([parts[0], parts[0], parts[2]])
    life = (steps[0].taken.after.name, steps[0].taken.after.generation)
    assert result.gaps == [(life, len(parts[1].steps))]
    assert len(result.scenes) == len(parts[0].steps) + len(parts[2].steps)
    assert result.differences == []


def test_a_belief_that_changed_between_two_steps_begins_a_new_recording() -> None:
    """Goal: a reload does not break replay. Method: a node replaced from outside the core."""
    _, witness = live(43)
    steps = lives(witness)[0][:20]
    strange = replace(steps[10].taken, before=replace(steps[10].taken.before))
    changed = [*steps[:10], replace(steps[10], taken=strange), *steps[11:]]
    assert [len(part.steps) for part in written(changed)] == [10, 10]
