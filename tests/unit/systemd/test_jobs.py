"""Who waits for which job, whatever the order of call, reply and signal."""

from __future__ import annotations

import asyncio

import pytest

from hbd.errors import AdapterError
from hbd.systemd.jobs import Jobs


async def test_a_result_before_the_reply_is_not_missed() -> None:
    """Goal: jobs that end at once. Method: removed is heard first, then asked for."""
    jobs = Jobs()
    with jobs.asking():
        jobs.removed("/job/1", "done")
        assert await jobs.wait("/job/1") == "done"


async def test_two_who_wait_for_one_job_both_hear() -> None:
    """Goal: merged jobs. Method: two waits, one signal."""
    jobs = Jobs()
    with jobs.asking():
        waits = [asyncio.create_task(jobs.wait("/job/1")) for _ in range(2)]
        await asyncio.sleep(0)
        jobs.removed("/job/1", "failed")
        assert await asyncio.gather(*waits) == ["failed", "failed"]


async def test_a_lost_connection_ends_every_wait() -> None:
    """Goal: nobody waits for ever. Method: lost while two wait."""
    jobs = Jobs()
    with jobs.asking():
        waits = [asyncio.create_task(jobs.wait(f"/job/{number}")) for number in range(2)]
        await asyncio.sleep(0)
        jobs.lost("gone")
        outcomes = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [AdapterError, AdapterError]


async def test_nothing_is_remembered_when_nobody_asks() -> None:
    """Goal: no unbounded memory. Method: foreign jobs end while idle and while asking."""
    jobs = Jobs()
    for number in range(100):
        jobs.removed(f"/job/{number}", "done")
    with jobs.asking():
        jobs.removed("/job/100", "done")
    with jobs.asking(), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await jobs.wait("/job/100")
    assert jobs.__dict__["_early"] == {}
    assert jobs.__dict__["_waiting"] == {}
