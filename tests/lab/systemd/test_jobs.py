"""Units driven by jobs on a real systemd: what is started, stopped, refused, killed and told."""

from __future__ import annotations

import asyncio
import time

import pytest

from hbd.cluster.terms import Usec
from hbd.errors import AdapterError
from hbd.systemd.manager import Manager
from hbd.systemd.state import ActiveState, FileState, LoadState, UnitState
from tests.lab.systemd.machine import GROUP, MOUNT, SECOND, SOON, Machine

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]


async def test_a_resource_starts_only_where_its_group_is_held(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: nobody mounts on the wrong node. Method: start without the flag, then with it."""
    group = await shared.prepare(systemd)
    flag = shared.held / "holds" / GROUP
    flag.unlink()
    for unit in (*group.units, group.target):
        with pytest.raises(AdapterError):
            await systemd.start(unit, SECOND)
    flag.touch()
    for unit in (*group.units, group.target):
        await systemd.start(unit, SOON)
    states = [await systemd.state(unit) for unit in group.units]
    assert [state.active for state in states] == [ActiveState.ACTIVE, ActiveState.ACTIVE]


async def test_stopping_the_target_stops_the_group_right_to_left(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: systemd alone keeps the order. Method: stop the target, listen to the units."""
    group = await shared.prepare(systemd)
    for unit in (*group.units, group.target):
        await systemd.start(unit, SOON)
    stopped: list[str] = []
    all_stopped = asyncio.Event()

    def on_change(state: UnitState) -> None:
        if state.active.is_stopped:
            stopped.append(state.unit)
        if len(stopped) == len(group.units):
            all_stopped.set()

    await systemd.watch(group.units, on_change)
    await systemd.stop(group.target, SOON)
    async with asyncio.timeout(5):
        await all_stopped.wait()
    assert stopped == ["smbd.service", "ttidisk.mount"]


async def test_a_target_that_never_started_still_stops_its_units(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: the dead man also stops half a group. Method: only the mount runs."""
    group = await shared.prepare(systemd)
    gone = asyncio.Event()
    await systemd.start("ttidisk.mount", SOON)
    await systemd.watch(
        ["ttidisk.mount"], lambda state: gone.set() if state.active.is_stopped else None
    )
    await systemd.stop(group.target, SOON)
    async with asyncio.timeout(5):
        await gone.wait()


async def test_a_server_stops_when_its_file_system_is_torn_away(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: smbd never serves the empty directory. Method: umount --lazy under it."""
    group = await shared.prepare(systemd)
    gone = asyncio.Event()
    for unit in group.units:
        await systemd.start(unit, SOON)
    await systemd.watch(
        ["smbd.service"], lambda state: gone.set() if state.active.is_stopped else None
    )
    await shared.node.run(["umount", "--lazy", "/ttidisk"])
    async with asyncio.timeout(5):
        await gone.wait()


async def test_a_unit_that_is_watched_no_more_is_not_heard_of(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: what a reload removed is forgotten. Method: two units stop, one after the other.

    Signals come in order, so when the second is told the first would have been.
    """
    group = await shared.prepare(systemd)
    for unit in group.units:
        await systemd.start(unit, SOON)
    told: list[str] = []
    gone, again = asyncio.Event(), asyncio.Event()

    def on_change(state: UnitState) -> None:
        told.append(state.unit)
        if state.unit == "ttidisk.mount" and state.active.is_stopped:
            gone.set()

    await systemd.watch(group.units, on_change)
    assert set(told) == {"smbd.service", "ttidisk.mount"}
    await systemd.watch_only(["ttidisk.mount"])
    told.clear()
    await systemd.stop("smbd.service", SOON)
    await systemd.stop("ttidisk.mount", SOON)
    async with asyncio.timeout(5):
        await gone.wait()
    assert set(told) == {"ttidisk.mount"}
    await systemd.watch(["smbd.service"], lambda _: again.set())
    assert again.is_set(), "watched again, its state is told at once"


async def test_a_stop_that_hangs_costs_our_limit_and_no_more(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: 90 s of a hung stop are not ours. Method: a service whose stop sleeps for ever."""
    await shared.unit(
        systemd,
        "hung.service",
        "[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 1000\nTimeoutStopSec=90\n",
    )
    await systemd.start("hung.service", SECOND)
    began = time.monotonic()
    await systemd.stop("hung.service", Usec(300_000))
    assert time.monotonic() - began < 2
    assert (await systemd.state("hung.service")).active is ActiveState.FAILED


async def test_a_start_that_hangs_is_cancelled_and_reported(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: the group's next step comes in time. Method: a oneshot that sleeps, then stop it."""
    await shared.unit(
        systemd, "slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n"
    )
    with pytest.raises(AdapterError):
        await systemd.start("slow.service", Usec(200_000))
    await systemd.stop("slow.service", SECOND)
    assert (await systemd.state("slow.service")).active.is_stopped


@pytest.mark.parametrize(
    "service",
    [
        "Type=oneshot\nExecStart=/bin/false",
        "Type=notify\nExecStart=/bin/true",
        "Type=forking\nExecStart=/bin/sh -c 'exit 7'",
        "Type=exec\nExecStart=/nonexistent",
        "ExecStart=/bin/true\nExecCondition=/bin/false",
        "ExecStart=/bin/sleep 1000\n[Unit]\nConditionPathExists=/nonexistent",
        "ExecStart=/bin/sleep 1000\n[Unit]\nRequires=nonexistent.service",
    ],
)
async def test_what_does_not_run_after_its_start_is_an_error(
    service: str, shared: Machine, systemd: Manager
) -> None:
    """Goal: a job that is `done` proves nothing. Method: services that fail in different ways."""
    await shared.unit(systemd, "bad.service", f"[Service]\n{service}\n")
    with pytest.raises(AdapterError):
        await systemd.start("bad.service", SOON)


async def test_a_oneshot_that_has_run_is_started(shared: Machine, systemd: Manager) -> None:
    """Goal: inactive is not always failed. Method: a oneshot that ends well."""
    await shared.unit(systemd, "once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
    await systemd.start("once.service", SOON)


async def test_units_that_are_not_there_are_told_and_stopped(systemd: Manager) -> None:
    """Goal: a clear word for a missing unit. Method: state, start and stop of none."""
    state = await systemd.state("nonexistent.service")
    assert (state.load, state.active) == (LoadState.NOT_FOUND, ActiveState.INACTIVE)
    assert state.file_state is FileState.NONE
    with pytest.raises(AdapterError):
        await systemd.start("nonexistent.service", SECOND)
    await systemd.stop("nonexistent.service", SECOND)
    await systemd.stop("nonexistent.mount", SECOND)


async def test_two_may_wait_for_the_same_unit(shared: Machine, systemd: Manager) -> None:
    """Goal: repeated asks are harmless. Method: start and stop twice at once, and once more."""
    group = await shared.prepare(systemd, MOUNT)
    for _ in range(2):
        await asyncio.gather(*(systemd.start(group.units[0], SOON) for _ in range(2)))
    for _ in range(2):
        await asyncio.gather(*(systemd.stop(group.units[0], SOON) for _ in range(2)))


async def test_jobs_survive_a_new_systemd(shared: Machine, systemd: Manager) -> None:
    """Goal: an upgrade of systemd is no failure. Method: daemon-reexec, then start and stop."""
    group = await shared.prepare(systemd, MOUNT)
    await shared.node.run(["systemctl", "daemon-reexec"])
    await systemd.start(group.units[0], SOON)
    await systemd.stop(group.units[0], SOON)
