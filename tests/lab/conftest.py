"""A cluster per module of stories, at rest before each story and judged after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator

import pytest
import pytest_asyncio

from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError
from tests.lab.story.setup import Setup, lay_down, new_lab
from tests.lab.story.story import Story, at_rest

# What is shown of each node's journal when a story fails.
JOURNALCTL = ("journalctl", "--output=short-monotonic", "--lines=120", "--no-pager")
SHOWN = ("hbd", "hbd-deadman", "systemd")
TOLD = pytest.StashKey[bool]()  # whether the story itself came to its end


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the story's fixture know whether the test passed."""
    report = yield
    if report.when == "call":
        item.stash[TOLD] = report.passed
    return report


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Lab]:
    """Two booted nodes for all stories of a module, with the module's `SETUP` if it has one."""
    setup: Setup = getattr(request.module, "SETUP", Setup())
    async with new_lab(setup) as lab:
        lay_down(lab, setup)
        await lab.boot()
        yield lab


@pytest_asyncio.fixture(loop_scope="module")
async def story(request: pytest.FixtureRequest, cluster: Lab) -> AsyncIterator[Story]:
    """A story on the module's cluster. One that did not come to its end costs a power cycle."""
    await rest(cluster)
    told = Story(cluster)
    await told.begin()
    try:
        yield told
    finally:
        await told.undo.aclose()
        if not request.node.stash.get(TOLD, False):
            await show(cluster)
            await power_cycle(cluster)
    if request.node.stash.get(TOLD, False):
        await rest(cluster)
        wrong = await told.judge()
        assert not wrong, "\n".join(wrong)


async def rest(lab: Lab) -> None:
    """Wait until the cluster is at rest; if it does not get there, show why and begin anew."""
    try:
        await at_rest(lab)
    except LabError:
        await show(lab)
        await power_cycle(lab)
        raise


async def show(lab: Lab) -> None:
    """What a failed story leaves behind, for who reads the failure."""
    for node in lab.nodes:
        if node.is_on:
            words = [*JOURNALCTL, *(f"--identifier={program}" for program in SHOWN)]
            print(f"\n{node.name}:\n{(await node.run(words, check=False)).out}")


async def power_cycle(lab: Lab) -> None:
    """Begin anew, whatever state a failed story has left."""
    lab.serial.mend()
    for node in lab.nodes:
        await node.destroy()
    await asyncio.gather(*(node.boot() for node in lab.nodes))
