"""Whether this machine's clock is kept right: NFS, Samba and their clients compare times.

hbd itself does not need it: it waits on CLOCK_BOOTTIME, which nobody sets. Source: adjtimex(2).
"""

from __future__ import annotations

import ctypes
from typing import Final

from hbd.check.finding import CheckId, Finding, Report, ok, warning

TIMEX_BYTES: Final = 256  # struct timex has 208 on 64 bit; mode 0 at its start: only reading
TIME_ERROR: Final = 5  # adjtimex: the clock is not synchronised to a reliable server

APART_USEC: Final = 2_000_000  # a serial line alone takes most of a second for an answer


def look() -> Report:
    """What the kernel says."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return Report((judged(state),))


def judged(state: int) -> Finding:
    """What adjtimex's answer means; -1 when it may not be asked."""
    check = CheckId.CLOCK_SYNCHRONISED
    if state == TIME_ERROR:
        why = "the clock is not synchronised: file times jump in a failover"
        return warning(check, why, "timedatectl set-ntp true")
    if state < 0:
        return warning(check, "not checked: the kernel did not say", "timedatectl")
    return ok(check, "the clock is synchronised")


def compared(apart_usec: int) -> Finding:
    """How far the peer's clock is from ours, its answer's way over the links included."""
    if abs(apart_usec) > APART_USEC:
        word = "ahead" if apart_usec > 0 else "behind"
        why = f"the peer's clock is {abs(apart_usec) / 1e6:.0f} s {word} of ours"
        return warning(CheckId.CLOCK_SAME, why, "timedatectl set-ntp true, on both nodes")
    return ok(CheckId.CLOCK_SAME, f"both clocks agree within {APART_USEC // 1_000_000} s")
