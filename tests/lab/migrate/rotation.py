"""Three rounds of new keys on a cluster that beats, and what was heard meanwhile on each link."""

from __future__ import annotations

import time
from typing import Final

from hbd.journal import MessageId
from tests.lab.demo.table import grid
from tests.lab.harness.cluster import Lab
from tests.lab.harness.files import NODE_NAMES
from tests.lab.harness.host import now
from tests.lab.harness.node import Node
from tests.lab.interop.tap import Carrier, Tap
from tests.lab.migrate import old
from tests.lab.migrate.cluster import sees_peer, until
from tests.lab.story import said
from tests.lab.story.status import status

SILENCES: Final = (MessageId.PEER_LATE, MessageId.PEER_LOST, MessageId.LINK_DEAD)
REFUSED: Final = "rejected"  # the counter of a link


async def rotates(lab: Lab) -> None:
    """Change the keys on one node after the other; neither ever misses the other's heartbeats.

    Each link carries a heartbeat that one of the keys has signed all the time, in each direction;
    no node refuses one of the other's, and none says that it heard nothing.
    """
    places = {node.name: await node.journal.cursor() for node in lab.nodes}
    refused = {node.name: await _refused(node) for node in lab.nodes}
    tap, began = _listen(lab), now()
    try:
        for text in old.ROUNDS:
            for node in lab.nodes:
                node.write(old.AUTHKEYS, text, mode=0o600)
                await node.run(["systemctl", "reload", "hbd"])
                reloaded_usec = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
                for hears in lab.nodes:
                    await _hears_on_each_link(hears, reloaded_usec)
                    assert await sees_peer(hears)
        ended = now()
    finally:
        tap.close()
    print("\n" + grid([["link", "from", "longest silence"], *_silences(tap, began, ended)]))
    assert dict(tap.undecoded) == {}
    for node in lab.nodes:
        assert await _refused(node) == refused[node.name]
        entries = await node.journal.entries(f"--after-cursor={places[node.name]}")
        events = {str(entry.get("HBD_EVENT")) for entry in entries}
        assert events.isdisjoint(said.event(silence) for silence in SILENCES)


def _listen(lab: Lab) -> Tap:
    """An ear on the crossover cable and the serial line that knows both keys."""
    tap = Tap(old.BOTH_KEYS, old.PORT)
    ports = {f"{node.name}-{old.CROSSOVER}": node.name for node in lab.nodes}
    tap.hear_cables(lab.network.namespace("wires"), ports)
    ears = [lambda data, name=node.name: tap.hear_bytes(name, data) for node in lab.nodes]
    lab.serial.listen_with(*ears)
    return tap


def _silences(tap: Tap, began: float, ended: float) -> list[list[str]]:
    """A line for each link and direction; none is as long as would be told as late."""
    lines = []
    for carrier in Carrier:
        for name in NODE_NAMES:
            silence = tap.silence(name, carrier, began, ended)
            assert silence < old.WARNTIME, (carrier, name)
            lines.append([carrier.value, name, f"{silence:.2f} s"])
    return lines


async def _hears_on_each_link(node: Node, since_usec: int) -> None:
    """Wait until a node has heard the other one since then, on every link, and believed it."""

    async def has_heard() -> bool:
        view = await status(node)
        return view is not None and all(link.last_heard_usec > since_usec for link in view.links)

    await until(has_heard, f"{node.name} hears on each link")


async def _refused(node: Node) -> dict[str, int]:
    """How many messages each link of a node has refused so far."""
    view = await status(node)
    assert view is not None
    return {link.name: link.counters[REFUSED] for link in view.links}
