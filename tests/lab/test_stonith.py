"""A power switch makes sure: the nodes have management boards, and a disk that refuses nobody."""

from __future__ import annotations

import json

import pytest

from hbd.cluster.terms import Means, PeerStatus
from hbd.journal import MessageId
from tests.lab.harness import board, files, ipmi
from tests.lab.harness.board import Board
from tests.lab.harness.host import now
from tests.lab.harness.node import Node
from tests.lab.story import said
from tests.lab.story.cables import divided_lan, no_link
from tests.lab.story.setup import Setup
from tests.lab.story.status import group
from tests.lab.story.story import DEADTIME, GROUP, MOVED_WITHIN, WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

# As heartbeat has them: host, type; whom it switches, where, user and password.
STONITH_HOSTS = "".join(
    f"stonith_host * external/ipmi {name} {address} {ipmi.USER} {ipmi.PASSWORD}\n"
    for name, address in board.ADDRESSES.items()
)
SETUP = Setup(ha_cf=files.HA_CF + STONITH_HOSTS, has_boards=True)

AGENT_WITHIN = 30.0  # s: all that an agent is given
AGENT_ACTS_WITHIN = 6.0  # s for an agent whose board answers to have switched: 3 on a quiet machine
SWITCHED_WITHIN = MOVED_WITHIN + AGENT_WITHIN
BLIND = (
    MessageId.PEER_LATE,
    MessageId.PEER_LOST,
    MessageId.LINK_DEAD,
    MessageId.LINK_FAULT,
    MessageId.REJECTED_INPUT,  # the message that a cut serial line left half told
)


def board_of(story: Story, node: Node) -> Board:
    """The node's management board."""
    return story.lab.boards[node.name]


def forget_orders(story: Story) -> None:
    """Count the boards' orders from here."""
    for each in story.lab.boards.values():
        each.orders.clear()
        each.asked = 0


async def is_proven_off(story: Story, node: Node) -> None:
    """The other node says that this one is off, and that it is sure."""
    other = story.away if node is story.home else story.home
    view = await story.until_status(
        other, lambda view: view.peer_status == PeerStatus.FENCED.value, f"sure of {node.name}"
    )
    assert [each.fence_proven for each in view.nodes if each.name == node.name] == [True]


async def test_the_server_is_switched_off_before_its_disk_is_taken(story: Story) -> None:
    """Goal: never two holders with all cables cut. Method: cut links and LAN while both live.

    The standby switches the server off by its board, has that confirmed, and then serves. The
    server, which needs nothing, has not even asked the standby's board.
    """
    forget_orders(story)
    story.expects(*BLIND)
    story.expects(MessageId.FENCING, on=story.away)
    view = await story.until_status(story.away, lambda _: True, "there")
    assert view.protection == Means.STONITH.value
    async with divided_lan(story.lab), no_link(story.lab):
        cut = now()
        await story.served_by(story.away, within=SWITCHED_WITHIN)
        assert not story.home.is_on
        assert now() - cut > DEADTIME - 1.5
        await is_proven_off(story, story.home)
    assert board_of(story, story.home).orders == ["off"]
    assert board_of(story, story.home).asked > 1, "it was asked whether the power is off"
    assert board_of(story, story.away).asked == 0
    first, *_, last = story.moved()
    assert first.startswith("ttisrv1 -")
    assert last.startswith("ttisrv2 +")
    wanted = [said.event(each) for each in (MessageId.PEER_LOST, MessageId.FENCING)]
    wanted += [said.event(each) for each in (MessageId.PEER_FENCED, MessageId.GROUP_STARTED)]
    assert [event for event in await story.events(story.away) if event in wanted] == wanted

    await story.home.boot()
    await story.served_by(story.home, within=MOVED_WITHIN)


async def test_a_peer_that_holds_nothing_is_not_shot_when_it_dies(story: Story) -> None:
    """Goal: power is cut only if something depends on it. Method: the standby loses its power."""
    forget_orders(story)
    story.expects(*BLIND, on=story.home)
    await story.away.kill()
    await story.heard(story.home, MessageId.PEER_LOST, within=MOVED_WITHIN)
    await story.nothing_moves(2.0)
    assert all(each.asked == 0 for each in story.lab.boards.values())
    view = await story.until_status(story.home, lambda _: True, "there")
    assert view.peer_status == PeerStatus.LOST.value
    await story.away.boot()


async def test_a_board_that_is_silent_permits_nothing_until_an_operator_does(
    story: Story,
) -> None:
    """Goal: no takeover on a guess. Method: hang the board, cut all cables, wait, pull the plug.

    The reason is in the journal and tells no password. When the machine is off an operator says
    so, and is believed.
    """
    forget_orders(story)
    story.expects(*BLIND)
    story.expects(MessageId.FENCING, MessageId.FENCE_WAITS, on=story.away)
    story.expects("fence_ipmilan", MessageId.PEER_CONFIRMED_DOWN, on=story.away)
    board_of(story, story.home).hang()
    story.undo.push_async_callback(board_of(story, story.home).restart)
    async with divided_lan(story.lab), no_link(story.lab):
        waits = await story.heard(
            story.away, MessageId.FENCE_WAITS, within=DEADTIME + AGENT_WITHIN + WITHIN
        )
        assert "fence_ipmilan" in str(waits["MESSAGE"])
        await story.nothing_moves(2.0)
        view = await story.until_status(story.away, lambda _: True, "there")
        assert view.peer_status == PeerStatus.LOST.value
        assert group(view, GROUP).owner == story.home.name
        assert story.home.is_on
        assert board_of(story, story.home).orders == []

        await story.home.kill()
        done = await story.away.run(["hbctl", "confirm-peer-down", story.home.name])
        assert done.status == 0
        await story.served_by(story.away)
        await is_proven_off(story, story.home)
    assert ipmi.PASSWORD not in json.dumps(await story.told(story.away))

    await story.undo.aclose()
    await story.home.boot()
    await story.served_by(story.home, within=MOVED_WITHIN)


async def test_a_peer_that_is_heard_again_is_not_switched_off_any_more(story: Story) -> None:
    """Goal: no shot at who lives, however late. Method: hang the board, cut all, mend all, wake it.

    The agent had been started and would go on as soon as the board answers; it is ended before.
    """
    forget_orders(story)
    story.expects(*BLIND)
    story.expects(MessageId.FENCING, MessageId.FENCING_ENDED, on=story.away)
    board_of(story, story.home).hang()
    story.undo.push_async_callback(board_of(story, story.home).restart)
    async with divided_lan(story.lab), no_link(story.lab):
        await story.heard(story.away, MessageId.FENCING, within=MOVED_WITHIN)
    await story.until_status(
        story.away, lambda view: view.peer_status == PeerStatus.ACTIVE.value, "with its peer"
    )
    await story.heard(story.away, MessageId.FENCING_ENDED)
    board_of(story, story.home).wake()
    await story.nothing_moves(AGENT_ACTS_WITHIN)
    assert story.home.is_on
    assert board_of(story, story.home).orders == []
