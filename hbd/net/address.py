"""Shared addresses on this node: put on, taken off, looked for, watched over.

No policy: when to hold an address is the core's to say, where it belongs is `placement`'s.
"""

from __future__ import annotations

from collections.abc import Callable

from hbd.net.kernel import Netlink
from hbd.net.placement import Placement, SharedAddress

__all__ = ["Addresses", "Placement", "SharedAddress"]


class Addresses:
    """The shared addresses this node holds. `on_lost` is told once of each that vanishes."""

    def __init__(self, netlink: Netlink, on_lost: Callable[[SharedAddress, str], None]) -> None:
        raise NotImplementedError

    async def locate(self, shared: SharedAddress) -> Placement:
        """Answer where the address is or, not being there, where it belongs."""
        raise NotImplementedError

    async def probe(self, shared: SharedAddress) -> str | None:
        """Ask the LAN whether anyone else answers for the address; its MAC, or None."""
        raise NotImplementedError

    async def add(self, shared: SharedAddress, *, probed: bool = False) -> Placement:
        """Put the address on its interface, unless someone answers for it; watch over it."""
        raise NotImplementedError

    async def adopt(self, shared: SharedAddress) -> Placement | None:
        """Watch over an address found here (after a restart); None when it is not here."""
        raise NotImplementedError

    async def remove(self, shared: SharedAddress) -> None:
        """Take the address off wherever it is on this node, and prove it gone."""
        raise NotImplementedError

    async def is_present(self, shared: SharedAddress) -> bool:
        """Whether the address is on one of this node's interfaces (the loopback aside)."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop watching; addresses stay where they are."""
        raise NotImplementedError
