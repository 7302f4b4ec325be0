"""Shared addresses put on, taken off and watched over, on a real kernel."""

from __future__ import annotations

import pytest

from tests.lab.net.lan import Lan, Refused

pytestmark = pytest.mark.lab

VIP, VIP6 = "10.77.0.100", "fd77::100"


async def test_an_address_finds_its_interface_prefix_broadcast_and_label(lan: Lan) -> None:
    """Goal: IPaddr's choice by the routing table. Method: two networks, and only the address."""
    lan.plug("eth1")
    lan.here.ip("address", "add", "10.78.0.1/16", "dev", "eth1")
    async with lan.here.agent() as node:
        placement = await node.do("add", address="10.78.3.4")
    assert (placement["interface"], placement["prefix"]) == ("eth1", 16)
    shown = lan.here.addresses("eth1")["10.78.3.4"]
    assert (shown["prefixlen"], shown["label"]) == (16, "eth1:0")
    assert shown["broadcast"] == placement["broadcast"] == "10.78.255.255"
    assert shown["secondary"]


async def test_labels_count_up_and_fall_away_where_they_do_not_fit(lan: Lan) -> None:
    """Goal: eth0:0, eth0:1; no label beyond 15 characters. Method: add, look with ip(8)."""
    lan.plug("longinterface0")
    lan.here.ip("address", "add", "10.78.0.1/24", "dev", "longinterface0")
    async with lan.here.agent() as node:
        labels = [(await node.do("add", address=f"10.77.0.10{n}"))["label"] for n in range(2)]
        long = await node.do("add", address="10.78.0.100")
    assert labels == ["eth0:0", "eth0:1"]
    assert long["label"] is None
    assert lan.here.addresses("longinterface0")["10.78.0.100"]["label"] == "longinterface0"


async def test_adding_and_removing_twice_is_as_good_as_once(lan: Lan) -> None:
    """Goal: both are idempotent, and removing leaves nothing. Method: each twice; ip(8) before."""
    before = lan.here.addresses("eth0"), lan.here.routes(), lan.here.routes("-6")
    async with lan.here.agent() as node:
        for vip in (VIP, VIP6):
            first = await node.do("add", address=vip)
            assert await node.do("add", address=vip) == first
            assert await node.do("locate", address=vip) == first
            assert await node.do("present", address=vip)
        for vip in (VIP, VIP6):
            await node.do("remove", address=vip)
            await node.do("remove", address=vip)
            assert not await node.do("present", address=vip)
        assert node.heard("lost") == []
    assert (lan.here.addresses("eth0"), lan.here.routes(), lan.here.routes("-6")) == before


@pytest.mark.parametrize(
    "shared",
    [
        {"address": "10.99.0.1"},
        {"address": "10.99.0.1", "interface": "eth0"},
        {"address": "10.99.0.1", "prefix": 24, "interface": "eth9"},
        {"address": "10.99.0.1", "prefix": 8, "interface": "lo"},
        {"address": "127.0.0.9"},
        {"address": "fd99::1"},
    ],
)
async def test_an_address_that_fits_nowhere_is_refused(lan: Lan, shared: dict[str, object]) -> None:
    """Goal: a clear error and nothing changed. Method: no network, no interface, the loopback."""
    before = lan.here.ip("address")
    async with lan.here.agent() as node:
        with pytest.raises(Refused):
            await node.do("add", **shared)
    assert lan.here.ip("address") == before


async def test_a_default_route_serves_only_with_a_written_prefix(lan: Lan) -> None:
    """Goal: heartbeat's findif rule. Method: the same address without and with its prefix."""
    lan.here.ip("route", "add", "default", "via", "10.77.0.2")
    async with lan.here.agent() as node:
        with pytest.raises(Refused):
            await node.do("locate", address="10.99.0.1")
        placement = await node.do("locate", address="10.99.0.1", prefix=24)
    assert (placement["interface"], placement["prefix"]) == ("eth0", 24)


async def test_an_interface_that_is_down_is_refused(lan: Lan) -> None:
    """Goal: an address nobody could reach is not a takeover. Method: eth0 down, all written."""
    lan.here.ip("link", "set", "eth0", "down")
    async with lan.here.agent() as node:
        with pytest.raises(Refused):
            await node.do("add", address=VIP, prefix=24, interface="eth0")
    assert VIP not in lan.here.addresses("eth0")


@pytest.mark.parametrize("vip", [VIP, VIP6])
async def test_an_address_someone_answers_for_is_not_taken(lan: Lan, vip: str) -> None:
    """Goal: an error, not a takeover. Method: the other host has the address; then it has not."""
    prefix = "24" if vip == VIP else "64"
    there = ("address", "add", f"{vip}/{prefix}", "dev", "eth0")
    lan.there.ip(*there, *(("nodad",) if vip == VIP6 else ()))
    async with lan.here.agent() as node:
        probed = await node.do("probe", address=vip)
        assert probed["owner"] == lan.there.mac("eth0")
        with pytest.raises(Refused):
            await node.do("add", address=vip)
        assert vip not in lan.here.addresses("eth0")
        lan.there.ip("address", "del", *there[2:])
        assert (await node.do("probe", address=vip))["owner"] is None
        await node.do("add", address=vip)
    assert vip in lan.here.addresses("eth0")


@pytest.mark.parametrize("vip", [VIP, VIP6])
async def test_silence_is_believed_after_three_probes(lan: Lan, vip: str) -> None:
    """Goal: the probe's cost is bounded, and an answer ends it. Method: the loop's own clock."""
    async with lan.here.agent() as node:
        silent = await node.do("probe", address=vip)
        answered = await node.do("probe", address="10.77.0.2" if vip == VIP else "fd77::2")
    assert silent["owner"] is None
    assert silent["took_sec"] > 0.08  # three probes of 30 ms: silence is not believed sooner
    assert answered["owner"] == lan.there.mac("eth0")
    assert answered["took_sec"] < silent["took_sec"]


async def test_an_ipv6_address_serves_at_once_and_speaks_for_nobody(lan: Lan) -> None:
    """Goal: no tentative second; never our own source. Method: duplicate detection on; ip(8)."""
    lan.here.set("ipv6/conf/eth0/accept_dad", 1)
    async with lan.here.agent() as node:
        await node.do("add", address=VIP6)
        shown = lan.here.addresses("eth0")[VIP6]
        assert not shown.get("tentative", False)
        assert shown["prefixlen"] == 64
        assert shown["preferred_life_time"] == 0
        assert "src fd77::1" in lan.here.ip("route", "get", "fd77::2")
        await node.do("remove", address=VIP6)


async def test_a_network_already_reached_gets_no_second_route(lan: Lan) -> None:
    """Goal: our connections keep their source. Method: a narrower prefix than the interface's."""
    before = lan.here.routes()
    async with lan.here.agent() as node:
        await node.do("add", address=VIP, prefix=25)
        assert lan.here.routes() == before
        await node.do("remove", address=VIP)
    assert lan.here.routes() == before


async def test_a_network_not_yet_reached_gets_a_route_and_loses_it_again(lan: Lan) -> None:
    """Goal: an address on a bare interface can be answered. Method: eth1 has no address."""
    lan.plug("eth1")
    before = lan.here.routes()
    async with lan.here.agent() as node:
        await node.do("add", address="10.79.0.1", prefix=24, interface="eth1")
        assert len(lan.here.routes()) == len(before) + 1
        await node.do("remove", address="10.79.0.1")
    assert lan.here.routes() == before


@pytest.mark.parametrize("promote", [0, 1])
async def test_removing_ours_never_takes_another_along(lan: Lan, promote: int) -> None:
    """Goal: the node's own address and route survive. Method: set anew, it rides on ours."""
    lan.here.set("ipv4/conf/all/promote_secondaries", promote)
    lan.here.set("ipv4/conf/eth0/promote_secondaries", promote)
    lan.here.ip("address", "flush", "dev", "eth0", "scope", "global")
    async with lan.here.agent() as node:
        await node.do("add", address=VIP, prefix=24, interface="eth0")
        lan.here.ip("address", "add", "10.77.0.1/24", "dev", "eth0")
        assert lan.here.addresses("eth0")["10.77.0.1"]["secondary"]
        await node.do("remove", address=VIP)
    assert set(lan.here.addresses("eth0")) & {VIP, "10.77.0.1"} == {"10.77.0.1"}
    assert any(route.startswith("10.77.0.0/24") for route in lan.here.routes())


async def test_the_node_keeps_its_lan_when_its_own_address_is_set_anew(lan: Lan) -> None:
    """Goal: ours, promoted, keeps the network's route. Method: own address off and on again."""
    lan.here.set("ipv4/conf/eth0/promote_secondaries", 1)
    async with lan.here.agent() as node:
        await node.do("add", address=VIP)
        lan.here.ip("address", "del", "10.77.0.1/24", "dev", "eth0")
        lan.here.ip("address", "add", "10.77.0.1/24", "dev", "eth0")
        assert any(route.startswith("10.77.0.0/24") for route in lan.here.routes())
        assert await node.do("present", address=VIP)
        await node.do("remove", address=VIP)
        assert node.heard("lost") == []
    assert any(route.startswith("10.77.0.0/24") for route in lan.here.routes())


@pytest.mark.parametrize("vip", [VIP, VIP6])
async def test_a_hand_deleted_address_is_told_once_and_can_be_put_back(lan: Lan, vip: str) -> None:
    """Goal: what vanishes is noticed. Method: ip address del; twice, with an add between."""
    prefix = "24" if vip == VIP else "64"
    async with lan.here.agent() as node:
        for _ in range(2):
            await node.do("add", address=vip, probed=True)
            lan.here.ip("address", "del", f"{vip}/{prefix}", "dev", "eth0")
            await node.hears("lost", address=vip)
        await node.do("add", address=vip, probed=True)
        assert node.heard("lost") == []


async def test_a_deleted_interface_loses_its_address_and_only_that(lan: Lan) -> None:
    """Goal: each loss is told of its own address. Method: one on each of two interfaces."""
    lan.plug("eth1")
    lan.here.ip("address", "add", "10.78.0.1/24", "dev", "eth1")
    async with lan.here.agent() as node:
        await node.do("add", address=VIP, probed=True)
        await node.do("add", address="10.78.0.100", probed=True)
        lan.here.ip("link", "del", "eth1")
        await node.hears("lost", address="10.78.0.100")
        assert await node.do("present", address=VIP)
        assert node.heard("lost") == []


async def test_a_restarted_daemon_finds_adopts_and_removes_what_it_left(lan: Lan) -> None:
    """Goal: a restart moves nothing and forgets nothing. Method: three lives of the agent."""
    async with lan.here.agent() as node:
        assert await node.do("adopt", address=VIP) is None
        placed = await node.do("add", address=VIP, probed=True)
    async with lan.here.agent() as node:
        assert await node.do("present", address=VIP)
        assert await node.do("adopt", address=VIP) == placed
        lan.here.ip("address", "del", f"{VIP}/24", "dev", "eth0")
        await node.hears("lost", address=VIP)
        await node.do("add", address=VIP, probed=True)
    async with lan.here.agent() as node:
        await node.do("remove", address=VIP)
    assert VIP not in lan.here.addresses("eth0")


async def test_an_address_on_another_interface_than_written_is_refused(lan: Lan) -> None:
    """Goal: ours is where the file says, or nowhere. Method: someone put it on eth1."""
    lan.plug("eth1")
    lan.here.ip("address", "add", f"{VIP}/32", "dev", "eth1")
    async with lan.here.agent() as node:
        with pytest.raises(Refused):
            await node.do("add", address=VIP, prefix=24, interface="eth0")
        await node.do("remove", address=VIP, prefix=24, interface="eth0")
        assert not await node.do("present", address=VIP)
        await node.do("add", address=VIP, prefix=24, interface="eth0")
    assert VIP in lan.here.addresses("eth0")
