"""By what a lost peer is fenced, and when nobody is: ha.cf's `fencing`, the disks, the switch."""

from __future__ import annotations

from itertools import product

import pytest

from hbd.cluster.action import Fence, FinishJob, StartGroup
from hbd.cluster.change import Subject, changes
from hbd.cluster.event import (
    ClockTicked,
    DiskFound,
    Event,
    FenceConfirmed,
    FenceFailed,
    LeaveRequested,
    LinkHeard,
    PeerConfirmedDown,
    ResourceLost,
)
from hbd.cluster.step import next_deadline, step
from hbd.cluster.terms import (
    Fencing,
    GroupState,
    Instant,
    JobId,
    JobResult,
    LineState,
    LinkStatus,
    Means,
    PeerStatus,
    Phase,
)
from tests.unit.cluster.driven import (
    DISK,
    ETHERNET,
    HERE,
    MAIL,
    ROUTER,
    SERIAL,
    THERE,
    Actions,
    Driven,
    equipped,
    fresh,
    joined,
    only,
    serving,
    watching,
    with_router,
)

AUTO, RESERVATION, STONITH, NONE, REQUIRED = Fencing
BY_DISK, BY_POWER, BY_WORD, REFUSED = Means.RESERVATION, Means.STONITH, Means.NONE, None
NO_DISK, PLAIN, RESERVED = None, False, True
SWITCH, NO_SWITCH = True, False
SILENCE = 12  # more than deadtime

TABLE = {
    #  ha.cf says     disk     switch:   fenced by   protection shown
    (AUTO, NO_DISK, NO_SWITCH): (BY_WORD, Means.NONE),
    (AUTO, NO_DISK, SWITCH): (BY_POWER, Means.STONITH),
    (AUTO, PLAIN, NO_SWITCH): (BY_WORD, Means.NONE),
    (AUTO, PLAIN, SWITCH): (BY_POWER, Means.STONITH),
    (AUTO, RESERVED, NO_SWITCH): (BY_DISK, Means.RESERVATION),
    (AUTO, RESERVED, SWITCH): (BY_DISK, Means.RESERVATION),
    (RESERVATION, NO_DISK, NO_SWITCH): (BY_DISK, Means.NONE),  # there is nothing to be written
    (RESERVATION, NO_DISK, SWITCH): (BY_DISK, Means.NONE),
    (RESERVATION, PLAIN, NO_SWITCH): (REFUSED, Means.NONE),
    (RESERVATION, PLAIN, SWITCH): (REFUSED, Means.NONE),
    (RESERVATION, RESERVED, NO_SWITCH): (BY_DISK, Means.RESERVATION),
    (RESERVATION, RESERVED, SWITCH): (BY_DISK, Means.RESERVATION),
    (STONITH, NO_DISK, NO_SWITCH): (REFUSED, Means.NONE),
    (STONITH, NO_DISK, SWITCH): (BY_POWER, Means.STONITH),
    (STONITH, PLAIN, NO_SWITCH): (REFUSED, Means.NONE),
    (STONITH, PLAIN, SWITCH): (BY_POWER, Means.STONITH),
    (STONITH, RESERVED, NO_SWITCH): (REFUSED, Means.NONE),
    (STONITH, RESERVED, SWITCH): (BY_POWER, Means.STONITH),
    (NONE, NO_DISK, NO_SWITCH): (BY_WORD, Means.NONE),
    (NONE, NO_DISK, SWITCH): (BY_WORD, Means.NONE),
    (NONE, PLAIN, NO_SWITCH): (BY_WORD, Means.NONE),
    (NONE, PLAIN, SWITCH): (BY_WORD, Means.NONE),
    (NONE, RESERVED, NO_SWITCH): (BY_WORD, Means.NONE),
    (NONE, RESERVED, SWITCH): (BY_WORD, Means.NONE),
    (REQUIRED, NO_DISK, NO_SWITCH): (REFUSED, Means.NONE),
    (REQUIRED, NO_DISK, SWITCH): (BY_POWER, Means.STONITH),
    (REQUIRED, PLAIN, NO_SWITCH): (REFUSED, Means.NONE),
    (REQUIRED, PLAIN, SWITCH): (BY_POWER, Means.STONITH),
    (REQUIRED, RESERVED, NO_SWITCH): (BY_DISK, Means.RESERVATION),
    (REQUIRED, RESERVED, SWITCH): (BY_DISK, Means.RESERVATION),
}


def test_the_table_is_whole() -> None:
    """Goal: no case is forgotten. Method: every policy with every capability."""
    assert set(TABLE) == set(product(Fencing, (NO_DISK, PLAIN, RESERVED), (SWITCH, NO_SWITCH)))


@pytest.mark.parametrize("case", TABLE)
def test_a_lost_peer_is_fenced_by_what_ha_cf_permits_and_the_hardware_can(
    case: tuple[Fencing, bool | None, bool],
) -> None:
    """Goal: the strongest means that is allowed, or none at all, and why. Method: the table."""
    fencing, disk, switch = case
    means, shown = TABLE[case]
    driven = equipped(watching(), fencing=fencing, disk=disk, stonith=switch)
    assert driven.node.protection() is shown
    asked = only(Fence, driven.passes(SILENCE))
    assert driven.status() is PeerStatus.LOST
    if means is REFUSED:
        assert asked == []
        assert driven.peer.fence_why, "the administrator is told"
    else:
        assert asked == [Fence(THERE, means, (DISK,))]
        assert driven.peer.fence_why == ""


@pytest.mark.parametrize(
    ("fencing", "switch", "means"),
    [
        (AUTO, NO_SWITCH, BY_WORD),
        (AUTO, SWITCH, BY_POWER),
        (RESERVATION, SWITCH, REFUSED),
        (REQUIRED, NO_SWITCH, REFUSED),
        (REQUIRED, SWITCH, BY_POWER),
    ],
)
def test_one_disk_that_refuses_nobody_makes_the_others_too_little(
    fencing: Fencing, switch: bool, means: Means | None
) -> None:
    """Goal: never by a reservation that half the disks lack. Method: two groups, one reserved."""
    driven = joined({DISK: THERE, MAIL: THERE})
    equipped(driven, fencing=fencing, stonith=switch)
    driven.happens(DiskFound(MAIL, reserved=False))
    assert driven.node.protection(driven.group(DISK)) is Means.RESERVATION
    assert driven.node.protection(driven.group(MAIL)) is (
        Means.STONITH if switch and fencing is not RESERVATION else Means.NONE
    )
    assert driven.node.protection() is driven.node.protection(driven.group(MAIL))
    asked = only(Fence, driven.passes(SILENCE))
    assert asked == ([] if means is None else [Fence(THERE, means, (DISK, MAIL))])


def test_a_group_without_a_disk_is_secured_together_with_one_that_has_one() -> None:
    """Goal: an address alone needs no switch beside a reserved disk. Method: two groups."""
    driven = equipped(joined({DISK: THERE, MAIL: THERE}), fencing=REQUIRED)
    assert only(Fence, driven.passes(SILENCE)) == [Fence(THERE, BY_DISK, (DISK, MAIL))]


def test_only_groups_that_could_be_started_here_are_secured() -> None:
    """Goal: the disk of what serves here is not fought for. Method: one served, one watched."""
    driven = equipped(joined({DISK: HERE, MAIL: THERE}), fencing=REQUIRED)
    driven.happens(DiskFound(MAIL, reserved=True))
    assert only(Fence, driven.passes(SILENCE)) == [Fence(THERE, BY_DISK, (MAIL,))]


def test_a_disk_taken_from_the_peer_says_nothing_of_its_other_groups() -> None:
    """Goal: a living peer keeps what its disk alone was not taken from. Method: two groups.

    The mail, which serves here first, comes to be in question only when the peer's disk has been
    taken by reservation; nothing but the power switch covers a group without one.
    """
    driven = equipped(joined({DISK: THERE, MAIL: HERE}), fencing=REQUIRED, stonith=True)
    driven.happens(DiskFound(MAIL, reserved=False))
    assert only(Fence, driven.passes(SILENCE)) == [Fence(THERE, BY_DISK, (DISK,))]
    actions = driven.happens(FenceConfirmed(THERE, proven=True, groups=(DISK,)))
    assert [start.group for start in only(StartGroup, actions)] == [DISK]

    actions = driven.observes(MAIL, GroupState.STOPPED) + driven.passes(1)
    assert only(StartGroup, actions) == []
    assert only(Fence, actions) == [Fence(THERE, BY_POWER, (MAIL,))]
    actions = driven.happens(FenceConfirmed(THERE, proven=True))
    assert [start.group for start in only(StartGroup, actions)] == [MAIL]


# --- fenced only if needed --------------------------------------------------------------------


def test_a_node_that_serves_everything_fences_nobody() -> None:
    """Goal: with every cable cut, not both shoot. Method: long silence while all is served."""
    driven = equipped(serving(), stonith=True)
    assert only(Fence, driven.passes(120)) == []
    assert driven.status() is PeerStatus.LOST
    assert driven.state() is GroupState.STARTED


def test_a_node_that_cannot_start_the_group_either_fences_nobody() -> None:
    """Goal: nothing is won by it. Method: the own start failed and the peer is gone."""
    driven = equipped(serving(), stonith=True)
    driven.peer_says(DISK, GroupState.START_FAILED)
    driven.happens(ResourceLost(DISK, "disk-last", "died"))
    driven.start_fails()
    driven.stopped()
    assert driven.state() is GroupState.START_FAILED
    assert only(Fence, driven.passes(60)) == []
    assert driven.status() is PeerStatus.LOST


@pytest.mark.parametrize("state", [GroupState.STOPPED, GroupState.PARTIAL])
def test_a_group_of_ours_that_does_not_serve_is_worth_fencing(state: GroupState) -> None:
    """Goal: a service that waits for certainty gets it. Method: seen stopped, or in part."""
    driven = equipped(serving())
    driven.is_lost()
    actions = driven.observes(DISK, state)
    assert only(StartGroup, actions) == []
    assert only(Fence, actions + driven.passes(1)) == [Fence(THERE, BY_DISK, (DISK,))]


def test_a_node_that_starts_and_finds_its_groups_running_makes_sure_of_them() -> None:
    """Goal: no start ends while the peer may be running the same. Method: initdead, all found."""
    driven = fresh()
    driven.ticks()
    equipped(driven)
    driven.observes(DISK, GroupState.STARTED)
    assert only(Fence, driven.passes(SILENCE)) == [Fence(THERE, BY_DISK, (DISK,))]
    driven.fence_is_confirmed(proven=True)
    assert driven.phase() is Phase.ACTIVE
    assert driven.disk.owner == HERE


def test_a_group_lost_while_the_peer_is_lost_makes_it_due_at_once() -> None:
    """Goal: no retry interval is waited for. Method: lost for a minute, then something to gain."""
    driven = equipped(serving())
    driven.passes(60)
    asked = only(Fence, driven.observes(DISK, GroupState.STOPPED))
    assert asked == [Fence(THERE, BY_DISK, (DISK,))]


def test_a_leaving_node_fences_nobody() -> None:
    """Goal: who goes takes nothing. Method: its own group cannot be stopped, the peer is lost."""
    driven = equipped(joined({DISK: HERE, MAIL: THERE}), stonith=True)
    driven.happens(LeaveRequested())
    driven.stop_fails()
    assert only(Fence, driven.passes(SILENCE)) == []
    assert driven.phase() is Phase.LEAVING
    assert driven.status() is PeerStatus.LOST


def test_a_group_that_failed_here_before_is_worth_fencing_when_the_peer_had_it() -> None:
    """Goal: a new mandate is a new try. Method: failed here, given to the peer, which is lost."""
    driven = equipped(serving())
    driven.happens(ResourceLost(DISK, "disk-last", "died"))
    driven.start_fails()
    driven.stopped()
    assert driven.disk.owner == THERE
    assert driven.state() is GroupState.START_FAILED
    assert only(Fence, driven.passes(5)) == [Fence(THERE, BY_DISK, (DISK,))]


def test_a_group_that_was_not_looked_at_is_not_secured() -> None:
    """Goal: no claim on a disk that may be mounted from before. Method: initdead, nothing seen."""
    driven = fresh()
    driven.ticks()
    equipped(driven)
    assert only(Fence, driven.passes(60)) == []
    asked = only(Fence, driven.observes(DISK, GroupState.STOPPED) + driven.passes(9))
    assert asked == [Fence(THERE, BY_DISK, (DISK,))]


# --- what is told, and the operator -----------------------------------------------------------


def told(driven: Driven, seconds: int, *, failing: str = "") -> list[str]:
    """Why the peer is not fenced, as the journal has it over a time; each ask may fail."""
    said = []
    until = driven.now + seconds * 1_000_000
    while next_deadline(driven.node) <= until:
        driven.now = Instant(max(driven.now, next_deadline(driven.node)))
        failure = [FenceFailed(THERE, failing)] if failing else []
        events: list[Event] = [ClockTicked(), *failure]
        for event in events:
            taken = step(driven.node, event, driven.now)
            found = changes(driven.node, taken.node)
            said += [change.why for change in found if change.subject is Subject.FENCE]
            driven.node = taken.node
    return said


def test_why_nobody_is_fenced_is_told_once() -> None:
    """Goal: no log flood. Method: the changes of a minute without any means."""
    driven = equipped(watching(), fencing=REQUIRED, disk=PLAIN)
    assert len(told(driven, 60)) == 1


def test_why_fencing_fails_is_told_once_while_it_stays_the_same() -> None:
    """Goal: no log flood from a dead switch. Method: a minute of the same answer, then another."""
    driven = equipped(watching(), stonith=True)
    assert told(driven, 60, failing="no answer") == ["no answer"]
    assert told(driven, 60, failing="wrong password") == ["wrong password"]


def test_what_hinders_fencing_is_forgotten_when_the_peer_speaks() -> None:
    """Goal: no old reason is shown. Method: refused, then heard."""
    driven = equipped(watching(), fencing=REQUIRED, disk=PLAIN)
    driven.passes(SILENCE)
    assert driven.peer.fence_why
    driven.hears()
    assert driven.peer.fence_why == ""


@pytest.mark.parametrize("fencing", [RESERVATION, STONITH, REQUIRED])
def test_where_nothing_can_make_sure_the_operators_word_does(fencing: Fencing) -> None:
    """Goal: there is a way out. Method: refused; confirmed; started, and proven."""
    driven = equipped(watching(), fencing=fencing, disk=PLAIN)
    driven.passes(60)
    assert driven.disk.owner == THERE
    actions = driven.happens(PeerConfirmedDown(JobId(1)))
    assert [job.result for job in only(FinishJob, actions)] == [JobResult.DONE]
    assert [start.group for start in only(StartGroup, actions)] == [DISK]
    assert driven.peer.proven
    assert driven.peer.fence_why == ""


# --- evidence, where silence must do ------------------------------------------------------------


def test_a_node_that_reaches_nobody_does_not_seize() -> None:
    """Goal: it may be this node that is cut off. Method: no ping node answers; one does."""
    driven = equipped(with_router(watching()), fencing=NONE)
    driven.happens(LinkHeard(ROUTER))
    assert only(Fence, driven.passes(60)) == []
    assert driven.link_status(ROUTER) is LinkStatus.DEAD
    assert driven.peer.fence_why
    actions: Actions = ()
    for _ in range(10):
        actions += driven.happens(LinkHeard(ROUTER)) + driven.passes(1)
    assert only(Fence, actions) == [Fence(THERE, BY_WORD, (DISK,))]


def test_the_line_of_a_ping_node_is_no_line_to_the_peer() -> None:
    """Goal: only wires between the two contradict. Method: a live port towards the router."""
    driven = equipped(with_router(watching()), disk=PLAIN)
    driven.line_is(LineState.LIVE, ROUTER)
    driven.line_is(LineState.DEAD, ETHERNET)
    asked: list[Fence] = []
    for _ in range(6):
        asked += only(Fence, driven.passes(1) + driven.happens(LinkHeard(ROUTER)))
    assert asked == [Fence(THERE, BY_WORD, (DISK,))]


@pytest.mark.parametrize(("answered", "seizes"), [(0.9, False), (1.1, True)])
def test_an_answer_counts_only_if_it_came_after_a_heartbeat_was_missed(
    answered: float, seizes: bool
) -> None:
    """Goal: one cut that ends words and pings at once is seen as such, however long deadping is.

    Method: the last ping answers a little less, and a little more, than keepalive after the peer.
    """
    driven = equipped(with_router(watching()), disk=PLAIN)
    driven.hears()
    driven.passes(answered)
    driven.happens(LinkHeard(ROUTER))
    asked = only(Fence, driven.passes(5 - answered))
    assert bool(asked) is seizes


def test_a_live_line_beside_a_dead_one_is_not_a_dead_node() -> None:
    """Goal: an unplugged cable takes nothing over. Method: serial live, Ethernet dead; both."""
    driven = equipped(watching(), disk=PLAIN)
    driven.line_is(LineState.LIVE, SERIAL)
    driven.line_is(LineState.DEAD, ETHERNET)
    assert only(Fence, driven.passes(60)) == []
    assert driven.peer.fence_why
    driven.line_is(LineState.DEAD, SERIAL)
    assert only(Fence, driven.passes(10)) == [Fence(THERE, BY_WORD, (DISK,))]


@pytest.mark.parametrize(
    ("serial", "ethernet"),
    [
        (LineState.LIVE, LineState.UNKNOWN),  # a daemon that hangs, a kernel that lives
        (LineState.UNKNOWN, LineState.DEAD),
        (LineState.DEAD, LineState.DEAD),
    ],
)
def test_lines_that_do_not_contradict_each_other_hold_nothing_back(
    serial: LineState, ethernet: LineState
) -> None:
    """Goal: evidence is two lines that disagree. Method: pairs that do not."""
    driven = equipped(watching(), disk=PLAIN)
    driven.line_is(serial, SERIAL)
    driven.line_is(ethernet, ETHERNET)
    assert only(Fence, driven.passes(SILENCE)) == [Fence(THERE, BY_WORD, (DISK,))]


@pytest.mark.parametrize(
    ("disk", "switch", "means"), [(RESERVED, NO_SWITCH, BY_DISK), (PLAIN, SWITCH, BY_POWER)]
)
def test_no_evidence_holds_back_what_makes_sure(disk: bool, switch: bool, means: Means) -> None:
    """Goal: doubt is for those without proof. Method: isolated, and one line live."""
    driven = equipped(with_router(watching()), disk=disk, stonith=switch)
    driven.line_is(LineState.LIVE, SERIAL)
    driven.line_is(LineState.DEAD, ETHERNET)
    assert only(Fence, driven.passes(SILENCE)) == [Fence(THERE, means, (DISK,))]
