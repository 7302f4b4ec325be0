"""Machines for the tests of this folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from hbd.errors import AdapterError
from hbd.systemd.manager import Manager
from hbd.systemd.state import UnitState
from tests.lab.systemd.machine import GROUP, SECOND, Machine, machine, put_standin

TRIES = 3


@pytest.fixture(autouse=True, scope="session")
def root() -> None:
    """Booting takes root."""
    if os.geteuid() != 0:
        pytest.skip("needs root to boot a machine")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Machine]:
    """One machine for all tests of a module."""
    async with machine() as booted:
        yield booted


@pytest_asyncio.fixture(loop_scope="module")
async def systemd(shared: Machine) -> AsyncIterator[Manager]:
    """A Manager on the shared machine; afterwards the group's units are stopped and let go."""
    manager = await shared.manager()
    yield manager
    for unit in ("smbd.service", "ttidisk.mount", f"hbd-group@{GROUP}.target"):
        try:
            await manager.stop(unit, SECOND)
        except AdapterError as error:
            pytest.fail(f"left behind: {error}")
    for flag in (shared.held / "holds").iterdir():
        flag.unlink()


@asynccontextmanager
async def machine_with_hbd() -> AsyncIterator[Machine]:
    """A machine of its own on which the stand-in for hbd runs and holds its group."""
    async with machine(put_standin) as booted:
        await booted.node.run(["systemctl", "enable", "--now", "hbd.service"])
        yield booted


@pytest.fixture
async def with_hbd() -> AsyncIterator[Machine]:
    """See machine_with_hbd."""
    async with machine_with_hbd() as booted:
        yield booted


async def in_time(story: Callable[[Machine], Awaitable[float]], limit: float) -> None:
    """What `story` took must be below `limit`, in s.

    Where others keep the machine busy it is told again on a new one: what hbd's own times add up to
    is too long every time.
    """
    took: list[float] = []
    while len(took) < TRIES and not any(each < limit for each in took):
        async with machine_with_hbd() as booted:
            took.append(await story(booted))
    assert min(took) < limit, f"took {took}"


async def changed(machine: Machine, unit: str, wanted: str, within: float) -> None:
    """Wait until `unit` is `wanted` (active, failed …), as its signals tell.

    "inactive" is any way of being stopped: a unit that was killed is stopped and failed.
    """
    reached = asyncio.Event()
    manager = await machine.manager()

    def on_change(state: UnitState) -> None:
        word = state.active.value
        if word == wanted or (wanted == "inactive" and state.active.is_stopped):
            reached.set()

    await manager.watch([unit], on_change)
    async with asyncio.timeout(within):
        await reached.wait()
