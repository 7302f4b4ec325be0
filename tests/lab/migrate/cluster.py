"""A live heartbeat cluster with a client that reads and writes, and what that client feels."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from hbd.cluster.terms import GroupState, PeerStatus, Phase
from tests.lab.demo.table import grid
from tests.lab.harness.client.control import STREAMS
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError, now
from tests.lab.harness.node import Node
from tests.lab.harness.things import Thing
from tests.lab.interop.member import Kind, Member, View
from tests.lab.interop.recipe import HEARTBEAT
from tests.lab.migrate import old
from tests.lab.story.setup import SUITE, package
from tests.lab.story.status import status

ACTIVE_WITHIN: Final = 90.0  # s: initdead, and heartbeat's 10 s of waiting, on a busy machine
MOVED_WITHIN: Final = 60.0  # s: heartbeat's scripts take seconds, NFSv4 waits for its grace period
INSTALLED_WITHIN: Final = 120.0
UNNOTICED: Final = 2.0  # s: what a busy machine costs a client that nothing happens to
HAND_OVER: Final = 20.0  # s: the same, heartbeat's scripts, and the grace period
LOOKS_EVERY: Final = 0.2  # s: heartbeat tells nobody of a change


@dataclass(slots=True)
class Migration:
    """The cluster, its client, and what that felt so far: step -> protocol -> seconds.

    `home` and `away` are the daemons that run now, on the first node and on the second.
    """

    lab: Lab
    home: Member
    away: Member
    began: float
    gaps: dict[str, dict[str, float]] = field(default_factory=dict)

    @asynccontextmanager
    async def step(self, title: str, limit: float) -> AsyncIterator[None]:
        """What the client feels from here to the next answers after the end of it."""
        began = now()
        yield
        await self.served()
        ended = now()
        streams = self.lab.client.streams
        self.gaps[title] = {name: streams[name].acks().gap(began, ended) for name in STREAMS}
        assert max(self.gaps[title].values()) < limit, (title, self.gaps[title])

    async def served(self) -> None:
        """Wait until the client has a new answer by each protocol."""
        since = now()
        streams = self.lab.client.streams.values()
        await asyncio.gather(*(one.served(since=since, within=MOVED_WITHIN) for one in streams))

    async def on(self, member: Member) -> None:
        """Wait until disk and address are on that member's node alone."""
        await self.lab.watch.until(
            lambda: all(self.lab.watch.holders(thing) == [member.name] for thing in Thing),
            f"{member.name} alone holds the group",
            MOVED_WITHIN,
        )

    async def install(self) -> None:
        """Step 2 on both nodes, the one that stands by first; heartbeat goes on."""
        for member in (self.away, self.home):
            await member.node.run(["apt-get", "--yes", "install", _deb()], within=INSTALLED_WITHIN)
        assert await self.statuses() == ["active", "active"]
        await asyncio.gather(*(one.node.run(["hbd", "--check"]) for one in (self.home, self.away)))

    async def statuses(self) -> list[str]:
        """What each node's cl_status says of the first one."""
        return [await one.ask("nodestatus", self.home.name) for one in (self.home, self.away)]

    async def judge(self) -> None:
        """Nothing was ever on both nodes, and all that was acknowledged is there."""
        assert self.lab.watch.overlaps(self.began) == []
        for name in STREAMS:
            verdict = await self.lab.client.streams[name].verify()
            assert verdict.records > 0, name
            assert verdict.lost_bytes == 0, name

    def table(self) -> str:
        """The longest gaps, a line for each step."""
        head = ["step", *(f"{name} gap" for name in STREAMS)]
        lines = [
            [title, *(f"{gaps[name]:.2f} s" for name in STREAMS)]
            for title, gaps in self.gaps.items()
        ]
        return grid([head, *lines])


@asynccontextmanager
async def served_by_heartbeat() -> AsyncIterator[Migration]:
    """Two nodes as they were for years: heartbeat serves on the first one, and somebody writes."""
    suite = os.environ.get(SUITE, "bookworm")
    lab = Lab(suite=suite, flavour=HEARTBEAT, ha_cf=old.HA_CF, haresources=old.HARESOURCES)
    async with lab:
        for node in lab.nodes:
            node.write(old.AUTHKEYS, old.BEFORE, mode=0o600)
            node.write(f"/etc/ha.d/resource.d/{old.NFS}", old.NFS_SCRIPT, mode=0o755)
            (node.root / _deb().lstrip("/")).write_bytes(package().read_bytes())
        await lab.boot()
        home, away = (Member(Kind.HEARTBEAT, node) for node in lab.nodes)
        for member in (home, away):
            await member.node.run(["systemctl", "enable", "heartbeat"])
        await asyncio.gather(*(both.start() for both in (home, away)))
        await home.until(away.name, View("active", "active", "local"), ACTIVE_WITHIN)
        await away.until(home.name, View("active", "active", "local"), ACTIVE_WITHIN)
        told = Migration(lab, home, away, now())
        await told.on(home)
        await lab.client.start()
        await told.served()
        yield told
        await lab.client.stop()


def _deb() -> str:
    """Where the package lies on a node."""
    return f"/root/{package().name}"


async def changes_daemon(member: Member) -> Member:
    """The other daemon of the two, by the manual's words: one goes in good order, one comes."""
    comes = Kind.HBD if member.kind is Kind.HEARTBEAT else Kind.HEARTBEAT
    await member.node.run(["systemctl", "disable", "--now", member.kind], within=MOVED_WITHIN)
    await member.node.run(["systemctl", "enable", "--now", comes], within=MOVED_WITHIN)
    return Member(comes, member.node)


async def see_each_other(one: Member, other: Member) -> None:
    """Wait until both are active by their own word and the other's."""
    for member, peer in ((one, other), (other, one)):
        if member.kind is Kind.HBD:
            await until(lambda node=member.node: sees_peer(node), f"{member} sees {peer}")  # type: ignore[misc]  # bound now
        else:
            await member.until(peer.name, View("active", "active"), ACTIVE_WITHIN)


async def until(is_so: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask until it is so; LabError if it does not become so."""
    deadline = now() + ACTIVE_WITHIN
    while not await is_so():
        if now() > deadline:
            raise LabError(f"not within {ACTIVE_WITHIN:g} s: {what}")
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
