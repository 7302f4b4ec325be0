"""Ping nodes: real ICMP echo over the loopback interface, where this user may send it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest

from hbd.cluster.terms import MILLISECOND, LinkName, Usec
from hbd.link.icmp import EchoSocket, Reply, internet_checksum
from hbd.link.link import Link
from hbd.link.ping import ROUNDS_REMEMBERED, PingLink
from tests.unit.link.recorder import Recorder, status

INTERVAL = Usec(20 * MILLISECOND)


def may_ping() -> bool:
    """Whether the system lets this user send echo requests at all."""
    try:
        EchoSocket(socket.AF_INET).close()
    except PermissionError:
        return False
    return True


pytestmark = pytest.mark.skipif(not may_ping(), reason="needs CAP_NET_RAW or ping_group_range")


@pytest.fixture
async def recorder() -> Recorder:
    """What the link tells."""
    return Recorder()


@pytest.fixture
async def links() -> AsyncIterator[list[PingLink]]:
    """Links to close in the end."""
    made: list[PingLink] = []
    yield made
    for link in made:
        link.close()


def ping(links: list[PingLink], recorder: Recorder, *addresses: str) -> PingLink:
    """An open link to a ping node."""
    link = PingLink(LinkName("router"), addresses, INTERVAL, recorder.on_alive, recorder.on_fault)
    links.append(link)
    link.open()
    return link


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_node_that_answers_is_alive_again_and_again(
    links: list[PingLink], recorder: Recorder, address: str
) -> None:
    """Goal: alive at each answer, in IPv4 and IPv6. Method: ask ourselves, three rounds."""
    link: Link = ping(links, recorder, address)
    await recorder.until(lambda: len(recorder.alive) >= 3)
    assert set(recorder.alive) == {"router"}
    assert (link.kind, link.interface, link.fault) == ("ping", None, None)
    assert link.counters.messages_received == len(recorder.alive)
    assert link.counters.messages_sent >= link.counters.messages_received


async def test_a_group_is_alive_while_one_member_answers(
    links: list[PingLink], recorder: Recorder
) -> None:
    """Goal: ping_group. Method: one address that may not be asked beside one that answers."""
    link = ping(links, recorder, "255.255.255.255", "127.0.0.1")
    await recorder.until(lambda: len(recorder.alive) >= 2)
    assert link.fault is None


async def test_a_node_that_cannot_be_asked_is_a_fault(
    links: list[PingLink], recorder: Recorder
) -> None:
    """Goal: what cannot be asked is told once. Method: broadcast, some rounds."""
    link = ping(links, recorder, "255.255.255.255")
    for _ in range(5):
        link.interface_changed()
    assert link.fault is not None
    assert len(recorder.faults) == 1
    assert recorder.alive == []


async def test_only_the_answer_to_our_question_counts(
    links: list[PingLink], recorder: Recorder
) -> None:
    """Goal: nobody answers for a node. Method: forged ones, then the right one twice."""
    link = ping(links, recorder, "127.0.0.1")
    sequence, (source, token) = next(iter(link._asked.items()))
    forged = [
        Reply(source, sequence, b""),
        Reply(source, sequence, bytes(len(token))),
        Reply(source, (sequence + 1) % 65_536, token),
        Reply("127.0.0.2", sequence, token),
    ]
    for reply in forged:
        link._believe(reply)
    assert recorder.alive == []
    for _ in range(2):
        link._believe(Reply(source, sequence, token))
    assert recorder.alive == ["router"]


async def test_unanswered_questions_are_forgotten(
    links: list[PingLink], recorder: Recorder
) -> None:
    """Goal: silence for a year costs no memory. Method: many rounds that nobody reads."""
    link = ping(links, recorder, "127.0.0.1", "127.0.0.2")
    for _ in range(100):
        link._ask()
    assert len(link._asked) == 2 * ROUNDS_REMEMBERED


async def test_heartbeats_do_not_travel_to_ping_nodes(
    links: list[PingLink], recorder: Recorder
) -> None:
    """Goal: no cluster traffic to strangers. Method: send, and nothing more was sent."""
    link = ping(links, recorder, "127.0.0.1")
    sent = link.counters.bytes_sent
    link.send(status(b"secret"))
    assert link.counters.bytes_sent == sent


async def test_a_closed_link_asks_no_more(links: list[PingLink], recorder: Recorder) -> None:
    """Goal: close means closed. Method: close, hint, and see no timer and no socket."""
    link = ping(links, recorder, "127.0.0.1")
    link.close()
    link.close()
    link.interface_changed()
    assert link._timer is None
    assert link._sockets == {}


def test_the_checksum_is_the_one_of_rfc_1071() -> None:
    """Goal: what routers check. Method: the example of the RFC, and an odd length."""
    assert internet_checksum(bytes.fromhex("0001f203f4f5f6f7")) == ~0xDDF2 & 0xFFFF
    assert internet_checksum(b"\xff") == 0x00FF
