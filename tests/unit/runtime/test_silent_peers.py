"""Whose disk may be taken for silence: of two that want it, the slower one sees the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hbd.cluster.event import DiskLost, DiskRead
from hbd.errors import AdapterError
from hbd.runtime.claimed import WATCHED
from tests.unit.fencing.disk import ReservationDisk
from tests.unit.runtime.machines import BETA, Gate, pair
from tests.unit.runtime.parts import turns_until


async def test_a_silent_peer_is_preempted_and_one_that_renews_is_not(tmp_path: Path) -> None:
    """Goal: no shooting back and forth. Method: the key moves between a look and the claim."""
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await beta.start()
    for _ in range(WATCHED):
        await alpha.claim.look()
    await beta.claim.look()
    with pytest.raises(AdapterError, match="alive"):
        await alpha.claim.claim(from_silent=True)
    assert (beta.may_write(), alpha.keys(), alpha.claim.is_held) == (True, 0, False)
    assert alpha.posted.of(DiskRead)[-1].moved
    await alpha.claim.look()
    await alpha.claim.claim(from_silent=True)  # and has been silent since
    assert (beta.may_write(), alpha.may_write()) == (False, True)


async def test_nobody_is_thought_silent_who_was_not_watched(tmp_path: Path) -> None:
    """Goal: a disk that comes late says nothing yet. Method: a claim after each of the first looks.

    The peer serves and renews nothing meanwhile: only the number of looks can tell.
    """
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await beta.start()
    for _ in range(WATCHED):
        with pytest.raises(AdapterError, match="watched"):
            await alpha.claim.claim(from_silent=True)
        assert (beta.may_write(), alpha.keys()) == (True, 0)
        await alpha.claim.look()
    await alpha.claim.claim(from_silent=True)
    assert alpha.may_write()


async def test_who_took_the_disk_since_the_last_look_is_alive(tmp_path: Path) -> None:
    """Goal: of two that start together one never mounts. Method: beta is a moment faster.

    Nobody was registered when alpha looked last, so what it finds now is no leftover.
    """
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    for _ in range(WATCHED):
        await alpha.claim.look()
        await beta.claim.look()
    await beta.claim.claim(from_silent=True)
    with pytest.raises(AdapterError, match="alive"):
        await alpha.claim.claim(from_silent=True)
    assert (beta.may_write(), alpha.keys()) == (True, 0)
    assert alpha.posted.of(DiskRead)[-1].moved


async def test_what_a_look_has_just_shown_counts_for_a_claim_that_waited(tmp_path: Path) -> None:
    """Goal: of two that start together the slower one sees it. Method: a look before the claim.

    The claim was asked for when nobody was registered, and waits until the look is over: nothing
    moves between the look and the claim's own reading.
    """
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    for _ in range(WATCHED):
        await alpha.claim.look()
        await beta.claim.look()
    gate = Gate(alpha.kernel)
    look = asyncio.create_task(alpha.claim.look())
    await turns_until(lambda: bool(gate.waiting))
    late = asyncio.create_task(alpha.claim.claim(from_silent=True))
    await beta.claim.claim(from_silent=True)
    gate.open()
    await look
    with pytest.raises(AdapterError, match="alive"):
        await late
    assert (beta.may_write(), alpha.keys()) == (True, 0)


async def test_a_paused_holder_that_wakes_is_not_preempted_any_more(tmp_path: Path) -> None:
    """Goal: a renewal saves who is alive. Method: beta renews inside alpha's takeover."""
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await beta.start()
    for _ in range(WATCHED):
        await alpha.claim.look()
    gate = Gate(alpha.kernel)
    late = asyncio.create_task(alpha.claim.claim(from_silent=True))
    await gate.pass_through(4)  # the reading, and the registration
    await turns_until(lambda: len(disk.keys) == 2)
    await beta.claim.look()
    gate.open()
    with pytest.raises(AdapterError):
        await late
    await beta.claim.look()
    assert (list(disk.keys), disk.holder) == ([BETA], BETA)
    assert beta.posted.of(DiskLost) == []
