"""Interfaces that appear, lose their carrier, vanish and come back."""

from __future__ import annotations

import pytest

from tests.lab.net.lan import Lan

pytestmark = pytest.mark.lab


async def test_carrier_follows_the_wire(lan: Lan) -> None:
    """Goal: the state at the start and each change. Method: the far end of the wire goes down."""
    async with lan.here.agent() as node:
        await node.do("watch")
        await node.hears("carrier", interface="eth0", presence="up")
        assert await node.do("presence", interface="eth1") == "absent"
        lan.there.ip("link", "set", "eth0", "down")
        await node.hears("carrier", interface="eth0", presence="down")
        lan.there.ip("link", "set", "eth0", "up")
        await node.hears("carrier", interface="eth0", presence="up")
        lan.here.ip("link", "set", "eth0", "down")
        await node.hears("carrier", interface="eth0", presence="down")
        assert await node.do("presence", interface="eth0") == "down"


async def test_an_interface_made_anew_is_told_as_absent_between(lan: Lan) -> None:
    """Goal: a link learns that its socket is deaf. Method: delete and make again under the name."""
    async with lan.here.agent() as node:
        await node.do("watch")
        await node.hears("carrier", interface="eth0", presence="up")
        lan.here.ip("link", "del", "eth0")
        lan.plug("eth0")
        await node.hears("carrier", interface="eth0", presence="absent")
        await node.hears("carrier", interface="eth0", presence="up")


async def test_an_interface_that_appears_later_is_told(lan: Lan) -> None:
    """Goal: absent at the start is no reason to stay deaf. Method: plug after watching."""
    async with lan.here.agent() as node:
        await node.do("watch")
        lan.plug("usb0")
        await node.hears("carrier", interface="usb0", presence="up")


async def test_a_renamed_interface_leaves_its_old_name_absent(lan: Lan) -> None:
    """Goal: presence is by name. Method: ip link set name."""
    async with lan.here.agent() as node:
        await node.do("watch")
        lan.here.ip("link", "set", "eth0", "name", "lan0")
        await node.hears("carrier", interface="lan0", presence="up")
        assert await node.do("presence", interface="eth0") == "absent"
