"""Two groups, each at home on another node, and one smbd that both of them need."""

from __future__ import annotations

import asyncio

import pytest

from hbd.cli.view import StatusView
from hbd.cluster.terms import GroupState
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import now
from tests.lab.harness.node import Node
from tests.lab.story.setup import Setup
from tests.lab.story.story import MOVED_WITHIN, WITHIN, Story
from tests.lab.test_power import LOSING_THE_PEER

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

FIRST, SECOND = files.SHARED_ADDRESS, "192.168.0.101"
# One server on each node, with secrets of its own: it must run with either group, or both.
SMB_CONF = f"""\
[global]
    server role = standalone server
    disable netbios = yes
    smb ports = 445
    load printers = no
    disable spoolss = yes

[{files.SHARE}]
    path = {files.MOUNT_POINT}
"""
SETUP = Setup(
    haresources=(
        f"ttisrv1 {FIRST} Filesystem::{files.DEVICE}::{files.MOUNT_POINT}::ext4 smb\n"
        f"ttisrv2 {SECOND} smb\n"
    ),
    files={"/etc/samba/smb.conf": (SMB_CONF, 0o644)},
)


def serves(view: StatusView) -> set[str]:
    """The groups that run on the node asked."""
    return {group.name for group in view.groups if group.state == GroupState.STARTED.value}


async def serving(story: Story, node: Node, *groups: str, within: float = WITHIN) -> None:
    """Wait until exactly these groups run on `node`, with their addresses and the server."""
    wanted = set(groups)
    await story.until_status(node, lambda view: serves(view) == wanted, f"serving {wanted}", within)
    await story.until_status(
        node,
        lambda view: all(
            (group.state in (GroupState.STARTED.value, GroupState.STOPPED.value))
            for group in view.groups
        ),
        "at work on nothing", within,
    )  # fmt: skip
    shown = (await node.run(["ip", "-4", "-brief", "address", "show", "dev", "eth0"])).out
    assert {a for a in (FIRST, SECOND) if f" {a}/24" in shown} == wanted
    assert await server_at_rest(node) == ("active" if wanted else "inactive")


async def server_at_rest(node: Node) -> str:
    """smbd's state, once it is neither being started nor stopped.

    A release of one group stops the server of both; it is started again for the other at once.
    """
    deadline = now() + WITHIN
    state = "deactivating"
    while state in ("activating", "deactivating") and now() < deadline:
        state = (await node.run(["systemctl", "is-active", "smbd"], check=False)).out.strip()
    return state


async def test_each_node_serves_its_own_group(story: Story) -> None:
    """Goal: active/active. Method: addresses, servers and states on both."""
    await serving(story, story.home, FIRST)
    await serving(story, story.away, SECOND)


async def test_a_node_without_power_is_replaced_by_one_that_serves_already(story: Story) -> None:
    """Goal: both groups on one node, the shared server for both. Method: cut, return, failback."""
    story.expects(*LOSING_THE_PEER, on=story.away)
    await story.home.kill()
    await serving(story, story.away, FIRST, SECOND, within=MOVED_WITHIN)
    await story.home.boot()
    await asyncio.gather(serving(story, story.home, FIRST), serving(story, story.away, SECOND))


async def test_releasing_one_group_leaves_the_other_served(story: Story) -> None:
    """Goal: a shared unit is nobody's alone. Method: standby `local`, then failback, by hand.

    The node that gives its own group away stops the server with it; the node that gives one of two
    starts the server again for the other.
    """
    await story.home.run(["hbctl", "standby", "local"])
    await serving(story, story.home)
    await serving(story, story.away, FIRST, SECOND)
    await story.away.run(["hbctl", "standby", "foreign"])
    await serving(story, story.home, FIRST)
    await serving(story, story.away, SECOND)


async def test_a_stopped_daemon_gives_both_groups_away(story: Story) -> None:
    """Goal: a planned stop hands over all that is held. Method: gather both, then stop hbd."""
    await story.home.run(["hbctl", "takeover"])
    await serving(story, story.home, FIRST, SECOND)
    await story.home.run(["systemctl", "stop", "hbd"])
    await story.heard(story.away, MessageId.PEER_LEFT)
    await serving(story, story.away, FIRST, SECOND)
    await story.home.run(["systemctl", "start", "hbd"])
    await serving(story, story.home, FIRST)
    await serving(story, story.away, SECOND)
