"""The machine's watchdog from the daemon's side: armed, fed, disarmed, or not there at all."""

from __future__ import annotations

import errno
import logging

import pytest

from hbd.cluster.terms import SECOND, Usec
from hbd.runtime.guard import Guard
from tests.unit.fencing.test_watchdog import Dog

DEADTIME = Usec(10 * SECOND)
PATH = "/dev/watchdog"


def test_it_runs_while_hbd_lives_and_stops_with_it() -> None:
    """Goal: armed, fed, disarmed. Method: a driver that keeps what the kernel promises."""
    dog = Dog()
    guard = Guard(PATH, driver=dog)
    guard.feed()
    assert (dog.is_running, dog.fed) == (False, 0)
    guard.arm(DEADTIME)
    assert (dog.is_running, dog.timeout) == (True, 5)
    guard.feed()
    guard.feed()
    assert dog.fed == 2
    guard.disarm()
    guard.disarm()
    assert not dog.is_running


def test_a_new_configuration_holds_for_it_at_once() -> None:
    """Goal: it never expires later than the peer may act. Method: shorter, the same, off, on."""
    dog = Dog()
    guard = Guard(PATH, driver=dog)
    guard.arm(DEADTIME)
    guard.adopt(PATH, Usec(6 * SECOND))
    assert (dog.is_running, dog.timeout) == (True, 3)
    dog.timeout = 0  # seen below: not armed anew for nothing
    guard.adopt(PATH, Usec(6 * SECOND))
    assert (dog.is_running, dog.timeout) == (True, 0)
    guard.adopt(None, Usec(6 * SECOND))
    assert not dog.is_running
    guard.adopt(PATH, Usec(6 * SECOND))
    assert (dog.is_running, dog.timeout) == (True, 3)


def test_a_machine_without_one_serves_all_the_same() -> None:
    """Goal: no directive, no watchdog, no complaint. Method: every call."""
    guard = Guard(None, driver=Dog(refuses=errno.ENOENT))
    guard.arm(DEADTIME)
    guard.feed()
    guard.disarm()


@pytest.mark.parametrize("dog", [Dog(refuses=errno.EBUSY), Dog(shortest=30)], ids=["taken", "slow"])
def test_one_that_cannot_be_used_is_said_and_left_alone(
    dog: Dog, caplog: pytest.LogCaptureFixture
) -> None:
    """Goal: hbd goes on without it. Method: it refuses at arm; feed and disarm do nothing."""
    guard = Guard(PATH, driver=dog)
    guard.arm(DEADTIME)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    guard.feed()
    guard.disarm()
    assert (dog.fed, dog.is_running) == (0, False)


def test_a_feed_that_fails_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Goal: it runs on whether it was fed or not. Method: gone, and back; then disarmed."""
    dog = Dog()
    guard = Guard(PATH, driver=dog)
    guard.arm(DEADTIME)
    dog.gone = True
    for _ in range(3):
        guard.feed()
    assert [r.levelno for r in caplog.records if r.levelno >= logging.ERROR] == [logging.ERROR]
    dog.gone = False
    guard.feed()
    assert dog.fed == 1
    guard.disarm()
    assert not dog.is_running
