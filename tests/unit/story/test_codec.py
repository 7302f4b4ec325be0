"""Values as plain JSON and back: strict, and lenient towards other versions."""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass, fields, is_dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.cluster.action import Action
from hbd.cluster.event import Event, HeartbeatHeard, ResourceLost
from hbd.cluster.keys import Key, Keyring
from hbd.cluster.node import Node
from hbd.cluster.terms import GroupName, LinkStatus
from hbd.cluster.timing import Timing
from hbd.story.codec import UnreadableError, from_plain, to_plain
from hbd.story.transition import Transition
from tests.bus.transitions import NEWEST_FIRST
from tests.unit.cluster.driven import TIMING

st.register_type_strategy(Timing, st.just(TIMING))  # not any four numbers are a Timing
LOST = ResourceLost(GroupName("web"), "smb", "it died")


@given(st.from_type(Event))  # type: ignore[arg-type]  # a union of types
def test_any_event_comes_back_as_it_was(event: Event) -> None:
    """Goal: no event is lost on the way. Method: events made from the type hints alone."""
    assert from_plain(Event, json.loads(json.dumps(to_plain(Event, event)))) == event


@given(st.from_type(Action))  # type: ignore[arg-type]  # a union of types
def test_any_action_comes_back_as_it_was(action: Action) -> None:
    """Goal: the same for what is decided. Method: as above."""
    assert from_plain(Action, json.loads(json.dumps(to_plain(Action, action)))) == action


def test_transitions_come_back_as_they_were() -> None:
    """Goal: history survives a restart. Method: one of each, through text."""
    for each in NEWEST_FIRST:
        assert from_plain(Transition, json.loads(json.dumps(to_plain(Transition, each)))) == each


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        "ResourceLost",
        ["ResourceLost"],
        ["Quit", {}],
        ["ResourceLost", {"group": "web", "resource": "smb"}],
        ["ResourceLost", {"group": "web", "resource": "smb", "why": 1}],
        ["ResourceLost", {"group": "web", "resource": None, "why": ""}],
        ["ResourceLost", {"group": "web", "resource": "smb", "why": "", "more": 1}],
        ["LinkHeard", [1]],
        ["FenceConfirmed", {"target": "x", "proven": 1}],
        ["GroupObserved", {"group": "web", "state": "no such state"}],
        ["GroupStarted", {"group": "web", "operation": True}],
        [{"a": 1}, {}],
        [["ResourceLost"], {}],
    ],
)
def test_what_is_no_event_is_refused(plain: object) -> None:
    """Goal: nothing half-read is replayed. Method: words that are missing, strange or of a kind."""
    with pytest.raises(UnreadableError):
        from_plain(Event, plain)


def test_garbage_of_any_shape_is_refused_and_nothing_worse() -> None:
    """Goal: a hostile file is an error. Method: good text with bytes changed; the seed is shown."""
    seed = 4711
    random = Random(seed)
    good = json.dumps(to_plain(Event, LOST))
    for _ in range(500):
        place = random.randrange(len(good))
        text = good[:place] + chr(random.randrange(32, 127)) + good[place + 1 :]
        try:
            plain = json.loads(text)
        except ValueError:
            continue
        try:
            assert isinstance(from_plain(Event, plain), typing.get_args(Event)), seed
        except UnreadableError:
            continue


@dataclass(frozen=True, slots=True)
class Newer:
    """A version that knows more, or less."""

    link: LinkStatus
    fresh: int = 5


def test_another_version_is_read_as_far_as_it_means_the_same() -> None:
    """Goal: an upgrade keeps history. Method: an unknown field, and one that is missing."""
    plain = {"link": "up", "gone": "since"}
    assert from_plain(Newer, plain, strict=False) == Newer(LinkStatus.UP)
    with pytest.raises(UnreadableError):
        from_plain(Newer, plain)


def reached(hint: object, seen: set[type]) -> set[type]:
    """Every dataclass that values of a type can hold."""
    for argument in typing.get_args(hint):
        reached(argument, seen)
    if isinstance(hint, type) and is_dataclass(hint) and hint not in seen:
        seen.add(hint)
        hints = typing.get_type_hints(hint)
        for field in fields(hint):
            reached(hints[field.name], seen)
    return seen


def test_no_key_can_be_in_what_is_written() -> None:
    """Goal: the journal holds no secret. Method: every type that a recording can reach."""
    found = reached(Node, set()) | reached(Event, set()) | reached(Action, set())
    assert HeartbeatHeard in found
    assert found.isdisjoint({Key, Keyring})
