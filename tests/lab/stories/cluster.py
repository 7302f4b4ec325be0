"""A running cluster as a story speaks of it: who holds the group, what the client felt."""

from __future__ import annotations

import json

from tests.lab.demo.step import HELD_WITHIN, SERVED_WITHIN, SMB
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import now
from tests.lab.harness.node import Node
from tests.lab.harness.things import Thing
from tests.lab.harness.watch import Change, Overlap

_HBD = ("org.hbd.Heartbeat1", "/org/hbd/Heartbeat1", "org.hbd.Heartbeat1.Manager")


class Cluster:
    """Two nodes: `home`, which the group prefers, and `away`. Times are seconds."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.home, self.away = lab.nodes
        self._began = now()

    def begin(self) -> None:
        """A story begins: what follows is asked of it alone."""
        self._began = now()

    async def held_by(self, node: Node, within: float = HELD_WITHIN) -> float:
        """Wait until `node` alone has disk and address; returns how long the story had run."""
        await self.lab.watch.until(
            lambda: all(self.lab.watch.holders(thing) == [node.name] for thing in Thing),
            f"{node.name} holds the group", within,
        )  # fmt: skip
        return now() - self._began

    async def served(self) -> None:
        """Wait until the client's next write is acknowledged."""
        await self.lab.client.streams[SMB].served(since=now(), within=SERVED_WITHIN)

    async def go_home(self) -> None:
        """Have the group on the node it prefers, whatever a story before has left."""
        for node in self.lab.nodes:
            if not node.is_on:
                await node.boot()
            await node.run(["systemctl", "reset-failed"], check=False)
            await node.run(["systemctl", "start", "hbd.service"])
        if any(self.lab.watch.holders(thing) != [self.home.name] for thing in Thing):
            await self.ask(self.home, "Takeover")
        await self.held_by(self.home)
        await self.served()

    async def ask(self, node: Node, verb: str) -> None:
        """Takeover or Standby of all groups, asked of `node` by root."""
        await node.busctl("call", *_HBD, verb, "s", "all")

    async def status(self, node: Node) -> dict[str, object]:
        """What `hbctl status --json` says on `node`."""
        said: dict[str, object] = json.loads((await node.run(["hbctl", "status", "--json"])).out)
        return said

    def gap(self) -> float:
        """The longest the client waited since the story began."""
        return self.lab.client.streams[SMB].acks().gap(self._began, now())

    def changes(self) -> list[Change]:
        """Who got and lost disk or address since the story began."""
        return self.lab.watch.changes(self._began)

    def overlaps(self) -> list[Overlap]:
        """When both nodes had the same, since the story began."""
        return self.lab.watch.overlaps(self._began)
