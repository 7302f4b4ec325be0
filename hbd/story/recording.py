"""Steps written down so that they can be taken again: the format, and its limits.

A recording is one belief and the steps that were taken from it, as compact JSON of the types'
own shape (`codec`), in the journal field HBD_STEPS. It stands alone: a later one that is lost
costs nothing but itself. There is no secret in a belief: keys are the wire's.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hbd.cluster.action import Action
from hbd.cluster.event import Event
from hbd.cluster.node import Node
from hbd.cluster.terms import Instant
from hbd.story.codec import UnreadableError, from_plain, to_plain
from hbd.story.taken import Taken

FORMAT = 1
LONGEST = 24 * 1024  # bytes of JSON, about: a datagram to journald may be some 200 KiB


@dataclass(frozen=True, slots=True)
class Noted:
    """One step: when, what happened, what was decided."""

    now: Instant
    event: Event
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """Steps that follow one another. `first` numbers them within one life of the daemon.

    `wall_usec` is the wall clock's lead over CLOCK_BOOTTIME; `digest` is of the belief after the
    last step; `broken` is why no decision came of the last event, if none did; `dropped` says
    how many steps before these were not written down.
    """

    version: str
    first: int
    wall_usec: int
    checkpoint: Node
    steps: tuple[Noted, ...]
    digest: int
    broken: str = ""
    dropped: int = 0

    @property
    def last(self) -> int:
        """The number of its last step."""
        return self.first + len(self.steps) - 1


@dataclass(frozen=True, slots=True)
class Numbered:
    """A step and its number."""

    number: int
    taken: Taken
    broken: str = ""


def digest_of(node: Node) -> int:
    """A number that two equal beliefs share, in every process."""
    return zlib.crc32(_dumps(to_plain(Node, node)).encode())


def recordings(
    steps: Iterable[Numbered], *, version: str, wall_usec: int, dropped: int = 0
) -> Iterator[str]:
    """Write steps down, in as many recordings as their size and their gaps ask for."""
    for part in _parts(steps):
        head = {
            "format": FORMAT,
            "version": version,
            "first": part[0].number,
            "wall_usec": wall_usec,
            "checkpoint": to_plain(Node, part[0].taken.before),
            "steps": [_plain(each) for each in part],
            "digest": digest_of(part[-1].taken.after),
            "broken": part[-1].broken,
            "dropped": dropped,
        }
        dropped = 0
        yield _dumps(head)


def _parts(steps: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    part: list[Numbered] = []
    size = 0
    for each in steps:
        follows = not part or (
            part[-1].taken.after is each.taken.before and part[-1].number + 1 == each.number
        )
        if not follows or size > LONGEST:
            yield part
            part, size = [], 0
        part.append(each)
        size += len(_dumps(_plain(each)))
    if part:
        yield part


def _plain(each: Numbered) -> object:
    return to_plain(Noted, Noted(each.taken.now, each.taken.event, each.taken.actions))


def _dumps(plain: object) -> str:
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=True)


def read(text: str, *, strict: bool = True) -> Recording:
    """A recording from its text; UnreadableError says what is wrong with it."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"no JSON: {error}") from error
    if not isinstance(plain, dict) or "format" not in plain:
        raise UnreadableError("no recording: it says no format")
    found = plain.pop("format")
    if found != FORMAT:
        raise UnreadableError(f"format {found!r:.20}; this program reads format {FORMAT}")
    recording: Recording = from_plain(Recording, plain, strict=strict)
    if not recording.steps:
        raise UnreadableError("a recording without steps")
    return recording
