"""A start that another machine's answer for the address refuses: when it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hbd.cluster.action import StartGroup
from hbd.cluster.event import FailureCleared, FenceConfirmed, TakeoverRequested
from hbd.cluster.step import next_deadline
from hbd.cluster.terms import SECOND, AutoFailback, GroupState, JobId, Phase, Scope
from tests.unit.cluster.driven import (
    DISK,
    HERE,
    THERE,
    Driven,
    equipped,
    fresh,
    only,
    watching,
)

EVERY = 5  # seconds, as hbd(8) says


def taken(*, disk: bool = True, stonith: bool = False) -> Driven:
    """The silent peer's group has been acquired, and its start is under way here."""
    driven = equipped(watching(), disk=disk, stonith=stonith)
    driven.is_lost()
    by_disk = (DISK,) if disk else None
    driven.happens(FenceConfirmed(THERE, proven=disk or stonith, groups=by_disk))
    assert driven.state() is GroupState.STARTING
    return driven


def refused(**means: bool) -> Driven:
    """That start found somebody answering for the address, and is undone."""
    driven = taken(**means)
    driven.start_fails(is_in_use=True)
    driven.stopped()
    assert driven.state() is GroupState.START_FAILED
    return driven


def test_a_start_that_finds_its_address_answered_is_tried_again_until_it_is_free() -> None:
    """Goal: the group is not left down for an address that is about to be free.

    Method: three refusals, then none; between them every 5 s one start, and nothing else.
    """
    driven = refused()
    for _ in range(3):
        assert only(StartGroup, driven.passes(EVERY - 1)) == []
        assert len(only(StartGroup, driven.passes(1))) == 1
        driven.start_fails(is_in_use=True)
        driven.stopped()
    driven.passes(EVERY)
    driven.started()
    assert (driven.state(), driven.disk.failure) == (GroupState.STARTED, "")
    assert driven.disk.retry_at is None


@pytest.mark.parametrize("means", [{"disk": False}, {"disk": False, "stonith": True}])
def test_where_the_disk_refuses_nobody_the_refusal_stands(means: dict[str, bool]) -> None:
    """Goal: who answers may be writing. Method: no protection; and a switch that may have lied."""
    driven = refused(**means)
    assert only(StartGroup, driven.passes(10 * EVERY)) == []
    assert driven.state() is GroupState.START_FAILED


def test_a_start_that_fails_for_another_reason_stays_failed() -> None:
    """Goal: only a busy address mends itself. Method: the same takeover, another failure."""
    driven = taken()
    driven.start_fails()
    driven.stopped()
    assert only(StartGroup, driven.passes(10 * EVERY)) == []


def test_another_failure_of_the_second_try_ends_the_trying() -> None:
    """Goal: an old appointment starts nothing. Method: in use first, then broken."""
    driven = refused()
    driven.passes(EVERY)
    driven.start_fails()
    driven.stopped()
    assert only(StartGroup, driven.passes(10 * EVERY)) == []


def test_an_address_answered_while_the_peer_is_heard_is_a_failed_start() -> None:
    """Goal: a third machine's address is no takeover's trouble. Method: it is refused, at peace."""
    driven = equipped(fresh())
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    driven.peer_says(DISK, GroupState.STOPPED)
    driven.start_fails(is_in_use=True)
    driven.stopped()
    assert driven.disk.owner == THERE, "offered to the peer, as any failed start"


def test_a_peer_that_is_heard_again_is_not_offered_what_is_about_to_be_tried() -> None:
    """Goal: who has no way to the disk is given no group. Method: it speaks between two tries."""
    driven = refused()
    driven.node = replace(driven.node, auto_failback=AutoFailback.OFF)
    driven.peer_restarts()
    driven.said = replace(driven.said, phase=Phase.ACTIVE, heard=driven.node.generation)
    driven.peer_says(DISK, GroupState.STOPPED)
    assert driven.disk.owner == HERE
    assert len(only(StartGroup, driven.listens(EVERY))) == 1


def test_who_no_longer_owns_the_group_does_not_try() -> None:
    """Goal: the record decides. Method: the peer is back with a newer one."""
    driven = refused()
    driven.peer_says(DISK, GroupState.STARTED, owner=THERE, epoch=driven.disk.epoch + 1)
    assert only(StartGroup, driven.listens(10 * EVERY)) == []
    assert (driven.disk.owner, driven.state()) == (THERE, GroupState.STOPPED)


def test_a_peer_that_lives_on_the_disk_ends_the_trying() -> None:
    """Goal: nothing is started beside a living one. Method: its key moves again."""
    driven = refused()
    driven.reads_disk()
    assert only(StartGroup, driven.watches_disk(10 * EVERY)) == []


def clear(driven: Driven) -> int:
    """An operator says that what was wrong is mended."""
    return len(only(StartGroup, driven.happens(FailureCleared(JobId(1)))))


def take(driven: Driven) -> int:
    """An operator asks for the group."""
    return len(only(StartGroup, driven.happens(TakeoverRequested(JobId(1), Scope.ALL))))


@pytest.mark.parametrize("ask", [clear, take])
def test_an_operator_need_not_wait_for_the_next_try(ask: Callable[[Driven], int]) -> None:
    """Goal: a word is a try, at once. Method: both words, and the appointment is forgotten."""
    driven = refused()
    assert ask(driven) == 1
    assert driven.disk.retry_at is None
    driven.started()
    assert driven.state() is GroupState.STARTED


def test_a_stop_that_takes_longer_than_the_wait_is_waited_for() -> None:
    """Goal: no start beside a stop, and no timer that is always due. Method: 12 s of stopping."""
    driven = taken()
    driven.start_fails(is_in_use=True)
    assert only(StartGroup, driven.passes(12)) == []
    assert len(only(StartGroup, driven.stopped())) == 1


def test_the_next_try_is_on_the_clock() -> None:
    """Goal: nothing else need happen for it. Method: the one timer's deadline."""
    driven = refused()
    began = driven.now
    assert driven.disk.retry_at == began + EVERY * SECOND
    assert next_deadline(driven.node) <= driven.disk.retry_at


def test_an_epoch_grows_once_however_often_a_start_is_tried() -> None:
    """Goal: one takeover is one change of hands. Method: the record, after two refusals."""
    driven = refused()
    epoch = driven.disk.epoch
    driven.passes(EVERY)
    driven.start_fails(is_in_use=True)
    driven.stopped()
    assert (driven.disk.epoch, driven.disk.owner) == (epoch, HERE)
