"""The shipped bus policy on a real dbus-daemon that denies the rest, as the system bus does."""

from __future__ import annotations

import os
import pwd
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dbus_next.constants import MessageType
from dbus_next.message import Message

from hbd.bus.contract import SOURCE_TREE
from hbd.bus.names import BUS_NAME, ROOT, Interface, Standard
from tests.bus.authority import ScriptedAuthority
from tests.bus.client import Client
from tests.bus.conftest import Join
from tests.bus.private_bus import PrivateBus
from tests.bus.served import Served

SHIPPED = SOURCE_TREE / "org.hbd.Heartbeat1.conf"

# What /usr/share/dbus-1/system.conf says before it includes such files. Whoever runs the tests
# plays root's part as owner only, so that the rules for everybody else are what is tried.
AS_ON_THE_SYSTEM_BUS = """
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>{shipped}</include>
  <policy user="{me}"><allow own="org.hbd.Heartbeat1"/></policy>"""


@pytest.fixture
async def private_bus() -> AsyncIterator[PrivateBus]:
    """A bus with the shipped policy, in which nobody is root."""
    with TemporaryDirectory(prefix="hbd-bus-") as folder:
        shipped = Path(folder) / "shipped.conf"
        shipped.write_text(SHIPPED.read_text().replace('user="root"', 'user="nobody"'))
        me = pwd.getpwuid(os.getuid()).pw_name
        bus = PrivateBus(Path(folder), AS_ON_THE_SYSTEM_BUS.format(shipped=shipped, me=me))
        await bus.start()
        try:
            yield bus
        finally:
            await bus.kill()


async def test_everybody_may_read_and_ask(client: Client, authority: ScriptedAuthority) -> None:
    """Goal: the policy is open where polkit or nobody decides. Method: one call per interface."""
    calls: list[tuple[str, str, str, list[str]]] = [
        (Standard.PEER, "Ping", "", []),
        (Standard.INTROSPECTABLE, "Introspect", "", []),
        (Standard.PROPERTIES, "GetAll", "s", [Interface.MANAGER]),
        (Standard.OBJECT_MANAGER, "GetManagedObjects", "", []),
        (Interface.MANAGER, "Takeover", "s", ["all"]),
    ]
    for interface, member, signature, body in calls:
        reply = await client.call(interface, member, signature, *body)
        assert reply.message_type is MessageType.METHOD_RETURN, member
    assert len(authority.questions) == 1


@pytest.mark.parametrize("interface", [None, Interface.NODE, "org.example.Other"])
async def test_nothing_else_gets_through(
    client: Client, served: Served, interface: str | None
) -> None:
    """Goal: the daemon sees only what it serves. Method: the bus itself refuses, also to our
    unique name and without an interface."""
    connection = served.endpoint._connection
    assert connection is not None
    for destination in (BUS_NAME, str(connection._bus.unique_name)):
        message = Message(
            destination=destination,
            path=ROOT,
            interface=interface,  # type: ignore[arg-type]  # the library takes None
            member="Takeover",
        )
        reply = await client.send(message)
        assert reply.error_name == "org.freedesktop.DBus.Error.AccessDenied"


async def test_only_the_daemons_user_may_own_the_name(private_bus: PrivateBus, join: Join) -> None:
    """Goal: nobody poses as hbd. Method: a bus on which we are not that user."""
    await private_bus.kill()
    private_bus._policy = private_bus._policy.rsplit("<policy", 1)[0]
    await private_bus.start()
    client = await join()
    dbus, path = "org.freedesktop.DBus", "/org/freedesktop/DBus"
    reply = await client.call(dbus, "RequestName", "su", BUS_NAME, 4, path=path, destination=dbus)
    assert reply.error_name == "org.freedesktop.DBus.Error.AccessDenied"
