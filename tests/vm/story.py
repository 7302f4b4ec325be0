"""One story: begun with a served cluster and a writing client, judged when it ends.

The judgement of every story, whatever befell the machines: everything that was acknowledged to the
client is there, the file system is sound, and the storage network's witness saw no node write
after another one had begun to: an ownership changes hands once, and is not shared for a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from itertools import pairwise

from hbd.cli.view import GroupView, StatusView
from hbd.cluster.terms import GroupState
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.client.control import STREAMS
from tests.lab.harness.host import Finished, LabError, now, say
from tests.lab.harness.journal import Entry
from tests.lab.story.said import event
from tests.lab.story.status import status
from tests.vm.harness import recipe
from tests.vm.harness.cluster import Lab
from tests.vm.harness.iscsi import RESERVATION_CONFLICT
from tests.vm.harness.node import Node
from tests.vm.harness.setup import until_status
from tests.vm.harness.storage import Deed, Reservation

WITHIN = 400.0  # s for deadtime and what takes a few on a machine of one's own
REBOOT_WITHIN = 1200.0  # s for a machine that restarts itself, until its hbd has looked at all
WRITES_FIRST = 300.0  # s for the client's first writes: Samba's first session on a cold server

_READ_DISK = ["dd", f"if={recipe.DEVICE}", "of=/dev/null", "iflag=direct", "count=1"]
_LOOK_AGAIN = 0.05  # s
_ADD_WATCHDOG = """
echo watchdog /dev/watchdog >>/etc/ha.d/ha.cf
"""
_ASK_AGAIN = 0.5  # s: a target gives no event


class Story:
    """`home` is the node that the group prefers, `away` the other one."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.home, self.away = lab.nodes
        self.undo = AsyncExitStack()
        self.began = now()
        self.places: dict[str, int] = {}

    async def begin(self) -> None:
        """The saved cluster is back and its client writes over every protocol."""
        began = now()
        await self.lab.bring_up()
        await asyncio.gather(*(node.until(_is_well, _READ_DISK, within=WITHIN)
                               for node in self.lab.nodes))  # fmt: skip
        await self.served_by(self.home)
        say(f"the served cluster is back after {now() - began:.1f} s")
        self.lab.client.renew()
        await self.lab.client.start()
        await self.client_writes(since=began, within=WRITES_FIRST)
        say(f"and the client writes after {now() - began:.1f} s")
        self.began = now()
        self.places = {node.name: node.journal.place for node in self.lab.nodes}

    async def begin_again(self) -> None:
        """The same from the start, for what a machine may show at one time and not at another."""
        await self.lab.client.stop()
        await self.lab.all_off()
        await self.begin()

    async def client_writes(self, since: float, within: float = WITHIN) -> dict[str, float]:
        """Wait for a record acknowledged after `since` by each protocol; s until each one's."""
        streams = self.lab.client.streams
        first = await asyncio.gather(
            *(streams[name].served(since=since, within=within) for name in STREAMS)
        )
        return {name: at - since for name, at in zip(STREAMS, first, strict=True)}

    async def gaps(self, since: float) -> dict[str, float]:
        """The longest silence that each protocol's user felt since then, in s, once all write."""
        await self.client_writes(since=now())
        until = now()
        streams = self.lab.client.streams
        return {name: round(streams[name].acks().gap(since, until), 2) for name in STREAMS}

    async def served_by(self, node: Node, within: float = WITHIN) -> StatusView:
        """Wait until `node` itself says that it serves every group."""
        wanted = {(node.name, GroupState.STARTED.value)}
        return await until_status(
            node, lambda view: {(group.owner, group.state) for group in view.groups} == wanted,
            within,
        )  # fmt: skip

    async def group_on(self, node: Node) -> GroupView:
        """The group, by this node's word."""
        view = await status(node)
        assert view is not None, f"{node.name}: hbd is not on the bus"
        return view.groups[0]

    async def heard(self, node: Node, message: MessageId, within: float = WITHIN) -> Entry:
        """The first line of this event since the story began."""
        return await node.journal.wait_for(
            f"HBD_EVENT={event(message)}", within=within, after=self.places[node.name]
        )

    async def until_reserved(self, is_so: Callable[[Reservation], bool]) -> Reservation:
        """Ask the array until it says so; LabError, too late."""
        deadline = now() + WITHIN
        while not is_so(held := await self.lab.storage.reservation()):
            if now() > deadline:
                raise LabError(f"the reservation is not as wanted: {held}")
            await asyncio.sleep(_ASK_AGAIN)
        return held

    def events(self, node: Node) -> list[str]:
        """hbd's events on a node since the story began, in order."""
        entries = node.journal.entries(self.places[node.name])
        return [str(entry["HBD_EVENT"]) for entry in entries if "HBD_EVENT" in entry]

    def told(self, node: Node) -> set[MessageId]:
        """Of what kinds they were."""
        events = set(self.events(node))
        return {message for message in MessageId if event(message) in events}

    async def keepalives(self, count: int = 3) -> None:
        """Wait until each node has heard the other so many times more, by its own word."""
        for node in self.lab.nodes:
            enough = _messages(await status(node)) + count
            await until_status(node, partial(_has_heard, enough), WITHIN)

    def refused(self, node: Node) -> list[Deed]:
        """This node's writes that the disk refused since the story began."""
        return [
            deed for deed in self.lab.storage.deeds(self.began)
            if deed.node == node.name and deed.command.changes_data
            and deed.status == RESERVATION_CONFLICT
        ]  # fmt: skip

    async def with_watchdog(self, node: Node) -> None:
        """ha.cf names the kernel's watchdog: reloaded, hbd arms it."""
        await node.sh(_ADD_WATCHDOG, within=WITHIN)
        await node.run(["systemctl", "reload", "hbd"], within=WITHIN)
        armed = await self.heard(node, MessageId.WATCHDOG)
        assert "HBD_USEC" in armed, f"not armed: {armed['MESSAGE']}"

    async def reset(self, node: Node, within: float = WITHIN) -> float:
        """When the machine started anew by itself; waits for it."""
        before = node.machine.qmp.resets
        deadline = now() + within
        while node.machine.qmp.resets == before:
            if now() > deadline:
                raise LabError(f"{node.name}: was not reset within {within:g} s")
            await asyncio.sleep(_LOOK_AGAIN)
        return now()

    async def frozen_holder(self) -> None:
        """A client that holds open files and a lock, and then stands still."""
        holder = await self.lab.client.start_program(
            "tests.vm.harness.holder", files.SHARED_ADDRESS
        )
        self.undo.push_async_callback(_killed, holder)
        assert holder.stdout is not None, "asked for a pipe"
        async with asyncio.timeout(WITHIN):
            told = await holder.stdout.readline()
        assert told == b"holding\n", "the client could not open its files"
        holder.send_signal(signal.SIGSTOP)

    # --- the judgement --------------------------------------------------------------------------

    async def judge(self) -> list[str]:
        """What is wrong; the machines that run are stopped in good order first."""
        wrong = self._shared_moments()
        verdicts = await asyncio.gather(
            *(self.lab.client.streams[name].verify() for name in STREAMS)
        )
        for name, verdict in zip(STREAMS, verdicts, strict=True):
            say(f"{name}: {verdict.records} records acknowledged, {verdict.lost_bytes} bytes lost")
            if verdict.lost_bytes or not verdict.records:
                wrong.append(f"{name}: of {verdict.records} acknowledged records, damaged: "
                             f"{verdict.damaged}, unread: {verdict.unread}")  # fmt: skip
        for node in self.lab.nodes:
            if node.is_on:
                with contextlib.suppress(LabError):  # it may be dead: the disk is checked anyway
                    await node.run(["sync", "-f", files.MOUNT_POINT], check=False, within=10)
                await node.off()
        if found := await self.lab.storage.check():
            wrong.append(f"the file system is damaged: {found}")
        wrong += self._shared_moments()
        return wrong

    def _shared_moments(self) -> list[str]:
        """Where two nodes' writes lie in each other's time; none may be sent after the other's."""
        wrote = [deed for deed in self.lab.storage.deeds(self.began) if deed.wrote]
        changes = [
            (before, after) for before, after in pairwise(sorted(wrote, key=lambda deed: deed.sent))
            if before.node != after.node
        ]  # fmt: skip
        owners = [before.node for before, _ in changes]
        back_and_forth = [owner for index, owner in enumerate(owners) if owner in owners[:index]]
        overlaps = [
            f"{before.node} wrote until {before.answered:.3f}, {after.node} from {after.sent:.3f}"
            for before, after in changes
            if before.answered > after.sent
        ]
        return overlaps + [f"{owner} wrote again after it was replaced" for owner in back_and_forth
                           if not self.may_return]  # fmt: skip

    may_return = False  # set by a story in which the group goes home again


def _messages(view: StatusView | None) -> int:
    """How many messages of the peer this node has heard, over whatever link."""
    links = () if view is None else view.links
    return sum(link.counters.get("heard", 0) for link in links if link.leads_to_peer)


def _has_heard(count: int, view: StatusView) -> bool:
    return _messages(view) >= count


async def _killed(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _is_well(done: Finished) -> bool:
    return done.status == 0
