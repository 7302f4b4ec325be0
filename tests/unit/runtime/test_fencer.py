"""What is done about a silent peer, by each means, and what is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from hbd.cluster.action import Fence
from hbd.cluster.event import FenceConfirmed, FenceFailed
from hbd.cluster.terms import GroupName, Implementation, Means, NodeName, Usec
from hbd.config.model import FenceDevice
from hbd.errors import AdapterError
from hbd.fencing.agent import SLICE
from hbd.net.address import Addresses, SharedAddress
from hbd.runtime.fencer import REBOOT_UNIT, Fencer
from hbd.runtime.groups import Groups
from hbd.systemd.manager import Manager
from tests.unit.cluster.driven import watching
from tests.unit.config.files import Files
from tests.unit.config.machine import LabMachine
from tests.unit.runtime.parts import Posted, some_turns

PEER = NodeName("hpa")
WEB = GroupName("web")
MACHINE = LabMachine(programs=frozenset({"/usr/sbin/fence_own"}))
TAKEN = FenceConfirmed(PEER, proven=True, groups=(WEB,))  # only what was taken is proven


class World:
    """The disks, the LAN, systemd and two power switches, and what was asked of them."""

    def __init__(self, directory: Path) -> None:
        self.asked: list[str] = []
        self.stopped: list[str] = []
        self.fails: set[str] = set()
        self.owner: str | None = None
        self.peer_claims: bool | None = None
        self.gate: asyncio.Event | None = None
        self.posted = Posted()
        files = Files().with_line("stonith_host * fence_own ip=192.0.2.1")
        files = files.with_line("stonith_host * fence_own ip=192.0.2.2")
        self.fencer = Fencer(
            files.accepted(directory, MACHINE),
            cast("Groups", self),
            cast("Addresses", self),
            cast("Manager", self),
            self.posted,
            agent_of=lambda device: Switch(self, device),
        )

    @property
    def disks(self) -> World:
        """See Groups."""
        return self

    def did(self, what: str) -> None:
        """It is noted, and fails if it was told to."""
        self.asked.append(what)
        if what in self.fails:
            raise AdapterError(f"{what} failed")

    async def secure(self, names: Iterable[GroupName]) -> None:
        """See Disks."""
        self.did(f"secure {', '.join(names)}")
        if self.gate is not None:
            await self.gate.wait()

    def meet_peer(self, *, claims: bool) -> None:
        """See Disks."""
        self.peer_claims = claims

    async def give_up(self) -> None:
        """See Disks."""
        self.did("give up")

    async def start(self, unit: str, timeout_usec: Usec) -> None:
        """See Manager."""
        self.did(f"start {unit}")

    async def stop(self, unit: str, timeout_usec: Usec) -> None:
        """See Manager."""
        self.stopped.append(unit)

    def addresses(self, names: Iterable[GroupName]) -> list[SharedAddress]:
        """See Groups."""
        return [SharedAddress("192.0.2.10"), SharedAddress("192.0.2.11")]

    async def probe(self, shared: SharedAddress) -> str | None:
        """See Addresses."""
        self.did(f"probe {shared.address}")
        return self.owner if shared.address.endswith("11") else None

    async def ask(self, means: Means) -> FenceConfirmed | FenceFailed:
        """What is answered."""
        await self.fencer.fence(Fence(PEER, means, (WEB,)))
        answer = self.posted.events[-1]
        assert isinstance(answer, FenceConfirmed | FenceFailed)
        return answer


class Switch:
    """A power switch, known by its address."""

    def __init__(self, world: World, device: FenceDevice) -> None:
        self.name = dict(device.parameters)["ip"]
        self._world = world

    async def off(self, target: NodeName) -> None:
        """See FenceAgent."""
        self._world.did(f"off {target} by {self.name}")
        if self._world.gate is not None:
            await self._world.gate.wait()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Everything answers."""
    return World(tmp_path)


async def test_a_reservation_is_proof(world: World) -> None:
    """Goal: the disks of the groups are taken, and that is told. Method: ask; and a failure."""
    assert await world.ask(Means.RESERVATION) == TAKEN
    assert world.asked == ["secure web"]
    world.fails = {"secure web"}
    assert isinstance(await world.ask(Means.RESERVATION), FenceFailed)


async def test_asked_twice_it_is_done_and_answered_once(world: World) -> None:
    """Goal: the core repeats itself, the disk does not notice. Method: ask again meanwhile."""
    world.gate = asyncio.Event()
    first = asyncio.create_task(world.fencer.fence(Fence(PEER, Means.RESERVATION, (WEB,))))
    await some_turns()
    await world.fencer.fence(Fence(PEER, Means.RESERVATION, (WEB,)))
    world.gate.set()
    await first
    assert world.asked == ["secure web"]
    assert world.posted.events == [TAKEN]
    await world.ask(Means.RESERVATION)
    assert len(world.posted.events) == 2


async def test_each_switch_is_tried_until_one_makes_sure(world: World) -> None:
    """Goal: one broken board is no end. Method: both work; the first fails; both fail."""
    first, second = "off hpa by 192.0.2.1", "off hpa by 192.0.2.2"
    assert await world.ask(Means.STONITH) == FenceConfirmed(PEER, proven=True)
    assert world.asked == [first]
    world.fails = {first}
    assert await world.ask(Means.STONITH) == FenceConfirmed(PEER, proven=True)
    assert world.asked == [first, first, second]
    world.fails = {first, second}
    answer = await world.ask(Means.STONITH)
    assert isinstance(answer, FenceFailed)
    assert "192.0.2.1" in answer.why
    assert "192.0.2.2" in answer.why


async def test_a_switching_off_ends_when_nothing_depends_on_it(world: World) -> None:
    """Goal: no shot at who is heard again. Method: a slow switch; review while lost, then heard.

    Nothing is answered, the agents are stopped, and the next fencing finds the way free.
    """
    driven = watching()
    driven.is_lost()
    world.gate = asyncio.Event()
    task = asyncio.create_task(world.fencer.fence(Fence(PEER, Means.STONITH, (WEB,))))
    await some_turns()
    world.fencer.review(driven.node)
    await some_turns()
    assert not task.done()
    assert world.stopped == [SLICE], "what a former life has left"

    driven.hears()
    world.fencer.review(driven.node)
    world.fencer.review(driven.node)
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
    assert world.stopped == [SLICE, SLICE]
    assert world.posted.events == []
    world.gate = None
    assert await world.ask(Means.STONITH) == FenceConfirmed(PEER, proven=True)


@pytest.mark.parametrize("program", Implementation)
async def test_the_disks_know_whether_the_peer_claims_them(
    world: World, program: Implementation
) -> None:
    """Goal: nothing is kept for a heartbeat to remove. Method: review a node that hears either."""
    driven = watching()
    node = replace(driven.node, peer=replace(driven.node.peer, implementation=program))
    world.fencer.review(node)
    assert world.peer_claims is (program is Implementation.HBD)


async def test_a_confirmation_without_means_is_no_proof(world: World) -> None:
    """Goal: silence is told as what it is. Method: nobody answers for any address."""
    assert await world.ask(Means.NONE) == FenceConfirmed(PEER, proven=False)
    assert world.asked == ["probe 192.0.2.10", "probe 192.0.2.11"]


async def test_who_answers_for_an_address_is_not_taken_over_from(world: World) -> None:
    """Goal: alive is alive. Method: the second address has an owner; or cannot be asked for."""
    world.owner = "02:00:00:00:00:01"
    assert isinstance(await world.ask(Means.NONE), FenceFailed)
    world.owner = None
    world.fails = {"probe 192.0.2.11"}
    assert isinstance(await world.ask(Means.NONE), FenceFailed)


async def test_a_reboot_gives_up_the_disks_first(world: World) -> None:
    """Goal: no more heartbeats on the disk, then the end. Method: the order of both."""
    await world.fencer.reboot(WEB, "it hangs")
    assert world.asked == ["give up", f"start {REBOOT_UNIT}"]


async def test_a_reboot_that_cannot_be_is_cried_out(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Goal: an administrator must come. Method: systemd refuses the unit."""
    world.fails = {f"start {REBOOT_UNIT}"}
    await world.fencer.reboot(WEB, "it hangs")
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL] * 2
