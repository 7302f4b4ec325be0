"""An incident as a story: what happened, what was believed, what was decided, by the wall clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from enum import Enum

from hbd.cluster.action import Announce, FinishJob, ProveAlive, SendHeartbeat
from hbd.cluster.change import Change, changes
from hbd.cluster.event import ClockTicked, Event, HeartbeatHeard, LinkHeard
from hbd.replay.rerun import Difference, Life, Scene
from hbd.story import telling
from hbd.story.teller import Story, Told, tell

_ROUTINE = (ClockTicked, HeartbeatHeard, LinkHeard)
_UNSPOKEN = (SendHeartbeat, Announce, ProveAlive, FinishJob)


def story(scenes: Iterable[Scene]) -> Iterator[str]:
    """A line for everything that was not routine, on both nodes in the order of time."""
    stories: dict[Life, Story] = {}
    for scene in scenes:
        taken = scene.taken
        told = tell(stories.get(scene.life, Story()), taken)
        stories[scene.life] = told.story
        for line in _lines(scene, told):
            yield f"{clock(scene.wall_usec)}  {taken.after.name:12}  {line}"


def _lines(scene: Scene, told: Told) -> Iterator[str]:
    taken = scene.taken
    if not isinstance(taken.event, _ROUTINE):
        yield f"{event_in_words(taken.event)}"
    for change in changes(taken.before, taken.after):
        yield f"  believes: {_change(change)}"
    for transition in told.begun:
        yield f"  begins: {transition.cause.value}, {', '.join(transition.groups)}"
        for evidence in transition.evidence:
            yield f"    because {telling.told(evidence)}"
    for action in taken.actions:
        if not isinstance(action, _UNSPOKEN):
            yield f"  does: {event_in_words(action)}"
    for transition in told.ended:
        rules = ", ".join(rule.value for rule in transition.rules) or "none"
        yield f"  ends: {telling.summary(transition)} (rules: {rules})"


def difference(found: Difference) -> str:
    """Where a decision differs, and how."""
    return (
        f"{clock(found.wall_usec)}  {found.node}: step {found.step} differs\n"
        f"  recorded: {found.recorded}\n"
        f"  replayed: {found.replayed}"
    )


def clock(wall_usec: int) -> str:
    """`2026-11-22 17:22:42.123456 UTC`, whatever zone this machine is in."""
    seconds, usec = divmod(wall_usec, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{usec:06d} UTC"


def event_in_words(event: Event | object) -> str:
    """`ResourceLost group=web resource=smb why='unit smbd.service is failed'`."""
    parts = [type(event).__name__]
    for field in fields(event):  # type: ignore[arg-type]  # events and actions are dataclasses
        value = getattr(event, field.name)
        if value not in ("", ()) and field.name != "report":
            parts.append(f"{field.name}={value.value if isinstance(value, Enum) else value!r}")
    return " ".join(parts)


def _change(change: Change) -> str:
    text = f"{change.subject.value} {change.name}"
    text += f": {change.was} -> {change.now}" if change.was or change.now else ""
    text += f", {telling.seconds(change.usec)}" if change.usec else ""
    return f"{text} ({change.why})" if change.why else text
