"""hbd's package beside Debian's heartbeat: both are there, one runs, and neither harms the other.

Two nodes with a live heartbeat each; hbd is installed on the second one, which stands by.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hbd.__main__ import EXIT_HEARTBEAT
from tests.lab.harness.host import run
from tests.lab.harness.node import Node
from tests.lab.interop.member import Kind, Member, Scope, View
from tests.lab.interop.pair import Pair
from tests.lab.interop.wiring import Wiring
from tests.lab.story.setup import package

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PACKAGE = "/root/hbd.deb"
INSTALL = ("apt-get", "--yes", "install", PACKAGE)
PURGE = ("apt-get", "--yes", "purge", "hbd")
COMMANDS = ("/usr/bin/cl_status", "/usr/share/heartbeat/hb_standby")
STOPPED_WITHIN = 120.0  # s: heartbeat hands over before it ends, and looks twice


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair() -> AsyncIterator[Pair]:
    """Two heartbeats that have found each other, each with a group of its own."""
    async with Pair(Kind.HEARTBEAT, Kind.HEARTBEAT) as pair:
        await pair.configure(Wiring())
        for member in pair.members:
            await member.start()
        home, away = pair.members
        await home.until(away.name, View("active", "active", "local"))
        (away.node.root / PACKAGE.lstrip("/")).write_bytes(package().read_bytes())
        yield pair


async def active(node: Node, *units: str) -> list[str]:
    """What systemd says of each unit."""
    return (await node.run(["systemctl", "is-active", *units], check=False)).out.split()


async def digests(node: Node) -> str:
    """What heartbeat's commands are, mode and content."""
    shell = f"stat -c '%n %a %G' {' '.join(COMMANDS)}; sha256sum {' '.join(COMMANDS)}"
    return (await node.run(["sh", "-c", shell])).out


async def test_hbd_comes_and_goes_and_a_running_heartbeat_notices_nothing(pair: Pair) -> None:
    """Goal: `apt install hbd` is free of risk. Method: before, with and after it, on a live node.

    Every path that both packages have is put aside and comes back; heartbeat's scripts and
    monitoring get heartbeat's own answers all the time.
    """
    home, away = pair.members
    node = away.node
    before = await digests(node)
    heartbeat = (await node.run(["cat", "/run/heartbeat.pid"])).out

    await node.run(INSTALL, within=120)
    assert await active(node, "heartbeat", "hbd") == ["active", "inactive"]
    assert await node_says(away, home) == await node_says(home, away)
    await away.standby()
    await home.until(away.name, View(holds="all"))
    await away.takeover(Scope.LOCAL)
    await away.until(home.name, View(holds="local"))
    assert await shared(node) == await diverted(node)

    await node.run(PURGE, within=120)
    assert await digests(node) == before
    assert await diverted(node) == set()
    assert (await node.run(["cat", "/run/heartbeat.pid"])).out == heartbeat


async def test_one_of_the_two_runs_and_never_both(pair: Pair) -> None:
    """Goal: no group is started twice on one node. Method: each is started beside the other.

    By hand beside a heartbeat, hbd refuses; by systemd, whoever is started stops the other.
    """
    home, away = pair.members
    node = away.node
    await node.run(INSTALL, within=120)
    refused = await node.run(["/usr/sbin/hbd"], check=False)
    assert refused.status == EXIT_HEARTBEAT
    assert await active(node, "heartbeat", "hbd") == ["active", "inactive"]

    await node.run(["systemctl", "start", "hbd"], within=STOPPED_WITHIN)
    assert await active(node, "heartbeat", "hbd") == ["inactive", "active"]
    assert (await node.run(["pidof", "heartbeat"], check=False)).out == ""

    await node.run(["systemctl", "start", "heartbeat"], within=STOPPED_WITHIN)
    assert await active(node, "heartbeat", "hbd") == ["active", "inactive"]
    await away.until(home.name, View("active", "active"))


async def node_says(member: Member, other: Member) -> tuple[str, str]:
    """What the node's cl_status says of the node itself and of the other one."""
    return await member.ask("nodestatus", member.name), await member.ask("nodestatus", other.name)


async def shared(node: Node) -> set[str]:
    """The files that are in both packages."""
    listed = (await run(["dpkg-deb", "--contents", package()])).out
    ours = re.findall(r"^[-l]\S+ .* \.(/\S+?)(?: -> \S+)?$", listed, re.MULTILINE)
    theirs = (await node.run(["dpkg", "--listfiles", "heartbeat"])).out.splitlines()
    return set(ours) & set(theirs)


async def diverted(node: Node) -> set[str]:
    """What has been put aside for hbd."""
    told = (await node.run(["dpkg-divert", "--list"])).out
    return set(re.findall(r"^diversion of (\S+) to \S+ by hbd$", told, re.MULTILINE))
