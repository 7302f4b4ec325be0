"""Telling the LAN where a shared address now lives: gratuitous ARP, unsolicited NA."""

from __future__ import annotations

from collections.abc import Callable

from hbd.net.placement import Placement


class Announcer:
    """Announces each held address on a schedule; `on_trouble(address, why)` once per outage."""

    def __init__(self, on_trouble: Callable[[str, str], None]) -> None:
        raise NotImplementedError

    def start(self, placement: Placement, address: str) -> None:
        """Announce now and on the schedule; started again, the schedule begins again."""
        raise NotImplementedError

    def stop(self, address: str) -> None:
        """Announce no more; an address never started is fine."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop all."""
        raise NotImplementedError
