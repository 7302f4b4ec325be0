"""The matrix: every story on every medium with every signature, or a few cells in the short form.

A story's mark `cells` names the columns that tell it in the short form, which is part of `make
test`; `INTEROP=full` (`make interop`) tells all. `INTEROP=control` tells them to two heartbeats:
what fails there is the story's fault.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import AsyncIterator, Generator
from itertools import product
from pathlib import Path

import pytest
import pytest_asyncio
from xdist.remote import Producer  # type: ignore[import-untyped]  # it has no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.lab.conftest import TOLD
from tests.lab.harness.host import LabError
from tests.lab.interop import explained, matrix
from tests.lab.interop.pair import Pair
from tests.lab.interop.story import Story
from tests.lab.interop.wiring import Medium, Method, Wiring

# The short form is told where hbd has its side of the negotiation.
IS_SPOKEN = importlib.util.find_spec("hbd.r1") is not None
FORM = os.environ.get("INTEROP", "short")
COLUMNS = [Wiring(medium, method) for medium, method in product(Medium, Method)]
HERE = Path(__file__).parent
SHOWN = 80  # lines of each daemon's log when a story fails
TABLE = matrix.Table({str(column): "1" if column.hbd_is_home else "2" for column in COLUMNS})
KEPT = Path("out/interop.txt")  # the whole matrix, as it was printed


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every story in every column."""
    if "wiring" in metafunc.fixturenames:
        metafunc.parametrize("wiring", COLUMNS, ids=str, scope="module")


class Columns(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """What is told by one worker: a module's stories of one column, on one pair.

    The quiet pairs are all one worker's. They take longest and cost least, and begin.
    """

    def _split_scope(self, nodeid: str) -> str:
        module, _, cell = nodeid.partition("::")
        return module if "quiet" in module else f"{module} {cell.partition('[')[2]}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Columns | None:
    """Several columns at once (`make interop`)."""
    return Columns(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What may fail for a known reason; in the short form, only what a story names."""
    for item in items:
        if HERE in item.path.parents:
            _excuse(item)
    if FORM != "short":
        return
    dropped = [item for item in items if HERE in item.path.parents and not _is_short(item)]
    items[:] = [item for item in items if item not in dropped]
    config.hook.pytest_deselected(items=dropped)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A story that fails because heartbeat did not hear itself is explained."""
    report = yield
    pair = getattr(item, "funcargs", {}).get("pair")
    members = pair.members if report.failed and isinstance(pair, Pair) else []
    if any(member.has_lost_own_words() for member in members):
        report.outcome, report.wasxfail = "skipped", explained.OWN_WORDS_LOST
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Each result goes into its cell."""
    TABLE.note(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The matrix, with a line for every cell that did not pass."""
    if lines := TABLE.lines():
        terminalreporter.section("hbd and heartbeat 3.0.6")
        for line in lines:
            terminalreporter.write_line(line)
        if FORM == "full":
            KEPT.parent.mkdir(exist_ok=True)
            KEPT.write_text("\n".join(lines) + "\n")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(wiring: Wiring) -> AsyncIterator[Pair]:
    """Two booted nodes for all stories that a module tells in a column."""
    async with Pair.of(wiring, is_control=FORM == "control") as built:
        yield built


@pytest_asyncio.fixture(loop_scope="module")
async def story(request: pytest.FixtureRequest, pair: Pair, wiring: Wiring) -> AsyncIterator[Story]:
    """A story that begins at rest; one that follows another in its column finds it there."""
    told = Story(pair, wiring)
    if pair.wiring != wiring or not await _is_at_rest(told):
        await _begin_at_rest(told)
    await told.begin()
    try:
        yield told
    finally:
        await _end(request, told)
    await _judge(request, told)


@pytest_asyncio.fixture(loop_scope="module")
async def blank(request: pytest.FixtureRequest, pair: Pair, wiring: Wiring) -> AsyncIterator[Story]:
    """A story that begins with nothing running."""
    told = Story(pair, wiring)
    await told.blank()
    await told.begin()
    try:
        yield told
    finally:
        await _end(request, told)
    await _judge(request, told)


def _wiring(item: pytest.Item) -> str | None:
    call = getattr(item, "callspec", None)
    return str(call.params["wiring"]) if call is not None and "wiring" in call.params else None


def _excuse(item: pytest.Item) -> None:
    wiring = _wiring(item)
    story = getattr(item, "originalname", item.name).removeprefix("test_")
    if wiring is not None and (reason := explained.why(story, wiring)) is not None:
        item.add_marker(pytest.mark.xfail(reason=reason))


def _is_short(item: pytest.Item) -> bool:
    wiring = _wiring(item)
    mark = item.get_closest_marker("cells")
    if wiring is None:
        return True
    return IS_SPOKEN and mark is not None and wiring in mark.args


async def _is_at_rest(told: Story) -> bool:
    try:
        await told.at_rest(within=0.0)
    except LabError:
        return False
    return True


async def _begin_at_rest(told: Story) -> None:
    await told.blank()
    await told.begin()
    try:
        await told.start_both()
        await told.at_rest()
    except LabError:
        await _show(told)
        raise
    finally:
        told.tap.close()


async def _end(request: pytest.FixtureRequest, told: Story) -> None:
    await told.pair.mend()
    told.tap.close()
    if not request.node.stash.get(TOLD, False):
        await _show(told)
        await told.blank()


async def _judge(request: pytest.FixtureRequest, told: Story) -> None:
    if request.node.stash.get(TOLD, False):
        if wrong := await told.judge():
            await _show(told)
        assert not wrong, "\n".join(wrong)


async def _show(told: Story) -> None:
    """What a failed story leaves behind, for who reads the failure."""
    print("\nOn the medium:\n" + "\n".join(told.tap.ladder(told.began)))
    for member in told.pair.members:
        if member.node.is_on:
            print(f"\n{member}:\n" + "\n".join((await member.log())[-SHOWN:]))
