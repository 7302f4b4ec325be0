"""A disk that hangs: the caller has its error in time, and what is left behind is bounded."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from hbd.cluster.terms import MILLISECOND, SECOND, Usec
from hbd.errors import AdapterError
from hbd.fencing.worker import MOST_THREADS, Worker

SOON = Usec(300 * MILLISECOND)  # enough for a call that does not hang, on a busy machine


async def settled(worker: Worker) -> None:
    """Wait until nothing is under way."""
    async with asyncio.timeout(10):
        while worker.left_behind:  # noqa: ASYNC110 - it tells nobody, as nobody waits for it
            await asyncio.sleep(0)


async def test_a_hung_call_is_left_behind_and_said(recwarn: pytest.WarningsRecorder) -> None:
    """Goal: the loop goes on. Method: a change that waits for ever, until it is let go."""
    worker, gate = Worker("/dev/sda", SOON), threading.Event()
    with pytest.raises(AdapterError, match="may still take effect"):
        await worker.change("reserve", gate.wait)
    assert (worker.left_behind, worker.unsettled) == (1, "reserve")
    gate.set()
    await settled(worker)
    assert worker.unsettled is None
    assert len(recwarn) == 0


async def test_nothing_is_changed_behind_an_open_change() -> None:
    """Goal: changes happen in the order asked. Method: a second one behind a hung one."""
    worker, gate = Worker("/dev/sda", SOON), threading.Event()
    done: list[str] = []
    with pytest.raises(AdapterError):
        await worker.change("first", lambda: done.append("first" if gate.wait() else ""))
    with pytest.raises(AdapterError):
        await worker.change("second", lambda: done.append("second"))
    assert worker.left_behind == 1
    gate.set()
    await settled(worker)
    await worker.change("third", lambda: done.append("third"))
    assert done == ["first", "third"]


async def test_changes_asked_at_once_happen_in_turn() -> None:
    """Goal: the same without a hang. Method: many at once; none overlaps another."""
    worker = Worker("/dev/sda", Usec(10 * SECOND))
    inside = 0
    order: list[int] = []

    def work(number: int) -> None:
        nonlocal inside
        inside += 1
        assert inside == 1
        order.append(number)
        inside -= 1

    await asyncio.gather(*(worker.change("rotate", partial(work, n)) for n in range(30)))
    assert order == list(range(30))


async def test_threads_left_behind_are_bounded() -> None:
    """Goal: a dead disk does not eat the machine. Method: look again and again while it hangs."""
    worker, gate = Worker("/dev/sda", SOON), threading.Event()
    for _ in range(MOST_THREADS + 3):
        with pytest.raises(AdapterError):
            await worker.look("read", gate.wait)
    assert worker.left_behind == MOST_THREADS
    gate.set()
    await settled(worker)
    assert await worker.look("read", lambda: 7) == 7


async def test_a_caller_that_goes_away_frees_nothing_before_its_time() -> None:
    """Goal: cancelling is no end of a command. Method: cancel a change that is under way."""
    worker, gate = Worker("/dev/sda", Usec(10 * SECOND)), threading.Event()
    caller = asyncio.create_task(worker.change("register", gate.wait))
    while not worker.left_behind:  # noqa: ASYNC110 - one turn of the loop
        await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert worker.unsettled == "register"
    gate.set()
    await settled(worker)


async def test_what_the_work_raises_is_raised() -> None:
    """Goal: nothing is swallowed in the thread. Method: an error of the work's own."""

    def fail() -> None:
        raise AdapterError("no")

    with pytest.raises(AdapterError, match="no"):
        await Worker("/dev/sda", SOON).look("read", fail)
