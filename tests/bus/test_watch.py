"""`hbctl status --watch`, and a waiting verb, as a real process: on a pipe and on a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from hbd.cli.outcome import Exit
from hbd.cluster.event import TakeoverRequested
from hbd.cluster.node import Node
from hbd.cluster.terms import GroupState, JobResult, PeerStatus, ResourceState
from tests.bus import beliefs
from tests.bus.authority import ScriptedAuthority
from tests.bus.beliefs import SHARE
from tests.bus.private_bus import PrivateBus
from tests.bus.pseudo_terminal import Terminal, on_terminal
from tests.bus.served import Served

DEADLINE_SECONDS = 20.0
HBCTL = (sys.executable, "-m", "hbd.cli")
LEFT = "\x1b[?25h\x1b[?1049l"  # the cursor and the screen that were there before


def environment(bus: PrivateBus) -> dict[str, str]:
    """Of a process on the private bus."""
    return {"DBUS_SYSTEM_BUS_ADDRESS": bus.address, "PYTHONASYNCIODEBUG": ""}


@asynccontextmanager
async def watching(bus: PrivateBus, *options: str) -> AsyncIterator[Process]:
    """`hbctl status --watch` on a pipe."""
    process = await asyncio.create_subprocess_exec(
        *(*HBCTL, "status", "--watch", *options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        limit=1 << 20,
        env=os.environ | environment(bus),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def terminal(bus: PrivateBus, *words: str) -> AbstractAsyncContextManager[Terminal]:
    """hbctl on a terminal."""
    return on_terminal(*HBCTL, *words, environment=environment(bus))


async def document(process: Process) -> dict[str, Any]:
    """The next JSON document: one line."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        told = json.loads(await process.stdout.readline())
    assert isinstance(told, dict)
    return told


def share_is(told: dict[str, Any]) -> str:
    """The state of the first group in a document."""
    return str(told["groups"][0]["state"])


def with_smb(before: Node, state: ResourceState) -> Node:
    """The same with the first group's last resource in another state."""
    group = before.group(SHARE)
    assert group is not None
    *others, smb = group.resources
    return before.with_group(replace(group, resources=(*others, replace(smb, state=state))))


async def test_each_change_is_one_document(private_bus: PrivateBus, served: Served) -> None:
    """Goal: a program follows the cluster. Method: changes, a heartbeat between them, SIGINT."""
    async with watching(private_bus, "--json") as process:
        first = await document(process)
        assert (first["running"], share_is(first)) == (True, "started")
        served.becomes(beliefs.with_share(served.node, GroupState.STOPPING))
        assert share_is(await document(process)) == "stopping"
        served.becomes(beliefs.heard_later(served.node, 1))  # no news: no line
        served.becomes(beliefs.with_peer(served.node, PeerStatus.LATE))
        assert (await document(process))["peer_status"] == "late"
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await process.stderr.read() == b""
            assert await process.wait() == Exit.DONE


async def test_the_daemon_may_stop_and_come_back(
    private_bus: PrivateBus, served: Served, authority: ScriptedAuthority
) -> None:
    """Goal: watching outlives what is watched. Method: the endpoint leaves; another one comes."""
    async with watching(private_bus, "--json") as process:
        assert (await document(process))["running"] is True
        await served.endpoint.close()
        gone = await document(process)
        assert set(gone) == {"now_usec", "running"}
        assert gone["running"] is False
        another = Served(authority)
        another.becomes(beliefs.with_share(another.node, GroupState.STOPPING))
        await another.endpoint.connect(private_bus.address)
        try:
            assert share_is(await document(process)) == "stopping"
            another.becomes(beliefs.with_share(another.node, GroupState.STOPPED))
            assert share_is(await document(process)) == "stopped"
        finally:
            await another.endpoint.close()


async def test_the_bus_may_go_and_come_back(private_bus: PrivateBus, served: Served) -> None:
    """Goal: a restarted dbus-daemon ends nothing. Method: kill it, start it, change something."""
    async with watching(private_bus, "--json") as process:
        assert (await document(process))["running"] is True
        await private_bus.kill()
        assert (await document(process))["running"] is False
        await private_bus.start()
        assert (await document(process))["running"] is True
        served.becomes(beliefs.with_share(served.node, GroupState.STOPPING))
        assert share_is(await document(process)) == "stopping"


async def test_a_stopped_daemon_is_waited_for(
    private_bus: PrivateBus, authority: ScriptedAuthority
) -> None:
    """Goal: one can begin to watch before the start. Method: a bus without hbd, then with it."""
    async with watching(private_bus, "--json") as process:
        assert (await document(process))["running"] is False
        served = Served(authority)
        await served.endpoint.connect(private_bus.address)
        try:
            assert share_is(await document(process)) == "started"
        finally:
            await served.endpoint.close()


async def test_a_reader_that_has_seen_enough_ends_it(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: `| head -1` leaves nothing behind. Method: close the pipe, then change something."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(*HBCTL, "status", "--watch", "--json"),
        stdout=writing,
        stderr=PIPE,
        env=os.environ | environment(private_bus),
    )
    os.close(writing)
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, os.read, reading, 65536)
    os.close(reading)
    served.becomes(beliefs.with_share(served.node, GroupState.STOPPING))
    async with asyncio.timeout(DEADLINE_SECONDS):
        _, told = await process.communicate()
    assert (process.returncode, told) == (Exit.DONE, b"")


@pytest.mark.parametrize("key", ["\x03", "SIGTERM"])
async def test_a_terminal_is_redrawn_and_given_back(
    private_bus: PrivateBus, served: Served, key: str
) -> None:
    """Goal: a person watches, and has the terminal as it was. Method: change; Ctrl-C or SIGTERM."""
    async with terminal(private_bus, "status", "--watch") as shown:
        settings = shown.settings
        assert "┌─ ttisrv1" in await shown.shows("started")
        served.becomes(beliefs.with_peer(served.node, PeerStatus.LOST))
        await shown.shows("hbctl confirm-peer-down ttisrv2")
        await served.endpoint.close()
        await shown.shows("systemctl start hbd")
        if key == "SIGTERM":
            shown.process.send_signal(signal.SIGTERM)
        else:
            shown.type(key)
        assert await shown.ended() == Exit.DONE
        shown.read()
        assert shown.raw.endswith(LEFT)
        assert shown.settings == settings


async def test_a_window_of_another_size_is_filled_anew(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: the picture fits after a resize, and tells what it cut. Method: a small window."""
    assert served.endpoint.is_connected
    async with terminal(private_bus, "status", "--watch") as shown:
        await shown.shows("hbd 1.2.3")
        shown.resize(60, 10)
        text = await shown.shows("more lines)")
        assert max(map(len, text.split("more lines)")[0].splitlines()[-9:])) <= 60


async def test_a_picture_on_a_terminal_and_tables_in_a_pipe(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: one for people, one for grep. Method: the same verb on both."""
    assert served.endpoint.is_connected
    async with terminal(private_bus, "status") as shown:
        assert "┌─ ttisrv1" in await shown.shows("hbd 1.2.3")
        assert await shown.ended() == Exit.DONE
    process = await asyncio.create_subprocess_exec(
        *(*HBCTL, "status"), stdout=PIPE, env=os.environ | environment(private_bus)
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        out, _ = await process.communicate()
    assert out.decode().startswith("NODE ")
    assert "\x1b" not in out.decode()


async def test_a_waiting_verb_shows_each_step_with_its_time(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: a person sees what takes long. Method: one resource stops and starts meanwhile."""
    async with terminal(private_bus, "takeover") as shown:
        event = await served.event()
        assert isinstance(event, TakeoverRequested)
        for state in (ResourceState.STOPPING, ResourceState.STOPPED, ResourceState.STARTING):
            served.becomes(with_smb(served.node, state))
        await shown.shows("start smb ...")
        served.becomes(with_smb(served.node, ResourceState.STARTED))
        served.endpoint.finish_job(event.job, JobResult.DONE, "")
        text = await shown.shows("done after")
        assert text.splitlines()[0].endswith(" s")
        assert await shown.ended() == Exit.DONE
