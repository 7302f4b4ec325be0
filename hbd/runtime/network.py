"""The parts that live on netlink, made and closed together."""

from __future__ import annotations

import logging
from collections.abc import Callable

from hbd.net.address import Addresses, SharedAddress
from hbd.net.announce import Announcer
from hbd.net.carrier import Carrier
from hbd.net.netlink import open_netlink

_log = logging.getLogger("hbd.net")


class Network:
    """Shared addresses, their announcement, and what the interfaces do."""

    def __init__(self, on_lost: Callable[[SharedAddress, str], None]) -> None:
        """Open the kernel's routing socket; AdapterError if that fails. The loop must run."""
        self._netlink = open_netlink()
        self.addresses = Addresses(self._netlink, on_lost)
        self.carrier = Carrier(self._netlink)
        self.announcer = Announcer(
            lambda address, why: _log.warning("Failed to announce %s: %s, ignoring", address, why)
        )

    def close(self) -> None:
        """Stop watching; addresses stay where they are."""
        self.announcer.close()
        self.carrier.close()
        self.addresses.close()
        self._netlink.close()
