"""ha.cf while it is being read: what has been said so far, in the order it was said.

The order is part of the language: `baud` and `udpport` hold for the media lines after them. It
knows how to remember and which link names are taken; what a directive means is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hbd.cluster.terms import AutoFailback, LinkName, NodeName, Usec
from hbd.config.findings import Findings
from hbd.config.model import FenceDevice, Medium
from hbd.config.surroundings import Surroundings

DEFAULT_BAUD = 19200  # heartbeat's; what a null-modem line of the field's age does
DEFAULT_PORT = 694  # IANA: ha-cluster

_ANY_NAME = LinkName("")


@dataclass(slots=True)
class Draft:
    """Grows line by line. The dictionaries are keyed by directive name, absent: not said."""

    findings: Findings
    surroundings: Surroundings
    local: NodeName
    times: dict[str, Usec] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)  # where it was last said
    spoiled: set[str] = field(default_factory=set)  # said, but refused: do not judge it further
    nodes: dict[NodeName, int] = field(default_factory=dict)  # name, line
    media: list[Medium] = field(default_factory=list)
    own_addresses: int = 0  # ucast lines left out because they name this node itself
    auto_failback: AutoFailback | None = None
    api_clients: dict[str, int] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    fence_devices: list[FenceDevice] = field(default_factory=list)
    _media_lines: dict[Medium, int] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The UDP port for a media line that stands here."""
        return self.numbers.get("udpport") or self.surroundings.heartbeat_port() or DEFAULT_PORT

    @property
    def baud(self) -> int:
        """The speed for a serial line that stands here."""
        return self.numbers.get("baud", DEFAULT_BAUD)

    def add_medium(
        self, line: int, word: str, name: str, build: Callable[[LinkName], Medium]
    ) -> None:
        """Take a medium, under heartbeat's link name or, if that is taken, `name/word`.

        heartbeat lets two media of an interface share one link name, so that the living one hides
        the dead one; here each is seen by itself. The very same medium twice is one medium.
        """
        medium = build(self._free_name(name, word))
        bare = replace(medium, name=_ANY_NAME)
        if bare in self._media_lines:
            first = self._media_lines[bare]
            self.findings.warning(line, f"{word}: the same as line {first}, used once")
            return
        self._media_lines[bare] = line
        self.media.append(medium)

    def _free_name(self, name: str, word: str) -> LinkName:
        taken = {medium.name for medium in self.media}
        candidate = LinkName(name)
        count = 1
        while candidate in taken:
            candidate = LinkName(f"{name}/{word}{count if count > 1 else ''}")
            count += 1
        return candidate
