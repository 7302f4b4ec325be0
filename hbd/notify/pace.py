"""How fast people are told: a few things one by one, a storm of them as one notification. Pure.

What cannot be shown yet waits here, one thing for each subject, so that nothing grows without
bound while a link flaps or while no notification server runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from hbd.notify.note import News, Note, Withdrawal

BURST = 4  # notifications within a window: as many as a screen shows beside each other
WINDOW_SECONDS = 30.0
FOLD_SECONDS = 15.0  # between two tellings of a storm
LINES = 6  # of a storm's notification
STORM = "storm"


class Pace:
    """What is still to be shown, and what was shown together. Times are in seconds."""

    def __init__(self) -> None:
        self._held: dict[str, News] = {}
        self._shown_at: deque[float] = deque()
        self._folded: dict[str, Note] = {}
        self._fold_at = 0.0

    def add(self, news: Iterable[News]) -> None:
        """Hold these until `release`; the newest about a subject is the one that counts."""
        for each in news:
            self._held.pop(each.subject, None)
            self._held[each.subject] = each

    def take_back(self, news: Iterable[News]) -> None:
        """Hold again what was released and could not be shown, unless there is newer."""
        for each in news:
            self._held.setdefault(each.subject, each)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits."""
        return not self._held

    def release(self, now: float) -> list[News]:
        """What is to be shown now, in order; `next_at` says when there may be more."""
        while self._shown_at and now - self._shown_at[0] >= WINDOW_SECONDS:
            self._shown_at.popleft()
        notes = [each for each in self._held.values() if isinstance(each, Note)]
        if len(self._shown_at) + len(notes) <= BURST:
            self._shown_at.extend(now for _ in notes)
            return self._take(self._held)
        if now < self._fold_at:
            return self._take(
                {name: each for name, each in self._held.items() if isinstance(each, Withdrawal)}
            )
        self._fold_at = now + FOLD_SECONDS
        return self._fold()

    @property
    def next_at(self) -> float | None:
        """When to ask again although nothing new was added; None if nothing is held."""
        return self._fold_at if self._held else None

    def _take(self, which: dict[str, News]) -> list[News]:
        """These, one by one; what they say anew is no part of an old storm any more."""
        taken = list(which.values())
        self._held = {name: each for name, each in self._held.items() if name not in which}
        left = {name: note for name, note in self._folded.items() if name not in which}
        if len(left) < len(self._folded):
            self._folded = left
            taken.append(_storm(left))
        return taken

    def _fold(self) -> list[News]:
        """All that is held as one, in place of whatever was shown of it one by one."""
        singles: list[News] = [Withdrawal(name) for name in self._held if name not in self._folded]
        for name, each in self._held.items():
            self._folded.pop(name, None)
            if isinstance(each, Note):
                self._folded[name] = each
        self._held = {}
        return [*singles, _storm(self._folded)]


def _storm(notes: dict[str, Note]) -> News:
    """One notification for many, the worst first."""
    if not notes:
        return Withdrawal(STORM)
    found = sorted(notes.values(), key=lambda note: note.urgency, reverse=True)
    lines = [note.summary for note in found[:LINES]]
    if len(found) > LINES:
        lines.append(f"… and {len(found) - LINES} more")
    summary = f"{len(found)} things have changed" if len(found) > 1 else found[0].summary
    urgency = max(note.urgency for note in found)
    return Note(STORM, urgency, summary, "\n".join(lines) if len(found) > 1 else found[0].body)
