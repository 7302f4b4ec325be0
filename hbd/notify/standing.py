"""Which problems have stood for so long that they are worth a notification: pure.

While a node comes back, its links are heard one after the other; while a group moves, nobody serves
it. What passes by itself within moments is no news, and what has ended for a moment alone has not.
"""

from __future__ import annotations

from collections.abc import Mapping

from hbd.cli.problems import Problem
from hbd.notify.words import Key

# Two heartbeats, for each link to be heard; and this at least, in seconds: a group's way from one
# node to the other.
STANDS_SECONDS = 2.0
HEARTBEATS = 2


class Standing:
    """Remembers since when each problem differs from what is counted. Times are in seconds."""

    def __init__(self) -> None:
        self._counted: dict[Key, Problem] = {}
        self._since: dict[Key, float] = {}

    def first(self, found: Mapping[Key, Problem]) -> Mapping[Key, Problem]:
        """Take what is found as it is: there is nothing to compare it with."""
        self._counted, self._since = dict(found), {}
        return dict(found)

    def feed(
        self, found: Mapping[Key, Problem], now: float, keepalive: float
    ) -> tuple[Mapping[Key, Problem], float | None]:
        """What counts now, and when to look again if nothing else happens (None: no need)."""
        needed = max(STANDS_SECONDS, HEARTBEATS * keepalive)
        changed = found.keys() ^ self._counted.keys()
        self._since = {key: self._since.get(key, now) for key in changed}
        for key in [key for key, since in self._since.items() if now - since >= needed]:
            del self._since[key]
            if key in found:
                self._counted[key] = found[key]
            else:
                del self._counted[key]
        wait = min(self._since.values(), default=None)
        return dict(self._counted), None if wait is None else wait + needed
