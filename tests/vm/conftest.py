"""One lab for all stories of a run; each begins from the saved state and is judged at its end."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Generator

import pytest
import pytest_asyncio

from tests.lab.harness.host import say
from tests.lab.story.setup import package
from tests.vm.harness.cluster import Lab
from tests.vm.story import Story

QEMU = "qemu-system-x86_64"
HAS_QEMU = shutil.which(QEMU) is not None
TOLD = pytest.StashKey[bool]()  # whether the story itself came to its end
SHOWN = 80  # lines of a node's journal that a failed story shows


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the story's fixture know whether the test passed."""
    report = yield
    if report.when == "call":
        item.stash[TOLD] = report.passed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tried."""
    if not HAS_QEMU:
        terminalreporter.write_line(
            f"NOT TRIED: no story of tests/vm was told, for {QEMU} is not installed", red=True
        )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def machines() -> AsyncIterator[Lab]:
    """The machines, off; the first story brings them up."""
    if not HAS_QEMU:
        pytest.skip(f"{QEMU} is not installed")
    async with Lab(package=package()) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def story(request: pytest.FixtureRequest, machines: Lab) -> AsyncIterator[Story]:
    """A story on a cluster that serves; a failed one shows what the nodes said."""
    say(f"--- {request.node.name}")
    told = Story(machines)
    try:
        await told.begin()
        yield told
        if request.node.stash.get(TOLD, False):
            wrong = await told.judge()
            assert not wrong, "\n".join(wrong)
    except BaseException:
        show(told)
        raise
    finally:
        if not request.node.stash.get(TOLD, False):
            show(told)
        await told.undo.aclose()
        await machines.client.stop()
        await machines.all_off()


def show(told: Story) -> None:
    """What each node said since the story began."""
    for node in told.lab.nodes:
        print(f"\n{node.name}:")
        for entry in node.journal.entries(told.places.get(node.name, 0))[-SHOWN:]:
            print(f"  {entry.get('SYSLOG_IDENTIFIER')}: {entry.get('MESSAGE')}")
