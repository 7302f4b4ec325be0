"""Taking recorded steps again, and saying where a decision differs from the recorded one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hbd.cluster.node import Node
from hbd.cluster.step import step
from hbd.cluster.terms import Generation, NodeName
from hbd.story.recording import Noted, Recording, digest_of
from hbd.story.taken import Taken

Life = tuple[NodeName, Generation]  # a node, and the life of its daemon


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that is not the recorded one. The two words are for people."""

    node: NodeName
    step: int
    wall_usec: int
    recorded: str
    replayed: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A step that was taken again, when by the wall clock, and of which recording."""

    wall_usec: int
    taken: Taken
    life: Life
    number: int


@dataclass
class Replay:
    """What came of it: every step in the order of time, and what differs."""

    scenes: list[Scene] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    gaps: list[tuple[Life, int]] = field(default_factory=list)  # a life, and steps missing in it
    broken: list[str] = field(default_factory=list)  # decisions that failed then, and fail now


def replay(recordings: Iterable[Recording]) -> Replay:
    """Take all steps again, life by life; the same recording twice counts once."""
    result = Replay()
    lives: dict[Life, dict[int, Recording]] = {}
    for each in recordings:
        life = (each.checkpoint.name, each.checkpoint.generation)
        lives.setdefault(life, {})[each.first] = each
    for life, parts in lives.items():
        expected: Recording | None = None
        for _, part in sorted(parts.items()):
            if expected is not None and part.first > expected.last + 1:
                result.gaps.append((life, part.first - expected.last - 1))
            _rerun(part, life, result)
            expected = part
    result.scenes.sort(key=lambda scene: (scene.wall_usec, scene.life, scene.number))
    return result


def _rerun(part: Recording, life: Life, result: Replay) -> None:
    """One recording; after its first difference the rest would only differ for that reason."""
    node = part.checkpoint
    for number, noted in enumerate(part.steps, start=part.first):
        fails = part.broken if number == part.last else ""
        after, differs = _again(node, noted, fails)
        wall_usec = part.wall_usec + noted.now
        if differs is not None:
            recorded, replayed = differs
            result.differences.append(Difference(life[0], number, wall_usec, recorded, replayed))
            return
        if after is None:
            result.broken.append(fails)
            return
        result.scenes.append(Scene(wall_usec, after, life, number))
        node = after.after
    if digest_of(node) != part.digest:
        last = part.wall_usec + part.steps[-1].now
        words = ("another belief after this step", _brief(node))
        result.differences.append(Difference(life[0], part.last, last, *words))


def _again(node: Node, noted: Noted, fails: str) -> tuple[Taken | None, tuple[str, str] | None]:
    """The step taken again, None if it fails as it did; and both words, if it differs."""
    recorded = "no decision: " + fails if fails else actions_in_words(noted.actions)
    try:
        decided = step(node, noted.event, noted.now)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what is looked for
        failed = f"{type(error).__name__}: {error}"
        return None, None if failed == fails else (recorded, f"no decision: {failed}")
    if fails or decided.actions != noted.actions:
        return None, (recorded, actions_in_words(decided.actions))
    return Taken(node, noted.event, decided.node, decided.actions), None


def actions_in_words(actions: Iterable[object]) -> str:
    """The actions as they print; nothing if there are none."""
    return "; ".join(map(repr, actions)) or "nothing"


def _brief(node: Node) -> str:
    groups = ", ".join(f"{group.name} {group.state.value}" for group in node.groups)
    return f"{node.phase.value}, peer {node.peer.status.value}, {groups}"
