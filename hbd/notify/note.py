"""One notification, as a value: what it is about, how much it matters, and its words.

The words are those of the Desktop Notifications Specification (org.freedesktop.Notifications).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Urgency(IntEnum):
    """The specification's urgency levels, as they go over the bus.

    Desktops keep a critical one on the screen until somebody closes it, and show a low one without
    a bubble, in their list alone.
    """

    LOW = 0
    NORMAL = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell. A later one with the same `subject` takes its place on the screen."""

    subject: str
    urgency: Urgency
    summary: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What was told about this subject is no longer so, and that alone is not worth a word."""

    subject: str


News = Note | Withdrawal
