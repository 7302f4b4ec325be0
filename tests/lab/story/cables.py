"""Cables that are cut for a while; a node that is off meanwhile finds them whole when it boots."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import run


@asynccontextmanager
async def no_link(lab: Lab) -> AsyncIterator[None]:
    """Both heartbeat links are cut, and mended in the end."""
    await lab.cut_crossover()
    lab.serial.cut()
    try:
        yield
    finally:
        lab.serial.mend()
        for node in lab.nodes:
            if node.is_on:
                await lab.network.mend(node.name, "eth1")


@asynccontextmanager
async def divided_lan(lab: Lab) -> AsyncIterator[None]:
    """On the LAN both nodes reach the client, but not each other."""
    await _isolate(lab, "on")
    try:
        yield
    finally:
        await _isolate(lab, "off")


async def _isolate(lab: Lab, how: str) -> None:
    wires = lab.network.namespace("wires")
    for node in lab.nodes:
        if node.is_on:
            port = ["dev", f"{node.name}-eth0", "type", "bridge_slave", "isolated", how]
            await run(["ip", "-n", wires, "link", "set", *port])
