"""What becomes of a group whose resources misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.lab.harness.node import Node
from tests.lab.stories.cluster import Cluster

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

_DROP_IN = "/run/systemd/system/smbd.service.d/90-story.conf"  # gone with the next boot
STOP_LIMIT = 10.0  # s that hbd gives a service to stop before it is killed


@asynccontextmanager
async def drop_in(node: Node, setting: str) -> AsyncIterator[None]:
    """While this lasts, `node` has this setting in smbd.service."""
    folder = _DROP_IN.rpartition("/")[0]
    lines = f"mkdir -p {folder}; printf '[Service]\\n{setting}\\n' >{_DROP_IN}"
    await node.run(["sh", "-c", f"{lines}; systemctl daemon-reload"])
    try:
        yield
    finally:
        await node.run(["sh", "-c", f"rm {_DROP_IN}; systemctl daemon-reload"])


async def test_a_server_that_will_not_stop_costs_its_limit_and_no_more(cluster: Cluster) -> None:
    """Goal: a hung smbd cannot hold a hand-over for systemd's 90 s. Method: its stop never ends."""
    async with drop_in(cluster.home, "ExecStop=sleep 1000"):
        await cluster.ask(cluster.away, "Takeover")
        assert await cluster.held_by(cluster.away) < STOP_LIMIT + 2.0
        await cluster.served()


async def test_a_group_that_cannot_start_there_comes_back(cluster: Cluster) -> None:
    """Goal: a broken node is no reason to serve nobody. Method: ttisrv2's smbd refuses to start;
    the group is taken there, fails, and is offered back."""
    async with drop_in(cluster.away, "ExecStartPre=false"):
        await cluster.ask(cluster.away, "Takeover")
        await cluster.lab.watch.until(
            lambda: len(cluster.changes()) >= 2, "the group leaves home", 30.0
        )
        await cluster.held_by(cluster.home)
        await cluster.served()


async def test_a_server_that_dies_is_started_again_where_it_was(cluster: Cluster) -> None:
    """Goal: one crash of smbd moves nothing. Method: SIGKILL its main process."""
    await cluster.home.run(
        ["systemctl", "kill", "--kill-who=main", "--signal=KILL", "smbd.service"]
    )
    await cluster.served()
    assert cluster.changes() == []
