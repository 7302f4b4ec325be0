"""Every interleaving of two machines on one disk: one writer, and never an old mount.

Hypothesis chooses what each machine begins, and whose next command reaches the disk. A machine that
is not chosen stands still, in the middle of whatever it does. After every command the disk is asked
whose writes it would take.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError
from hbd.runtime.claimed import WATCHED
from tests.unit.fencing.disk import ReservationDisk
from tests.unit.runtime.machines import ALPHA, BETA, Gate, Machine
from tests.unit.runtime.parts import turns_until

PATIENCE = Usec(600 * SECOND)  # a paused machine's commands time out in its own time, not ours


class Do(Enum):
    """What may happen next on a machine."""

    NOTHING = "it goes on with what it is in the middle of"
    TAKE = "a takeover: watch it, claim it from a silent peer, then mount"
    TAKE_NOW = "the same, watched already"
    START = "a start: the peer is out, or has let go"
    STOP = "unmount and let go"
    LOOK = "a heartbeat"
    WRITE = "what is mounted writes"
    GIVE_UP = "it is about to reboot, and does not"
    RESTART = "the daemon is started anew, and looks"


@dataclass
class Side:
    """A machine, what it is in the middle of, and its mount's number (0: none)."""

    machine: Machine
    gate: Gate
    doing: asyncio.Task[None] | None = None
    mount: int = 0

    @property
    def is_busy(self) -> bool:
        """Whether something was begun and has not ended."""
        return self.doing is not None and not self.doing.done()


@dataclass
class World:
    """Both machines, their disk, and who has mounted it when."""

    directory: Path
    disk: ReservationDisk = field(default_factory=ReservationDisk)
    newest: int = 0  # the number of the newest mount of anybody
    sides: list[Side] = field(default_factory=list)

    async def set_up(self) -> None:
        """Both daemons have looked at everything."""
        for name in (ALPHA, BETA):
            machine = Machine(self.directory, name, self.disk, limit_usec=PATIENCE)
            await machine.observe()
            side = Side(machine, Gate(machine.kernel))
            machine.mounts[0].on_mount = self._mounter(side)
            machine.mounts[0].on_unmount = self.disk.settle  # it waits for its writes
            self.sides.append(side)

    def _mounter(self, side: Side) -> Callable[[], None]:
        def note() -> None:
            if not side.machine.mounts[0].is_mounted:
                self.newest += 1
                side.mount = self.newest
                others = [w for w in self.disk.under_way if w.nexus != side.machine.name]
                assert others == [], "another's writes are under way at a mount"

        return note

    async def do(self, side: Side, deed: Do, commands: int) -> None:
        """Begin something, unless it is busy; and let it have so many commands."""
        if deed is Do.WRITE:
            if side.machine.mounts[0].is_mounted:
                self.disk.submit(side.machine.name, 1, str(side.mount).encode())
        elif deed is Do.RESTART or (deed is not Do.NOTHING and not side.is_busy):
            await self._crash(side)
            side.doing = asyncio.create_task(self._work(side, deed))
        await self._stalls(side)
        while side.gate.waiting and commands:
            self.check()
            commands -= 1
            side.gate.let_one_through()
            await self._stalls(side)
        self.check()

    async def _stalls(self, side: Side) -> None:
        """Until it waits for the disk, or has ended."""
        await turns_until(lambda: bool(side.gate.waiting) or not side.is_busy)

    async def _crash(self, side: Side) -> None:
        """What was under way in the kernel is done; nobody hears of it."""
        if side.doing is None:
            return
        if side.doing.done():
            await side.doing
            return
        side.doing.cancel()
        while side.gate.waiting:
            side.gate.let_one_through()
        with contextlib.suppress(asyncio.CancelledError):
            await side.doing

    def _work(self, side: Side, deed: Do) -> Coroutine[Any, Any, None]:
        machine = side.machine
        if deed is Do.RESTART:
            machine.live()
        return _tried(
            {
                Do.TAKE: lambda: _taken(machine),
                Do.TAKE_NOW: lambda: _taken_now(machine),
                Do.START: machine.start,
                Do.STOP: machine.stop,
                Do.LOOK: machine.claim.look,
                Do.GIVE_UP: machine.claim.give_up,
                Do.RESTART: machine.observe,
            }[deed]
        )

    def check(self) -> None:
        """What must be true after every command."""
        writers = [
            side
            for side in self.sides
            if side.machine.mounts[0].is_mounted and side.machine.may_write()
        ]
        assert len(writers) <= 1, "two may write"
        for side in writers:
            assert side.mount == self.newest, f"{side.machine.name} writes through an old mount"
        for write in self.disk.under_way:
            assert int(write.data) == self.newest, "an old mount's write is under way"

    async def settle(self) -> None:
        """The disks answer at once again, and both daemons have their heartbeats."""
        for side in self.sides:
            side.gate.open()
            if side.doing is not None:
                await side.doing
            self.check()
        for _ in range(2):
            for side in self.sides:
                await side.machine.claim.look()
                self.check()


async def _tried(work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    with contextlib.suppress(AdapterError):
        await work()


async def _taken(machine: Machine) -> None:
    for _ in range(WATCHED):
        await machine.claim.look()
    await _taken_now(machine)


async def _taken_now(machine: Machine) -> None:
    await machine.claim.claim(from_silent=True)
    await machine.start()


commands = st.one_of(st.just(99), st.just(99), st.integers(0, 25))
plans = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(Do), commands), min_size=8, max_size=30
)
Plan = list[tuple[int, Do, int]]


async def played(directory: Path, plan: Plan) -> World:
    """The plan, to its end."""
    world = World(directory)
    await world.set_up()
    for number, deed, count in plan:
        await world.do(world.sides[number], deed, count)
    await world.settle()
    return world


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=plans)
def test_the_disk_takes_the_writes_of_one_mount_only(plan: Plan) -> None:
    """Goal: no interleaving has two writers. Method: any plan; after each command, who may write.

    At its end nobody is left with half a claim: who is registered serves, or only guards.
    """
    with tempfile.TemporaryDirectory() as directory:
        world = asyncio.run(played(Path(directory), plan))
    for side in world.sides:
        machine = side.machine
        if machine.claim.is_held or machine.mounts[0].is_mounted:
            continue
        state_keys = world.disk.keys.get(machine.name)
        assert state_keys is None or not state_keys % (1 << 32), "a key is left behind"
    holders = [side for side in world.sides if side.machine.claim.is_held]
    assert len(holders) <= 1
    for side in holders:
        assert list(world.disk.keys) == [side.machine.name]


# The second registers when the first has the reservation, and looks for the last time.
LATE_BEFORE_THE_LAST_LOOK = [(0, 3), (1, 1), (1, 1), (1, 4), (1, 4), (1, 4), (0, 1), (1, 3)]
turns = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 4)), max_size=30)


async def _both_take(directory: Path, order: list[tuple[int, int]]) -> World:
    world = World(directory)
    await world.set_up()
    for side in world.sides:
        side.gate.open()
        for _ in range(WATCHED):
            await side.machine.claim.look()
        side.gate.close()
    for number in (0, 1):
        await world.do(world.sides[number], Do.TAKE_NOW, 0)
    for number, count in order:
        await world.do(world.sides[number], Do.NOTHING, count)
    await world.settle()
    return world


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=turns)
@example(order=LATE_BEFORE_THE_LAST_LOOK)
def test_of_two_that_take_a_disk_at_once_one_mounts_it_and_the_other_never(
    order: list[tuple[int, int]],
) -> None:
    """Goal: the disk decides once. Method: both have watched, and claim; any order of commands.

    Whoever mounts it keeps it: nobody is taken over from whose claim was good.
    """
    with tempfile.TemporaryDirectory() as directory:
        world = asyncio.run(_both_take(Path(directory), order))
    mounted = [side for side in world.sides if side.mount]
    assert [side.mount for side in mounted] == [1]
    assert all(side.machine.may_write() and side.machine.claim.is_held for side in mounted)
