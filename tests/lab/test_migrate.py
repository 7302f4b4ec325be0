"""hbd-migrate(7), step by step: a live heartbeat cluster becomes one of hbd under a working client.

The longest time in which the client got no answer is printed for each step and protocol, and for
the change of keys the longest silence of each link.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.harness.node import Node
from tests.lab.interop.member import Kind, Scope
from tests.lab.migrate.cluster import (
    HAND_OVER,
    INSTALLED_WITHIN,
    MOVED_WITHIN,
    UNNOTICED,
    Migration,
    changes_daemon,
    see_each_other,
    served_by_heartbeat,
    serves,
    until,
)
from tests.lab.migrate.rotation import rotates

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def migration() -> AsyncIterator[Migration]:
    """A cluster for each story: both begin before the first step."""
    async with served_by_heartbeat() as told:
        yield told


async def test_a_cluster_changes_its_daemon_and_the_client_feels_two_hand_overs(
    migration: Migration,
) -> None:
    """Goal: nobody is stranded on heartbeat. Method: the manual's steps, on nodes that serve.

    At no time is disk or address on both nodes, and every byte acknowledged to the client is there.
    """
    told = migration
    async with told.step("hbd is installed on both", UNNOTICED):
        await told.install()

    async with told.step("the second node changes its daemon", UNNOTICED):
        told.away = await changes_daemon(told.away)
        await see_each_other(told.home, told.away)
        await told.on(told.home)

    await hands_over(told, "heartbeat hands over to hbd")

    async with told.step("the first node changes its daemon", UNNOTICED):
        told.home = await changes_daemon(told.home)
        await see_each_other(told.home, told.away)
        await told.on(told.away)

    async with told.step("hbctl failback", HAND_OVER):
        await told.home.node.run(["hbctl", "failback"], within=MOVED_WITHIN)
        await told.on(told.home)

    async with told.step("sha1 becomes sha256, in three rounds", UNNOTICED):
        await rotates(told.lab)

    async with told.step("heartbeat is removed from both", UNNOTICED):
        for node in told.lab.nodes:
            await removed(node)
        await see_each_other(told.home, told.away)
        await told.on(told.home)

    print("\n" + told.table())
    await told.judge()


async def test_every_step_has_a_way_back_and_the_client_feels_hand_overs_only(
    migration: Migration,
) -> None:
    """Goal: no step is a trap. Method: forth until both run hbd; then each step's way back.

    In reverse order, as the manual has them: the first node changes back and fetches the groups by
    heartbeat's own command, the second node changes back, hbd goes without a trace. Then heartbeat
    hands over to heartbeat as before.
    """
    told = migration
    await told.install()
    told.away = await changes_daemon(told.away)
    await see_each_other(told.home, told.away)
    await hands_over(told, "heartbeat hands over to hbd")
    told.home = await changes_daemon(told.home)
    await see_each_other(told.home, told.away)

    async with told.step("the first node changes back", UNNOTICED):
        told.home = await changes_daemon(told.home)
        await see_each_other(told.home, told.away)
        await told.on(told.away)

    async with told.step("heartbeat takes over from hbd", HAND_OVER):
        await told.home.takeover(Scope.ALL)
        await told.on(told.home)
        await told.home.settles(told.away.name, MOVED_WITHIN)

    async with told.step("the second node changes back", UNNOTICED):
        told.away = await changes_daemon(told.away)
        await see_each_other(told.home, told.away)
        await told.on(told.home)

    async with told.step("hbd is purged from both", UNNOTICED):
        for member in (told.away, told.home):
            await member.node.run(["apt-get", "--yes", "purge", "hbd"], within=INSTALLED_WITHIN)
        assert await told.statuses() == ["active", "active"]

    async with told.step("heartbeat hands over to heartbeat", HAND_OVER):
        await told.home.standby(Scope.ALL)
        await told.on(told.away)

    print("\n" + told.table())
    await told.judge()


async def hands_over(told: Migration, title: str) -> None:
    """The first node gives everything to the second one."""
    async with told.step(title, HAND_OVER):
        await told.home.standby(Scope.ALL)
        await told.on(told.away)
        await until(lambda: serves(told.away.node), f"{told.away} serves")


async def removed(node: Node) -> None:
    """Step 7 on one node: hbd and the administrator's files stay."""
    await node.run(["apt-get", "--yes", "remove", "heartbeat"], within=INSTALLED_WITHIN)
    assert (node.root / "etc/ha.d/haresources").exists()
    assert (await node.run(["systemctl", "is-active", Kind.HBD])).out.strip() == "active"
