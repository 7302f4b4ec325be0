"""Cables pulled out of machines whose cards and UARTs notice: carrier, DSR, DCD and CTS fall."""

from __future__ import annotations

import pytest

from hbd.cli.view import StatusView
from hbd.cluster.terms import LinkStatus
from hbd.journal import MessageId
from tests.lab.harness.host import now
from tests.vm.harness.setup import until_status
from tests.vm.story import WITHIN, Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]

# <asm-generic/termios.h>: TIOCMGET, and the lines it tells.
_LINES = """
import fcntl, os, struct
port = os.open("/dev/ttyS1", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
lines = struct.unpack("I", fcntl.ioctl(port, 0x5415, bytes(4)))[0]
print(*(name for name, bit in (("CTS", 0x20), ("DCD", 0x40), ("DSR", 0x100)) if lines & bit))
"""


def dead_links(view: StatusView) -> set[str]:
    """The kinds of the links to the peer over which nothing is heard."""
    return {
        link.kind
        for link in view.links
        if link.leads_to_peer and link.status == LinkStatus.DEAD.value
    }


async def test_a_pulled_crossover_cable_moves_nothing(story: Story) -> None:
    """Goal: one wire is not a node. Method: no carrier on eth1 until the link is dead; back."""
    epoch = (await story.group_on(story.home)).epoch
    await story.home.pull("eth1")
    for node in story.lab.nodes:
        await until_status(node, lambda view: len(dead_links(view)) == 1, WITHIN)
    await story.client_writes(since=now())
    await story.home.push("eth1")
    for node in story.lab.nodes:
        await until_status(node, lambda view: not dead_links(view), WITHIN)
    assert (await story.group_on(story.home)).epoch == epoch


async def test_a_pulled_null_modem_drops_its_lines_and_moves_nothing(story: Story) -> None:
    """Goal: what a UART sees of a cable. Method: read its modem lines before and after the pull."""
    epoch = (await story.group_on(story.home)).epoch
    assert (await story.away.run(["python3", "-c", _LINES])).out.split() == ["CTS", "DCD", "DSR"]
    await story.lab.null_modem.pull(story.away.machine, story.away.plug.end)
    assert (await story.away.run(["python3", "-c", _LINES])).out.split() == []
    for node in story.lab.nodes:
        await story.heard(node, MessageId.LINK_DEAD)
    await story.client_writes(since=now())
    assert (await story.group_on(story.home)).epoch == epoch
