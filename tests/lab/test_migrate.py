"""hbd-migrate(7), step by step: a live heartbeat cluster becomes one of hbd under a working client.

The longest time in which the client got no answer is printed for each step.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest
import pytest_asyncio

from hbd.cluster.terms import GroupState, PeerStatus, Phase
from hbd.journal import MessageId
from tests.lab.demo.table import grid
from tests.lab.harness import files
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError, now
from tests.lab.harness.node import Node
from tests.lab.harness.things import Thing
from tests.lab.interop.member import Kind, Member, Scope, View
from tests.lab.interop.recipe import HEARTBEAT
from tests.lab.story import said
from tests.lab.story.setup import SUITE, package
from tests.lab.story.status import status

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

GROUP: Final = f"{files.SHARED_ADDRESS}/24/eth0"
HA_CF: Final = """\
logfile /var/log/ha-log
keepalive 1
deadtime 5
initdead 10
baud 19200
serial /dev/ttyS0
bcast eth1
auto_failback off
node ttisrv1
node ttisrv2
"""
HARESOURCES: Final = (
    f"{files.NODE_NAMES[0]} {GROUP} Filesystem::{files.DEVICE}::{files.MOUNT_POINT}::ext4 smbd\n"
)
AUTHKEYS: Final = "/etc/ha.d/authkeys"
OLD, NEW = "1 sha1 the-old-secret", "2 sha256 a-new-secret-of-our-own"
ROUNDS: Final = (f"auth 1\n{OLD}\n{NEW}\n", f"auth 2\n{OLD}\n{NEW}\n", f"auth 2\n{NEW}\n")

SMB: Final = "smb"
ACTIVE_WITHIN: Final = 90.0  # s: initdead, and heartbeat's 10 s of waiting, on a busy machine
MOVED_WITHIN: Final = 60.0  # s: heartbeat's scripts take seconds
UNNOTICED: Final = 2.0  # s: what a busy machine costs a client that nothing happens to
HAND_OVER: Final = 20.0  # s: the same, and heartbeat's scripts
LOOKS_EVERY: Final = 0.2  # s: heartbeat tells nobody of a change
SILENCES: Final = (MessageId.PEER_LATE, MessageId.PEER_LOST, MessageId.LINK_DEAD)


@dataclass(slots=True)
class Migration:
    """The cluster, its client, and what that felt so far."""

    lab: Lab
    home: Member
    away: Member
    gaps: dict[str, float] = field(default_factory=dict)

    @asynccontextmanager
    async def step(self, title: str, limit: float) -> AsyncIterator[None]:
        """What the client feels from here to the next answer after the end of it."""
        began = now()
        yield
        stream = self.lab.client.streams[SMB]
        await stream.served(since=now(), within=MOVED_WITHIN)
        self.gaps[title] = stream.acks().gap(began, now())
        assert self.gaps[title] < limit, title

    async def on(self, node: Node) -> None:
        """Wait until disk and address are on that node alone."""
        await self.lab.watch.until(
            lambda: all(self.lab.watch.holders(thing) == [node.name] for thing in Thing),
            f"{node.name} alone holds the group",
            MOVED_WITHIN,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def migration() -> AsyncIterator[Migration]:
    """Two nodes as they were for years: heartbeat serves, and somebody writes."""
    suite = os.environ.get(SUITE, "bookworm")
    async with Lab(suite=suite, flavour=HEARTBEAT, ha_cf=HA_CF, haresources=HARESOURCES) as lab:
        for node in lab.nodes:
            node.write(AUTHKEYS, f"auth 1\n{OLD}\n", mode=0o600)
            (node.root / "root/hbd.deb").write_bytes(package().read_bytes())
        await lab.boot()
        home, away = (Member(Kind.HEARTBEAT, node) for node in lab.nodes)
        await asyncio.gather(*(both.start() for both in (home, away)))
        await home.until(away.name, View("active", "active", "local"), ACTIVE_WITHIN)
        told = Migration(lab, home, away)
        await told.on(home.node)
        await lab.client.start(SMB)
        await lab.client.streams[SMB].served(since=now(), within=MOVED_WITHIN)
        yield told
        await lab.client.stop()


async def changes_daemon(node: Node) -> Member:
    """Step 3 and 5: heartbeat goes in good order, hbd comes."""
    await node.run(["systemctl", "disable", "--now", "heartbeat"], within=MOVED_WITHIN)
    await node.run(["systemctl", "enable", "--now", "hbd"], within=MOVED_WITHIN)
    return Member(Kind.HBD, node)


async def until(is_so: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask until it is so; LabError if it does not become so."""
    deadline = now() + ACTIVE_WITHIN
    while not await is_so():
        if now() > deadline:
            raise LabError(f"not {what} within {ACTIVE_WITHIN:g} s")
        await asyncio.sleep(LOOKS_EVERY)


async def sees_peer(node: Node) -> bool:
    """Whether hbd on a node is active and has an active peer."""
    view = await status(node)
    if view is None:
        return False
    return (view.phase, view.peer_status) == (Phase.ACTIVE.value, PeerStatus.ACTIVE.value)


async def serves(node: Node) -> bool:
    """Whether hbd on a node says that it serves the group."""
    view = await status(node)
    return view is not None and [one.state for one in view.groups] == [GroupState.STARTED.value]


async def test_a_cluster_changes_its_daemon_and_the_client_feels_two_hand_overs(
    migration: Migration,
) -> None:
    """Goal: nobody is stranded on heartbeat. Method: the manual's steps, on nodes that serve.

    At no time is disk or address on both nodes, and every byte acknowledged to the client is there.
    """
    lab, home, away = migration.lab, migration.home, migration.away
    began = now()

    async with migration.step("hbd is installed on both", UNNOTICED):
        for member in (away, home):
            await member.node.run(["dpkg", "--install", "/root/hbd.deb"], within=120)
        assert [await member.ask("nodestatus", home.name) for member in (home, away)] == [
            "active", "active",
        ]  # fmt: skip
        await asyncio.gather(*(one.node.run(["hbd", "--check"]) for one in (home, away)))

    async with migration.step("the second node changes its daemon", UNNOTICED):
        away = await changes_daemon(away.node)
        await until(lambda: sees_peer(away.node), f"{away.name} sees heartbeat")
        await home.until(away.name, View("active", "active"), ACTIVE_WITHIN)
        await migration.on(home.node)

    async with migration.step("heartbeat hands over to hbd", HAND_OVER):
        await home.standby(Scope.ALL)
        await migration.on(away.node)
        await until(lambda: serves(away.node), f"{away.name} serves")

    async with migration.step("the first node changes its daemon", UNNOTICED):
        home = await changes_daemon(home.node)
        for member in (home, away):
            await until(lambda one=member: sees_peer(one.node), f"{member.name} sees hbd")  # type: ignore[misc]  # bound now
        await migration.on(away.node)

    async with migration.step("hbctl failback", HAND_OVER):
        await home.node.run(["hbctl", "failback"], within=MOVED_WITHIN)
        await migration.on(home.node)

    async with migration.step("sha1 becomes sha256, in three rounds", UNNOTICED):
        await rotates(migration)

    print("\n" + grid([["step", "SMB gap"], *rows(migration.gaps)]))
    assert lab.watch.overlaps(began) == []
    verdict = await lab.client.streams[SMB].verify()
    assert verdict.records > 0
    assert verdict.lost_bytes == 0


def rows(gaps: dict[str, float]) -> list[list[str]]:
    """For the table."""
    return [[title, f"{gap:.2f} s"] for title, gap in gaps.items()]


async def rotates(migration: Migration) -> None:
    """Change the keys on one node after the other; neither ever misses the other's heartbeats."""
    nodes = migration.lab.nodes
    places = {node.name: await node.journal.cursor() for node in nodes}
    for text in ROUNDS:
        for node in nodes:
            node.write(AUTHKEYS, text, mode=0o600)
            await node.run(["systemctl", "reload", "hbd"])
            for seen in nodes:
                assert await sees_peer(seen)
    for node in nodes:
        entries = await node.journal.entries(f"--after-cursor={places[node.name]}")
        events = {str(entry.get("HBD_EVENT")) for entry in entries}
        assert events.isdisjoint(said.event(silence) for silence in SILENCES)
