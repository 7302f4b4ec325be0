"""Why: what began a move, which rule of the core decided, and what was known then.

It reads the difference of two beliefs and never decides. A rule's name stands beside its place in
the core in `transition.Rule`.
"""

from __future__ import annotations

from hbd.cluster.event import (
    ConfigurationChanged,
    FailureCleared,
    FenceFailed,
    GoodbyeHeard,
    LeaveRequested,
    MaintenanceSet,
    PeerConfirmedDown,
    ResourceLost,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.node import Group, Link
from hbd.cluster.terms import AutoFailback, GroupState, PeerStatus, Phase, Usec
from hbd.story.taken import Taken
from hbd.story.transition import Cause, Evidence, Rule

_ASKED = {
    TakeoverRequested: Cause.TAKEOVER,
    StandbyRequested: Cause.STANDBY,
    FailureCleared: Cause.FAILURE_CLEARED,
    MaintenanceSet: Cause.MAINTENANCE_ENDED,
    PeerConfirmedDown: Cause.PEER_CONFIRMED_DOWN,
    ResourceLost: Cause.RESOURCE_LOST,
    LeaveRequested: Cause.STOP,
    ConfigurationChanged: Cause.RELOAD,
}


def begins(taken: Taken, was: Group, group: Group) -> bool:
    """Whether this step sets a group in motion."""
    if taken.starts(group.name):
        return True
    if taken.stops(group.name):  # a stop that is tried again is no new move
        return was.state is not GroupState.STOP_FAILED
    if (group.giving and not was.giving) or (group.wanted and not was.wanted):
        return True
    return _changes_hands(taken, was, group)


def _changes_hands(taken: Taken, was: Group, group: Group) -> bool:
    """Whether the ownership record moves it: not what a start learns, nor what it claims."""
    if was.owner == group.owner:
        return False
    if taken.by_report:
        here = group.owner == taken.after.name
        return here and taken.before.phase is Phase.ACTIVE
    return group.state is not GroupState.STARTED


def cause_of(taken: Taken, was: Group, group: Group) -> Cause:
    """What set the group in motion in this step."""
    asked = _ASKED.get(type(taken.event))
    if asked is not None:
        return asked
    if taken.after.phase in (Phase.LEAVING, Phase.LEFT):
        return Cause.STOP
    if was.owner != group.owner:
        return _cause_of_new_owner(taken, group)
    if group.giving and not was.giving:
        word = taken.after.peer.word_on(group.name)
        return Cause.PEER_ASKED if word is not None and word.wanted else Cause.FAILBACK
    first = taken.before.phase is Phase.STARTING or group.operation == 1
    return Cause.START if first else Cause.OTHER


def _cause_of_new_owner(taken: Taken, group: Group) -> Cause:
    peer, here = taken.after.peer, group.owner == taken.after.name
    if taken.by_report:
        if not here:
            return Cause.NEWER_RECORD
        leaving = peer.report is not None and peer.report.phase is Phase.LEAVING
        if leaving or isinstance(taken.event, GoodbyeHeard):
            return Cause.PEER_LEFT
        goes_home = taken.after.auto_failback is not AutoFailback.OFF
        home = goes_home and group.preferred == taken.after.name
        return Cause.FAILBACK if home else Cause.PEER_GAVE
    if not here:
        return Cause.OTHER
    if peer.status is PeerStatus.LEFT:
        return Cause.PEER_LEFT
    return Cause.PEER_ABSENT if peer.heard_at is None else Cause.PEER_LOST


def requested_by(taken: Taken) -> str:
    """The operator whose word this step was; empty if it was none."""
    return str(getattr(taken.event, "requested_by", ""))


def rule_of(taken: Taken, was: Group, group: Group, *, ruled: bool) -> Rule | None:
    """The rule of the core that moved the group on in this step; None if none did.

    `ruled`: one has decided on this move before, and a start or release only carries it out.
    """
    if was.owner != group.owner:
        return _rule_of_new_owner(taken, group)
    if group.wanted and not was.wanted:
        return Rule.ASK_OWNER
    if group.giving and not was.giving:
        asked = isinstance(taken.event, StandbyRequested) or _peer_wants(taken, group)
        return Rule.GIVE if asked else Rule.GO_HOME
    if taken.starts(group.name):
        if group.revived_at == taken.now:
            return Rule.REVIVE_ONCE
        return None if ruled else Rule.START_OWN
    if taken.stops(group.name):
        return _rule_of_stop(taken, was, group, ruled=ruled)
    return None


def _rule_of_new_owner(taken: Taken, group: Group) -> Rule:
    peer, here = taken.after.peer, group.owner == taken.after.name
    if taken.by_report and not (here and peer.status is PeerStatus.LEFT):
        return Rule.ADOPT_RECORD
    if here:
        if peer.status is PeerStatus.LEFT:
            return Rule.ACQUIRE_LEFT
        return Rule.ACQUIRE_PROVEN if peer.proven else Rule.ACQUIRE_UNPROTECTED
    if taken.after.phase is Phase.LEAVING:
        return Rule.LEAVE
    return Rule.OFFER_PEER if group.start_failed else Rule.GIVE


def _rule_of_stop(taken: Taken, was: Group, group: Group, *, ruled: bool) -> Rule | None:
    if group.start_failed and not was.start_failed:
        return Rule.FAIL_HERE
    if ruled:
        return None
    if taken.after.phase is Phase.LEAVING:
        return Rule.LEAVE
    if group.is_changing:
        return Rule.REDEFINE
    return Rule.GIVE if taken.after.owns(group) else Rule.RELEASE_FOREIGN


def _peer_wants(taken: Taken, group: Group) -> bool:
    word = taken.after.peer.word_on(group.name)
    return word is not None and word.wanted


def evidence_of(taken: Taken, cause: Cause, group: Group) -> tuple[Evidence, ...]:
    """What was known when the move began."""
    by = requested_by(taken)
    if by or cause in (Cause.TAKEOVER, Cause.STANDBY):
        return (Evidence("operator", by or "the system", cause.value),)
    event, peer = taken.event, taken.after.peer
    if isinstance(event, ResourceLost):
        return (Evidence("resource", event.resource, event.why),)
    if cause in (Cause.PEER_LOST, Cause.PEER_ABSENT):
        links = tuple(_of_link(taken, link) for link in taken.after.links)
        return (*links, Evidence("peer", peer.name, peer.status.value, taken.silence_usec))
    if cause is Cause.STOP:
        return (Evidence("operator", "the system", "stop"),)
    word = peer.status.value if peer.report is None else peer.report.phase.value
    record = Evidence("record", group.name, f"epoch {group.epoch}, owner {group.owner}")
    return (record, Evidence("peer", peer.name, word))


def news(taken: Taken) -> Evidence | None:
    """What this step adds to what is known of a lost peer."""
    match taken.event:
        case PeerConfirmedDown(requested_by=by):
            return Evidence("operator", by or "the system", "confirm-peer-down")
        case FenceFailed(target=target, why=why):
            return Evidence("peer", target, f"not fenced: {why}")
        case _:
            return None


def _of_link(taken: Taken, link: Link) -> Evidence:
    since = taken.after.started_at if link.heard_at is None else link.heard_at
    subject = "link" if link.leads_to_peer else "ping"
    return Evidence(subject, link.name, link.status.value, Usec(taken.now - since))
