"""Links on interfaces that come, go and change, in network namespaces of their own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

import pytest

from hbd.cluster.terms import MILLISECOND, LinkName, Usec
from hbd.link.ping import PingLink
from hbd.link.udp import UdpLink
from hbd.link.udp_media import Broadcast, Medium, Multicast, Unicast
from hbd.link.udp_receiver import IP_PKTINFO, Receivers
from hbd.wire.session import Outgoing
from tests.lab.link.namespace import TwoNodes
from tests.unit.link.recorder import WITHIN_S, Recorder, status

pytestmark = pytest.mark.lab

PORT = 694
IP_RECVTTL = 12  # linux/in.h
GROUP = "239.255.77.7"
GROUP6 = "ff15::77"

MEDIA: list[Medium] = [
    Broadcast("hbd1", PORT),
    Multicast("hbd1", GROUP, PORT, ttl=1, loop=False),
    Multicast("hbd1", GROUP6, PORT, ttl=1, loop=False),
    Unicast("hbd1", "10.77.1.2", PORT),
    Unicast("hbd1", "fd77:1::2", PORT),
]
# What the other node says to reach each of the media above.
MIRRORED: list[Medium] = [
    *MEDIA[:3],
    Unicast("hbd1", "10.77.1.1", PORT),
    Unicast("hbd1", "fd77:1::1", PORT),
]
every_medium = pytest.mark.parametrize(
    ("ours", "theirs"),
    list(zip(MEDIA, MIRRORED, strict=True)),
    ids=["bcast", "mcast", "mcast6", "ucast", "ucast6"],
)


class Bench:
    """Links of both nodes, each node with its own recorder and receive sockets."""

    def __init__(self, nodes: TwoNodes) -> None:
        self.nodes = nodes
        self.here, self.there = Recorder(), Recorder()
        self._receivers = {id(self.here): Receivers(), id(self.there): Receivers()}
        self._links: list[UdpLink] = []

    def link(self, medium: Medium, recorder: Recorder, name: str = "link") -> UdpLink:
        """An open link in the namespace this thread is in."""
        receivers = self._receivers[id(recorder)]
        link = UdpLink(LinkName(name), medium, receivers, recorder.on_data, recorder.on_fault)
        self._links.append(link)
        link.open()
        return link

    def pair(self, ours: Medium, theirs: Medium, name: str = "link") -> tuple[UdpLink, UdpLink]:
        """The two ends of one medium."""
        with self.nodes.visit_there():
            other = self.link(theirs, self.there, name)
        return self.link(ours, self.here, name), other

    async def talk(self, link: UdpLink, hearer: Recorder, text: bytes) -> None:
        """Say `text` every 50 ms, as a daemon repeats itself, until it is heard."""
        async with asyncio.timeout(WITHIN_S):
            while (link.name, text) not in hearer.data:
                link.send(status(text))
                try:
                    await hearer.until(lambda: (link.name, text) in hearer.data, within_s=0.05)
                except TimeoutError:
                    continue

    def close(self) -> None:
        """Close all links."""
        for link in self._links:
            link.close()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Two nodes with one cable, gone in the end."""
    nodes = TwoNodes()
    try:
        bench = Bench(nodes)
        yield bench
        bench.close()
    finally:
        nodes.close()


@every_medium
async def test_an_interface_absent_at_start_is_used_when_it_comes(
    bench: Bench, ours: Medium, theirs: Medium
) -> None:
    """Goal: order of start does not matter. Method: open, then lay the cable; no hint."""
    link = bench.link(ours, bench.here)
    assert link.fault is not None
    bench.nodes.cable(1)
    with bench.nodes.visit_there():
        other = bench.link(theirs, bench.there)
    await bench.here.until(lambda: link.fault is None)
    await bench.talk(link, bench.there, b"to there")
    await bench.talk(other, bench.here, b"to here")


@every_medium
@pytest.mark.parametrize("hinted", [True, False])
async def test_an_interface_replaced_by_another_of_its_name_is_followed(
    bench: Bench, ours: Medium, theirs: Medium, hinted: bool
) -> None:
    """Goal: deleted and made again while running, both directions come back.

    Method: delete and make the cable; with netlink's hint, or only by what sending says.
    """
    bench.nodes.cable(1)
    with bench.nodes.visit_there():
        other = bench.link(theirs, bench.there)
    link = bench.link(ours, bench.here)
    await bench.talk(link, bench.there, b"before")
    bench.nodes.ip("link del hbd1")
    bench.nodes.cable(1)
    with bench.nodes.visit_there():  # the far end is not under test: simply another one
        other.close()
        other = bench.link(theirs, bench.there)
    if hinted:
        link.interface_changed()
        assert link.fault is None
    await bench.talk(link, bench.there, b"after")
    await bench.talk(other, bench.here, b"answer")
    assert link.fault is None


async def test_a_link_whose_interface_is_gone_says_so_at_once(bench: Bench) -> None:
    """Goal: a fault by the hint alone, and one more word when it is back. Method: delete, make."""
    bench.nodes.cable(1)
    link = bench.link(MEDIA[0], bench.here)
    bench.nodes.ip("link del hbd1")
    link.interface_changed()
    bench.nodes.cable(1)
    link.interface_changed()
    assert [fault is not None for _, fault in bench.here.faults] == [True, False]


@every_medium
async def test_an_interface_that_is_down_is_a_fault_until_it_is_up(
    bench: Bench, ours: Medium, theirs: Medium
) -> None:
    """Goal: told by sending, mended by sending. Method: down, send, up, send."""
    bench.nodes.cable(1)
    link, _other = bench.pair(ours, theirs)
    await bench.talk(link, bench.there, b"before")
    bench.nodes.ip("link set hbd1 down")
    link.send(status(b"lost"))
    assert link.fault is not None
    bench.nodes.ip("link set hbd1 up")
    if ":" in str(ours):  # IPv6 addresses do not survive that
        bench.nodes.ip("address replace fd77:1::1/64 dev hbd1 nodad")
    await bench.talk(link, bench.there, b"after")
    assert link.fault is None


async def test_a_broadcast_follows_the_interface_to_another_net(bench: Bench) -> None:
    """Goal: the broadcast address is the interface's of now. Method: another net on both ends."""
    bench.nodes.cable(1)
    link, _other = bench.pair(MEDIA[0], MEDIA[0])
    await bench.talk(link, bench.there, b"before")
    bench.nodes.ip("address flush dev hbd1")
    link.interface_changed()
    link.send(status(b"lost"))
    assert link.fault is not None
    bench.nodes.address("hbd1", "10.88.0.1/16")
    with bench.nodes.visit_there():
        bench.nodes.address("hbd1", "10.88.0.2/16")
    await bench.talk(link, bench.there, b"after")
    assert link.fault is None


async def test_two_cables_are_two_links(bench: Bench) -> None:
    """Goal: what is said on one cable is heard on that link; the other outlives it. Method: cut."""
    for number in (1, 2):
        bench.nodes.cable(number)
    first, _ = bench.pair(Broadcast("hbd1", PORT), Broadcast("hbd1", PORT), "hbd1")
    second, _ = bench.pair(Broadcast("hbd2", PORT), Broadcast("hbd2", PORT), "hbd2")
    await bench.talk(first, bench.there, b"on 1")
    await bench.talk(second, bench.there, b"on 2")
    assert bench.there.heard_by("hbd2") == [b"on 2"]
    bench.nodes.ip("link del hbd1")
    await bench.talk(second, bench.there, b"still on 2")


async def test_all_media_of_one_interface_work_side_by_side(bench: Bench) -> None:
    """Goal: five media on one interface and port, each datagram to its own link, once.

    Method: both nodes have all five; each of ours speaks, and its own broadcasts come back.
    """
    bench.nodes.cable(1)
    names = ["bcast", "mcast", "mcast6", "ucast", "ucast6"]
    pairs = [
        bench.pair(ours, theirs, name)
        for name, ours, theirs in zip(names, MEDIA, MIRRORED, strict=True)
    ]
    for link, _ in pairs:  # IPv6 is not ready the moment the interface is
        await bench.talk(link, bench.there, b"ready")
    bench.here.data.clear()
    bench.there.data.clear()
    for link, _ in pairs:
        link.send(status(link.name.encode()))
    await bench.there.until(lambda: len(bench.there.data) >= len(names))
    assert sorted(bench.there.data) == [(name, name.encode()) for name in names]
    assert bench.here.data == [("bcast", b"bcast")]


async def first_heard(
    hearer: socket.socket, link: UdpLink, message: Outgoing
) -> tuple[bytes, dict[int, bytes], tuple[str, int]]:
    """Say `message` every 50 ms until it is heard: a new interface loses what is sent at once."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(hearer, heard.set)
    async with asyncio.timeout(WITHIN_S):
        while not heard.is_set():
            link.send(message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), 0.05)
    loop.remove_reader(hearer)
    data, ancillary, _, source = hearer.recvmsg(100, 200)
    return data, {kind: value for _, kind, value in ancillary}, source


@pytest.mark.parametrize(
    ("medium", "destination", "ttl", "tos"),
    [
        (MEDIA[0], "10.77.1.255", 64, 0x00),
        (Multicast("hbd1", GROUP, PORT, ttl=3, loop=True), GROUP, 3, 0x00),
        (MEDIA[3], "10.77.1.2", 64, 0x10),
    ],
    ids=["bcast", "mcast", "ucast"],
)
async def test_datagrams_look_like_heartbeats(
    bench: Bench, medium: Medium, destination: str, ttl: int, tos: int
) -> None:
    """Goal: destination, time to live and type of service as captured from heartbeat 3.0.6.

    Method: a bare socket there shows the header of what arrives.
    """
    bench.nodes.cable(1)
    with bench.nodes.visit_there():
        hearer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        index = socket.if_nametoindex("hbd1")
    with hearer:
        membership = struct.pack("4s4si", socket.inet_aton(GROUP), bytes(4), index)
        hearer.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        for option in (IP_PKTINFO, socket.IP_RECVTOS, IP_RECVTTL):
            hearer.setsockopt(socket.IPPROTO_IP, option, 1)
        hearer.bind(("", PORT))
        link = bench.link(medium, bench.here)
        data, facts, source = await first_heard(hearer, link, status(b"looked at"))
    assert data == b"looked at"
    assert socket.inet_ntoa(facts[IP_PKTINFO][8:12]) == destination
    assert struct.unpack("i", facts[socket.IP_TTL])[0] == ttl
    assert facts[socket.IP_TOS][0] == tos
    assert source[1] != PORT


@pytest.mark.parametrize("groups", ["1 0", "0 2147483647"], ids=["raw", "ping-socket"])
@pytest.mark.parametrize("address", ["10.77.1.2", "fd77:1::2"])
async def test_a_ping_node_is_alive_until_its_cable_is_cut(
    bench: Bench, groups: str, address: str
) -> None:
    """Goal: both kinds of socket, both families. Method: ask the other node's kernel; cut."""
    bench.nodes.cable(1)
    bench.nodes.sysctl("net.ipv4.ping_group_range", groups)
    recorder = bench.here
    link = PingLink(
        LinkName("router"),
        (address,),
        Usec(20 * MILLISECOND),
        recorder.on_alive,
        recorder.on_fault,
    )
    try:
        link.open()
        await recorder.until(lambda: len(recorder.alive) >= 3)
        assert link.fault is None
        assert next(iter(link._sockets.values()))._is_raw is (groups == "1 0")
        bench.nodes.ip("link del hbd1")
        await recorder.until(lambda: link.fault is not None)
        bench.nodes.cable(1)
        before = len(recorder.alive)
        await recorder.until(lambda: len(recorder.alive) > before)
        assert link.fault is None
    finally:
        link.close()
