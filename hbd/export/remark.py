"""What an export has to say beside the files it makes, and how much it matters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Weight(Enum):
    """How much a remark asks of its reader."""

    NOTE = "note"  # it is done otherwise there, or not needed
    GAP = "gap"  # the exported cluster lacks something until a person sees to it


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing without an exact equivalent: `subject` is the word of the files it is about."""

    weight: Weight
    subject: str
    text: str

    def __str__(self) -> str:
        """`subject: text`, and `subject: to do: text` for a gap."""
        to_do = "to do: " if self.weight is Weight.GAP else ""
        return f"{self.subject}: {to_do}{self.text}"


def note(subject: str, text: str) -> Remark:
    """A remark that explains."""
    return Remark(Weight.NOTE, subject, text)


def gap(subject: str, text: str) -> Remark:
    """A remark that asks for work."""
    return Remark(Weight.GAP, subject, text)
