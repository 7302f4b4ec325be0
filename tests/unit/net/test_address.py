"""Holding addresses: what is told as lost, and what is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hbd.net.address import Addresses, SharedAddress
from hbd.net.kernel import AddressFlag, AddressRemoved, EventsLost, InterfaceRemoved
from tests.unit.net.kernel import ETH0, Tables, connected, on

VIP = SharedAddress("10.0.0.100")
OWN = on(ETH0, "10.0.0.1/24")


class Held:
    """One node that holds VIP, and what it was told."""

    def __init__(self) -> None:
        self.tables = Tables(addresses_now=[OWN], routes_now=[connected(ETH0, "10.0.0.0/24")])
        self.lost: asyncio.Queue[SharedAddress] = asyncio.Queue()
        self.addresses = Addresses(self.tables, lambda shared, _: self.lost.put_nowait(shared))

    async def take(self) -> Held:
        await self.addresses.add(VIP, probed=True)
        return self

    def lose(self) -> None:
        """Take VIP away without a word."""
        self.tables.addresses_now[:] = [OWN]

    async def told(self) -> SharedAddress:
        return await asyncio.wait_for(self.lost.get(), 5)


async def test_old_news_of_an_address_that_is_back_are_not_a_loss() -> None:
    """Goal: the event is no proof. Method: a removal is told of an address that is there."""
    held = await Held().take()
    held.tables.tell(AddressRemoved(ETH0.index, VIP.ip))
    held.tables.tell(InterfaceRemoved(ETH0.index))
    other = SharedAddress("10.0.0.101")
    await held.addresses.add(other, probed=True)
    held.tables.addresses_now[:] = [a for a in held.tables.addresses_now if a.ip != other.ip]
    held.tables.tell(AddressRemoved(ETH0.index, other.ip))
    assert await held.told() == other
    assert held.lost.empty()


async def test_a_loss_is_told_once_however_often_it_is_heard() -> None:
    """Goal: one report. Method: the event three times, before and after the look."""
    held = await Held().take()
    held.lose()
    for _ in range(3):
        held.tables.tell(AddressRemoved(ETH0.index, VIP.ip))
    assert await held.told() == VIP
    held.tables.tell(EventsLost())
    await held.addresses.add(VIP, probed=True)
    assert held.lost.empty()


async def test_a_loss_among_lost_events_is_found() -> None:
    """Goal: an overrun hides nothing. Method: the address goes, only EventsLost is told."""
    held = await Held().take()
    held.lose()
    held.tables.tell(EventsLost())
    assert await held.told() == VIP


async def test_a_look_that_fails_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: a loss is not forgotten with a failed question. Method: the kernel fails, then not."""
    monkeypatch.setattr("hbd.net.address._RETRY_SEC", 0.0)
    held = await Held().take()
    held.lose()
    held.tables.failures_left = 3
    held.tables.tell(EventsLost())
    assert await held.told() == VIP


async def test_what_hbd_removes_or_never_held_is_no_loss() -> None:
    """Goal: only the unexpected is told. Method: our own removal; another's address."""
    held = await Held().take()
    await held.addresses.remove(VIP)
    held.tables.tell(AddressRemoved(ETH0.index, OWN.ip))
    await held.addresses.add(VIP, probed=True)
    assert held.lost.empty()


async def test_another_spelling_is_the_same_address() -> None:
    """Goal: held by value. Method: removed with its prefix written, held without."""
    held = await Held().take()
    await held.addresses.remove(replace(VIP, prefix=24))
    held.tables.tell(EventsLost())
    assert not await held.addresses.is_present(VIP)
    await held.addresses.add(VIP, probed=True)
    assert held.lost.empty()


async def test_secondaries_that_go_with_ours_are_put_back() -> None:
    """Goal: nobody loses an address by our release. Method: ours is the primary, two ride on it."""
    held = await Held().take()
    riders = [replace(on(ETH0, f"10.0.0.{n}/24"), flags=AddressFlag.SECONDARY) for n in (1, 2)]
    held.tables.addresses_now[0] = riders[0]
    held.tables.addresses_now.append(riders[1])
    second = SharedAddress("10.0.0.2")
    await held.addresses.adopt(second)
    await held.addresses.remove(VIP)
    assert held.tables.addresses_now == riders
    assert held.lost.empty()
