"""Pauses between attempts, with the loop's own timers looked at, not waited for."""

from __future__ import annotations

import asyncio

from hbd.link.retry import FIRST_PAUSE_S, LONGEST_PAUSE_S, Retry


def pause_s(retry: Retry) -> float:
    """How long until the pending attempt."""
    assert retry._timer is not None
    return retry._timer.when() - asyncio.get_running_loop().time()


async def test_pauses_grow_to_a_limit_and_start_short_after_success() -> None:
    """Goal: soon at first, rarely later. Method: ten failures, each pending attempt taken early."""
    attempts: list[int] = []
    retry = Retry(lambda: attempts.append(1))
    pauses = []
    for _ in range(10):
        retry.later()
        pauses.append(round(pause_s(retry), 1))
        retry.now()
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, *[LONGEST_PAUSE_S] * 5]
    assert len(attempts) == 10

    retry.succeeded()
    retry.later()
    assert pause_s(retry) <= FIRST_PAUSE_S
    retry.stop()


async def test_one_attempt_is_pending_at_most() -> None:
    """Goal: many reasons to try again are one attempt. Method: ask thrice, let it come due."""
    attempted = asyncio.Event()
    count: list[int] = []

    def attempt() -> None:
        count.append(1)
        attempted.set()

    retry = Retry(attempt)
    for _ in range(3):
        retry.later()
    async with asyncio.timeout(10):
        await attempted.wait()
    assert count == [1]
    assert retry._timer is None
