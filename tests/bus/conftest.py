"""A private bus, an endpoint on it and a caller, each ended with its test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.bus.authority import ScriptedAuthority
from tests.bus.client import Client
from tests.bus.private_bus import PrivateBus
from tests.bus.served import Served


@pytest.fixture
async def private_bus() -> AsyncIterator[PrivateBus]:
    """A bus on which everybody may do everything."""
    # pytest's own folders can be too long for a socket's name (107 bytes, unix(7)).
    with TemporaryDirectory(prefix="hbd-bus-") as folder:
        bus = PrivateBus(Path(folder))
        await bus.start()
        try:
            yield bus
        finally:
            await bus.kill()


@pytest.fixture
def authority() -> ScriptedAuthority:
    """Allows everything until told otherwise."""
    return ScriptedAuthority()


@pytest.fixture
async def served(private_bus: PrivateBus, authority: ScriptedAuthority) -> AsyncIterator[Served]:
    """hbd on the private bus."""
    served = Served(authority)
    await served.endpoint.connect(private_bus.address)
    try:
        yield served
    finally:
        await served.endpoint.close()


Join = Callable[[], Awaitable[Client]]


@pytest.fixture
async def join(private_bus: PrivateBus) -> AsyncIterator[Join]:
    """How a test gets callers; each leaves with the test."""
    clients: list[Client] = []

    async def another() -> Client:
        clients.append(await Client.open(private_bus.address))
        return clients[-1]

    yield another
    for client in clients:
        await client.close()


@pytest.fixture
async def client(join: Join, served: Served) -> Client:
    """Somebody who calls hbd."""
    assert served.endpoint.is_connected
    return await join()
