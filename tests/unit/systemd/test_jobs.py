"""Who waits for which job, whatever the order of call, reply and signal."""

from __future__ import annotations

import asyncio

from hbd.errors import AdapterError
from hbd.systemd.jobs import EARLY_MAX, Jobs


async def test_a_result_before_the_reply_is_not_missed() -> None:
    """Goal: jobs that end at once. Method: removed is heard first, then asked for."""
    jobs = Jobs()
    with jobs.asking():
        jobs.removed("/job/1", "done")
        result = jobs.expect("/job/1")
    assert await result == "done"


async def test_two_who_wait_for_one_job_both_hear() -> None:
    """Goal: merged jobs. Method: two expect it, one signal."""
    jobs = Jobs()
    with jobs.asking():
        results = [jobs.expect("/job/1") for _ in range(2)]
    jobs.removed("/job/1", "failed")
    assert await asyncio.gather(*results) == ["failed", "failed"]


async def test_a_lost_connection_ends_every_wait() -> None:
    """Goal: nobody waits for ever. Method: lost while two wait."""
    jobs = Jobs()
    with jobs.asking():
        results = [jobs.expect(f"/job/{number}") for number in range(2)]
    jobs.lost("gone")
    outcomes = await asyncio.gather(*results, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [AdapterError, AdapterError]


async def test_who_gives_up_is_forgotten() -> None:
    """Goal: no memory of those who left. Method: one of two cancels, the other hears."""
    jobs = Jobs()
    with jobs.asking():
        gone, waiting = jobs.expect("/job/1"), jobs.expect("/job/1")
    gone.cancel()
    await asyncio.sleep(0)
    jobs.removed("/job/1", "done")
    assert await waiting == "done"
    assert jobs.__dict__["_waiting"] == {}


async def test_nothing_is_remembered_when_nobody_asks() -> None:
    """Goal: no unbounded memory. Method: foreign jobs end while idle and while asking."""
    jobs = Jobs()
    for number in range(100):
        jobs.removed(f"/job/{number}", "done")
    assert jobs.__dict__["_early"] == {}
    with jobs.asking():
        for number in range(2 * EARLY_MAX):
            jobs.removed(f"/job/{number}", "done")
        assert len(jobs.__dict__["_early"]) == EARLY_MAX
        assert jobs.expect(f"/job/{2 * EARLY_MAX - 1}").done()
    assert jobs.__dict__["_early"] == {}
