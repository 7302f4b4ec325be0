"""Every link is cut while both nodes live: what two links cannot promise, and how it heals."""

from __future__ import annotations

import pytest

from hbd.cli.view import StatusView
from hbd.cluster.terms import PeerStatus
from hbd.journal import MessageId
from tests.lab.harness.things import Thing
from tests.lab.story.cables import divided_lan, no_link
from tests.lab.story.status import group
from tests.lab.story.story import GROUP, MOVED_WITHIN, REST_WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

BLIND = (
    MessageId.PEER_LATE,
    MessageId.PEER_LOST,
    MessageId.LINK_DEAD,
    MessageId.LINK_FAULT,
    MessageId.UNPROTECTED,
    MessageId.REJECTED_INPUT,  # the message that a cut serial line left half told
)


def have_all(story: Story, count: int) -> bool:
    """Whether disk and address are each on so many nodes."""
    return all(len(story.watch.holders(thing)) == count for thing in Thing)


def _sees_peer(view: StatusView) -> bool:
    return view.peer_status == PeerStatus.ACTIVE.value


async def test_an_address_that_still_answers_on_the_lan_is_not_taken(story: Story) -> None:
    """Goal: a living peer that merely fell silent keeps its group. Method: cut both links only.

    The other node thinks it lost and would take over, but asks the LAN first, and is answered: so
    it takes nothing, says why, and nothing moves when the links are back either.
    """
    story.expects(*BLIND)
    story.expects(MessageId.FENCE_WAITS, on=story.away)
    async with no_link(story.lab):
        await story.heard(story.away, MessageId.FENCE_WAITS, within=MOVED_WITHIN)
        await story.nothing_moves(1.0)
        view = await story.until_status(
            story.away, lambda view: view.peer_status == PeerStatus.LOST.value, "without a peer"
        )
        assert group(view, GROUP).owner == story.home.name
    await story.until_status(story.away, _sees_peer, "together again", REST_WITHIN)
    assert story.holders() == {story.home.name}
    assert await story.told(story.home, "HBD_EVENT=group-stopped") == []

    await story.home.run(["systemctl", "stop", "hbd"])
    await story.served_by(story.away)
    await story.home.run(["systemctl", "start", "hbd"])
    await story.served_by(story.home)


async def test_with_links_and_lan_cut_both_serve_and_say_that_nothing_protects_them(
    story: Story,
) -> None:
    """Goal: the classic set-up's limit is as documented. Method: cut everything, then mend it.

    The node that does not serve takes silence for death by the administrator's word, and says
    `unprotected`; the one that serves takes nothing, so it fences nobody. Healed, the one that was
    taken over from gives way, and then the group goes home.
    """
    story.splits_the_brain()
    story.expects(*BLIND)
    async with divided_lan(story.lab), no_link(story.lab):
        await story.heard(story.away, MessageId.UNPROTECTED, within=MOVED_WITHIN)
        await story.watch.until(lambda: have_all(story, 2), "both hold all", MOVED_WITHIN)
        view = await story.until_status(
            story.away, lambda view: view.peer_status == PeerStatus.FENCED.value, "without a peer"
        )
        assert not any(node.fence_proven for node in view.nodes)
        await story.served_by(story.away)
        await story.turn_page()

    await story.watch.until(lambda: have_all(story, 1), "one holder", REST_WITHIN)
    await story.heard(story.home, MessageId.GROUP_STOPPED)
    await story.served_by(story.home)
    for node in (story.home, story.away):
        assert len(await story.told(node, "HBD_EVENT=group-stopped")) == 1


async def test_one_returning_link_is_enough_to_end_a_partition(story: Story) -> None:
    """Goal: any link heals. Method: cut everything, mend the serial line alone, then the rest."""
    story.splits_the_brain()
    story.expects(*BLIND)
    async with divided_lan(story.lab), no_link(story.lab):
        await story.watch.until(lambda: have_all(story, 2), "both hold all", MOVED_WITHIN)
        story.lab.serial.mend()
        await story.watch.until(lambda: have_all(story, 1), "one holder", REST_WITHIN)
