"""The kinds of directive there are: how the text after the word is taken.

A rule stores what it read in the draft and answers the canonical form of it, so that the table in
`directives` can say for which value heartbeat and hbd agree. It raises BadValue and stores nothing
when the text is not acceptable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hbd.config import values
from hbd.config.draft import Draft
from hbd.config.findings import BadValue


class Rule(Protocol):
    """`whole_line`: the rest of the line is one value; else each word of it is."""

    @property
    def whole_line(self) -> bool:
        """Whether blanks and commas separate values (False) or belong to the value (True)."""

    def take(self, draft: Draft, name: str, line: int, text: str) -> str:
        """Store the value of directive `name`; answer its canonical form."""


@dataclass(frozen=True, slots=True)
class Time:
    """A span of time."""

    positive: bool = False
    whole_line: bool = False

    def take(self, draft: Draft, name: str, line: int, text: str) -> str:
        """Store in `times`."""
        span = values.time(text)
        if self.positive and span == 0:
            raise BadValue("it must be more than nothing", "write at least 1ms")
        draft.times[name] = span
        return values.in_words(span)


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    whole_line: bool = False

    def take(self, draft: Draft, name: str, line: int, text: str) -> str:
        """Store in `flags`; canonical `on` or `off`."""
        draft.flags[name] = values.flag(text)
        return "on" if draft.flags[name] else "off"


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from `low` to `high`, one of `among` if given; `unit` may stand behind it."""

    low: int
    high: int
    unit: str = ""
    among: tuple[int, ...] = ()
    whole_line: bool = False

    def take(self, draft: Draft, name: str, line: int, text: str) -> str:
        """Store in `numbers`."""
        value = values.number(text, self.low, self.high, self.unit)
        if self.among and value not in self.among:
            known = " ".join(str(each) for each in self.among)
            raise BadValue(f"{value} is not one of the known numbers", f"write one of: {known}")
        draft.numbers[name] = value
        return str(value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]
    whole_line: bool = False

    def take(self, draft: Draft, name: str, line: int, text: str) -> str:
        """Store in `texts`."""
        draft.texts[name] = values.choice(text, self.words)
        return text


@dataclass(frozen=True, slots=True)
class Text:
    """Any word: a path, a name. Nothing depends on it."""

    whole_line: bool = False

    def take(self, draft: Draft, name: str, line: int, text: str) -> str:
        """Store in `texts`."""
        draft.texts[name] = text
        return text


@dataclass(frozen=True, slots=True)
class Own:
    """A directive with a grammar of its own: `read` does it all."""

    read: Callable[[Draft, int, str], None]
    whole_line: bool = False

    def take(self, draft: Draft, name: str, line: int, text: str) -> str:
        """Let `read` store it; there is no canonical form but the text."""
        self.read(draft, line, text)
        return text
