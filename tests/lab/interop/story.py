"""One story of the pair: begun at rest or with nothing running, judged when it ends.

At rest: both daemons are active, by their own word and the other's, and each holds its own group.
The judgement: no group was at any moment on both nodes, by the resources' own record and by the
kernel's; and neither daemon's log complains of anything that the story did not expect.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import replace

from hbd.journal import MessageId
from tests.lab.harness.host import LabError, now
from tests.lab.interop import complaints, witness
from tests.lab.interop.member import STARTED_WITHIN, Kind, Member, Scope, View
from tests.lab.interop.pair import Pair
from tests.lab.interop.tap import Tap
from tests.lab.interop.wiring import DEADTIME, Failback, Wiring
from tests.lab.story import said

ACTIVE = "active"
LOOKS_EVERY = 0.2  # s: what is asked by a command tells nobody of its change
NONE = "none"
GROUPS = ("first", "second")  # what the witness calls them: the home node's, the other one's
HELD_WITHIN = 20.0  # s for groups to follow their daemon's word, on a busy machine


class Story:
    """`hbd` and `heartbeat` are the two daemons (of two heartbeats, the first and the second)."""

    def __init__(self, pair: Pair, wiring: Wiring) -> None:
        self.pair = pair
        self.wiring = wiring
        home, away = pair.members
        self.hbd, self.heartbeat = (away, home) if away.kind is Kind.HBD else (home, away)
        self.began, self.began_at = now(), time.time()
        self.tap = Tap(wiring.method.keyring, 0)  # hears nothing before `begin`
        self._lines: dict[str, int] = {}  # how many lines of heartbeat's log are not ours
        self._cursors: dict[str, str] = {}
        self._expected: list[re.Pattern[str]] = []
        self._hbd_may_say: set[str] = set()

    # --- its frame ------------------------------------------------------------------------------

    async def begin(self) -> None:
        """From here on everything counts."""
        self.tap = self.pair.tap()
        for member in self.pair.members:
            if member.kind is Kind.HEARTBEAT:
                self._lines[member.name] = len(await member.log())
            else:
                self._cursors[member.name] = await member.node.journal.cursor()
        self.forget()

    def forget(self) -> None:
        """Judge what is held only from now on: a story has made both hold on purpose."""
        self.began, self.began_at = now(), time.time()

    def expects(self, *patterns: str) -> None:
        """These complaints in heartbeat's log belong to the story."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def hbd_says(self, *words: MessageId) -> None:
        """These lines of hbd belong to the story."""
        self._hbd_may_say |= {said.event(word) for word in words}

    async def judge(self) -> list[str]:
        """What happened that should not have."""
        wrong = [
            f"{one.group} was on both nodes: {one} and {other}"
            for one, other in witness.overlaps(self.pair.nodes, self.began_at)
        ]
        wrong += [
            f"{overlap.thing.value} was on both nodes for {overlap.until - overlap.since:.3f} s"
            for overlap in self.pair.watch.overlaps(self.began)
        ]
        for member in self.pair.members:
            wrong += [f"{member} said: {line}" for line in await self.complaints(member)]
        return wrong

    async def complaints(self, member: Member) -> list[str]:
        """What a daemon complained of that no story, and not this one, expects."""
        if member.kind is Kind.HEARTBEAT:
            lines = (await member.log())[self._lines.get(member.name, 0) :]
            return complaints.in_log(lines, self._expected)
        lines_since = await said.warnings_since(member.node, self._cursors[member.name])
        return complaints.of_hbd(lines_since, self._hbd_may_say)

    async def blank(self, failback: Failback = Failback.ON, *, deadtime: float = DEADTIME) -> None:
        """Begin anew: both daemons are ended, nothing is held, the files are laid down."""
        await self.pair.wipe()
        wiring = replace(self.wiring, failback=failback, deadtime=deadtime)
        await self.pair.configure(wiring)
        self._lines = dict.fromkeys(self._lines, 0)  # the log is emptied with everything else

    # --- what it does ---------------------------------------------------------------------------

    def other(self, member: Member) -> Member:
        """The one at the other end."""
        return self.pair.other(member)

    async def start_both(self) -> None:
        """At once, as after a power failure."""
        await asyncio.gather(*(member.start() for member in self.pair.members))

    # --- what it waits for ----------------------------------------------------------------------

    async def settled(self, hbd: str, heartbeat: str, within: float = STARTED_WITHIN) -> None:
        """Wait until each says it holds this, and the groups themselves say the same."""
        wanted = {self.hbd: hbd, self.heartbeat: heartbeat}
        await asyncio.gather(
            *(
                member.until(self.other(member).name, View(ACTIVE, ACTIVE, holds), within)
                for member, holds in wanted.items()
            )
        )
        await self.held_as(
            set().union(*(self._groups(member, holds) for member, holds in wanted.items())),
            min(within, HELD_WITHIN),
        )

    async def at_rest(self, within: float = STARTED_WITHIN) -> None:
        """Each node active and with its own group."""
        await self.settled(Scope.LOCAL, Scope.LOCAL, within)

    async def alone(self, member: Member, within: float = STARTED_WITHIN) -> None:
        """Wait until this one holds everything, whatever the other one does."""
        await member.until(self.other(member).name, View(own=ACTIVE, holds=Scope.ALL), within)
        await self.held_as(self._groups(member, Scope.ALL))

    async def held_as(self, wanted: set[tuple[str, str]], within: float = HELD_WITHIN) -> None:
        """Wait until exactly these (node, group) hold, by the resources' own record."""
        deadline = now() + within
        while (held := self.held()) != wanted:
            if now() > deadline:
                raise LabError(f"held by {sorted(held)} and not by {sorted(wanted)}")
            await asyncio.sleep(LOOKS_EVERY)

    async def until(self, is_so: Callable[[], bool], what: str, within: float) -> None:
        """Look again until it is so; LabError, naming `what`, too late."""
        deadline = now() + within
        while not is_so():
            if now() > deadline:
                raise LabError(f"not within {within:g} s: {what}")
            await asyncio.sleep(LOOKS_EVERY)

    def holders(self, group: str) -> list[str]:
        """Every node that holds the group at this moment."""
        return witness.holders(self.pair.nodes, group)

    def held(self) -> set[tuple[str, str]]:
        """Every (node, group) that holds at this moment."""
        return {(node, group) for group in GROUPS for node in self.holders(group)}

    def moves(self) -> int:
        """How often a group was started or stopped so far."""
        return sum(len(witness.told(node)) for node in self.pair.nodes)

    def own_group(self, member: Member) -> str:
        """The group that prefers this member's node."""
        return GROUPS[self.pair.members.index(member)]

    def _groups(self, member: Member, holds: str) -> set[tuple[str, str]]:
        own, foreign = self.own_group(member), self.own_group(self.other(member))
        held = {NONE: [], Scope.LOCAL: [own], Scope.FOREIGN: [foreign], Scope.ALL: [own, foreign]}
        return {(member.name, group) for group in held[holds]}
