"""One node's `hbd.net`, run inside a network namespace and driven by lines of JSON.

A command is `{"do": NAME, ...arguments}`, answered by `{"answer": ...}` or `{"error": ...}`; what
happens by itself is told as `{"event": NAME, ...}`. It runs under whichever Python the test chose,
so that each pyroute2 is tried with the same tests.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from ipaddress import ip_address

from hbd.errors import AdapterError
from hbd.net.address import Addresses, SharedAddress
from hbd.net.announce import Announcer
from hbd.net.carrier import Carrier
from hbd.net.netlink import open_netlink

ETH_P_ALL = 3
PACKET_OUTGOING = 4
RTMGRP_NEIGH = 4
NEIGHBOUR = struct.Struct("=BxxxiHBB")  # struct ndmsg
NDA_DST, NDA_LLADDR = 1, 2


def say(**words: object) -> None:
    """Tell the test one thing."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


class Agent:
    """The adapters of one node, each command a method."""

    def __init__(self) -> None:
        self.netlink = open_netlink()
        self.addresses = Addresses(
            self.netlink,
            lambda shared, why: say(event="lost", address=shared.address, why=why),
        )
        self.announcer = Announcer(
            lambda address, why: say(event="trouble", address=address, why=why)
        )
        self.carrier = Carrier(self.netlink)
        self.commands: dict[str, Callable[..., Awaitable[object]]] = {
            "locate": self.locate,
            "probe": self.probe,
            "add": self.add,
            "adopt": self.adopt,
            "remove": self.remove,
            "present": self.present,
            "announce": self.announce,
            "renew": self.renew,
            "silence": self.silence,
            "watch": self.watch,
            "presence": self.presence,
            "sniff": self.sniff,
            "neighbours": self.neighbours,
        }

    async def locate(self, **shared: object) -> object:
        return asdict(await self.addresses.locate(SharedAddress(**shared)))  # type: ignore[arg-type]  # JSON

    async def probe(self, **shared: object) -> object:
        loop = asyncio.get_running_loop()
        began = loop.time()
        owner = await self.addresses.probe(SharedAddress(**shared))  # type: ignore[arg-type]  # JSON
        return {"owner": owner, "took_sec": loop.time() - began}

    async def add(self, *, probed: bool = False, **shared: object) -> object:
        place = await self.addresses.add(SharedAddress(**shared), probed=probed)  # type: ignore[arg-type]  # JSON
        return asdict(place)

    async def adopt(self, **shared: object) -> object:
        place = await self.addresses.adopt(SharedAddress(**shared))  # type: ignore[arg-type]  # JSON
        return None if place is None else asdict(place)

    async def remove(self, **shared: object) -> object:
        await self.addresses.remove(SharedAddress(**shared))  # type: ignore[arg-type]  # JSON
        return None

    async def present(self, **shared: object) -> object:
        return await self.addresses.is_present(SharedAddress(**shared))  # type: ignore[arg-type]  # JSON

    async def announce(self, **shared: object) -> object:
        wanted = SharedAddress(**shared)  # type: ignore[arg-type]  # JSON
        self.announcer.start(await self.addresses.locate(wanted), wanted.address)
        return None

    async def renew(self, interface: str) -> object:
        self.announcer.renew(interface)
        return None

    async def silence(self, address: str) -> object:
        self.announcer.stop(address)
        return {"sent": self.announcer.sent_count, "failed": self.announcer.failed_count}

    async def watch(self) -> object:
        await self.carrier.watch(
            lambda name, presence: say(event="carrier", interface=name, presence=presence.value)
        )
        return None

    async def presence(self, interface: str) -> object:
        return self.carrier.presence(interface).value

    async def sniff(self, interface: str) -> object:
        """From now on, tell every ARP and IPv6 frame that comes in."""
        port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        port.setblocking(False)
        port.bind((interface, ETH_P_ALL))
        loop = asyncio.get_running_loop()

        def heard() -> None:
            frame, (_, protocol, kind, _, _) = port.recvfrom(2048)
            if kind != PACKET_OUTGOING and protocol in (0x0806, 0x86DD):
                say(event="frame", at=loop.time(), frame=frame.hex())

        loop.add_reader(port.fileno(), heard)
        return None

    async def neighbours(self) -> object:
        """From now on, tell every entry of the neighbour cache that is made or changed."""
        port = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        port.setblocking(False)
        port.bind((0, RTMGRP_NEIGH))

        def changed() -> None:
            message = port.recv(65536)
            offset, parts = 16 + NEIGHBOUR.size, {}
            while offset + 4 <= len(message):
                length, kind = struct.unpack_from("=HH", message, offset)
                parts[kind] = message[offset + 4 : offset + length]
                offset += (length + 3) & ~3
            if NDA_DST in parts:
                say(
                    event="neighbour",
                    address=str(ip_address(parts[NDA_DST])),
                    mac=parts.get(NDA_LLADDR, b"").hex(":"),
                )

        asyncio.get_running_loop().add_reader(port.fileno(), changed)
        return None


async def main() -> None:
    """Serve until standard input ends."""
    agent = Agent()
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        command = json.loads(line)
        try:
            say(answer=await agent.commands[command.pop("do")](**command))
        except AdapterError as error:
            say(error=str(error))
    agent.announcer.close()
    agent.addresses.close()
    agent.carrier.close()
    agent.netlink.close()


if __name__ == "__main__":
    asyncio.run(main())
