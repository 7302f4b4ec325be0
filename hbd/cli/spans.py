"""Ages, moments and shares as people read them: functions from µs and parts to words."""

from __future__ import annotations

from datetime import UTC, datetime

_SECOND = 1_000_000  # µs


def span(usec: int) -> str:
    """A span to a tenth of a second; long ones in minutes, hours or days."""
    seconds = usec / _SECOND
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if usec % _SECOND else f"{seconds:.0f} s"


def ago(instant_usec: int, now_usec: int) -> str:
    """How long ago an instant was; 0 is never."""
    return f"{span(max(0, now_usec - instant_usec))} ago" if instant_usec else "never"


def day(usec: int) -> str:
    """Day and time of this machine's zone, of µs since the epoch; `-` for 0, not known."""
    return f"{local(usec):%Y-%m-%d %H:%M:%S}" if usec else "-"


def local(usec: int) -> datetime:
    """A moment on this machine's clocks on the wall."""
    return datetime.fromtimestamp(usec // _SECOND, UTC).astimezone()


def share(part: float | None) -> str:
    """A part of 1 in percent, never rounded to none at all; `-` when it is not known."""
    if part is None:
        return "-"
    percent = part * 100
    if percent == 0:
        return "0%"
    return "<0.1%" if percent < 0.1 else f"{percent:.1f}%" if percent < 10 else f"{percent:.0f}%"
