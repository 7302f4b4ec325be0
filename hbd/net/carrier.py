"""Which interfaces are there, and which of them carry."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from hbd.net.kernel import Netlink


class LinkPresence(Enum):
    """An interface: absent (no such name), down (or without carrier), up."""

    ABSENT = "absent"
    DOWN = "down"
    UP = "up"


class Carrier:
    """The state of every interface of this node, kept by the kernel's own events."""

    def __init__(self, netlink: Netlink) -> None:
        raise NotImplementedError

    async def watch(self, on_change: Callable[[str, LinkPresence], None]) -> None:
        """Tell the state of every interface now, and each change from now on."""
        raise NotImplementedError

    def presence(self, interface: str) -> LinkPresence:
        """Answer what is known of the interface now; before `watch` began, ABSENT."""
        raise NotImplementedError
