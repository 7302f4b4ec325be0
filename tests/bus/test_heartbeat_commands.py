"""heartbeat's commands as processes, against the real endpoint."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE

import pytest

from hbd.bus.polkit import Verdict
from hbd.cluster.event import StandbyRequested, TakeoverRequested
from hbd.cluster.terms import Scope
from tests.bus.authority import ScriptedAuthority
from tests.bus.private_bus import PrivateBus
from tests.bus.served import Served

DEADLINE_SECONDS = 20.0


async def ran(bus: PrivateBus, command: str, *arguments: str) -> tuple[int, str, str]:
    """The exit status of a command on the private bus, and what it said."""
    code = f"import sys; from hbd.cli.heartbeat import {command} as main; sys.exit(main())"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *arguments),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus.address, "PYTHONASYNCIODEBUG": ""},
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("word", [None, *Scope])
async def test_a_standby_is_asked_for_and_not_waited_for(
    private_bus: PrivateBus, served: Served, word: Scope | None
) -> None:
    """Goal: as heartbeat's: accepted is 0. Method: every scope; the job never ends here."""
    arguments = () if word is None else (word.value,)
    status, out, err = await ran(private_bus, "hb_standby", *arguments)
    scope = word or Scope.ALL
    assert (status, out, err) == (0, f"Going standby [{scope.value}].\n", "")
    event = await served.event()
    assert isinstance(event, StandbyRequested)
    assert (event.scope, event.groups) == (scope, ())


async def test_a_takeover_is_asked_for_and_not_waited_for(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: as heartbeat's: accepted is 0, in silence. Method: one scope."""
    assert await ran(private_bus, "hb_takeover", "local") == (0, "", "")
    event = await served.event()
    assert isinstance(event, TakeoverRequested)
    assert event.scope is Scope.LOCAL


async def test_who_may_not_gets_a_failure(
    private_bus: PrivateBus, served: Served, authority: ScriptedAuthority
) -> None:
    """Goal: the old door has the new lock. Method: denied; nothing reaches the core."""
    authority.verdict = Verdict.DENIED
    status, out, err = await ran(private_bus, "hb_standby")
    assert (status, out) == (1, "")
    assert err
    assert served.events.empty()


async def test_a_running_hbd_is_a_running_heartbeat(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: monitoring goes on working. Method: with hbd, and after it has gone."""
    running = (0, "Heartbeat is running on this machine.\n", "")
    assert await ran(private_bus, "cl_status", "hbstatus") == running
    status, out, _ = await ran(private_bus, "cl_status", "nodestatus", served.node.peer.name)
    assert (status, out) == (0, "active\n")
    await served.endpoint.close()
    stopped = (1, "Heartbeat is stopped on this machine.\n", "")
    assert await ran(private_bus, "cl_status", "hbstatus") == stopped
