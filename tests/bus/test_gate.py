"""Waiting for permission: it holds up nobody else, and nobody can fill the gate."""

from __future__ import annotations

import asyncio

from dbus_next.message import Message

from hbd.bus.gate import MAX_WAITING_OF_ONE
from hbd.bus.names import ROOT, Error, Interface
from tests.bus.authority import ScriptedAuthority
from tests.bus.client import Client
from tests.bus.conftest import Join
from tests.bus.served import Served

MANAGER = Interface.MANAGER


def takeovers(client: Client, count: int) -> list[asyncio.Task[Message]]:
    """Calls under way."""
    return [asyncio.create_task(client.call(MANAGER, "Takeover", "s", "all")) for _ in range(count)]


async def test_a_silent_authority_holds_up_nobody_else(
    client: Client, served: Served, authority: ScriptedAuthority
) -> None:
    """Goal: a slow polkit blocks neither readers nor the loop. Method: read while a call waits."""
    authority.may_answer.clear()
    [waiting] = takeovers(client, 1)
    await authority.asked.wait()
    assert await client.get(ROOT, MANAGER, "Phase") == "active"
    assert served.events.empty()
    authority.may_answer.set()
    assert (await waiting).body


async def test_one_user_cannot_fill_the_gate(
    client: Client, join: Join, authority: ScriptedAuthority
) -> None:
    """Goal: bounded waiting, also over many connections. Method: one call more than allowed."""
    authority.may_answer.clear()
    waiting = takeovers(client, MAX_WAITING_OF_ONE)
    while len(authority.questions) < MAX_WAITING_OF_ONE:
        authority.asked.clear()
        await authority.asked.wait()
    assert (await takeovers(client, 1)[0]).error_name == Error.BUSY.value
    other = await join()
    assert (await takeovers(other, 1)[0]).error_name == Error.BUSY.value
    authority.may_answer.set()
    assert all([(await each).body for each in waiting])
    assert (await takeovers(client, 1)[0]).body


async def test_closing_lets_go_of_waiting_calls(
    client: Client, served: Served, authority: ScriptedAuthority
) -> None:
    """Goal: the daemon leaves at once. Method: close while a call waits for ever; it never acts."""
    authority.may_answer.clear()
    [waiting] = takeovers(client, 1)
    await authority.asked.wait()
    async with asyncio.timeout(5):
        await served.endpoint.close()
        reply = await waiting
    assert reply.error_name == "org.freedesktop.DBus.Error.NoReply"
    assert served.events.empty()
