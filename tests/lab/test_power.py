"""A node loses its power; the other one waits for deadtime, says what it lacks, and serves."""

from __future__ import annotations

import asyncio

import pytest

from hbd.cluster.terms import GroupState, PeerStatus
from hbd.journal import MessageId
from tests.lab.harness import disk, files
from tests.lab.harness.host import now
from tests.lab.story import said
from tests.lab.story.story import DEADTIME, GROUP, MOVED_WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

# deadtime of silence, then a mount that replays the journal and three servers; the rest is a busy
# machine's. The bench measures how little of it is needed.
TAKEN_OVER_WITHIN = DEADTIME + 5.0
LOSING_THE_PEER = (
    MessageId.PEER_LATE,
    MessageId.PEER_LOST,
    MessageId.LINK_DEAD,
    MessageId.UNPROTECTED,
)


async def test_a_node_without_power_is_replaced_after_deadtime(story: Story) -> None:
    """Goal: late, lost, unprotected, served: in this order. Method: cut the power where it serves.

    Nothing is taken before deadtime is over. When the power is back the group goes home.
    """
    story.expects(*LOSING_THE_PEER, on=story.away)
    cut = now()
    await story.home.kill()
    await story.served_by(story.away, within=MOVED_WITHIN)
    taken = [change.at for change in story.watch.changes(cut) if change.has]
    assert DEADTIME - 1.5 < min(taken) - cut < TAKEN_OVER_WITHIN
    wanted = [
        said.event(word)
        for word in (MessageId.PEER_LATE, MessageId.PEER_LOST, MessageId.PEER_FENCED)
    ] + [said.event(MessageId.UNPROTECTED), said.event(MessageId.GROUP_STARTED)]
    assert [event for event in await story.events(story.away) if event in wanted] == wanted

    await story.home.boot()
    await story.served_by(story.home)
    await story.turn_page()


async def test_a_file_system_that_lost_power_is_sound_after_the_move(story: Story) -> None:
    """Goal: the journal is replayed, nothing is torn. Method: write, cut, move, e2fsck."""
    story.expects(*LOSING_THE_PEER, on=story.away)
    mark = f"{files.MOUNT_POINT}/share/mark"
    await story.home.run(["sh", "-c", f"echo kept >{mark}; sync {mark}; echo torn >{mark}.2"])
    await story.home.kill()
    await story.served_by(story.away, within=MOVED_WITHIN)
    assert (await story.away.run(["cat", mark])).out == "kept\n"

    await story.away.run(["systemctl", "stop", "hbd"])
    assert story.holders() == set()
    assert await disk.check(story.away.hardware.device) == ""
    await asyncio.gather(story.home.boot(), story.away.run(["systemctl", "start", "hbd"]))


async def test_a_cluster_that_lost_all_power_starts_as_ever(story: Story) -> None:
    """Goal: nobody remembers wrongly. Method: cut both, boot both; the preferred node serves."""
    await asyncio.gather(*(node.kill() for node in story.lab.nodes))
    await asyncio.gather(*(node.boot() for node in story.lab.nodes))
    await story.served_by(story.home)
    assert [move for move in story.moved() if "ttisrv2 +" in move] == []


async def test_a_node_whose_peer_never_comes_serves_after_initdead(story: Story) -> None:
    """Goal: one machine is enough. Method: both lose power, only the other one returns."""
    story.expects(*LOSING_THE_PEER, on=story.away)
    await asyncio.gather(*(node.kill() for node in story.lab.nodes))
    await story.away.boot()
    booted = now()
    view = await story.until_status(
        story.away,
        lambda view: view.groups[0].state == GroupState.STARTED.value,
        f"serving {GROUP}",
        within=12.0 + MOVED_WITHIN,  # initdead for a deadtime below 6 s (ha.cf(5))
    )
    assert now() - booted > 12.0 - 2.0
    assert view.peer_status == PeerStatus.FENCED.value
    assert story.holders() == {story.away.name}
    await story.home.boot()
    await story.served_by(story.home)
