"""Planned moves: hbd stopped and started again, a node powered off, and what a client notices."""

from __future__ import annotations

import asyncio
import sys

import pytest

from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import LabError, end, run
from tests.lab.harness.node import Node
from tests.lab.story import said
from tests.lab.story.story import MOVED_WITHIN, WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

NEWS_OF_THE_PEER = (
    MessageId.PEER_LATE,
    MessageId.PEER_LOST,
    MessageId.PEER_FENCED,
    MessageId.PEER_LEFT,
)
CONNECT = f"import socket; socket.create_connection(('{files.SHARED_ADDRESS}', 445), 5)"
MOVED_AWAY = ["ttisrv1 -disk", "ttisrv1 -address", "ttisrv2 +address", "ttisrv2 +disk"]


async def news_of_the_peer(story: Story, node: Node) -> list[str]:
    """What `node` had to say of its peer's absence on this page, in order."""
    words = [said.event(word) for word in NEWS_OF_THE_PEER]
    return [event for event in await story.events(node) if event in words]


async def test_a_stopped_daemon_hands_over_and_says_goodbye(story: Story) -> None:
    """Goal: no waiting for deadtime. Method: stop hbd where it serves.

    The peer is told that it left, never thinks it late or lost, and takes nothing by itself: the
    group was made its own by who gave it away.
    """
    await story.home.run(["systemctl", "stop", "hbd"])
    await story.served_by(story.away)
    await story.heard(story.away, MessageId.PEER_LEFT)
    assert story.moved() == MOVED_AWAY
    assert await news_of_the_peer(story, story.away) == [said.event(MessageId.PEER_LEFT)]
    owned = await story.told(story.away, "HBD_EVENT=owner-changed")
    assert [entry["HBD_OWNER"] for entry in owned] == [story.away.name]

    await story.home.run(["systemctl", "start", "hbd"])
    await story.served_by(story.home)


async def test_a_daemon_that_is_started_again_gets_its_group_back(story: Story) -> None:
    """Goal: failback by the article's files. Method: stop and start; both moves without overlap."""
    await story.home.run(["systemctl", "restart", "hbd"])
    await story.served_by(story.home)
    assert [move for move in story.moved() if move.startswith("ttisrv1 +")] == [
        "ttisrv1 +address",
        "ttisrv1 +disk",
    ]


async def test_stopping_the_daemon_that_serves_nothing_moves_nothing(story: Story) -> None:
    """Goal: a standby node may go. Method: stop and start hbd on the other node."""
    await story.away.run(["systemctl", "stop", "hbd"])
    await story.heard(story.home, MessageId.PEER_LEFT)
    await story.away.run(["systemctl", "start", "hbd"])
    await story.heard(story.home, MessageId.PEER_ACTIVE)
    assert story.moved() == []


async def test_a_power_off_hands_over_while_network_bus_and_disk_are_there(story: Story) -> None:
    """Goal: hbd's place in systemd's shutdown. Method: `systemctl poweroff` where it serves.

    If network or bus were gone first, the peer would have to wait for deadtime and say `lost`.
    """
    story.expects(MessageId.LINK_DEAD, on=story.away)  # if the boot takes longer than deadtime
    took = await story.home.shutdown()
    await story.served_by(story.away)
    assert await news_of_the_peer(story, story.away) == [said.event(MessageId.PEER_LEFT)]
    assert took < files.DEADTIME
    assert story.moved() == MOVED_AWAY

    await story.home.boot()
    await story.served_by(story.home, within=MOVED_WITHIN)


async def test_a_reboot_of_the_node_that_serves_nothing_moves_nothing(story: Story) -> None:
    """Goal: maintenance of the standby node costs nothing. Method: power it off and on."""
    story.expects(MessageId.LINK_DEAD, on=story.home)  # if the boot takes longer than deadtime
    await story.away.shutdown()
    await story.heard(story.home, MessageId.PEER_LEFT)
    await story.away.boot()
    await story.heard(story.home, MessageId.PEER_ACTIVE)
    assert story.moved() == []


async def test_a_clients_neighbour_entry_changes_with_the_move(story: Story) -> None:
    """Goal: the gratuitous ARP reaches a client at once. Method: follow its neighbour table.

    The client speaks to nobody meanwhile, so nothing but an announcement can tell it.
    """
    client = ["ip", "netns", "exec", story.lab.network.namespace("client")]
    await run([*client, sys.executable, "-c", CONNECT])
    old, new = [await hardware_address(node) for node in (story.home, story.away)]
    shown = await run([*client, "ip", "neigh", "show", files.SHARED_ADDRESS])
    assert old in shown.out
    following = await asyncio.create_subprocess_exec(
        *client, "ip", "monitor", "neigh",
        stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert following.stdout is not None, "asked for a pipe"
    try:
        await story.home.run(["hbctl", "standby"])
        await seen(following.stdout, files.SHARED_ADDRESS, new)
    finally:
        await end(following)
    await story.away.run(["hbctl", "standby"])


async def hardware_address(node: Node) -> str:
    """The MAC address of a node's LAN interface."""
    return (await node.run(["cat", "/sys/class/net/eth0/address"])).out.strip()


async def seen(lines: asyncio.StreamReader, *words: str) -> None:
    """Wait for a line with all of `words`."""
    try:
        async with asyncio.timeout(WITHIN):
            async for line in lines:
                if all(word in line.decode() for word in words):
                    return
    except TimeoutError as error:
        raise LabError(f"no line with {words} within {WITHIN:g} s") from error
