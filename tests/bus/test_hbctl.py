"""The real hbctl, as a process, against the real endpoint."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import replace

from dbus_next.message import Message

from hbd.bus import names
from hbd.bus.names import Interface
from hbd.bus.polkit import Verdict
from hbd.cli.lasts import FEW
from hbd.cli.outcome import Exit
from hbd.cluster.event import (
    FailureCleared,
    MaintenanceSet,
    PeerConfirmedDown,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.terms import GroupName, GroupState, JobId, JobResult, Scope
from tests.bus import beliefs
from tests.bus.authority import ScriptedAuthority
from tests.bus.beliefs import SHARE
from tests.bus.conftest import Join
from tests.bus.private_bus import PrivateBus
from tests.bus.served import Served
from tests.bus.transitions import LOST, REALTIME_USEC

DEADLINE_SECONDS = 20.0


async def hbctl(bus: PrivateBus, *arguments: str) -> Process:
    """Start hbctl on the private bus."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hbd.cli",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus.address, "PYTHONASYNCIODEBUG": ""},
    )


async def ended(process: Process) -> tuple[int, str, str]:
    """Its exit status and what it said, once it has ended."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_status_tells_how_each_group_moved_last(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: one look says what happened last. Method: a history; JSON, and a pipe's text.

    The group's own last one is beyond the newest few, so the rest is asked for, too.
    """
    others = [
        replace(LOST, id=f"x-{each:04d}", moves=(replace(LOST.moves[0], group=GroupName("gone")),))
        for each in range(FEW + 1)
    ]
    served.transitions = (*others, LOST)
    status, out, err = await ended(await hbctl(private_bus, "status", "--json"))
    assert (status, err) == (Exit.DONE, "")
    lasts = {group["name"]: group["last_transition"] for group in json.loads(out)["groups"]}
    assert lasts[beliefs.OTHER] is None
    assert (lasts[SHARE]["at_usec"], lasts[SHARE]["id"]) == (REALTIME_USEC, LOST.id)
    _, out, _ = await ended(await hbctl(private_bus))
    [line] = [each for each in out.splitlines() if LOST.id in each]
    assert lasts[SHARE]["text"] in line
    assert "peer-lost" in line


async def test_status_tells_what_the_daemon_believes(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: hbctl shows the API's state. Method: its JSON against the belief; text ends well."""
    assert served.endpoint.is_connected
    status, out, err = await ended(await hbctl(private_bus, "status", "--json"))
    assert (status, err) == (Exit.DONE, "")
    told = json.loads(out)
    assert told["node"] == beliefs.HERE
    assert {group["name"]: group["state"] for group in told["groups"]} == {
        SHARE: "started",
        beliefs.OTHER: "stopped",
    }
    assert {link["name"]: link["status"] for link in told["links"]} == {
        beliefs.ETH1: "up",
        beliefs.TTY: "dead",
        beliefs.GATEWAY: "dead",
    }
    status, out, err = await ended(await hbctl(private_bus))
    assert (status, err) == (Exit.DONE, "")
    assert SHARE in out


async def test_takeover_waits_and_shows_what_moves(private_bus: PrivateBus, served: Served) -> None:
    """Goal: one command, its progress and its end. Method: the core's part is played here."""
    process = await hbctl(private_bus, "takeover", "foreign")
    event = await served.event()
    assert isinstance(event, TakeoverRequested)
    assert (event.scope, event.groups) == (Scope.FOREIGN, ())
    served.becomes(beliefs.with_share(served.node, GroupState.STARTING))
    served.becomes(beliefs.with_share(served.node, GroupState.STARTED))
    served.endpoint.finish_job(event.job, JobResult.DONE, "")
    status, out, err = await ended(process)
    assert (status, out) == (Exit.DONE, "")
    assert [line.rpartition(" ")[2] for line in err.splitlines()] == ["starting", "started"]


async def test_each_result_becomes_its_exit_status(private_bus: PrivateBus, served: Served) -> None:
    """Goal: scripts can tell. Method: standby of one group, every bad result."""
    for result, expected in [
        (JobResult.FAILED, Exit.FAILED),
        (JobResult.REFUSED, Exit.REFUSED),
        (JobResult.TIMEOUT, Exit.TIMEOUT),
    ]:
        process = await hbctl(private_bus, "standby", "--group", SHARE)
        event = await served.event()
        assert isinstance(event, StandbyRequested)
        assert event.groups == (SHARE,)
        served.endpoint.finish_job(event.job, result, "the\x1breason")
        status, out, err = await ended(process)
        assert (status, out) == (expected, "")
        assert "the?reason" in err


async def test_maintenance_and_clear_failure_wait_for_their_answer(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: the verbs reach the core. Method: each with its arguments, answered here."""
    for arguments, on in ((["maintenance", "on"], True), (["maintenance", "off"], False)):
        process = await hbctl(private_bus, *arguments)
        event = await served.event()
        assert isinstance(event, MaintenanceSet)
        assert event.on is on
        served.endpoint.finish_job(event.job, JobResult.DONE, "")
        assert await ended(process) == (Exit.DONE, "", "")
    for arguments, groups in ((["clear-failure"], ()), (["clear-failure", SHARE], (SHARE,))):
        process = await hbctl(private_bus, *arguments)
        cleared = await served.event()
        assert isinstance(cleared, FailureCleared)
        assert cleared.groups == groups
        served.endpoint.finish_job(cleared.job, JobResult.DONE, "nothing had failed")
        status, _, err = await ended(process)
        assert (status, "nothing had failed" in err) == (Exit.DONE, True)


async def test_the_peer_is_confirmed_down_only_by_its_name(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: not on the wrong node. Method: no name without a terminal, a wrong one, the right."""
    for arguments in ([], [beliefs.HERE]):
        status, _, _ = await ended(await hbctl(private_bus, "confirm-peer-down", *arguments))
        assert status == Exit.USAGE
    assert served.events.empty()
    process = await hbctl(private_bus, "confirm-peer-down", beliefs.THERE)
    event = await served.event()
    assert isinstance(event, PeerConfirmedDown)
    served.endpoint.finish_job(event.job, JobResult.REFUSED, "it is heard")
    status, _, err = await ended(process)
    assert (status, "it is heard" in err) == (Exit.REFUSED, True)


async def test_failback_asks_for_what_is_astray(private_bus: PrivateBus, served: Served) -> None:
    """Goal: every group goes home. Method: nothing astray; then one of each node's."""
    assert (await ended(await hbctl(private_bus, "failback")))[0] == Exit.DONE
    assert served.events.empty()
    first, second = served.node.groups
    astray = (replace(first, owner=beliefs.THERE), replace(second, owner=beliefs.HERE))
    served.becomes(replace(served.node, groups=astray))
    process = await hbctl(private_bus, "failback")
    for kind, result in ((TakeoverRequested, JobResult.DONE), (StandbyRequested, JobResult.FAILED)):
        event = await served.event()
        assert isinstance(event, kind)
        assert event.scope is Scope.FAILBACK
        served.endpoint.finish_job(event.job, result, "")
    assert (await ended(process))[0] == Exit.FAILED


async def test_links_shows_every_link(private_bus: PrivateBus, served: Served) -> None:
    """Goal: a bad link is found. Method: its JSON; text ends well."""
    served.counters = {beliefs.ETH1: {"messages-received": 5}}
    status, out, err = await ended(await hbctl(private_bus, "links", "--json"))
    assert (status, err) == (Exit.DONE, "")
    told = {link["name"]: link["counters"] for link in json.loads(out)["links"]}
    assert told[beliefs.ETH1] == {"messages-received": 5}
    assert (await ended(await hbctl(private_bus, "links")))[0] == Exit.DONE


async def test_no_wait_prints_the_job_and_ends(private_bus: PrivateBus, served: Served) -> None:
    """Goal: a script can go on. Method: the job's path, before the job ends."""
    status, out, err = await ended(await hbctl(private_bus, "takeover", "--no-wait"))
    assert (status, err) == (Exit.DONE, "")
    assert out.strip() == names.job_path(JobId(1))
    assert isinstance(await served.event(), TakeoverRequested)


async def test_what_is_not_permitted_says_so(
    private_bus: PrivateBus, served: Served, authority: ScriptedAuthority
) -> None:
    """Goal: permission has a status of its own. Method: denied; dialogue or none."""
    authority.verdict = Verdict.DENIED
    status, out, _ = await ended(await hbctl(private_bus, "takeover"))
    assert (status, out) == (Exit.NOT_PERMITTED, "")
    await ended(await hbctl(private_bus, "takeover", "--no-ask-password"))
    assert [question.interactive for question in authority.questions] == [True, False]
    assert served.events.empty()


async def test_an_unknown_group_is_a_usage_error(private_bus: PrivateBus, served: Served) -> None:
    """Goal: a typing error is one. Method: a group that haresources does not have."""
    status, _, err = await ended(await hbctl(private_bus, "takeover", "--group", "10.0.0.1"))
    assert status == Exit.USAGE
    assert SHARE in err
    assert served.events.empty()


async def test_a_daemon_that_goes_away_leaves_the_outcome_unknown(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: never a success that nobody saw. Method: the bus dies while hbctl waits."""
    process = await hbctl(private_bus, "takeover")
    await served.event()
    await private_bus.kill()
    status, out, err = await ended(process)
    assert (status, out) == (Exit.UNKNOWN, "")
    assert len(err.splitlines()) == 1


async def test_a_stopped_daemon_is_told_and_not_started(private_bus: PrivateBus) -> None:
    """Goal: looking starts nothing. Method: a bus without hbd, with every kind of verb."""
    for verb in ("status", "takeover", "links", "failback", "confirm-peer-down"):
        status, out, err = await ended(await hbctl(private_bus, verb))
        assert (status, out) == (Exit.NOT_RUNNING, "")
        assert len(err.splitlines()) == 1


async def test_without_a_bus_nobody_can_be_asked(private_bus: PrivateBus) -> None:
    """Goal: a status of its own where no bus is. Method: a dead bus, with every kind of verb."""
    await private_bus.kill()
    for verb in ("status", "takeover", "links", "failback", "confirm-peer-down"):
        status, out, err = await ended(await hbctl(private_bus, verb))
        assert (status, out) == (Exit.NO_BUS, "")
        assert len(err.splitlines()) == 1


async def test_a_forged_result_is_not_believed(
    private_bus: PrivateBus, served: Served, join: Join
) -> None:
    """Goal: only the daemon says how a job ended. Method: another connection sends the signal."""
    process = await hbctl(private_bus, "takeover")
    event = await served.event()
    assert isinstance(event, TakeoverRequested)
    forger = await join()
    body = [names.job_path(event.job), "failed", "forged"]
    await forger.bus.send(
        Message.new_signal(names.ROOT, Interface.MANAGER, "JobRemoved", "oss", body)
    )
    served.endpoint.finish_job(event.job, JobResult.DONE, "")
    status, _, _ = await ended(process)
    assert status == Exit.DONE
