"""Telling the LAN where a shared address now lives: gratuitous ARP, unsolicited NA.

Neighbours keep an address's old MAC for minutes, switches and routers for hours, and a frame may be
lost while a switch learns: hence the repetition, close at first. The slow repetition after that
mends what a short double claim spoilt, which no event announces (keepalived's garp_master_refresh,
IPaddr2's arp_count_refresh).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

from hbd.net.frames import EthernetPort, NotEthernetError
from hbd.net.kernel import IpAddress
from hbd.net.packet import announcements
from hbd.net.placement import Placement

BURST_SEC = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # after the address was taken
REFRESH_SEC = 60.0  # from the last of the burst on, while the address is held


def next_round(rounds: int, began: float, now: float) -> float:
    """When to announce again after `rounds` rounds: on the burst's own times, then by interval."""
    return began + BURST_SEC[rounds] if rounds < len(BURST_SEC) else now + REFRESH_SEC


@dataclass(slots=True)
class _Announced:
    interface: str
    ip: IpAddress
    began: float  # s on the loop's clock
    rounds: int = 0
    is_troubled: bool = False
    timer: asyncio.TimerHandle | None = field(default=None)


class Announcer:
    """Announces each held address; what fails is counted, and told once per outage.

    `on_trouble(address, why)` is called when an announcement fails that did not fail before. The
    schedule goes on: the interface may come back.
    """

    def __init__(self, on_trouble: Callable[[str, str], None]) -> None:
        self.sent_count = 0  # frames
        self.failed_count = 0  # rounds of which a frame could not be sent
        self._on_trouble = on_trouble
        self._announced: dict[str, _Announced] = {}

    def start(self, placement: Placement, address: str) -> None:
        """Announce now and on the schedule. Started again, the schedule begins again."""
        self._begin(address, placement.interface, is_troubled=False)

    def renew(self, interface: str | None = None) -> None:
        """Begin the schedule again for each held address of the interface, or for all.

        For when the LAN may have forgotten or been told otherwise: the carrier is back, a
        partition has healed.
        """
        for address, announced in tuple(self._announced.items()):
            if interface in (None, announced.interface):
                self._begin(address, announced.interface, is_troubled=announced.is_troubled)

    def stop(self, address: str) -> None:
        """Announce it no more, from this call on. An address never started is fine."""
        announced = self._announced.pop(address, None)
        if announced is not None and announced.timer is not None:
            announced.timer.cancel()

    def close(self) -> None:
        """Stop all."""
        for address in tuple(self._announced):
            self.stop(address)

    def _begin(self, address: str, interface: str, *, is_troubled: bool) -> None:
        self.stop(address)
        now = asyncio.get_running_loop().time()
        announced = _Announced(interface, ip_address(address), now, is_troubled=is_troubled)
        self._announced[address] = announced
        self._announce(address, announced)

    def _announce(self, address: str, announced: _Announced) -> None:
        loop = asyncio.get_running_loop()
        announced.rounds += 1
        due = next_round(announced.rounds, announced.began, loop.time())
        announced.timer = loop.call_at(due, self._announce, address, announced)
        try:
            self._send(announced)
        except OSError as error:
            self.failed_count += 1
            if not announced.is_troubled:
                announced.is_troubled = True
                self._on_trouble(
                    address, f"failed to announce on {announced.interface}: {error.strerror}"
                )
        else:
            announced.is_troubled = False

    def _send(self, announced: _Announced) -> None:
        """Send one round. The port is opened anew: the interface, or its MAC, may be another."""
        try:
            with EthernetPort(announced.interface) as port:
                for frame in announcements(announced.ip, port.mac):
                    port.send(frame)
                    self.sent_count += 1
        except NotEthernetError:
            return  # nobody there keeps a table of neighbours
