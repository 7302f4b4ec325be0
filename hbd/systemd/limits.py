"""How long a resource may take: the one place for the time limits of resource units.

The limits stand twice on purpose: in the unit files, so that systemd itself keeps them when hbd
is away, and in the calls of `runtime/`, so that hbd does not depend on a unit file it did not
write. A distribution's own limit (90 s) would cost a failover.
"""

from __future__ import annotations

from typing import Final

from hbd.cluster.terms import SECOND, Usec

# smbd and nfsd answer within 0.2 s when healthy; 20 s leaves room for a recovery of their
# databases on a disk that has just been mounted.
START_LIMIT_USEC: Final = Usec(20 * SECOND)

# A stop that takes longer than this is hung: then SIGKILL, not patience.
STOP_LIMIT_USEC: Final = Usec(10 * SECOND)

# After SIGKILL the kernel needs milliseconds; a process still there is in an uninterruptible wait.
KILL_GRACE_USEC: Final = Usec(2 * SECOND)

# `e2fsck -p` of an ext2 file system that was not unmounted reads all of its metadata.
FSCK_LIMIT_USEC: Final = Usec(60 * SECOND)

# How deadtime is divided when hbd dies or freezes while it holds groups. The peer's clock started
# with our last heartbeat, up to one keepalive before that moment:
#   killed: the dead man acts after deadtime/3, and kills what has not stopped after deadtime/8 more
#   frozen: the watchdog fires after deadtime/4, then the same: 17/24 of deadtime in all
# With keepalive <= deadtime/5 (the article's 1 s to 5 s) there remain deadtime/11 or more for the
# work itself, and hbd has deadtime/3 to come back (it needs about 0.5 s).
WATCHDOG_PART: Final = 4
DEADMAN_PART: Final = 3
PATIENCE_PART: Final = 8


def watchdog_usec(deadtime_usec: Usec) -> Usec:
    """How long hbd's loop may stand still before systemd kills and restarts it."""
    return Usec(deadtime_usec // WATCHDOG_PART)


def deadman_usec(deadtime_usec: Usec) -> Usec:
    """How long hbd may be away, holding groups, before systemd stops them."""
    return Usec(deadtime_usec // DEADMAN_PART)


def patience_usec(deadtime_usec: Usec) -> Usec:
    """How long the dead man waits for units to stop before it kills them."""
    return Usec(deadtime_usec // PATIENCE_PART)
