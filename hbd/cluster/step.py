"""`step(node, event, now)`: dispatch and invariants, nothing else.

First the event is believed, then time is allowed for, then every decision is taken that the new
belief asks for; the order is the same for whatever happened, so an operator's takeover and a
failure's differ in one event.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import assert_never

from hbd.cluster import (
    evidence,
    fence,
    groups,
    invariants,
    liveness,
    maintenance,
    reconfigure,
    requests,
)
from hbd.cluster.action import Quit, SayGoodbye
from hbd.cluster.event import (
    ClockTicked,
    ConfigurationChanged,
    DiskFound,
    DiskLost,
    DiskRead,
    Event,
    FailureCleared,
    FenceConfirmed,
    FenceFailed,
    GoodbyeHeard,
    GroupObserved,
    GroupStarted,
    GroupStartFailed,
    GroupStopFailed,
    GroupStopped,
    HandoverRefused,
    HeartbeatHeard,
    LeaveRequested,
    LifeRenewed,
    LineChanged,
    LinkHeard,
    MaintenanceSet,
    PeerConfirmedDown,
    ResourceChanged,
    ResourceLost,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.liveness import next_deadline
from hbd.cluster.node import Node, Step, chain, report_of
from hbd.cluster.terms import Instant, Phase

__all__ = ["next_deadline", "step"]

GOODBYES = 3  # a goodbye is not acknowledged, and the daemon does not stay to repeat it


def step(node: Node, event: Event, now: Instant) -> Step:
    """Believe what happened, then decide; `now` may be late, and never goes back."""
    assert now >= node.stepped_at, "CLOCK_BOOTTIME does not go back"
    if node.phase is Phase.LEFT:
        return Step(replace(node, stepped_at=now))  # whatever comes now is for the next life
    step = chain(
        node,
        (
            partial(liveness.notice_stall, now=now),
            partial(_believe, event=event, now=now),
            partial(liveness.expire, now=now),
            partial(fence.pursue, now=now),
            partial(groups.expire, now=now),
            groups.note_absence,
            groups.join,
            partial(reconfigure.settle, now=now),
            partial(groups.decide, now=now),
            partial(requests.settle, now=now),
            partial(_farewell, now=now),
            partial(liveness.speak, now=now),
            partial(liveness.prove_alive, now=now),
        ),
    )
    invariants.check(node, step.node)
    return step


def _believe(node: Node, event: Event, now: Instant) -> Step:
    match event:
        case ClockTicked():
            return Step(node)
        case LinkHeard():
            return liveness.on_link_heard(node, event.link, now)
        case HeartbeatHeard() | GoodbyeHeard():
            return _on_report(node, event, now)
        case HandoverRefused():
            return requests.on_refused(node, event)
        case LifeRenewed():
            return liveness.on_renewed(node, event, now)
        case GroupObserved():
            return groups.on_observed(node, event)
        case GroupStarted():
            return groups.on_started(node, event)
        case GroupStartFailed():
            return groups.on_start_failed(node, event, now)
        case GroupStopped():
            return groups.on_stopped(node, event)
        case GroupStopFailed():
            return groups.on_stop_failed(node, event, now)
        case ResourceChanged():
            return groups.on_resource_changed(node, event, now)
        case ResourceLost():
            return groups.on_resource_lost(node, event, now)
        case FenceConfirmed():
            return fence.on_confirmed(node, event)
        case FenceFailed():
            return fence.on_failed(node, event)
        case DiskFound():
            return evidence.on_disk_found(node, event)
        case DiskRead():
            return evidence.on_disk_read(node, event, now)
        case DiskLost():
            return groups.on_disk_lost(node, event, now)
        case LineChanged():
            return evidence.on_line_changed(node, event, now)
        case TakeoverRequested():
            return requests.on_takeover(node, event, now)
        case StandbyRequested():
            return requests.on_standby(node, event, now)
        case MaintenanceSet():
            return maintenance.on_set(node, event)
        case PeerConfirmedDown():
            return fence.on_confirmed_by_operator(node, event)
        case FailureCleared():
            return requests.on_failure_cleared(node, event, now)
        case ConfigurationChanged():
            return reconfigure.on_changed(node, event, now)
        case LeaveRequested():
            return _on_leave(node, now)
        case _:
            assert_never(event)


def _on_report(node: Node, event: HeartbeatHeard | GoodbyeHeard, now: Instant) -> Step:
    heard = liveness.on_report(node, event, now)
    if heard.node.peer.report is node.peer.report:
        return heard  # old news: no record of it counts
    restarted = heard.node.peer.generation > node.peer.generation
    if restarted:  # it knows nothing yet: tell it now, and by a status, which alone begins a life
        heard = replace(heard, node=replace(heard.node, heartbeat_due=now))
    return heard.then(partial(groups.merge_records, peer_restarted=restarted))


def _on_leave(node: Node, now: Instant) -> Step:
    if node.phase in (Phase.LEAVING, Phase.LEFT):
        return Step(node)
    due = Instant(now + node.limits.leave_usec)
    return Step(replace(node, phase=Phase.LEAVING, leave_due=due))


def _farewell(node: Node, now: Instant) -> Step:
    """Once nothing is held or owed, say goodbye a few times and end."""
    if node.phase is Phase.LEFT:
        return Step(node)
    owed = any(node.owns(group) and node.may_give(group) for group in node.groups)
    held = any(group.state.is_held for group in node.groups)
    if node.phase is not Phase.LEAVING or held or owed:
        # Something was found here after a goodbye: go on beating until it is released.
        return Step(replace(node, goodbyes=0) if node.goodbyes else node)
    if node.goodbyes and now < node.heartbeat_due:
        return Step(node)
    limits = node.limits
    slow = node.peer.is_heartbeat
    due = Instant(now + (limits.slow_goodbye_gap_usec if slow else limits.goodbye_gap_usec))
    leaving = replace(node, goodbyes=node.goodbyes + 1, heartbeat_due=due)
    if leaving.goodbyes < GOODBYES:
        return Step(leaving, (SayGoodbye(report_of(node)),))
    return Step(replace(leaving, phase=Phase.LEFT), (SayGoodbye(report_of(node)), Quit()))
