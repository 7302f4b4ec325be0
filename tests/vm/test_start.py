"""Machines that start after power was lost on both: one of them alone, both without a cable."""

from __future__ import annotations

import asyncio

import pytest

from hbd.cluster.terms import GroupState
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import now, say
from tests.lab.story.status import status
from tests.vm.harness.node import Node
from tests.vm.story import REBOOT_WITHIN, WITHIN, Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]

CABLES = ("eth0", "eth1")  # LAN and crossover; the storage network stays


async def all_lose_power(story: Story) -> None:
    """Both nodes at once. The array keeps its own, and the registration of who served."""
    await asyncio.gather(*(node.off() for node in story.lab.nodes))
    held = await story.lab.storage.reservation()
    assert held.registered == (story.home.name,)


async def is_mounted(node: Node) -> bool:
    """Whether the node has the shared file system."""
    found = await node.run(["findmnt", files.MOUNT_POINT], check=False, within=WITHIN)
    return found.status == 0


async def test_power_comes_back_on_one(story: Story) -> None:
    """Goal: one machine is enough, also against a registration that outlived the power failure.

    Method: both go dark, the one that did not serve comes back; nobody can tell it anything but
    the disk.
    """
    cut = now()
    await all_lose_power(story)
    took = await story.away.boot()
    await story.heard(story.away, MessageId.PREEMPTING)
    await story.served_by(story.away)
    say(f"booted after {took:.1f} s, gaps since the cut: {await story.gaps(since=cut)}")
    held = await story.lab.storage.reservation()
    assert (held.holder, held.registered) == (story.away.name, (story.away.name,))


async def test_of_two_that_start_with_every_cable_cut_the_disk_admits_one(story: Story) -> None:
    """Goal: two that know nothing of each other and both mean to serve are still no two writers.

    Method: both go dark and come back with links and LAN cut, so that not even the shared address
    can tell them. Each waits initdead and claims the disk.
    """
    await all_lose_power(story)
    for node in story.lab.nodes:
        await node.start()
        for cable in CABLES:
            await node.pull(cable)
        await story.lab.null_modem.pull(node.machine, node.plug.end)
    await asyncio.gather(*(node.booted() for node in story.lab.nodes))
    first = [asyncio.create_task(story.served_by(node, REBOOT_WITHIN)) for node in story.lab.nodes]
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    server, other = sorted(story.lab.nodes, key=lambda node: not first[node.plug.end].done())
    await first[server.plug.end]
    await story.heard(other, MessageId.PEER_ON_DISK)
    first[other.plug.end].cancel()
    say(f"{server.name} serves; {other.name}: {story.events(other)}")
    held = await story.lab.storage.reservation()
    assert (held.holder, held.registered) == (server.name, (server.name,))
    assert await is_mounted(server)
    assert not await is_mounted(other)
    for node in story.lab.nodes:
        assert MessageId.DISK_LOST not in story.told(node)  # nobody was taken from in its start
    view = await status(other)
    assert view is not None
    assert view.groups[0].state == GroupState.STOPPED.value

    healed = now()
    for node in story.lab.nodes:
        for cable in CABLES:
            await node.push(cable)
        await story.lab.null_modem.plug(node.machine, node.plug.end)
    await story.keepalives()
    await story.client_writes(since=healed)
    assert not await is_mounted(other)
