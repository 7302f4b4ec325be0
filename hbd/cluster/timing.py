"""The four times of ha.cf, checked when built.

Source of the rules: heartbeat's checks after parsing ha.cf (ha.cf(5)): deadtime must exceed twice
keepalive, initdead may not be below deadtime. A warntime above deadtime is legal and merely never
warns, so it is not refused here.
"""

from __future__ import annotations

from dataclasses import dataclass

from hbd.cluster.terms import SECOND, Usec


@dataclass(frozen=True, slots=True)
class Timing:
    """How often to speak and how long to wait, all in microseconds."""

    keepalive_usec: Usec
    warntime_usec: Usec
    deadtime_usec: Usec
    initdead_usec: Usec

    def __post_init__(self) -> None:
        assert self.keepalive_usec > 0, "keepalive must be positive"
        assert self.warntime_usec > 0, "warntime must be positive"
        assert self.deadtime_usec > 2 * self.keepalive_usec, "deadtime must exceed 2 x keepalive"
        assert self.initdead_usec >= self.deadtime_usec, "initdead may not be below deadtime"


def default_warntime(deadtime_usec: Usec) -> Usec:
    """Half of deadtime, as heartbeat has it."""
    return Usec(deadtime_usec // 2)


def default_initdead(deadtime_usec: Usec) -> Usec:
    """deadtime above 10 s: the same; below 6 s: 12 s; between: twice (ha.cf(5))."""
    if deadtime_usec > 10 * SECOND:
        return deadtime_usec
    if deadtime_usec < 6 * SECOND:
        return Usec(12 * SECOND)
    return Usec(2 * deadtime_usec)
