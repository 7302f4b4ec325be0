"""Links fail one at a time, and come back: each is said, and nothing moves."""

from __future__ import annotations

import os
import random

import pytest

from hbd.cluster.terms import LinkStatus, PeerStatus
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import run
from tests.lab.story.status import link, status
from tests.lab.story.story import MOVED_WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

SERIAL, CROSSOVER = "/dev/ttyS0", "eth1"
NOISE = 4096  # bytes: two seconds at 19200 baud


async def peers_are_active(story: Story) -> bool:
    """Whether both nodes hear each other, on whatever link."""
    views = [await status(node) for node in story.lab.nodes]
    return all(view is not None and view.peer_status == PeerStatus.ACTIVE.value for view in views)


async def test_a_cut_crossover_cable_kills_one_link_and_moves_nothing(story: Story) -> None:
    """Goal: a node is lost only when every link is. Method: pull eth1, wait for deadtime, mend."""
    story.expects(MessageId.LINK_DEAD, MessageId.LINK_FAULT)
    story.undo.push_async_callback(story.lab.mend_crossover)
    await story.lab.cut_crossover()
    for node in story.lab.nodes:
        dead = await story.heard(node, MessageId.LINK_DEAD, within=MOVED_WITHIN)
        assert dead["HBD_LINK"] == CROSSOVER
    await story.nothing_moves(1.0)
    assert await peers_are_active(story)
    await story.lab.mend_crossover()
    for node in story.lab.nodes:
        up = await story.heard(node, MessageId.LINK_UP, within=MOVED_WITHIN)
        assert up["HBD_LINK"] == CROSSOVER
    assert story.moved() == []


async def test_a_cut_serial_line_kills_one_link_and_moves_nothing(story: Story) -> None:
    """Goal: the same for the null-modem, which has no carrier. Method: cut, deadtime, mend."""
    story.expects(MessageId.LINK_DEAD, MessageId.REJECTED_INPUT)  # one message was cut in two
    story.undo.callback(story.lab.serial.mend)
    story.lab.serial.cut()
    for node in story.lab.nodes:
        dead = await story.heard(node, MessageId.LINK_DEAD, within=MOVED_WITHIN)
        assert dead["HBD_LINK"] == SERIAL
    await story.nothing_moves(1.0)
    assert await peers_are_active(story)
    story.lab.serial.mend()
    for node in story.lab.nodes:
        up = await story.heard(node, MessageId.LINK_UP, within=MOVED_WITHIN)
        assert up["HBD_LINK"] == SERIAL
    assert story.moved() == []


async def test_noise_on_the_serial_line_is_counted_and_the_line_goes_on(story: Story) -> None:
    """Goal: a bad line costs messages, nothing else. Method: random bytes into a node's receiver.

    The line is `up` all the time or again, the noise stands in its counters, the journal has a line
    for each kind of trouble at most.
    """
    story.expects(MessageId.REJECTED_INPUT, MessageId.LINK_FAULT, on=story.home)
    noise = random.Random(694).randbytes(NOISE)  # seed 694: the same noise in every run
    master = story.lab.serial._ports[0].master  # what is written here arrives at the first node
    before = await story.link_counters(story.home, SERIAL)
    for start in range(0, NOISE, 512):
        os.write(master, noise[start : start + 512])
    view = await story.until_status(
        story.home,
        lambda view: link(view, SERIAL).counters["noise_bytes"] > before["noise_bytes"],
        "counting noise",
    )
    heard = link(view, SERIAL).counters["messages_received"]
    await story.until_status(
        story.home,
        lambda view: link(view, SERIAL).counters["messages_received"] > heard + 1,
        "hearing messages on the serial line",
    )
    await story.link_on(story.home, SERIAL, LinkStatus.UP)
    assert story.moved() == []
    for trouble in ("rejected-input", "link-fault"):
        lines = await story.told(story.home, f"HBD_EVENT={trouble}", "PRIORITY=4")
        assert len(lines) <= 1


async def test_a_serial_line_that_hangs_up_is_opened_again(story: Story) -> None:
    """Goal: a pulled adapter comes back by itself. Method: hang up the tty under the daemon.

    Its fault is said, its end too; the other link carries on, so nothing moves.
    """
    story.expects(MessageId.LINK_FAULT, MessageId.REJECTED_INPUT)
    story.lab.serial.hang_up(0)
    await story.heard(story.home, MessageId.LINK_FAULT, f"HBD_LINK={SERIAL}", "PRIORITY=4")
    await story.heard(story.home, MessageId.LINK_FAULT, f"HBD_LINK={SERIAL}", "PRIORITY=6")
    for node in story.lab.nodes:
        before = await story.link_counters(node, SERIAL)
        await story.until_counter(node, SERIAL, "messages_received", before)
    assert story.moved() == []


async def test_an_interface_that_is_removed_and_plugged_in_again_works_again(story: Story) -> None:
    """Goal: hbd follows interfaces by netlink. Method: delete eth1 at home, and make it anew.

    Its absence is said as a fault of the link; the new interface has another index and address.
    """
    story.expects(MessageId.LINK_DEAD, MessageId.LINK_FAULT)
    network, name = story.lab.network, story.home.name
    space = ["ip", "-n", network.namespace(name)]
    await run([*space, "link", "del", CROSSOVER])
    await story.heard(story.home, MessageId.LINK_FAULT, f"HBD_LINK={CROSSOVER}")
    await story.heard(story.home, MessageId.LINK_DEAD, within=MOVED_WITHIN)
    await story.turn_page()

    wires = ["ip", "-n", network.namespace("wires")]
    port = f"{name}-{CROSSOVER}"
    await run([*wires, "link", "add", port, "type", "veth", "peer", "name", CROSSOVER,
               "netns", network.namespace(name)])  # fmt: skip
    await run([*wires, "link", "set", port, "master", "cross", "up"])
    await run([*space, "addr", "add", files.CROSS_ADDRESSES[name], "dev", CROSSOVER])
    await run([*space, "link", "set", CROSSOVER, "up"])
    for node in story.lab.nodes:
        await story.heard(node, MessageId.LINK_UP, f"HBD_LINK={CROSSOVER}", within=MOVED_WITHIN)
    assert story.moved() == []
