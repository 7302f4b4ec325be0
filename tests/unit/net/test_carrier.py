"""The presence of interfaces, from listings and events that overtake each other."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hbd.errors import AdapterError
from hbd.net.carrier import Carrier, LinkPresence
from hbd.net.kernel import EventsLost, InterfaceChanged, InterfaceRemoved
from tests.unit.net.kernel import ETH0, ETH1, LO, Tables

UP, DOWN, ABSENT = LinkPresence.UP, LinkPresence.DOWN, LinkPresence.ABSENT
ETH0_DOWN = replace(ETH0, is_running=False)
ETH0_ANEW = replace(ETH0, index=9)


async def watched(tables: Tables) -> tuple[Carrier, list[tuple[str, LinkPresence]]]:
    """Watch; what was told at once is dropped."""
    carrier, told = Carrier(tables), list[tuple[str, LinkPresence]]()
    await carrier.watch(lambda name, presence: told.append((name, presence)))
    told.clear()
    return carrier, told


async def listening(carrier: Carrier) -> asyncio.Queue[tuple[str, LinkPresence]]:
    """Watch as one more; what is told from now on."""
    news: asyncio.Queue[tuple[str, LinkPresence]] = asyncio.Queue()
    await carrier.watch(lambda name, presence: news.put_nowait((name, presence)))
    while not news.empty():
        news.get_nowait()
    return news


async def test_every_watcher_is_told_how_things_stand() -> None:
    """Goal: late watchers know as much. Method: two, the second after a change."""
    tables = Tables()
    carrier, _ = await watched(tables)
    tables.tell(InterfaceChanged(ETH0_DOWN))
    told: list[tuple[str, LinkPresence]] = []
    await carrier.watch(lambda name, presence: told.append((name, presence)))
    assert sorted(told, key=str) == [("eth0", DOWN), ("lo", UP)]
    assert tables.listings == 1


async def test_only_changes_are_told() -> None:
    """Goal: no noise for each of the kernel's many repetitions. Method: the same state thrice."""
    tables = Tables()
    _, told = await watched(tables)
    for interface in (ETH0, ETH0_DOWN, ETH0_DOWN, replace(ETH0_DOWN, is_up=False), ETH0):
        tables.tell(InterfaceChanged(interface))
    assert told == [("eth0", DOWN), ("eth0", UP)]


async def test_a_namesake_means_the_old_one_is_gone() -> None:
    """Goal: sockets on the old index are deaf. Method: the removal's event was never heard."""
    tables = Tables()
    _, told = await watched(tables)
    tables.tell(InterfaceChanged(ETH0_ANEW))
    assert told == [("eth0", ABSENT), ("eth0", UP)]
    tables.tell(InterfaceRemoved(ETH0.index))  # late word of the old one
    assert len(told) == 2


async def test_lost_events_are_made_good_by_a_listing() -> None:
    """Goal: nothing stays unknown. Method: one gone, one new, one made anew; one EventsLost."""
    tables = Tables(interfaces_now=[LO, ETH0, replace(ETH0, index=7, name="ppp0")])
    carrier, told = await watched(tables)
    tables.interfaces_now[:] = [LO, ETH0_ANEW, ETH1]
    news = await listening(carrier)
    tables.tell(EventsLost())
    heard = [await asyncio.wait_for(news.get(), 5) for _ in range(4)]
    assert set(heard) == {("ppp0", ABSENT), ("eth0", ABSENT), ("eth0", UP), ("eth1", UP)}
    assert heard.index(("eth0", ABSENT)) < heard.index(("eth0", UP))
    assert told == heard


async def test_what_happens_during_a_listing_follows_it() -> None:
    """Goal: an older list does not undo a newer event. Method: the event comes while listing."""
    tables = Tables()
    tables.during_listing = lambda: tables.tell(InterfaceChanged(ETH0_DOWN))
    carrier, _ = await watched(tables)
    assert carrier.presence("eth0") is DOWN


async def test_events_lost_during_a_listing_cause_another() -> None:
    """Goal: as above, when even the event is lost. Method: EventsLost while listing."""
    tables = Tables()

    def overrun() -> None:
        tables.interfaces_now[:] = [LO]
        tables.tell(EventsLost())

    tables.during_listing = overrun
    carrier = Carrier(tables)
    news = await listening(carrier)
    assert await asyncio.wait_for(news.get(), 5) == ("eth0", ABSENT)
    assert carrier.presence("eth0") is ABSENT


async def test_a_failed_first_listing_is_the_callers_and_can_be_tried_again() -> None:
    """Goal: an error, nothing half done. Method: the kernel fails once."""
    tables = Tables(failures_left=1)
    carrier = Carrier(tables)
    with pytest.raises(AdapterError):
        await carrier.watch(lambda *_: None)
    await carrier.watch(lambda *_: None)
    assert carrier.presence("eth0") is UP
