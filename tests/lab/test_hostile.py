"""A machine that belongs to nobody speaks on the crossover cable: counted, and that is all."""

from __future__ import annotations

import base64
import json
import random
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hbd.cluster.terms import PeerStatus
from hbd.journal import MessageId
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import run
from tests.lab.harness.network import Cable
from tests.lab.story.status import status
from tests.lab.story.story import MOVED_WITHIN, WITHIN, Story
from tests.lab.test_power import LOSING_THE_PEER

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

SEED = 694
PORT = 694
CROSSOVER = "eth1"
ADDRESS = "10.0.0.66/24"

# Reads JSON lists of base64 datagrams from stdin and throws each at both nodes and at everybody.
THROW = f"""
import base64, json, socket, sys
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for text in json.load(sys.stdin):
    for target in ("10.0.0.1", "10.0.0.255"):
        wire.sendto(base64.b64decode(text), (target, {PORT}))
"""
# Prints the next COUNT datagrams that are on the wire anyway, as a JSON list.
LISTEN = f"""
import base64, json, socket, sys
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
wire.bind(("", {PORT}))
print(json.dumps([base64.b64encode(wire.recv(65536)).decode() for _ in range(int(sys.argv[1]))]))
"""


class Stranger:
    """A third machine on the crossover cable, without the key."""

    def __init__(self, lab: Lab) -> None:
        self._enter = ["ip", "netns", "exec", lab.network.namespace("stranger"), sys.executable]

    async def listens(self, count: int) -> list[bytes]:
        """So many genuine messages of both nodes."""
        done = await run([*self._enter, "-c", LISTEN, str(count)], within=WITHIN)
        return [base64.b64decode(text) for text in json.loads(done.out)]

    async def throws(self, datagrams: list[bytes]) -> None:
        """Each datagram to the first node, and to all."""
        texts = json.dumps([base64.b64encode(datagram).decode() for datagram in datagrams])
        await run([*self._enter, "-c", THROW], stdin=texts.encode())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stranger(cluster: Lab) -> AsyncIterator[Stranger]:
    """Plugged in for the module."""
    await cluster.network.plug_in("stranger", [Cable("stranger", CROSSOVER, "cross", ADDRESS)])
    yield Stranger(cluster)
    await cluster.network.unplug("stranger")


def garbage(count: int) -> list[bytes]:
    """Random bytes of all lengths, the empty datagram and the longest among them."""
    dice = random.Random(SEED)
    lengths = [0, 1, 65_507, *(dice.randrange(2, 1400) for _ in range(count - 3))]
    return [dice.randbytes(length) for length in lengths]


def forged(genuine: list[bytes], count: int) -> list[bytes]:
    """Genuine messages with one bit, or one field, that is not."""
    dice = random.Random(SEED)
    made = []
    for _ in range(count):
        message = bytearray(dice.choice(genuine))
        place = dice.randrange(len(message))
        message[place] ^= 1 << dice.randrange(8)
        made.append(bytes(message))
    made += [message.replace(b"active", b"dead") for message in genuine]
    made += [message[: dice.randrange(1, len(message))] for message in genuine]
    made += [message * 40 for message in genuine]
    return made


async def test_what_strangers_say_is_counted_and_changes_nothing(
    story: Story, stranger: Stranger
) -> None:
    """Goal: forged, cut, oversized and random input does nothing. Method: 2000 of it on eth1.

    Nothing moves, both nodes go on hearing each other there, each journal gets one line at most.
    """
    print(f"seed {SEED}")
    story.expects(MessageId.REJECTED_INPUT)
    genuine = await stranger.listens(6)
    before = [await story.link_counters(node, CROSSOVER) for node in story.lab.nodes]
    await stranger.throws(garbage(1000))
    await stranger.throws(forged(genuine, 1000))
    for node, counters in zip(story.lab.nodes, before, strict=True):
        after = await story.link_counters(node, CROSSOVER)
        assert after["rejected"] >= counters["rejected"] + 1900
        assert len(await story.told(node, "HBD_EVENT=rejected-input")) <= 1
        assert len(await story.events(node)) <= 1
        await story.until_counter(node, CROSSOVER, "messages_received", after)
    assert story.moved() == []
    views = [await status(node) for node in story.lab.nodes]
    assert all(view is not None and view.peer_status == PeerStatus.ACTIVE.value for view in views)


async def test_what_was_recorded_does_not_keep_a_dead_node_alive(
    story: Story, stranger: Stranger
) -> None:
    """Goal: a replay proves nothing. Method: record heartbeats, cut the power, play them for ever.

    The other node still thinks its peer lost after deadtime, and serves.
    """
    story.expects(*LOSING_THE_PEER, MessageId.REJECTED_INPUT, on=story.away)
    genuine = await stranger.listens(12)
    await story.home.kill()
    while story.away.name not in story.holders():
        await stranger.throws(genuine)
        assert story.elapsed() < MOVED_WITHIN
    await story.served_by(story.away)
    await stranger.throws(genuine)
    await story.home.boot()
    await story.served_by(story.home)
