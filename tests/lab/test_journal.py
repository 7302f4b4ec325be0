"""The journal teaches: each line that an administrator meets is explained, and can be found."""

from __future__ import annotations

import pytest

from hbd.journal import MessageId
from tests.house.test_catalog import entries
from tests.lab.harness.node import Node
from tests.lab.story.story import GROUP, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

MARK = "░░"  # how journalctl marks a line of an explanation


async def listed(node: Node) -> set[str]:
    """The identities of hbd's entries in the node's catalog."""
    done = await node.run(["journalctl", "--list-catalog", "--no-pager"])
    return {line.split()[0] for line in done.out.splitlines() if " hbd:" in line}


async def explained(node: Node, *matches: str) -> list[str]:
    """What `journalctl -x -u hbd` says below the lines that match, without its marks."""
    done = await node.run(["journalctl", "-x", "-b", "-u", "hbd", "--no-pager", *matches])
    lines = done.out.splitlines()
    return [line.removeprefix(MARK).strip() for line in lines if line.startswith(MARK)]


async def test_every_message_is_in_the_nodes_catalog(story: Story) -> None:
    """Goal: the package brings the explanations along. Method: journalctl's own list, on both."""
    for node in story.lab.nodes:
        assert await listed(node) == {each.value for each in MessageId}


async def test_journalctl_x_explains_a_line_with_its_own_facts(story: Story) -> None:
    """Goal: no `@HBD_GROUP@` is left to read. Method: the text below the line of a served group.

    Every line of the catalog's entry is shown, with the fields filled in.
    """
    shown = await explained(story.home, "HBD_EVENT=group-started")
    [(headers, text)] = [
        (headers, text)
        for identity, headers, text in entries()
        if identity == MessageId.GROUP_STARTED.value
    ]
    filled = f"{headers}\n\n{text}".replace("@HBD_GROUP@", GROUP)
    filled = filled.replace("@HBD_NODE@", story.home.name)
    assert shown[: len(filled.splitlines())] == [line.strip() for line in filled.splitlines()]
    everything = await explained(story.home)
    assert [line for line in everything if "@HBD_" in line] == []


async def test_a_group_is_found_by_its_name(story: Story) -> None:
    """Goal: `journalctl HBD_GROUP=…` is the story of a group. Method: move it, read both nodes.

    What is found is of hbd and of that group; the node that gives says `stopped`, the other one
    `started`, and the group's units are not hidden in it.
    """
    await story.home.run(["hbctl", "standby"])
    await story.served_by(story.away)
    for node, last in ((story.home, "group-stopped"), (story.away, "group-started")):
        found = await node.journal.entries(
            f"--after-cursor={story.place(node)}", f"HBD_GROUP={GROUP}"
        )
        assert {entry["SYSLOG_IDENTIFIER"] for entry in found} == {"hbd"}
        events = [str(entry.get("HBD_EVENT", "")) for entry in found]
        assert [event for event in events if event.startswith("group-")][-1] == last
        ids = {entry["MESSAGE_ID"] for entry in found if "MESSAGE_ID" in entry}
        assert ids <= {each.value for each in MessageId}
        assert (
            await node.journal.entries(f"--after-cursor={story.place(node)}", "HBD_GROUP=no-such")
            == []
        )
    await story.home.run(["hbctl", "takeover"])
