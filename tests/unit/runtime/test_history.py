"""The history file: bounded, over restarts, and none the worse for a power cut."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from hbd.cluster.terms import GroupName
from hbd.runtime.history import KEPT, LINES, History
from hbd.story.transition import Transition
from tests.bus.beliefs import SHARE
from tests.bus.transitions import LOST


def numbered(number: int) -> Transition:
    """One of many."""
    return replace(LOST, id=f"ttisrv1-0000000001-{number:04d}")


async def keep(history: History, transition: Transition) -> None:
    """Know it and have it on the disk."""
    history.add(transition)
    await history.keep(transition)


async def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    """Goal: a restart forgets nothing. Method: three kept, then a new life."""
    history = History(tmp_path)
    for number in (1, 2, 3):
        await keep(history, numbered(number))
    again = History(tmp_path)
    assert again.newest_first == tuple(numbered(number) for number in (3, 2, 1))
    assert again.last_of(GroupName(SHARE)) == numbered(3).id
    assert again.last_of(GroupName("other")) == ""


async def test_memory_and_file_are_bounded(tmp_path: Path) -> None:
    """Goal: years of failovers fit. Method: more than the file may hold, one after another."""
    history = History(tmp_path)
    for number in range(1, LINES + 20):
        await keep(history, numbered(number))
        assert len((tmp_path / "history").read_bytes().splitlines()) <= LINES
    assert len(history.newest_first) == KEPT
    assert History(tmp_path).newest_first == history.newest_first


@pytest.mark.parametrize("cut", [1, 30, 200])
async def test_a_torn_last_line_is_left_out_and_spoils_nothing(tmp_path: Path, cut: int) -> None:
    """Goal: a power cut in a write is no error. Method: cut bytes off, restart, keep another."""
    history = History(tmp_path)
    for number in (1, 2):
        await keep(history, numbered(number))
    path = tmp_path / "history"
    path.write_bytes(path.read_bytes()[:-cut])
    again = History(tmp_path)
    assert again.newest_first == (numbered(1),)
    await keep(again, numbered(3))
    assert History(tmp_path).newest_first == (numbered(3), numbered(1))


async def test_garbage_in_the_file_costs_only_itself(tmp_path: Path) -> None:
    """Goal: what is readable is kept. Method: lines of garbage between two good ones."""
    history = History(tmp_path)
    await keep(history, numbered(1))
    good = (tmp_path / "history").read_bytes()
    (tmp_path / "history").write_bytes(b"\xff\x00\n[]\n{}\nnull\n" + b"[" * 100_000 + b"\n" + good)
    assert History(tmp_path).newest_first == (numbered(1),)


async def test_a_disk_that_refuses_costs_the_memory_and_not_the_daemon(tmp_path: Path) -> None:
    """Goal: a full disk is survived. Method: no folder to write to, then there is one again."""
    place = tmp_path / "gone"
    history = History(place)
    await keep(history, numbered(1))
    assert history.newest_first == (numbered(1),)
    place.mkdir()
    await keep(history, numbered(2))
    assert History(place).newest_first == (numbered(2), numbered(1))


async def test_two_that_end_at_once_are_both_kept(tmp_path: Path) -> None:
    """Goal: no write overtakes another. Method: many at the same time."""
    history = History(tmp_path)
    for number in range(1, 21):
        history.add(numbered(number))
    await asyncio.gather(*(history.keep(numbered(number)) for number in range(1, 21)))
    assert len(History(tmp_path).newest_first) == 20
