"""UDP links on real sockets over the loopback interface; no root needed."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator

import pytest

from hbd.cluster.terms import LinkName
from hbd.link.link import Link
from hbd.link.udp import UdpLink
from hbd.link.udp_media import Broadcast, Medium, Multicast, Unicast
from hbd.link.udp_receiver import BATCH, Receivers
from tests.unit.link.recorder import Recorder, status, turns_until

GROUP = "239.255.77.7"  # RFC 2365: administratively scoped, never leaves the machine here


@pytest.fixture
def port() -> int:
    """A UDP port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
        assert isinstance(number, int)
        return number


class Bench:
    """Links under test and what they tell; all are closed in the end."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.receivers = Receivers()
        self.links: list[UdpLink] = []

    def link(self, name: str, medium: Medium) -> UdpLink:
        """An open link."""
        recorder = self.recorder
        link = UdpLink(LinkName(name), medium, self.receivers, recorder.on_data, recorder.on_fault)
        self.links.append(link)
        link.open()
        return link

    async def close(self) -> None:
        """Nothing stays open."""
        for link in self.links:
            link.close()
        assert not self.receivers._open


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A bench that cleans up."""
    bench = Bench()
    yield bench
    await bench.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_unicast_message_arrives_whole(bench: Bench, port: int, address: str) -> None:
    """Goal: one send is one datagram, in IPv4 and IPv6. Method: the link speaks to itself."""
    link: Link = bench.link("lo", Unicast("lo", address, port))
    link.send(status(b"###\nx" * 300))
    await bench.recorder.until(lambda: bool(bench.recorder.data))
    assert bench.recorder.data == [("lo", b"###\nx" * 300)]
    assert link.counters.bytes_sent == link.counters.bytes_received == 1500
    assert link.counters.messages_sent == link.counters.messages_received == 1
    assert link.fault is None
    assert (link.kind, link.interface) == ("ucast", "lo")


async def test_a_broadcast_comes_back_to_its_own_link(bench: Bench, port: int) -> None:
    """Goal: bcast goes to the interface's broadcast address. Method: lo has 127.255.255.255."""
    link = bench.link("lo", Broadcast("lo", port))
    link.send(status(b"hello"))
    await bench.recorder.until(lambda: bool(bench.recorder.data))
    assert bench.recorder.data == [("lo", b"hello")]
    assert link.kind == "bcast"


async def test_a_multicast_reaches_the_group(bench: Bench, port: int) -> None:
    """Goal: joined and sent on the interface named. Method: with loop, on lo."""
    link = bench.link("lo", Multicast("lo", GROUP, port, ttl=1, loop=True))
    link.send(status(b"hello"))
    await bench.recorder.until(lambda: bool(bench.recorder.data))
    assert bench.recorder.data == [("lo", b"hello")]
    assert link.kind == "mcast"


async def test_media_on_one_port_do_not_steal_from_each_other(bench: Bench, port: int) -> None:
    """Goal: each datagram is given once, to the link it belongs to, whatever the order of opening.

    Method: four media share interface and port; each sends, and two unicast peers differ by source.
    """
    media: dict[str, Medium] = {
        "peer": Unicast("lo", "127.0.0.1", port),
        "bcast": Broadcast("lo", port),
        "other": Unicast("lo", "127.0.0.9", port),
        "mcast": Multicast("lo", GROUP, port, ttl=0, loop=True),
    }
    links = {name: bench.link(name, medium) for name, medium in media.items()}
    for name in ("peer", "bcast", "mcast"):
        links[name].send(status(name.encode()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.9", 0))
        other.sendto(b"other", ("127.0.0.1", port))
    await bench.recorder.until(lambda: len(bench.recorder.data) >= len(media))
    assert sorted(bench.recorder.data) == [(name, name.encode()) for name in sorted(media)]


async def test_closing_one_link_leaves_the_others_their_socket(bench: Bench, port: int) -> None:
    """Goal: a shared socket lives as long as its last link. Method: close the one that made it."""
    first = bench.link("first", Unicast("lo", "127.0.0.1", port))
    second = bench.link("second", Broadcast("lo", port))
    first.close()
    first.close()
    second.send(status(b"still here"))
    await bench.recorder.until(lambda: bool(bench.recorder.data))
    assert bench.recorder.data == [("second", b"still here")]


async def test_an_absent_interface_is_a_fault_told_once(bench: Bench, port: int) -> None:
    """Goal: no exception, one word, and messages counted as dropped. Method: a name that is not."""
    link = bench.link("hbd-none", Broadcast("hbd-none", port))
    for _ in range(5):
        link.interface_changed()
        link.send(status(b"lost"))
    assert link.fault is not None
    assert bench.recorder.faults == [("hbd-none", link.fault)]
    assert link.counters.dropped == 5


@pytest.mark.parametrize("name", ["", "a-name-longer-than-the-kernel-has", "lo/../lo"])
async def test_an_impossible_interface_name_is_only_a_fault(
    bench: Bench, port: int, name: str
) -> None:
    """Goal: nothing but a fault comes of it. Method: names the kernel cannot have."""
    assert bench.link("odd", Unicast(name, "127.0.0.1", port)).fault is not None


async def test_a_closed_link_does_not_open_itself_again(bench: Bench, port: int) -> None:
    """Goal: close means closed, hints or not. Method: hint after closing a link with a fault."""
    link = bench.link("hbd-none", Unicast("hbd-none", "127.0.0.1", port))
    link.close()
    told = len(bench.recorder.faults)
    link.interface_changed()
    assert link._retry._timer is None
    assert len(bench.recorder.faults) == told


async def test_a_taken_port_is_a_fault_until_it_is_free(bench: Bench, port: int) -> None:
    """Goal: a second daemon is noticed, not shared with. Method: hold the port, then let go."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("", port))
        link = bench.link("lo", Unicast("lo", "127.0.0.1", port))
        assert link.fault is not None
    await bench.recorder.until(lambda: link.fault is None)
    link.send(status(b"mine"))
    await bench.recorder.until(lambda: bool(bench.recorder.data))


async def test_a_destination_without_a_route_is_a_fault_that_hearing_survives(
    bench: Bench, port: int
) -> None:
    """Goal: what cannot be said does not keep us from hearing. Method: no way there on lo."""
    link = bench.link("lo", Unicast("lo", "2001:db8::1", port))
    link.send(status(b"lost"))
    assert link.fault is not None
    assert link.counters.errors == 1
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"heard", ("::1", port))
    await bench.recorder.until(lambda: bool(bench.recorder.data))
    assert bench.recorder.data == [("lo", b"heard")]


async def test_an_oversized_message_is_its_own_misfortune(bench: Bench, port: int) -> None:
    """Goal: one message too large for UDP is dropped and the link is well. Method: 70 kB."""
    link = bench.link("lo", Unicast("lo", "127.0.0.1", port))
    link.send(status(bytes(70_000)))
    link.send(status(b"small"))
    await bench.recorder.until(lambda: bool(bench.recorder.data))
    assert bench.recorder.data == [("lo", b"small")]
    assert (link.counters.dropped, link.counters.errors) == (1, 1)
    assert bench.recorder.faults == []


async def test_the_largest_datagram_is_not_cut(bench: Bench, port: int) -> None:
    """Goal: whatever UDP can carry arrives whole. Method: 65,507 bytes, and 0."""
    bench.link("lo", Unicast("lo", "127.0.0.1", port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(bytes(65_507), ("127.0.0.1", port))
        peer.sendto(b"", ("127.0.0.1", port))
    await bench.recorder.until(lambda: len(bench.recorder.data) >= 2)
    assert [len(data) for _, data in bench.recorder.data] == [65_507, 0]


async def test_a_flood_leaves_the_loop_its_turns(bench: Bench, port: int) -> None:
    """Goal: no more than a batch is read between two turns of everything else.

    Method: fill the socket before the loop runs, then count what arrives per turn.
    """
    bench.link("lo", Unicast("lo", "127.0.0.1", port))
    sent = 4 * BATCH
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        for _ in range(sent):
            flood.sendto(b"flood", ("127.0.0.1", port))
    counts = [0]
    while len(bench.recorder.data) < sent:
        await asyncio.sleep(0)  # one turn of the loop
        counts.append(len(bench.recorder.data))
        assert len(counts) < 100_000
    assert max(after - before for before, after in itertools.pairwise(counts)) <= BATCH


async def test_a_link_closed_by_its_own_datagram_hears_no_more(bench: Bench, port: int) -> None:
    """Goal: the owner may close a link while it is handed data. Method: close at the first one."""
    heard: list[bytes] = []

    def close_at_once(_name: LinkName, data: bytes) -> None:
        heard.append(data)
        link.close()

    medium = Unicast("lo", "127.0.0.1", port)
    recorder = bench.recorder
    link = UdpLink(LinkName("lo"), medium, bench.receivers, close_at_once, recorder.on_fault)
    link.open()
    for _ in range(3):
        link.send(status(b"x"))
    await turns_until(lambda: bool(heard))
    await asyncio.sleep(0)
    assert heard == [b"x"]
