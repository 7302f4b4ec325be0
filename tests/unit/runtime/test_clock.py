"""One clock that counts suspend, and one timer."""

from __future__ import annotations

import asyncio
import time

from hbd.cluster.terms import MILLISECOND, SECOND, Instant
from hbd.runtime.clock import Alarm, now
from tests.unit.runtime.parts import WITHIN_S, some_turns


class Rung:
    """When an alarm rang."""

    def __init__(self) -> None:
        self.moments: list[Instant] = []
        self._rang = asyncio.Event()
        self.alarm = Alarm(self._on_due)

    def _on_due(self) -> None:
        self.moments.append(now())
        self._rang.set()

    async def first(self) -> Instant:
        """The moment, as soon as it is there."""
        await asyncio.wait_for(self._rang.wait(), WITHIN_S)
        return self.moments[0]


def test_now_is_the_boot_clock_in_microseconds() -> None:
    """Goal: a suspended node sees how long it was away. Method: between two of the kernel's."""
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    between = now()
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before // 1000 <= between <= after // 1000


async def test_an_alarm_rings_once_and_not_before_its_moment() -> None:
    """Goal: what is due is due. Method: some milliseconds ahead."""
    rung = Rung()
    moment = Instant(now() + 20 * MILLISECOND)
    rung.alarm.set(moment)
    assert await rung.first() >= moment
    await some_turns()
    assert len(rung.moments) == 1


async def test_a_moment_past_is_now() -> None:
    """Goal: nothing waits for what has been. Method: an hour ago."""
    rung = Rung()
    rung.alarm.set(Instant(now() - 3600 * SECOND))
    assert rung.moments == [], "but not within the call"
    await rung.first()


async def test_only_the_moment_set_last_counts() -> None:
    """Goal: one timer. Method: a far one after a near one, and then a near one again."""
    rung = Rung()
    rung.alarm.set(now())
    rung.alarm.set(Instant(now() + 3600 * SECOND))
    await some_turns()
    assert rung.moments == []
    rung.alarm.set(now())
    await rung.first()
    await some_turns()
    assert len(rung.moments) == 1
    rung.alarm.cancel()


async def test_no_moment_and_cancelling_are_silence() -> None:
    """Goal: nothing rings at the end. Method: both, with a near moment set before."""
    rung = Rung()
    rung.alarm.set(now())
    rung.alarm.set(None)
    await some_turns()
    rung.alarm.set(now())
    rung.alarm.cancel()
    rung.alarm.cancel()
    await some_turns()
    assert rung.moments == []
