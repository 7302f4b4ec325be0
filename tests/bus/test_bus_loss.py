"""The bus goes away and comes back, and the cluster does not notice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hbd.bus import names
from hbd.bus.endpoint import NameTaken
from hbd.bus.names import BUS_NAME, ROOT, Interface
from hbd.cluster.terms import GroupState, JobId, JobResult, PeerStatus
from hbd.errors import AdapterError
from tests.bus import beliefs
from tests.bus.authority import ScriptedAuthority
from tests.bus.beliefs import SHARE
from tests.bus.client import Client
from tests.bus.conftest import Join
from tests.bus.private_bus import PrivateBus
from tests.bus.served import Served


async def owned(client: Client) -> None:
    """Return when somebody owns hbd's name."""
    dbus, path = "org.freedesktop.DBus", "/org/freedesktop/DBus"
    await client.subscribe()
    reply = await client.call(dbus, "NameHasOwner", "s", BUS_NAME, path=path, destination=dbus)
    if reply.body != [True]:
        await client.signal_that(
            lambda signal: (
                signal.member == "NameOwnerChanged"
                and signal.body[0] == BUS_NAME
                and signal.body[2] != ""
            )
        )


async def test_the_endpoint_comes_back_with_the_bus_and_tells_the_truth(
    private_bus: PrivateBus, served: Served, join: Join
) -> None:
    """Goal: a restarted dbus-daemon costs nothing but the time it is away.

    Method: kill the bus, change the belief, start it again: the name is owned, the state is new,
    and changes are told as before.
    """
    await private_bus.kill()
    served.becomes(beliefs.with_share(served.node, GroupState.STOPPING))
    served.becomes(beliefs.with_peer(served.node, PeerStatus.LOST))
    await private_bus.start()
    client = await join()
    await owned(client)
    path = names.group_path(SHARE)
    assert await client.get(path, Interface.GROUP, "State") == "stopping"
    assert await client.get(ROOT, Interface.MANAGER, "PeerStatus") == "lost"
    served.becomes(beliefs.with_share(served.node, GroupState.STOPPED))
    signal = await client.signal("PropertiesChanged", path)
    assert signal.body[1]["State"].value == "stopped"


async def test_a_job_goes_on_without_the_bus(
    private_bus: PrivateBus, served: Served, join: Join
) -> None:
    """Goal: what was permitted is done. Method: lose the bus with two jobs; one ends meanwhile."""
    client = await join()
    for _ in range(2):
        await client.call(Interface.MANAGER, "Takeover", "s", "all")
    await private_bus.kill()
    with pytest.raises(EOFError):
        await client.bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # the library's own
    await asyncio.gather(served.event(), served.event())
    served.endpoint.finish_job(JobId(1), JobResult.DONE, "")
    await private_bus.start()
    client = await join()
    await owned(client)
    jobs = await client.get(ROOT, Interface.MANAGER, "Jobs")
    assert jobs == [names.job_path(JobId(2))]
    served.endpoint.finish_job(JobId(2), JobResult.FAILED, "")
    assert (await client.signal("JobRemoved")).body[:2] == [jobs[0], "failed"]


async def test_a_second_daemon_is_told_that_the_name_is_taken(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: two hbd on one machine are a mistake, said clearly. Method: start another."""
    assert served.endpoint.is_connected
    second = Served(ScriptedAuthority())
    with pytest.raises(NameTaken):
        await second.endpoint.connect(private_bus.address)
    assert not second.endpoint.is_connected
    await second.endpoint.close()


async def test_no_bus_is_an_adapter_error_and_may_be_tried_again(
    private_bus: PrivateBus, authority: ScriptedAuthority
) -> None:
    """Goal: the runtime decides what a missing bus means. Method: none, then one."""
    served = Served(authority)
    await private_bus.kill()
    with pytest.raises(AdapterError):
        await served.endpoint.connect(private_bus.address)
    served.becomes(beliefs.with_peer(served.node, PeerStatus.LATE))
    served.endpoint.finish_job(JobId(1), JobResult.DONE, "")
    await private_bus.start()
    await served.endpoint.connect(private_bus.address)
    assert served.endpoint.is_connected
    await served.endpoint.close()


async def test_closing_while_the_bus_is_away_takes_no_time(
    private_bus: PrivateBus, served: Served
) -> None:
    """Goal: shutdown never waits for a dead bus. Method: kill it, close."""
    await private_bus.kill()
    async with asyncio.timeout(5):
        await served.endpoint.close()
    assert not served.endpoint.is_connected


async def test_a_bus_that_hangs_up_during_authentication_does_not_spin(tmp_path: Path) -> None:
    """Goal: a dying bus never freezes the daemon: the library would read nothing for ever.

    Method: a socket that accepts and closes; the attempt fails, the loop lives.
    """
    folder = tmp_path if len(str(tmp_path)) < 80 else Path("/tmp")
    path = folder / "s"

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_unix_server(hang_up, path)
    served = Served(ScriptedAuthority())
    with pytest.raises(AdapterError):
        await served.endpoint.connect(f"unix:path={path}")
    server.close()
    await server.wait_closed()
