"""heartbeat's own tools, where what they ask or say concerns the node at the other end."""

from __future__ import annotations

import asyncio

import pytest

from tests.lab.interop.member import Kind, Member, Scope, View
from tests.lab.interop.story import ACTIVE, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

TOOLS = "/usr/share/heartbeat"
STRANGER = "ttisrv9"
SENT_WITHIN = 20.0  # s from a tool's end to its message on the medium: half a second as a rule


@pytest.mark.cells("ucast-sha1", "serial-md5")
async def test_cl_status_tells_of_either_node_the_same_on_both(story: Story) -> None:
    """Goal: one cluster, one picture. Method: every question of cl_status on both nodes.

    heartbeat has it from its API, hbd from D-Bus; which daemon is asked cannot be told.
    """
    questions = [["listnodes"], ["listnodes", "-n"], ["listnodes", "-p"]]
    for node in story.pair.nodes:
        questions += [["nodestatus", node.name], ["nodetype", node.name]]
    first, second = [
        [sorted((await member.ask(*question)).split()) for question in questions]
        for member in story.pair.members
    ]
    assert first == second
    for member in story.pair.members:
        peer = story.other(member).name
        assert await member.ask("listhblinks", peer) == story.wiring.link
        assert await member.ask("hblinkstatus", peer, story.wiring.link) == "up"


@pytest.mark.cells("ucast-sha1")
async def test_node_commands_of_heartbeat_change_nothing_at_hbd(story: Story) -> None:
    """Goal: what hbd has no use for harms nobody. Method: heartbeat's commands about nodes.

    They go out as messages of their own type; two nodes of haresources have no weight and no site.
    hb_addnode is left out: haresources knows two nodes, and a heartbeat that is told of a third one
    takes over everything when that does not come.
    """
    moves = story.moves()
    heartbeat = story.heartbeat
    for words in (["setweight", story.hbd.name, "50"], ["setsite", story.hbd.name, "here"]):
        await _says(story, heartbeat, *words)
    story.expects(rf"{STRANGER}")  # it knows no such node, and says so
    await _says(story, heartbeat, "delnode", STRANGER)
    await story.hbd.until(heartbeat.name, View(ACTIVE, ACTIVE, Scope.LOCAL))
    await story.at_rest()
    if story.hbd.kind is Kind.HBD:
        assert STRANGER not in await story.hbd.ask("listnodes")
    assert story.moves() == moves


@pytest.mark.cells("ucast-sha1")
async def test_groups_can_be_asked_for_from_both_ends_at_once(story: Story) -> None:
    """Goal: two commands at the same moment end in one cluster. Method: both ask for everything.

    heartbeat refuses a second exchange without a word, so who wins is open; that nobody holds a
    group that the other one holds is not, and afterwards the pair still moves groups.
    """
    story.expects(r"Message with zero fields")  # two of its own scripts write to its fifo at once
    both = story.pair.members
    await asyncio.gather(*(member.takeover(Scope.ALL) for member in both))
    await asyncio.gather(
        *(member.settles(story.other(member).name, within=60.0) for member in both)
    )
    await story.hbd.takeover(Scope.ALL)
    await story.settled(Scope.ALL, "none")
    await story.heartbeat.takeover(Scope.LOCAL)
    await story.at_rest()


async def _says(story: Story, member: Member, command: str, *words: str) -> None:
    """Run one of heartbeat's commands, and see its message go out."""
    await member.node.run([f"{TOOLS}/hb_{command}", *words])
    await story.until(
        lambda: bool(story.tap.sent(member.name, story.began, command)),
        f"{command} is sent",
        SENT_WITHIN,
    )
