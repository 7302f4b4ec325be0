"""Running a group's resources: in order, one thing at a time, and every outcome told."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hbd.cluster.event import (
    GroupObserved,
    GroupStarted,
    GroupStartFailed,
    GroupStopFailed,
    GroupStopped,
    ResourceChanged,
    ResourceLost,
)
from hbd.cluster.terms import GroupName, GroupState, ResourceState
from hbd.errors import AdapterError, AddressInUse
from hbd.net.address import Addresses, SharedAddress
from hbd.net.announce import Announcer
from hbd.runtime import executor
from hbd.runtime.executor import GroupRunner, SharedUnits
from hbd.runtime.resources import AddressRunnable, Runnable
from hbd.systemd import hold
from hbd.systemd.state import ActiveState
from tests.unit.net.kernel import Tables
from tests.unit.runtime.parts import Diary, Part, Posted, Targets, some_turns, turns_until, unit

GROUP, OTHER = GroupName("192.168.0.100"), GroupName("192.168.0.101")
TARGET = "hbd-group@192.168.0.100.target"
SMBD = "smbd.service"


class Bench:
    """One group of three parts on a machine of its own: address, disk, server."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.diary = Diary()
        self.posted = Posted()
        self.targets = Targets(self.diary)
        self.shared = SharedUnits()
        self.address = Part("address", self.diary)
        self.disk = Part("disk", self.diary, "srv.mount")
        self.server = Part("server", self.diary, SMBD)
        self.runner = self.runs(GROUP, (self.address, self.disk, self.server))

    def runs(self, name: GroupName, parts: Sequence[Runnable]) -> GroupRunner:
        """A group on this machine."""
        return GroupRunner(
            name,
            f"hbd-group@{name}.target",
            parts,
            self.targets,
            self.shared,
            self.posted,
            runtime_directory=self.directory,
        )

    @property
    def parts(self) -> tuple[Part, Part, Part]:
        """From left to right."""
        return (self.address, self.disk, self.server)

    def did(self, verb: str) -> list[str]:
        """Whom it was done to, in order."""
        return [line.split()[1] for line in self.diary.lines if line.startswith(f"{verb} ")]

    def states(self, text: str) -> list[ResourceState]:
        """What was told of one resource, in order."""
        changed = self.posted.of(ResourceChanged)
        return [event.state for event in changed if event.resource == text]

    def is_held(self) -> bool:
        """Whether systemd may start the group's units here."""
        return GROUP in hold.held_groups(self.directory)

    async def serves(self) -> None:
        """The group was started and is known to serve."""
        self.runner.start(1)
        await self.posted.first(GroupStarted)
        await turns_until(lambda: f"start {TARGET}" in self.diary.lines)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench; whatever still runs in the end is abandoned."""
    made = Bench(tmp_path)
    yield made
    await made.runner.close()


# --- starting ---------------------------------------------------------------------------------


async def test_resources_are_started_left_to_right(bench: Bench) -> None:
    """Goal: haresources' order. Method: start, and read the diary."""
    bench.runner.start(7)
    assert await bench.posted.first(GroupStarted) == GroupStarted(GROUP, 7)
    assert bench.did("start")[:3] == ["address", "disk", "server"]
    assert bench.states("disk") == [ResourceState.STARTING, ResourceState.STARTED]


async def test_all_are_prepared_before_the_first_is_started(bench: Bench) -> None:
    """Goal: what takes a moment begins early. Method: the diary's first lines."""
    bench.runner.start(1)
    await bench.posted.first(GroupStarted)
    assert [line.split()[0] for line in bench.diary.lines[:4]] == ["prepare"] * 3 + ["start"]


async def test_a_failed_start_is_told_and_leaves_what_was_started(bench: Bench) -> None:
    """Goal: the core decides what to release. Method: the second of three fails."""
    bench.disk.start_fails = "no such device"
    bench.runner.start(3)
    assert await bench.posted.first(GroupStartFailed) == GroupStartFailed(
        GROUP, 3, "no such device"
    )
    assert bench.did("start") == ["address", "disk"]
    assert bench.did("stop") == []
    assert bench.states("disk") == [ResourceState.STARTING, ResourceState.FAILED]
    assert bench.states("server") == []


async def test_an_address_in_use_is_told_as_such(bench: Bench) -> None:
    """Goal: the core may try again. Method: the LAN answers for the address; then it is broken."""
    bench.address.start_error = AddressInUse("02:00:00:00:00:02 answers for it")
    bench.runner.start(3)
    assert (await bench.posted.first(GroupStartFailed)).is_in_use
    bench.address.start_error = AdapterError("no such interface")
    bench.runner.start(4)
    assert not (await bench.posted.first(GroupStartFailed, 2)).is_in_use


async def test_the_target_follows_the_resources(bench: Bench) -> None:
    """Goal: systemctl shows the group. Method: the last lines of start and stop."""
    await bench.serves()
    assert bench.diary.lines[-1] == f"start {TARGET}"
    bench.runner.stop(2)
    await bench.posted.first(GroupStopped)
    await turns_until(lambda: bench.diary.lines[-1] == f"stop {TARGET} alone")


async def test_a_target_that_fails_fails_no_group(bench: Bench) -> None:
    """Goal: the target is for show. Method: systemd refuses it, both ways."""
    bench.targets.fails = True
    bench.runner.start(1)
    await bench.posted.first(GroupStarted)
    bench.runner.stop(2)
    await bench.posted.first(GroupStopped)
    await some_turns()
    bench.runner.start(3)
    await bench.posted.first(GroupStarted, 2)


# --- stopping ---------------------------------------------------------------------------------


async def test_resources_are_stopped_right_to_left(bench: Bench) -> None:
    """Goal: the server before its disk. Method: stop, and read the diary."""
    await bench.serves()
    bench.runner.stop(9)
    assert await bench.posted.first(GroupStopped) == GroupStopped(GROUP, 9)
    assert bench.did("stop")[:3] == ["server", "disk", "address"]


async def test_a_failed_stop_goes_on_with_the_others_and_is_told(bench: Bench) -> None:
    """Goal: release what can be released. Method: the first two to be stopped refuse."""
    await bench.serves()
    bench.server.stop_fails, bench.disk.stop_fails = "hung", "target is busy"
    bench.runner.stop(2)
    failed = await bench.posted.first(GroupStopFailed)
    assert failed.operation == 2
    assert "hung" in failed.why
    assert "target is busy" in failed.why
    assert bench.did("stop")[:3] == ["server", "disk", "address"]
    assert bench.states("disk")[-1] is ResourceState.FAILED
    assert bench.states("address")[-1] is ResourceState.STOPPED
    assert bench.posted.of(GroupStopped) == []


async def test_stopping_what_does_not_run_proves_it_stopped(bench: Bench) -> None:
    """Goal: a stop may be repeated. Method: stop a group that was never started."""
    bench.runner.stop(1)
    await bench.posted.first(GroupStopped)
    assert bench.did("stop")[:3] == ["server", "disk", "address"]


# --- one thing at a time ----------------------------------------------------------------------


async def test_a_stop_abandons_a_start(bench: Bench) -> None:
    """Goal: leaving does not wait for a hung start. Method: stop while the disk starts."""
    bench.disk.gate = asyncio.Event()
    bench.runner.start(1)
    await bench.disk.waiting.wait()
    bench.runner.stop(2)
    await bench.posted.first(GroupStopped)
    assert bench.posted.of(GroupStarted) == []
    assert bench.posted.of(GroupStartFailed) == []
    assert "server" not in bench.did("start")


async def test_what_was_abandoned_ends_before_the_next_begins(bench: Bench) -> None:
    """Goal: two never move one resource. Method: a start that takes its time to be abandoned.

    Three more asks come in the meantime; only the last is carried out, and alone.
    """
    bench.disk.gate, bench.disk.reluctance = asyncio.Event(), asyncio.Event()
    bench.runner.start(1)
    await bench.disk.waiting.wait()
    for operation in (2, 3, 4):
        bench.runner.stop(operation)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert bench.did("stop") == [], "the start has not ended yet"
    bench.disk.reluctance.set()
    assert await bench.posted.first(GroupStopped) == GroupStopped(GROUP, 4)
    await some_turns()
    assert bench.posted.of(GroupStopped) == [GroupStopped(GROUP, 4)]
    assert bench.did("stop")[:4] == ["server", "disk", "address", TARGET]


async def test_asks_within_one_turn_are_one_ask(bench: Bench) -> None:
    """Goal: nothing is left half begun. Method: start, stop and start before the loop turns."""
    bench.runner.start(1)
    bench.runner.stop(2)
    bench.runner.start(3)
    assert await bench.posted.first(GroupStarted) == GroupStarted(GROUP, 3)
    assert bench.did("stop") == []


async def test_closing_abandons_and_leaves_everything_as_it_is(bench: Bench) -> None:
    """Goal: a daemon that is replaced moves nothing. Method: close in the middle of a start."""
    bench.disk.gate = asyncio.Event()
    bench.runner.start(1)
    await bench.disk.waiting.wait()
    await bench.runner.close()
    bench.disk.gate.set()
    await some_turns()
    assert bench.address.state is ResourceState.STARTED
    assert bench.did("stop") == []
    assert bench.posted.of(GroupStarted) == []


async def test_closing_does_not_begin_what_was_waiting(bench: Bench) -> None:
    """Goal: the last moment is quiet. Method: close while a stop waits for a slow start to end."""
    bench.disk.gate, bench.disk.reluctance = asyncio.Event(), asyncio.Event()
    bench.runner.start(1)
    await bench.disk.waiting.wait()
    bench.runner.stop(2)
    await asyncio.sleep(0)
    closing = asyncio.create_task(bench.runner.close())
    await some_turns()
    bench.disk.reluctance.set()
    await closing
    assert bench.did("stop") == []


# --- looking ----------------------------------------------------------------------------------

_S, _R, _F = ResourceState.STOPPED, ResourceState.STARTED, ResourceState.FAILED


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ((_S, _S, _S), GroupState.STOPPED),
        ((_R, _R, _R), GroupState.STARTED),
        ((_R, _S, _S), GroupState.PARTIAL),
        ((_S, _S, _R), GroupState.PARTIAL),
        ((_R, _R, _F), GroupState.PARTIAL),
        ((_F, _S, _S), GroupState.PARTIAL),
    ],
)
async def test_a_group_is_the_sum_of_its_resources(
    bench: Bench, states: tuple[ResourceState, ...], found: GroupState
) -> None:
    """Goal: all, none, or in doubt some. Method: every mixture that matters."""
    for part, state in zip(bench.parts, states, strict=True):
        part.state = state
    bench.runner.observe()
    assert await bench.posted.first(GroupObserved) == GroupObserved(GROUP, found)
    assert [bench.states(part.text) for part in bench.parts] == [[state] for state in states]


@pytest.mark.parametrize(("state", "found"), [(_S, GroupState.STOPPED), (_R, GroupState.STARTED)])
async def test_a_word_that_is_nothing_here_says_nothing_of_its_group(
    bench: Bench, state: ResourceState, found: GroupState
) -> None:
    """Goal: no group is partial for ever. Method: one of three is nothing; then all are."""
    for part in bench.parts:
        part.state = state
    bench.parts[1].is_nothing = True
    bench.runner.observe()
    assert (await bench.posted.first(GroupObserved)).state is found


async def test_a_group_of_nothing_is_stopped(bench: Bench) -> None:
    """Goal: nobody claims it for serving. Method: every resource is nothing on this machine."""
    for part in bench.parts:
        part.is_nothing = True
    bench.runner.observe()
    assert (await bench.posted.first(GroupObserved)).state is GroupState.STOPPED


async def test_a_look_that_fails_is_repeated(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: no group stays unobserved. Method: two looks fail; the third tells."""
    monkeypatch.setattr(executor, "OBSERVE_RETRY", 0.001)
    bench.disk.looks_fail = 2
    bench.runner.observe()
    assert (await bench.posted.first(GroupObserved)).state is GroupState.STOPPED


async def test_what_is_found_serving_is_adopted(bench: Bench) -> None:
    """Goal: a restarted daemon goes on with it. Method: look; adopted, held, and losses told."""
    for part in bench.parts:
        part.state = ResourceState.STARTED
    bench.runner.observe()
    await bench.posted.first(GroupObserved)
    assert bench.did("adopt") == ["address", "disk", "server"]
    assert bench.is_held()
    bench.runner.lost("server", "died")
    assert await bench.posted.first(ResourceLost) == ResourceLost(GROUP, "server", "died")


async def test_leftovers_are_not_adopted(bench: Bench) -> None:
    """Goal: half a group is nobody's. Method: look at one that runs in part."""
    bench.address.state = ResourceState.STARTED
    bench.runner.observe()
    await bench.posted.first(GroupObserved)
    assert bench.did("adopt") == []
    assert not bench.is_held()


async def test_a_look_waits_for_what_is_under_way(bench: Bench) -> None:
    """Goal: one thing at a time, and no ask is lost. Method: look twice while starting."""
    bench.disk.gate = asyncio.Event()
    bench.runner.start(1)
    await bench.disk.waiting.wait()
    bench.runner.observe()
    bench.runner.observe()
    bench.disk.gate.set()
    observed = await bench.posted.first(GroupObserved)
    assert observed.state is GroupState.STARTED
    events = bench.posted.events
    assert events.index(observed) > events.index(bench.posted.of(GroupStarted)[0])
    await some_turns()
    assert bench.posted.of(GroupObserved) == [observed]


async def test_a_look_is_not_lost_when_what_is_under_way_is_abandoned(bench: Bench) -> None:
    """Goal: a group that the core takes for unknown is always looked at. Method: start, look, stop.

    Nothing is posted for the start, and the look comes after the stop.
    """
    bench.disk.gate = asyncio.Event()
    bench.runner.start(1)
    await bench.disk.waiting.wait()
    bench.runner.observe()
    bench.runner.stop(2)
    assert (await bench.posted.first(GroupObserved)).state is GroupState.STOPPED
    assert bench.posted.of(GroupStopped) == [GroupStopped(GROUP, 2)]


# --- what systemd may start here --------------------------------------------------------------


async def test_a_group_is_held_from_before_its_start_until_after_its_stop(bench: Bench) -> None:
    """Goal: systemd starts its units here only then. Method: the flag, at each moment."""
    assert not bench.is_held()
    bench.address.gate = asyncio.Event()
    bench.runner.start(1)
    await bench.address.waiting.wait()
    assert bench.is_held()
    bench.address.gate.set()
    await bench.posted.first(GroupStarted)
    assert bench.is_held()
    bench.disk.stop_fails = "target is busy"
    bench.runner.stop(2)
    await bench.posted.first(GroupStopFailed)
    assert bench.is_held(), "it may still run"
    bench.disk.stop_fails = ""
    bench.runner.stop(3)
    await bench.posted.first(GroupStopped)
    assert not bench.is_held()


async def test_a_start_that_cannot_be_noted_has_failed(bench: Bench) -> None:
    """Goal: a full /run is an answer, no crash. Method: no folder can be made there."""
    (bench.directory / "holds").write_text("not a folder")
    bench.runner.start(1)
    await bench.posted.first(GroupStartFailed)
    assert bench.did("start") == []


async def test_a_stop_that_cannot_be_noted_has_failed(bench: Bench) -> None:
    """Goal: systemd must not start it here again. Method: a folder where the flag should be."""
    await bench.serves()
    flag = hold.hold_path(GROUP, bench.directory)
    flag.unlink()
    flag.mkdir()
    bench.runner.stop(2)
    await bench.posted.first(GroupStopFailed)
    flag.rmdir()
    bench.runner.stop(3)
    await bench.posted.first(GroupStopped)


async def test_adopting_is_tried_again_until_it_can_be_noted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: no group stays unobserved. Method: a file in the way, then out of it."""
    monkeypatch.setattr(executor, "OBSERVE_RETRY", 0.001)
    for part in bench.parts:
        part.state = ResourceState.STARTED
    (bench.directory / "holds").write_text("not a folder")
    bench.runner.observe()
    await bench.posted.until(lambda: len(bench.states("server")) >= 3)
    assert bench.posted.of(GroupObserved) == []
    (bench.directory / "holds").unlink()
    assert (await bench.posted.first(GroupObserved)).state is GroupState.STARTED


# --- losses -----------------------------------------------------------------------------------


async def test_a_unit_that_stops_by_itself_is_a_loss(bench: Bench) -> None:
    """Goal: a dead server is noticed. Method: systemd tells that it failed."""
    await bench.serves()
    bench.runner.unit_changed(unit(SMBD, ActiveState.FAILED))
    (lost,) = bench.posted.of(ResourceLost)
    assert lost.resource == "server"
    assert bench.states("server")[-1] is ResourceState.FAILED


@pytest.mark.parametrize("active", [a for a in ActiveState if not a.is_stopped])
async def test_a_unit_that_is_not_stopped_is_no_loss(bench: Bench, active: ActiveState) -> None:
    """Goal: systemd's own restart is left to it. Method: every other state."""
    await bench.serves()
    bench.runner.unit_changed(unit(SMBD, active))
    assert bench.posted.of(ResourceLost) == []


async def test_another_groups_unit_is_no_loss_of_ours(bench: Bench) -> None:
    """Goal: groups are apart. Method: a unit that is not of this group."""
    await bench.serves()
    bench.runner.unit_changed(unit("postfix.service", ActiveState.FAILED))
    assert bench.posted.of(ResourceLost) == []


async def test_a_loss_is_told_once(bench: Bench) -> None:
    """Goal: one death, one answer. Method: two resources gone before the core says anything."""
    await bench.serves()
    bench.runner.lost("server", "died")
    bench.runner.lost("disk", "gone")
    assert [lost.resource for lost in bench.posted.of(ResourceLost)] == ["server"]


async def test_a_loss_is_told_again_after_the_next_start(bench: Bench) -> None:
    """Goal: a revived group is watched as before. Method: lose, start, lose."""
    await bench.serves()
    bench.runner.lost("server", "died")
    bench.runner.start(2)
    await bench.posted.first(GroupStarted, 2)
    bench.runner.lost("server", "died")
    assert len(bench.posted.of(ResourceLost)) == 2


async def test_what_a_stop_ends_is_no_loss(bench: Bench) -> None:
    """Goal: no alarm about our own doing. Method: losses during and after a stop."""
    await bench.serves()
    bench.runner.stop(2)
    await turns_until(lambda: "stop server" in bench.diary.lines)
    bench.runner.unit_changed(unit(SMBD, ActiveState.INACTIVE))
    await bench.posted.first(GroupStopped)
    bench.runner.unit_changed(unit("srv.mount", ActiveState.INACTIVE))
    assert bench.posted.of(ResourceLost) == []


async def test_what_is_lost_while_the_rest_is_starting_is_told_when_the_group_serves(
    bench: Bench,
) -> None:
    """Goal: no group serves with a part that died early. Method: lose the first during the last."""
    bench.server.gate = asyncio.Event()
    bench.runner.start(1)
    await bench.server.waiting.wait()
    bench.runner.lost("address", "deleted by hand")
    assert bench.posted.of(ResourceLost) == [], "the core would not heed it yet"
    bench.server.gate.set()
    assert (await bench.posted.first(ResourceLost)).resource == "address"
    kinds = [type(event) for event in bench.posted.events]
    assert kinds.index(ResourceLost) > kinds.index(GroupStarted)


async def test_what_is_not_yet_started_cannot_be_lost(bench: Bench) -> None:
    """Goal: a unit that was down before is no loss. Method: its state is told early, twice.

    The second time it had run before, until it was stopped.
    """
    for operation in (1, 3):
        bench.disk.gate = asyncio.Event()
        bench.disk.waiting.clear()
        bench.runner.start(operation)
        await bench.disk.waiting.wait()
        bench.runner.unit_changed(unit(SMBD, ActiveState.INACTIVE))
        bench.disk.gate.set()
        await bench.posted.first(GroupStarted, 1 + operation // 2)
        bench.runner.stop(operation + 1)
        await bench.posted.first(GroupStopped, 1 + operation // 2)
    assert bench.posted.of(ResourceLost) == []


async def test_what_is_lost_during_a_look_is_told_after_it(bench: Bench) -> None:
    """Goal: looking leaves no gap. Method: the first dies as the last is looked at."""
    for part in bench.parts:
        part.state = ResourceState.STARTED
    bench.server.on_look = lambda: bench.runner.lost("address", "deleted by hand")
    bench.runner.observe()
    assert (await bench.posted.first(ResourceLost)).resource == "address"
    assert bench.posted.events.index(bench.posted.of(GroupObserved)[0]) < len(bench.posted.events)


# --- units that two groups use ----------------------------------------------------------------


async def test_a_shared_unit_comes_back_for_the_group_that_stays(bench: Bench) -> None:
    """Goal: releasing one share leaves the other. Method: two groups, one server, one released."""
    other = bench.runs(OTHER, (Part("other", bench.diary, SMBD),))
    await bench.serves()
    other.start(1)
    await bench.posted.first(GroupStarted, 2)
    bench.runner.stop(2)
    await turns_until(lambda: "stop server" in bench.diary.lines)
    other.unit_changed(unit(SMBD, ActiveState.INACTIVE))
    await turns_until(lambda: f"start {SMBD}" in bench.diary.lines)
    assert bench.posted.of(ResourceLost) == []
    order = [bench.diary.lines.index(line) for line in ("stop disk", f"start {SMBD}")]
    assert order == sorted(order), "only after the disk is let go"
    other.unit_changed(unit(SMBD, ActiveState.FAILED))
    assert len(bench.posted.of(ResourceLost)) == 1, "back is back: now its end is a loss"
    await other.close()


async def test_a_shared_unit_comes_back_for_a_group_that_was_found_serving(bench: Bench) -> None:
    """Goal: a restarted daemon shares as before. Method: both found, one released."""
    await bench.serves()
    running = Part("other", bench.diary, SMBD)
    running.state = ResourceState.STARTED
    other = bench.runs(OTHER, (running,))
    other.observe()
    await bench.posted.first(GroupObserved)
    bench.runner.stop(2)
    await turns_until(lambda: f"start {SMBD}" in bench.diary.lines)
    await other.close()


async def test_a_start_waits_until_the_last_stop_is_tidied_up(bench: Bench) -> None:
    """Goal: a target that is stopped late stops no new start. Method: a slow target, then start."""
    await bench.serves()
    bench.targets.gate = asyncio.Event()
    bench.runner.stop(2)
    await bench.posted.first(GroupStopped)
    starts = len(bench.did("start"))
    bench.runner.start(3)
    await some_turns()
    assert len(bench.did("start")) == starts
    bench.targets.gate.set()
    await bench.posted.first(GroupStarted, 2)


async def test_a_shared_unit_stays_away_when_nobody_needs_it(bench: Bench) -> None:
    """Goal: the last one puts out the light. Method: release the only group that serves."""
    await bench.serves()
    bench.runner.stop(2)
    await turns_until(lambda: f"stop {TARGET} alone" in bench.diary.lines)
    await some_turns()
    assert f"start {SMBD}" not in bench.diary.lines


async def test_a_shared_unit_that_dies_by_itself_is_a_loss(bench: Bench) -> None:
    """Goal: only what is stopped on purpose is excused. Method: it fails with nothing released."""
    await bench.serves()
    bench.runner.unit_changed(unit(SMBD, ActiveState.FAILED))
    assert len(bench.posted.of(ResourceLost)) == 1


# --- addresses --------------------------------------------------------------------------------


async def test_a_probe_that_nobody_waited_for_crashes_nothing(bench: Bench) -> None:
    """Goal: a failed probe is a failed start, or nothing. Method: the disk before it fails too.

    asyncio tells the loop of errors that nobody asked for, and there the daemon would stop.
    """
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    addresses = Addresses(Tables(interfaces_now=[]), lambda *_: None)
    announcer = Announcer(lambda *_: None)
    address = AddressRunnable("10.0.0.100", SharedAddress("10.0.0.100"), addresses, announcer)
    bench.disk.start_fails = "no such device"
    runner = bench.runs(OTHER, (bench.disk, address))
    runner.start(1)
    await bench.posted.first(GroupStartFailed)
    await some_turns()
    runner.start(2)
    await bench.posted.first(GroupStartFailed, 2)
    await runner.close()
    del runner, address
    await some_turns()
    gc.collect()
    assert told == []
