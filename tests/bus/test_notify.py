"""hbd-notify's ear: what it tells of a daemon on a real bus, which may stop, and so may the bus."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from hbd.cluster.terms import GroupState, LinkStatus
from hbd.notify.cluster import Cluster, person
from hbd.notify.note import News
from tests.bus import beliefs
from tests.bus.authority import ScriptedAuthority
from tests.bus.beliefs import ETH1, SHARE, TTY
from tests.bus.private_bus import PrivateBus
from tests.bus.served import Served
from tests.bus.transitions import LOST

DEADLINE_SECONDS = 20.0


class Ear:
    """What was told, in order."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[News] = asyncio.Queue()
        self.cluster = Cluster(self._tell)

    def _tell(self, news: Iterable[News]) -> None:
        for each in news:
            self._told.put_nowait(each)

    async def next(self) -> str:
        """The subject of what is told next."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return (await self._told.get()).subject

    async def sees(self) -> None:
        """Wait until a scene was read, the first or another one."""
        self.cluster.seen.clear()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.cluster.seen.wait()

    @property
    def has_more(self) -> bool:
        return not self._told.empty()


@asynccontextmanager
async def listening() -> AsyncIterator[Ear]:
    """Listens to the system bus until the test's end, having seen the first scene."""
    ear = Ear()
    running = asyncio.ensure_future(ear.cluster.run())
    try:
        await ear.sees()
        yield ear
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture(autouse=True)
def system_bus(private_bus: PrivateBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The private bus is the system's."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", private_bus.address)


@pytest.fixture
async def healthy(served: Served) -> Served:
    """Every link has been heard: nothing to tell of."""
    heal(served)
    return served


def heal(served: Served) -> None:
    """Every link has been heard."""
    for name in (TTY, beliefs.GATEWAY):
        set_link(served, name, LinkStatus.UP)


def set_link(served: Served, name: str, status: LinkStatus) -> None:
    """A link's status becomes this."""
    links = tuple(
        replace(link, status=status) if link.name == name else link for link in served.node.links
    )
    served.becomes(replace(served.node, links=links))


def ends_a_move(served: Served) -> None:
    """A move is over, and something of the group has changed with it."""
    served.transitions = (LOST,)
    served.becomes(beliefs.with_share(served.node, GroupState.STOPPING))
    served.becomes(beliefs.with_share(served.node, GroupState.STARTED))


async def test_a_move_is_told_when_it_is_over(healthy: Served) -> None:
    """Goal: the daemon's signals suffice. Method: a transition of the history, and its signals."""
    async with listening() as ear:
        ends_a_move(healthy)
        assert await ear.next() == f"group {SHARE}"


async def test_a_dead_link_is_told_without_a_further_signal(healthy: Served) -> None:
    """Goal: what has stood long enough is told by itself. Method: one signal, then silence."""
    async with listening() as ear:
        set_link(healthy, ETH1, LinkStatus.DEAD)
        assert await ear.next() == f"link {ETH1}"
        set_link(healthy, ETH1, LinkStatus.UP)
        assert await ear.next() == f"link {ETH1}"


async def test_a_restart_of_the_daemon_is_not_told_but_what_happened_meanwhile(
    private_bus: PrivateBus, healthy: Served, authority: ScriptedAuthority
) -> None:
    """Goal: the last scene before it counts. Method: the endpoint leaves, another has a move."""
    async with listening() as ear:
        await healthy.endpoint.close()
        another = Served(authority)
        another.becomes(healthy.node)
        another.transitions = (LOST,)
        await another.endpoint.connect(private_bus.address)
        try:
            assert await ear.next() == f"group {SHARE}"
            assert not ear.has_more
        finally:
            await another.endpoint.close()


async def test_the_bus_may_die_and_come_back(private_bus: PrivateBus, healthy: Served) -> None:
    """Goal: no notifier is deaf for ever. Method: kill the bus, start it, then a move."""
    async with listening() as ear:
        await private_bus.kill()
        await private_bus.start()
        await ear.sees()
        ends_a_move(healthy)
        assert await ear.next() == f"group {SHARE}"


async def test_a_daemon_that_is_not_there_is_waited_for(
    private_bus: PrivateBus, authority: ScriptedAuthority
) -> None:
    """Goal: the order of starting is free. Method: listen first, then hbd comes, then a move."""
    ear = Ear()
    running = asyncio.ensure_future(ear.cluster.run())
    served = Served(authority)
    heal(served)
    try:
        await served.endpoint.connect(private_bus.address)
        await ear.sees()
        ends_a_move(served)
        assert await ear.next() == f"group {SHARE}"
    finally:
        running.cancel()
        await asyncio.wait([running])
        await served.endpoint.close()


def test_who_asked_has_a_name() -> None:
    """Goal: `alice`, not a number. Method: ourselves, a number of nobody's, another word."""
    assert person(f"uid {os.getuid()}") == pwd.getpwuid(os.getuid()).pw_name
    assert person("uid 4000000000") == "uid 4000000000"
    assert person("") == ""
