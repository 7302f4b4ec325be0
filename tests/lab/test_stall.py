"""A whole node stands still for a while, as a paused virtual machine does, and goes on."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hbd.cli.view import StatusView
from hbd.cluster.terms import GroupState, Phase
from hbd.journal import MessageId
from tests.lab.harness import cgroups
from tests.lab.harness.host import LabError
from tests.lab.harness.node import Node
from tests.lab.story.status import group
from tests.lab.story.story import DEADTIME, GROUP, MOVED_WITHIN, REST_WITHIN, Story
from tests.lab.test_daemon import ARMED, DAEMON, lives, send
from tests.lab.test_power import LOSING_THE_PEER

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

BRIEF = 3.0  # s: longer than warntime and the watchdog's patience, shorter than deadtime
STALLED = (MessageId.STALLED, MessageId.PEER_LATE, DAEMON, ARMED)


@asynccontextmanager
async def frozen(node: Node) -> AsyncIterator[None]:
    """Every process of the node stands still, systemd's too."""
    trees = [tree / node._unit / "cgroup.freeze" for tree in cgroups.hierarchies()]
    switches = [path for path in trees if path.exists()]
    if not switches:
        raise LabError("no control group of this machine can freeze a node")
    for switch in switches:
        switch.write_text("1")
    try:
        yield
    finally:
        for switch in switches:
            switch.write_text("0")


@asynccontextmanager
async def unplugged(story: Story, node: Node) -> AsyncIterator[None]:
    """The node's wires are silent.

    A container's kernel lives on when its processes are frozen, and would answer ARP for it; that
    of a paused machine does not.
    """
    await story.lab.network.cut_all(node.name)
    story.lab.serial.cut()
    try:
        yield
    finally:
        story.lab.serial.mend()
        for interface in ("eth0", "eth1"):
            await story.lab.network.mend(node.name, interface)


async def test_a_node_that_stood_still_for_less_than_deadtime_keeps_its_group(
    story: Story,
) -> None:
    """Goal: a short pause moves nothing. Method: freeze the holder for 3 s, and thaw it.

    systemd's watchdog may have it started again, since for systemd too the time was gone at once.
    """
    story.expects(*STALLED, MessageId.LINK_FAULT, MessageId.REJECTED_INPUT, on=story.home)
    story.expects(
        MessageId.PEER_LATE, MessageId.LINK_FAULT, MessageId.REJECTED_INPUT, on=story.away
    )
    before = await lives(story.home)
    async with frozen(story.home), unplugged(story, story.home):
        await story.nothing_moves(BRIEF)
    await story.heard(story.away, MessageId.PEER_LATE)
    await story.served_by(story.home)
    await story.nothing_moves(DEADTIME / 2)
    assert story.moved() == []
    assert await lives(story.home) == before


def slept_for_long(story: Story) -> None:
    """What both nodes say of it, and what a shared disk without fencing cannot prevent."""
    story.splits_the_brain()
    story.expects(
        *STALLED, MessageId.LINK_FAULT, MessageId.LINK_DEAD, MessageId.REJECTED_INPUT,
        on=story.home,
    )  # fmt: skip
    story.expects(*LOSING_THE_PEER, MessageId.LINK_FAULT, MessageId.REJECTED_INPUT, on=story.away)


async def test_a_node_that_stood_still_for_longer_gives_way_when_it_goes_on(story: Story) -> None:
    """Goal: what was taken over meanwhile is not claimed back. Method: freeze until it is, thaw.

    With a plain shared disk both have it mounted from the takeover until the thawed node has seen
    what happened: nothing but fencing prevents that. The one that gives way is the one that slept.
    """
    slept_for_long(story)
    async with frozen(story.home), unplugged(story, story.home):
        await story.heard(story.away, MessageId.GROUP_STARTED, within=MOVED_WITHIN)
        await story.turn_page()
    await story.watch.until(lambda: len(_lost(story)) >= 2, "something let go", REST_WITHIN)
    assert _lost(story)[:2] == ["ttisrv1 -disk", "ttisrv1 -address"]


async def test_a_node_that_wakes_up_alone_claims_nothing_before_it_has_heard(story: Story) -> None:
    """Goal: found serving is not owned. Method: as above, but its links come back a little later.

    Its daemon is started anew by then and finds its old group running. It waits for its peer's word
    and gives way to it, whatever it prefers.
    """
    slept_for_long(story)
    async with unplugged(story, story.home):
        async with frozen(story.home):
            await story.heard(story.away, MessageId.GROUP_STARTED, within=MOVED_WITHIN)
        await send(story.home, signal.SIGKILL, check=False)  # the watchdog may have been faster
        await story.until_status(story.home, _waits_for_its_peer, "waiting for its peer")
        await story.turn_page()
    await story.watch.until(lambda: len(_lost(story)) >= 2, "something let go", REST_WITHIN)
    assert _lost(story)[:2] == ["ttisrv1 -disk", "ttisrv1 -address"]


def _lost(story: Story) -> list[str]:
    return [move for move in story.moved() if "-" in move]


def _waits_for_its_peer(view: StatusView) -> bool:
    """A new life that has looked at its group, and heard nobody."""
    is_new = view.phase == Phase.STARTING.value
    return is_new and group(view, GROUP).state == GroupState.STARTED.value
