"""A limit on how many messages repair may cost in a span of time."""

from __future__ import annotations

from dataclasses import dataclass

from hbd.cluster.terms import Instant, Usec


@dataclass(slots=True)
class Allowance:
    """At most `limit` in each span of `span_usec`, counted from the first one taken."""

    limit: int
    span_usec: Usec
    _began: Instant | None = None
    _taken: int = 0

    def take(self, now: Instant) -> bool:
        """Take one, if there is one left."""
        if self._began is None or now >= self.renewed_at(now):
            self._began = now
            self._taken = 0
        if self._taken >= self.limit:
            return False
        self._taken += 1
        return True

    def renewed_at(self, now: Instant) -> Instant:
        """When there will be all of it again."""
        return now if self._began is None else Instant(self._began + self.span_usec)
