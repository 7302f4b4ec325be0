"""Asking the LAN whether someone already answers for an address, before it is taken.

RFC 5227 section 2.1 in a hurry: three probes, but 30 ms apart and with no random delay before them,
since a client waits for the address. A live owner on a LAN answers within a few milliseconds; the
repetition is for a lost frame. Two nodes that ask at the same time both hear silence: that only one
of them may take the address is the cluster's to ensure, not the probe's.
"""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

from hbd.errors import AdapterError
from hbd.net.frames import (
    EVERYTHING,
    NEIGHBOUR_ADVERTISEMENTS,
    EthernetPort,
    NotEthernetError,
)
from hbd.net.kernel import IpAddress
from hbd.net.packet import ETH_P_ARP, ETH_P_IPV6, claimant, probe, text_of

PROBE_COUNT = 3
PROBE_INTERVAL_SEC = 0.030  # so that silence is believed after 90 ms
_FRAMES_PER_TURN = 64  # read before the loop may do other work


async def who_has(interface: str, ip: IpAddress) -> str | None:
    """Return the MAC address of another host that answers for `ip` on the interface, or None.

    An answer ends the wait at once; silence takes 90 ms. None also where there is no Ethernet and
    so nobody to ask. AdapterError when the question cannot be asked: the interface is gone or down.
    """
    is_ipv4 = isinstance(ip, IPv4Address)
    protocol = ETH_P_ARP if is_ipv4 else ETH_P_IPV6
    wanted = EVERYTHING if is_ipv4 else NEIGHBOUR_ADVERTISEMENTS
    try:
        with EthernetPort(interface, protocol, wanted) as port:
            return await _asked(port, ip)
    except NotEthernetError:
        return None
    except OSError as error:
        raise AdapterError(
            f"failed to ask on {interface} whether {ip} is in use: {error.strerror}"
        ) from error


async def _asked(port: EthernetPort, ip: IpAddress) -> str | None:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    loop.add_reader(port.fileno(), _listen, port, ip, answer)
    try:
        for _ in range(PROBE_COUNT):
            port.send(probe(ip, port.mac))
            await asyncio.wait([answer], timeout=PROBE_INTERVAL_SEC)
            if answer.done():
                return text_of(answer.result())
        return None
    finally:
        loop.remove_reader(port.fileno())


def _listen(port: EthernetPort, ip: IpAddress, answer: asyncio.Future[bytes]) -> None:
    """Settle `answer` with the first claim that is not of this very interface."""
    try:
        for _ in range(_FRAMES_PER_TURN):
            frame = port.receive()
            if frame is None:
                return
            mac = claimant(frame, ip)
            if mac is not None and mac != port.mac and not answer.done():
                answer.set_result(mac)
    except OSError as error:
        if not answer.done():
            answer.set_exception(error)
