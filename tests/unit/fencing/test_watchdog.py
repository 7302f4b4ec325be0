"""The watchdog at the ioctl boundary, against a driver that keeps linux/watchdog.h's promises."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field

import pytest

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError
from hbd.fencing import watchdog
from hbd.fencing.watchdog import Watchdog

DEADTIME = Usec(10 * SECOND)
ALL = watchdog.WDIOF_SETTIMEOUT | watchdog.WDIOF_MAGICCLOSE


@dataclass(slots=True)
class Dog:
    """A driver: it takes times from `shortest`, in steps of `step`, and runs once it is opened."""

    options: int = ALL
    identity: bytes = b"A Dog"
    shortest: int = 1
    step: int = 1
    timeout: int = 60
    never_stops: bool | None = False
    refuses: int = 0
    is_running: bool = False
    is_open: bool = False
    was_told: bool = False
    fed: int = 0
    gone: bool = False
    asked: list[int] = field(default_factory=list)

    def open(self, path: str) -> int:
        """For one at a time."""
        if self.refuses or self.is_open:
            number = self.refuses or errno.EBUSY
            raise OSError(number, os.strerror(number))
        self.is_running = self.is_open = True
        return 7

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> int:
        """The four calls."""
        assert self.is_open
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        if request == watchdog.WDIOC_GETSUPPORT:
            argument[:] = watchdog.SUPPORT.pack(self.options, 1, self.identity)
        elif request == watchdog.WDIOC_SETTIMEOUT:
            (wanted,) = watchdog.SECONDS.unpack(argument)
            self.asked.append(wanted)
            if wanted < self.shortest:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            self.timeout = -(-wanted // self.step) * self.step
        elif request == watchdog.WDIOC_GETTIMEOUT:
            argument[:] = watchdog.SECONDS.pack(self.timeout)
        else:
            assert request == watchdog.WDIOC_KEEPALIVE
            self.fed += 1
        return 0

    def write(self, descriptor: int, data: bytes) -> int:
        """The last letter counts."""
        self.was_told = data.endswith(watchdog.MAGIC)
        return len(data)

    def close(self, descriptor: int) -> None:
        """It stops if it was told to and can."""
        self.is_open = False
        if self.was_told and self.options & watchdog.WDIOF_MAGICCLOSE and not self.never_stops:
            self.is_running = False

    def nowayout(self, path: str) -> bool | None:
        """As sysfs says."""
        return self.never_stops


def test_it_resets_before_the_peer_may_act() -> None:
    """Goal: half of deadtime, by the driver's own word. Method: arm, feed, and stop in order."""
    dog = Dog()
    owner = Watchdog("/dev/watchdog", driver=dog)
    armed = owner.arm(DEADTIME)
    assert (armed.identity, armed.timeout_usec, armed.can_stop) == ("A Dog", 5 * SECOND, True)
    assert armed.remarks == ()
    owner.feed()
    assert (dog.fed, owner.is_armed, dog.is_running) == (1, True, True)
    owner.disarm()
    owner.disarm()
    owner.feed()
    assert (dog.fed, owner.is_armed, dog.is_running) == (1, False, False)


@pytest.mark.parametrize(
    "dog",
    [
        Dog(step=8),
        Dog(shortest=30),
        Dog(options=watchdog.WDIOF_MAGICCLOSE),
        Dog(options=ALL | watchdog.WDIOF_ALARMONLY),
    ],
    ids=["rounds-up", "out-of-range", "fixed", "alarm-only"],
)
def test_one_that_comes_too_late_is_refused_and_let_go(dog: Dog) -> None:
    """Goal: no false safety, and no reset by a watchdog nobody feeds. Method: unfit drivers."""
    owner = Watchdog("/dev/watchdog", driver=dog)
    with pytest.raises(AdapterError):
        owner.arm(DEADTIME)
    assert (owner.is_armed, dog.is_open, dog.is_running) == (False, False, False)


def test_a_fixed_time_that_is_short_enough_is_taken() -> None:
    """Goal: what counts is what it does. Method: a driver without SETTIMEOUT at 4 s."""
    dog = Dog(options=watchdog.WDIOF_MAGICCLOSE, timeout=4)
    assert Watchdog("/dev/watchdog", driver=dog).arm(DEADTIME).timeout_usec == 4 * SECOND
    assert dog.asked == []


def test_a_deadtime_below_its_resolution_is_refused() -> None:
    """Goal: whole seconds only. Method: a deadtime of 1.9 s."""
    with pytest.raises(AdapterError):
        Watchdog("/dev/watchdog", driver=Dog()).arm(Usec(1_900_000))


@pytest.mark.parametrize(
    ("number", "word"), [(errno.EBUSY, "RuntimeWatchdogSec"), (errno.ENOENT, "softdog")]
)
def test_a_device_that_is_not_to_be_had_says_why(number: int, word: str) -> None:
    """Goal: the administrator knows what to do. Method: the usual reasons."""
    with pytest.raises(AdapterError, match=word):
        Watchdog("/dev/watchdog", driver=Dog(refuses=number)).arm(DEADTIME)


@pytest.mark.parametrize(
    "dog",
    [Dog(never_stops=True), Dog(options=watchdog.WDIOF_SETTIMEOUT, never_stops=None)],
    ids=["nowayout", "no-magic-close"],
)
def test_one_that_cannot_be_stopped_is_told_when_it_is_armed(dog: Dog) -> None:
    """Goal: no surprise reset after `systemctl stop`. Method: nowayout, and no magic close."""
    owner = Watchdog("/dev/watchdog", driver=dog)
    armed = owner.arm(DEADTIME)
    assert not armed.can_stop
    assert len(armed.remarks) == 1
    owner.disarm()
    assert dog.is_running


def test_a_device_that_is_gone_is_an_error() -> None:
    """Goal: a dead watchdog is known. Method: it is unplugged while armed."""
    dog = Dog()
    owner = Watchdog("/dev/watchdog", driver=dog)
    owner.arm(DEADTIME)
    dog.gone = True
    with pytest.raises(AdapterError):
        owner.feed()


def test_what_is_no_watchdog_is_refused() -> None:
    """Goal: `watchdog /dev/null` arms nothing. Method: the real /dev/null."""
    with pytest.raises(AdapterError):
        Watchdog("/dev/null").arm(DEADTIME)
