"""Check on the bus: free to all, and in nobody's way while it takes its time."""

from __future__ import annotations

import asyncio

from hbd.bus.names import Interface
from tests.bus.authority import ScriptedAuthority
from tests.bus.client import Client
from tests.bus.served import Served

LINE = ("ttisrv1", "mount-point", "error", "not there", "mkdir")


async def test_everybody_may_ask_and_gets_every_line(
    client: Client, served: Served, authority: ScriptedAuthority
) -> None:
    """Goal: looking is free. Method: a call; polkit is never asked."""
    served.found = [LINE, ("ttisrv2", "unit-exists", "ok", "a\0b", "")]
    reply = await client.call(Interface.MANAGER, "Check")
    assert reply.signature == "a(sssss)"
    assert reply.body == [[list(LINE), ["ttisrv2", "unit-exists", "ok", "a?b", ""]]]
    assert authority.questions == []


async def test_a_slow_check_holds_up_no_other_call(client: Client, served: Served) -> None:
    """Goal: status answers at once. Method: a read while a check waits for a disk."""
    served.may_answer.clear()
    check = asyncio.create_task(client.call(Interface.MANAGER, "Check"))
    path = "/org/hbd/Heartbeat1"
    assert await client.get(path, Interface.MANAGER, "Phase") == "active"
    assert not check.done()
    served.may_answer.set()
    assert (await check).body == [[]]
