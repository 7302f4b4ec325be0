"""Side by side and nobody complains: every medium and every signature, each its own pair.

Several pairs run at the same time, each for as long as the form has: half a minute, or ten.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.lab.harness.files import NODE_NAMES
from tests.lab.harness.host import LabError, say
from tests.lab.interop.pair import Pair
from tests.lab.interop.story import Story
from tests.lab.interop.tap import Tap
from tests.lab.interop.wiring import KEEPALIVE, Wiring

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

QUIET = 600.0 if os.environ.get("INTEROP") == "full" else 30.0  # s
AT_ONCE = 4  # pairs: a kernel has 128 inotify instances for one user, and a systemd takes some
MORE = 1.1  # one message more, or a longer load average, is not more
HEARD_SHARE = 0.8  # of the heartbeats that should have come in that time, on a busy machine


@dataclass(frozen=True, slots=True)
class Quiet:
    """What was to be seen in the quiet time of one pair."""

    tap: Tap
    complaints: list[str]
    hbd: str  # its node
    heartbeat: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quiet(request: pytest.FixtureRequest) -> AsyncIterator[Mapping[str, Quiet | str]]:
    """A story for each column of this run, after its quiet time; or what went wrong."""
    wanted: dict[str, Wiring] = {}
    for item in request.session.items:
        if item.path == request.path and isinstance(item, pytest.Function):
            wiring = item.callspec.params.get("wiring") if hasattr(item, "callspec") else None
            if isinstance(wiring, Wiring):
                wanted[str(wiring)] = wiring
    room = asyncio.Semaphore(AT_ONCE)
    told = await asyncio.gather(*(_told(wiring, room) for wiring in wanted.values()))
    yield dict(zip(wanted, told, strict=True))


@pytest.mark.cells("ucast-sha1", "bcast-md5", "mcast-crc", "serial-sha1")
async def test_both_are_active_and_neither_complains(
    quiet: Mapping[str, Quiet | str], wiring: Wiring
) -> None:
    """Goal: one protocol. Method: start both, look on, then read both logs and the medium.

    Each holds its own group, nothing moved, each was heard all the time; nothing that either of
    them sent is without a valid signature, and neither log has a complaint since they were active.
    """
    told = quiet[str(wiring)]
    assert isinstance(told, Quiet), told
    assert told.complaints == []
    assert dict(told.tap.undecoded) == {}
    for node in NODE_NAMES:
        assert len(told.tap.sent(node, kind="status")) >= HEARD_SHARE * QUIET / KEEPALIVE


async def _told(wiring: Wiring, room: asyncio.Semaphore) -> Quiet | str:
    """Start a pair, wait until it is at rest, leave it alone, and take it down."""
    try:
        async with room, Pair.of(wiring, is_watched=False) as pair:
            story = Story(pair, wiring)
            await pair.configure(wiring)
            await story.start_both()
            await story.at_rest()
            await story.begin()
            say(f"{wiring}: both are active; {QUIET:g} s of quiet")
            await asyncio.sleep(QUIET)
            story.tap.close()
            await story.at_rest()
            names = (story.hbd.name, story.heartbeat.name)
            return Quiet(story.tap, await story.judge(), *names)
    except (LabError, OSError) as error:
        return str(error)


@pytest.mark.cells("ucast-sha1", "bcast-md5", "mcast-crc", "serial-sha1")
async def test_hbd_sends_no_more_than_heartbeat(
    quiet: Mapping[str, Quiet | str], wiring: Wiring
) -> None:
    """Goal: hbd costs a line what heartbeat costs it. Method: bytes of the quiet time, by sender.

    What hbd tells only its own kind (its reports) is silent towards a heartbeat.
    """
    told = quiet[str(wiring)]
    assert isinstance(told, Quiet), told
    assert told.tap.bytes_from(told.hbd) <= MORE * told.tap.bytes_from(told.heartbeat)
    known = {field.name for each in told.tap.sent(told.heartbeat) for field in each.fields}
    said = {field.name for each in told.tap.sent(told.hbd) for field in each.fields}
    assert said <= known
