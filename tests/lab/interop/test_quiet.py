"""Side by side and nobody complains: every medium and every signature at once, each its own pair.

All pairs of the form run at the same time, for as long as the form has: half a minute, or ten.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.lab.harness.host import LabError, say
from tests.lab.interop.member import Kind
from tests.lab.interop.pair import Pair
from tests.lab.interop.story import Story
from tests.lab.interop.wiring import KEEPALIVE, Wiring

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

QUIET = 600.0 if os.environ.get("INTEROP") == "full" else 30.0  # s
MORE = 1.1  # one message more, or a longer load average, is not more
HEARD_SHARE = 0.8  # of the heartbeats that should have come in that time, on a busy machine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quiet(request: pytest.FixtureRequest) -> AsyncIterator[Mapping[str, Story | str]]:
    """A story for each column of this run, after its quiet time; or what went wrong."""
    wanted: dict[str, Wiring] = {}
    for item in request.session.items:
        if item.path == request.path and isinstance(item, pytest.Function):
            wiring = item.callspec.params.get("wiring") if hasattr(item, "callspec") else None
            if isinstance(wiring, Wiring):
                wanted[str(wiring)] = wiring
    async with AsyncExitStack() as undo:
        told = await asyncio.gather(*(_be_quiet(wiring, undo) for wiring in wanted.values()))
        yield dict(zip(wanted, told, strict=True))


@pytest.mark.cells("ucast-sha1", "bcast-md5", "mcast-crc", "serial-sha1")
async def test_both_are_active_and_neither_complains(
    quiet: Mapping[str, Story | str], wiring: Wiring
) -> None:
    """Goal: one protocol. Method: start both, look on, then read both logs and the medium.

    Each holds its own group, nothing moved, each was heard all the time; nothing that either of
    them sent is without a valid signature, and neither log has a complaint since they were active.
    """
    story = quiet[str(wiring)]
    assert isinstance(story, Story), story
    assert await story.judge() == []
    assert dict(story.tap.undecoded) == {}
    for member in story.pair.members:
        beats = len(story.tap.sent(member.name, story.began, "status"))
        assert beats >= HEARD_SHARE * QUIET / KEEPALIVE
    await story.at_rest()


async def _be_quiet(wiring: Wiring, undo: AsyncExitStack) -> Story | str:
    """Start a pair, wait until it is at rest, and leave it alone."""
    try:
        pair = await undo.enter_async_context(Pair(Kind.HBD, Kind.HEARTBEAT, is_watched=False))
        story = Story(pair, wiring)
        await pair.configure(wiring)
        await story.start_both()
        await story.at_rest()
        await story.begin()
        undo.callback(story.tap.close)
        say(f"{wiring}: both are active; {QUIET:g} s of quiet")
        await asyncio.sleep(QUIET)
    except LabError as error:
        return str(error)
    return story


@pytest.mark.cells("ucast-sha1", "bcast-md5", "mcast-crc", "serial-sha1")
async def test_hbd_sends_no_more_than_heartbeat(
    quiet: Mapping[str, Story | str], wiring: Wiring
) -> None:
    """Goal: hbd costs a line what heartbeat costs it. Method: bytes of the quiet time, by sender.

    What hbd tells only its own kind (its reports) is silent towards a heartbeat.
    """
    story = quiet[str(wiring)]
    assert isinstance(story, Story), story
    hbd, heartbeat = (story.tap.bytes_from(member.name) for member in story.pair.members)
    assert hbd <= MORE * heartbeat
    known = {field.name for each in story.tap.sent(story.heartbeat.name) for field in each.fields}
    told = {field.name for each in story.tap.sent(story.hbd.name) for field in each.fields}
    assert told <= known
