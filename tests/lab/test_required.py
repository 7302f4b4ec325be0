"""`fencing required` where neither the disk nor a switch can make sure: an operator must."""

from __future__ import annotations

import pytest

from hbd.cli.outcome import Exit
from hbd.cluster.terms import Means, PeerStatus
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.story.setup import Setup
from tests.lab.story.status import group
from tests.lab.story.story import GROUP, MOVED_WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

SETUP = Setup(ha_cf=files.HA_CF + "fencing required\n")

LOSING_THE_PEER = (MessageId.PEER_LATE, MessageId.PEER_LOST, MessageId.LINK_DEAD)


async def test_a_dead_node_s_group_waits_for_an_operator(story: Story) -> None:
    """Goal: `required` takes nothing over on silence. Method: cut the power, wait, then confirm.

    While the server is heard an operator's word is refused; when it is dead, that word alone moves
    the group.
    """
    story.expects(*LOSING_THE_PEER, MessageId.FENCE_WAITS, on=story.away)
    story.expects(MessageId.PEER_CONFIRMED_DOWN, MessageId.JOB_FINISHED, on=story.away)
    confirm = ["hbctl", "confirm-peer-down", story.home.name]
    assert (await story.away.run(confirm, check=False)).status == Exit.REFUSED
    view = await story.until_status(story.away, lambda _: True, "there")
    assert view.protection == Means.NONE.value

    await story.home.kill()
    waits = await story.heard(story.away, MessageId.FENCE_WAITS, within=MOVED_WITHIN)
    assert "confirm-peer-down" in str(waits["MESSAGE"])
    await story.nothing_moves(12.0)  # longer than until the next try
    seen = await story.until_status(
        story.away, lambda view: view.peer_status == PeerStatus.LOST.value, "without a peer"
    )
    assert group(seen, GROUP).owner == story.home.name
    assert story.holders() == set()

    assert (await story.away.run(confirm)).status == Exit.DONE
    await story.served_by(story.away)
    seen = await story.until_status(
        story.away, lambda view: view.peer_status == PeerStatus.FENCED.value, "sure of its peer"
    )
    assert [node.fence_proven for node in seen.nodes if node.name == story.home.name] == [True]

    await story.home.boot()
    await story.served_by(story.home, within=MOVED_WITHIN)


async def test_a_node_that_returns_by_itself_needs_no_operator(story: Story) -> None:
    """Goal: the wait ends with its reason. Method: cut the power, wait, and give it back."""
    story.expects(*LOSING_THE_PEER, MessageId.FENCE_WAITS, on=story.away)
    await story.home.kill()
    await story.heard(story.away, MessageId.FENCE_WAITS, within=MOVED_WITHIN)
    await story.home.boot()
    await story.served_by(story.home, within=MOVED_WITHIN)
    assert [move for move in story.moved() if move.startswith("ttisrv2 +")] == []


async def test_a_planned_move_asks_nobody(story: Story) -> None:
    """Goal: `required` is about silence only. Method: stop the server's daemon, start it again."""
    await story.home.run(["systemctl", "stop", "hbd"])
    await story.served_by(story.away)
    await story.home.run(["systemctl", "start", "hbd"])
    await story.served_by(story.home)
