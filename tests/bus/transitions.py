"""Transitions to show on the bus: one of every result, newest first."""

from __future__ import annotations

from hbd.cluster.terms import Epoch, GroupName, Instant, NodeName, Usec
from hbd.story.transition import (
    Cause,
    Evidence,
    Fencing,
    Kind,
    Move,
    Phase,
    Result,
    Rule,
    Stage,
    StageResult,
    Transition,
)
from tests.bus.beliefs import HERE, SHARE, THERE

BEGAN = Instant(1_000_000_000)
REALTIME_USEC = 1_700_000_000_000_000


def stage(
    phase: Phase, offset_usec: int, usec: int, kind: Kind = Kind.NONE, resource: str = ""
) -> Stage:
    """A stretch that went well."""
    group = SHARE if resource else ""
    began_at = Instant(BEGAN + offset_usec)
    return Stage(phase, began_at, kind, group, resource, Usec(usec), StageResult.DONE)


LOST = Transition(
    id="ttisrv1-1700000001-0002",
    node=NodeName(HERE),
    cause=Cause.PEER_LOST,
    began_at=BEGAN,
    rules=(Rule.FENCE_FIRST, Rule.ACQUIRE_UNPROTECTED),
    moves=(Move(GroupName(SHARE), THERE, NodeName(HERE), Epoch(7), Result.MOVED, Usec(5_310_000)),),
    evidence=(Evidence("link", "eth1", "dead", Usec(5_000_000)),),
    stages=(
        stage(Phase.DETECT, 0, 5_000_000),
        stage(Phase.FENCE, 5_000_000, 1_000),
        stage(Phase.START, 5_001_000, 9_000, Kind.ADDRESS, "192.168.0.100"),
        stage(Phase.START, 5_010_000, 100_000, Kind.MOUNT, "Filesystem::/dev/sda1::/ttidisk::ext4"),
        stage(Phase.START, 5_110_000, 200_000, Kind.SAMBA, "smb"),
    ),
    fencing=Fencing.UNPROTECTED,
    ended_at=Instant(BEGAN + 5_310_000),
    realtime_usec=REALTIME_USEC,
)
RUNNING = Transition(
    id="ttisrv1-1700000001-0003",
    node=NodeName(HERE),
    cause=Cause.STANDBY,
    began_at=Instant(BEGAN + 60_000_000),
    requested_by="uid 1000",
    rules=(Rule.GIVE,),
    moves=(Move(GroupName(SHARE), HERE, NodeName(THERE), Epoch(8)),),
    evidence=(Evidence("operator", "uid 1000", "standby"),),
    stages=(Stage(Phase.STOP, Instant(BEGAN + 60_000_100), Kind.SAMBA, SHARE, "smb"),),
    realtime_usec=REALTIME_USEC + 60_000_000,
)
NEWEST_FIRST = (RUNNING, LOST)
