"""What the cluster makes of broken wires."""

from __future__ import annotations

import asyncio

import pytest

from tests.lab.demo.step import QUIET
from tests.lab.stories.cluster import Cluster

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("cable", ["crossover", "serial"])
async def test_one_broken_link_moves_nothing(cluster: Cluster, cable: str) -> None:
    """Goal: any one link may fail. Method: cut it for longer than deadtime, mend it again."""
    place = await cluster.away.journal.cursor()
    if cable == "serial":
        cluster.lab.serial.cut()
    else:
        await cluster.lab.cut_crossover()
    await cluster.away.journal.wait_for("HBD_EVENT=link-dead", after=place, within=QUIET)
    await asyncio.sleep(QUIET)  # the observation itself: that nothing happens takes its time
    place = await cluster.away.journal.cursor()
    if cable == "serial":
        cluster.lab.serial.mend()
    else:
        await cluster.lab.mend_crossover()
    await cluster.away.journal.wait_for("HBD_EVENT=link-up", after=place, within=QUIET)
    assert cluster.changes() == []
    assert cluster.gap() < 0.5
