"""What becomes of the groups when the daemon itself is hurt."""

from __future__ import annotations

import asyncio

import pytest

from tests.lab.demo.step import QUIET
from tests.lab.harness.files import DEADTIME
from tests.lab.stories.cluster import Cluster

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

# A runtime drop-in, so that it is gone with the next boot or `revert`.
_NEVER_BACK = "/run/systemd/system/hbd.service.d/90-story.conf"


async def test_a_frozen_daemon_is_replaced_and_nothing_moves(cluster: Cluster) -> None:
    """Goal: a hung daemon costs no client anything. Method: SIGSTOP; the watchdog does the rest."""
    place = await cluster.home.journal.cursor()
    await cluster.home.run(["systemctl", "kill", "--kill-who=main", "--signal=STOP", "hbd.service"])
    await cluster.home.journal.wait_for(
        "UNIT=hbd.service", "JOB_TYPE=start", "JOB_RESULT=done", after=place, within=2 * DEADTIME
    )
    await asyncio.sleep(QUIET)  # the observation itself: that nothing happens takes its time
    assert cluster.changes() == []
    assert cluster.gap() < 0.5


async def test_a_daemon_that_stays_dead_gives_its_group_up_in_time(cluster: Cluster) -> None:
    """Goal: the peer may trust deadtime. Method: no restart; then SIGKILL; systemd must stop all
    before the peer starts, which the watch on both nodes proves."""
    await cluster.home.run(["mkdir", "-p", "/run/systemd/system/hbd.service.d"])
    await cluster.home.run(
        ["sh", "-c", f"printf '[Service]\\nRestart=no\\n' >{_NEVER_BACK}; systemctl daemon-reload"]
    )
    try:
        await cluster.home.run(
            ["systemctl", "kill", "--kill-who=main", "--signal=KILL", "hbd.service"]
        )
        await cluster.held_by(cluster.away)
        await cluster.served()
        assert cluster.gap() < DEADTIME + 0.6
    finally:
        await cluster.home.run(["sh", "-c", f"rm {_NEVER_BACK}; systemctl daemon-reload"])


async def test_both_daemons_killed_at_once_move_nothing(cluster: Cluster) -> None:
    """Goal: a bad day for hbd is no bad day for the client. Method: SIGKILL on both nodes."""
    places = [await node.journal.cursor() for node in cluster.lab.nodes]
    for node in cluster.lab.nodes:
        await node.run(["systemctl", "kill", "--kill-who=main", "--signal=KILL", "hbd.service"])
    for node, place in zip(cluster.lab.nodes, places, strict=True):
        await node.journal.wait_for("HBD_EVENT=peer-active", after=place, within=2 * DEADTIME)
    await asyncio.sleep(QUIET)  # the observation itself
    assert cluster.changes() == []
    assert cluster.gap() < 0.5
