"""What the neighbours hear and learn when a shared address moves."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from hbd.net.packet import announcements
from tests.lab.net.lan import Agent, Lan

pytestmark = pytest.mark.lab

VIP, VIP6 = "10.77.0.100", "fd77::100"
OLD_MAC = "02:00:00:00:00:99"


async def rounds_heard(agent: Agent, frames: list[str], count: int) -> list[float]:
    """Wait for so many rounds of exactly these frames; when each began, from the first on."""
    began = []
    for _ in range(count):
        heard = [await agent.hears("frame", frame=frame) for frame in frames]
        began.append(heard[0]["at"])
    return [at - began[0] for at in began]


@pytest.mark.parametrize("vip", [VIP, VIP6])
async def test_both_forms_are_announced_at_once_and_again(lan: Lan, vip: str) -> None:
    """Goal: the schedule's first second, frame for frame. Method: a raw socket at the far end."""
    mac = bytes.fromhex(lan.here.mac("eth0").replace(":", ""))
    frames = [frame.hex() for frame in announcements(ip_address(vip), mac)]
    async with lan.there.agent() as listener, lan.here.agent() as node:
        await listener.do("sniff", interface="eth0")
        await node.do("add", address=vip, probed=True)
        await node.do("announce", address=vip)
        at = await rounds_heard(listener, frames, 4)
        counts = await node.do("silence", address=vip)
    assert at == pytest.approx([0.0, 0.2, 0.5, 1.0], abs=0.15)
    assert counts == {"sent": 4 * len(frames), "failed": 0}


@pytest.mark.parametrize("vip", [VIP, VIP6])
async def test_a_neighbour_forgets_the_old_owner(lan: Lan, vip: str) -> None:
    """Goal: clients follow. Method: a cached entry of another MAC; the kernel's own event."""
    lan.there.ip("neigh", "replace", vip, "lladdr", OLD_MAC, "dev", "eth0", "nud", "reachable")
    async with lan.there.agent() as client, lan.here.agent() as node:
        await client.do("neighbours")
        await node.do("add", address=vip, probed=True)
        await node.do("announce", address=vip)
        await client.hears("neighbour", address=vip, mac=lan.here.mac("eth0"))


async def test_a_renewed_announcement_begins_its_schedule_again(lan: Lan) -> None:
    """Goal: neighbours are told anew when a carrier returns. Method: renew after two rounds."""
    mac = bytes.fromhex(lan.here.mac("eth0").replace(":", ""))
    frames = [frame.hex() for frame in announcements(ip_address(VIP), mac)]
    async with lan.there.agent() as listener, lan.here.agent() as node:
        await listener.do("sniff", interface="eth0")
        await node.do("add", address=VIP, probed=True)
        await node.do("announce", address=VIP)
        await rounds_heard(listener, frames, 2)
        await node.do("renew", interface="eth1")
        await node.do("renew", interface="eth0")
        at = await rounds_heard(listener, frames, 3)
        counts = await node.do("silence", address=VIP)
    assert at == pytest.approx([0.0, 0.2, 0.5], abs=0.15)
    assert counts["sent"] == 5 * len(frames)


async def test_trouble_is_told_once_and_ends_when_the_interface_returns(lan: Lan) -> None:
    """Goal: no flood, no giving up. Method: the interface goes and comes during the burst."""
    async with lan.here.agent() as node:
        await node.do("add", address=VIP, probed=True)
        await node.do("announce", address=VIP)
        lan.here.ip("link", "del", "eth0")
        await node.hears("trouble", address=VIP)
        lan.plug("eth0")
        async with lan.there.agent() as listener:
            await listener.do("sniff", interface="eth0")
            mac = bytes.fromhex(lan.here.mac("eth0").replace(":", ""))
            request, _ = announcements(ip_address(VIP), mac)
            await listener.hears("frame", frame=request.hex())
        counts = await node.do("silence", address=VIP)
        assert counts["failed"] >= 1
        assert node.heard("trouble") == []
