"""The story: what happens to the article's two nodes, as an administrator would try it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from tests.lab.demo.step import Expected, Row, holder, run_step
from tests.lab.harness.cluster import Lab
from tests.lab.harness.files import DEADTIME
from tests.lab.harness.host import Finished, LabError, now, say
from tests.lab.harness.node import Node
from tests.lab.harness.things import Thing

# The longest SMB gaps. What is promised is the median of several runs, which `make bench` judges;
# one gap alone, on a machine that may be busy with other things, may be twice as long.
PLANNED_MEDIAN = 0.6  # s: of a planned hand-over
FAILED_MEDIAN = DEADTIME + 0.6  # s: of a dead node
PLANNED = 2 * PLANNED_MEDIAN
FAILED = DEADTIME + 2 * (FAILED_MEDIAN - DEADTIME)
UNTOUCHED = 0.5  # s: what a busy two-core machine does to a client that nothing happens to
READY_WITHIN = DEADTIME  # s for a killed daemon to be back: later, its groups would be stopped
CONVERGED_WITHIN = 60.0  # s for one node to give way once the links are mended
SPLIT_WITHIN = DEADTIME + 3.0  # s from the last link's end to a peer that is up, if it comes up

_WHY_SPLIT = """\
Each node heard nothing on any link for deadtime. Two nodes cannot tell a dead peer from a cut
cable, and this lab's disk is a file: it cannot refuse a second writer, as a disk with persistent
reservations does. What holds a node back here is only the LAN, where the shared address still
answers; were the LAN cut as well, both would mount the disk, and the journal calls that
unprotected. Use links that do not fail together, and a disk or a power switch that can say no:
hbd-fencing(7)."""

# systemd's own message "unit started" (systemd.journal-fields(7), `journalctl --catalog`)
_UNIT_STARTED = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"
_MANAGER = ("org.hbd.Heartbeat1", "/org/hbd/Heartbeat1", "org.hbd.Heartbeat1.Manager")


def _tell(text: str) -> None:
    for line in text.splitlines():
        say(f"   {line}")


class Story:
    """The steps, each a method that returns its row. Play them in an order that makes sense."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.home, self.away = lab.nodes

    async def start(self) -> Row:
        """Both nodes are powered on while the client already knocks."""
        await self.lab.client.start()
        return await self._step("both nodes powered on", self.home, None, self.lab.boot)

    async def stop_daemon(self) -> Row:
        """The administrator stops hbd on the node that serves."""
        return await self._step(
            f"systemctl stop hbd on {self.home.name}", self.away, PLANNED,
            lambda: self._systemctl(self.home, "stop"),
        )  # fmt: skip

    async def start_daemon(self) -> Row:
        """… and starts it again: the group goes home."""
        return await self._step(
            f"systemctl start hbd on {self.home.name}: failback", self.home, PLANNED,
            lambda: self._systemctl(self.home, "start"),
        )  # fmt: skip

    async def power_cut(self) -> Row:
        """The node that serves loses its power."""
        return await self._step(f"{self.home.name} loses power", self.away, FAILED, self.home.kill)

    async def power_back(self) -> Row:
        """It boots again, and the group goes home."""

        async def boot() -> None:
            say(f"   {self.home.name} booted in {await self.home.boot():.2f} s")

        return await self._step(f"{self.home.name} returns: failback", self.home, PLANNED, boot)

    async def stranger_asks(self) -> Row:
        """A user who is no member of haclient asks for takeover and standby: both are refused."""

        async def ask() -> None:
            for node, verb in ((self.away, "Takeover"), (self.home, "Standby")):
                if (await self._call(node, verb, "bob")).status == 0:
                    raise LabError(f"bob may do {verb}, and is no member of haclient")

        return await self._stays("bob asks for takeover and standby: refused", self.home, ask)

    async def operator_takes(self) -> Row:
        """A member of haclient has the other node take over, with nothing but busctl."""
        return await self._step(
            f"alice: busctl call … Takeover on {self.away.name}", self.away, PLANNED,
            lambda: self._ask(self.away, "Takeover"),
        )  # fmt: skip

    async def operator_gives(self) -> Row:
        """… and has it give the group back."""
        return await self._step(
            f"alice: busctl call … Standby on {self.away.name}", self.home, PLANNED,
            lambda: self._ask(self.away, "Standby"),
        )  # fmt: skip

    async def daemon_killed(self) -> Row:
        """The daemon is shot while its node serves; systemd brings it back; nothing moves."""

        async def shoot() -> None:
            place = await self.home.journal.cursor()
            began = now()
            await self.home.run(
                ["systemctl", "kill", "--kill-who=main", "--signal=KILL", "hbd.service"]
            )
            await self.home.journal.wait_for(
                "UNIT=hbd.service", _UNIT_STARTED, after=place, within=READY_WITHIN
            )
            say(f"   hbd was back and ready after {now() - began:.2f} s")

        return await self._stays(f"hbd killed with SIGKILL on {self.home.name}", self.home, shoot)

    async def crossover_pulled(self) -> Row:
        """One of two links is cut: the serial line goes on speaking, so nothing moves."""
        return await self._stays("crossover cable pulled", self.home, self.lab.cut_crossover)

    async def serial_cut_too(self) -> list[str]:
        """The last link is cut while both nodes live: say what happens and why.

        The one step in which both may serve. What deviates, and is returned, is only that they do
        not agree again once the links are mended.
        """
        say("── serial line cut too: no link is left, and both nodes live")
        began = now()
        self.lab.serial.cut()
        try:
            await self.lab.watch.until(self._is_split, "both nodes hold the group", SPLIT_WITHIN)
        except LabError:
            await self._tell_near_miss()
        else:
            say(f"   SPLIT BRAIN after {now() - began:.2f} s: {holder(self.lab)} hold the group.")
        _tell(_WHY_SPLIT)
        say("── both links mended")
        places = [(node.journal, await node.journal.cursor()) for node in self.lab.nodes]
        began = now()
        self.lab.serial.mend()
        await self.lab.mend_crossover()
        try:
            for journal, place in places:
                await journal.wait_for(
                    "HBD_EVENT=peer-active", after=place, within=CONVERGED_WITHIN
                )
            await self.lab.watch.until(self._is_whole, "one node holds all", CONVERGED_WITHIN)
        except LabError as error:
            return [str(error)]
        say(f"   after {now() - began:.2f} s both nodes agree: {holder(self.lab)} holds the group")
        return []

    async def _tell_near_miss(self) -> None:
        status = await self.away.run(["hbctl", "status", "--json"])
        peer = json.loads(status.out)["peer_status"]
        say(f"   {holder(self.lab)} alone holds the group; {self.away.name} takes it for {peer}")
        busctl = ["busctl", "get-property", *_MANAGER, "FenceFailure"]
        why = (await self.away.run(busctl)).out.strip().removeprefix("s ").strip('"')
        if why:
            say(f"   and takes nothing, because: {why}")

    def _is_split(self) -> bool:
        return all(len(self.lab.watch.holders(thing)) == 2 for thing in Thing)

    def _is_whole(self) -> bool:
        holders = {tuple(self.lab.watch.holders(thing)) for thing in Thing}
        return len(holders) == 1 and len(*holders) == 1

    async def _step(
        self, title: str, to: Node, smb_gap: float | None, action: Callable[[], Awaitable[None]]
    ) -> Row:
        return await run_step(self.lab, title, Expected(to.name, smb_gap), action)

    async def _stays(self, title: str, on: Node, action: Callable[[], Awaitable[None]]) -> Row:
        return await run_step(self.lab, title, Expected(on.name, UNTOUCHED, stays=True), action)

    async def _systemctl(self, node: Node, verb: str) -> None:
        began = now()
        await node.run(["systemctl", verb, "hbd.service"])
        say(f"   systemctl {verb} hbd returned after {now() - began:.2f} s")

    async def _call(self, node: Node, verb: str, user: str) -> Finished:
        return await node.busctl("call", *_MANAGER, verb, "s", "all", user=user, check=False)

    async def _ask(self, node: Node, verb: str) -> None:
        done = await self._call(node, verb, "alice")
        if done.status != 0:
            raise LabError(f"alice, a member of haclient, was refused: {done.err.strip()}")
        say(f"   hbd answered {done.out.strip()}")
