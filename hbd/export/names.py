"""Names for things in a Cluster Information Base: each is an XML ID, and each is there once.

Source: XML 1.0, NCName; what is not allowed in one becomes `-`.
"""

from __future__ import annotations

import re

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")


class Names:
    """Gives every thing an ID of its own, in the order of asking."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, kind: str, text: str = "") -> str:
        """`kind-text`, with a number behind it if that is taken."""
        plain = _NOT_ALLOWED.sub("-", text).strip("-")
        wanted = f"{kind}-{plain}" if plain else kind
        name, count = wanted, 1
        while name in self._given:
            count += 1
            name = f"{wanted}-{count}"
        self._given.add(name)
        return name
