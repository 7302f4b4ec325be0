"""Two beliefs, and what an administrator is told of the difference."""

from __future__ import annotations

from hbd.cluster.change import Change, Subject, changes, holder, links_up
from hbd.cluster.event import LeaveRequested, LinkHeard
from hbd.cluster.step import next_deadline
from hbd.cluster.terms import SECOND, GroupState
from tests.unit.cluster.driven import (
    DISK,
    ETHERNET,
    HERE,
    ROUTER,
    SERIAL,
    THERE,
    Driven,
    fresh,
    serving,
    watching,
    with_router,
)


class Watched:
    """The changes since one looked last."""

    def __init__(self, driven: Driven) -> None:
        self._driven = driven
        self._before = driven.node

    def since(self) -> list[Change]:
        """All of them."""
        before, self._before = self._before, self._driven.node
        return list(changes(before, self._driven.node))

    def about(self, subject: Subject) -> list[Change]:
        """Those about one subject."""
        return [change for change in self.since() if change.subject is subject]


def test_nothing_new_is_nothing_told() -> None:
    """Goal: a quiet journal. Method: ten seconds of the same heartbeats."""
    driven = serving()
    watched = Watched(driven)
    driven.listens(10)
    assert watched.since() == []


def test_a_link_that_dies_is_told_by_name() -> None:
    """Goal: the cable is found. Method: silence on one of two links."""
    driven = serving()
    driven.hears(link=SERIAL)
    watched = Watched(driven)
    driven.listens(6)
    assert watched.about(Subject.LINK) == [Change(Subject.LINK, SERIAL, "up", "dead")]


def test_a_late_peer_is_told_with_how_long_it_is_silent() -> None:
    """Goal: silence in numbers. Method: warntime passes."""
    driven = serving()
    watched = Watched(driven)
    driven.passes(2.5)
    (change,) = watched.about(Subject.PEER)
    assert (change.was, change.now, change.usec) == ("active", "late", 2_500_000)


def test_a_late_heartbeat_is_told_with_how_late() -> None:
    """Goal: a warning one can act on. Method: heard 0.4 s after warntime."""
    driven = serving()
    driven.passes(2.9)
    watched = Watched(driven)
    driven.hears()
    (change,) = watched.about(Subject.LATE)
    assert (change.name, change.usec) == (THERE, 2_900_000)


def test_a_late_heartbeat_is_told_once() -> None:
    """Goal: one line a fact. Method: the next tick, and the next link on which it comes."""
    driven = serving()
    driven.passes(2.9)
    driven.hears()
    watched = Watched(driven)
    driven.ticks()
    assert watched.about(Subject.LATE) == []
    driven.happens(LinkHeard(SERIAL))
    assert watched.about(Subject.LATE) == []


def test_a_heartbeat_in_time_is_not_told() -> None:
    """Goal: warntime is the border. Method: heard exactly at warntime."""
    driven = serving()
    driven.passes(2.5)
    watched = Watched(driven)
    driven.hears()
    assert watched.about(Subject.LATE) == []


def test_a_peer_that_comes_back_from_a_loss_is_not_called_late() -> None:
    """Goal: one fact, told once. Method: lost, then heard."""
    driven = serving()
    driven.passes(60)
    watched = Watched(driven)
    driven.hears()
    told = watched.since()
    assert [c.subject for c in told if c.subject in (Subject.LATE, Subject.PEER)] == [Subject.PEER]
    (peer,) = (change for change in told if change.subject is Subject.PEER)
    assert (peer.was, peer.now, peer.usec) == ("lost", "active", 60 * SECOND)


def test_a_new_life_of_the_peer_is_told() -> None:
    """Goal: a restart is seen. Method: the generation grows without an absence."""
    driven = serving()
    watched = Watched(driven)
    driven.peer_restarts()
    (change,) = watched.about(Subject.PEER)
    assert (change.was, change.now) == (f"life {driven.peer_life - 1}", f"life {driven.peer_life}")


def test_how_the_peer_was_fenced_is_told() -> None:
    """Goal: a weaker promise is always visible. Method: proven, and not."""
    why = []
    for proven in (True, False):
        driven = watching()
        driven.is_lost()
        watched = Watched(driven)
        driven.fence_is_confirmed(proven=proven)
        (change,) = watched.about(Subject.PEER)
        assert change.now == "fenced"
        why.append(change.why)
    assert why[0] != why[1]


def test_a_stall_is_told_with_how_long_it_was() -> None:
    """Goal: an overloaded or suspended node is named. Method: an hour's sleep."""
    driven = serving()
    due = next_deadline(driven.node)
    watched = Watched(driven)
    driven.sleeps(3600)
    driven.ticks()
    (change,) = watched.about(Subject.STALL)
    assert change.usec == driven.now - due


def test_an_owner_is_told_when_the_record_changes() -> None:
    """Goal: who has it. Method: a takeover by a goodbye."""
    driven = watching()
    watched = Watched(driven)
    driven.hears_goodbye()
    assert watched.about(Subject.OWNER) == [Change(Subject.OWNER, DISK, THERE, HERE)]


def test_a_group_is_told_with_why_it_failed() -> None:
    """Goal: the reason where one looks for it. Method: a failed start."""
    driven = serving()
    driven.observes(DISK, GroupState.STOPPED)
    driven.hears()
    watched = Watched(driven)
    driven.start_fails()
    (change,) = watched.about(Subject.GROUP)
    assert (change.was, change.now, change.why) == ("starting", "stopping", "no such disk")


def test_a_nodes_own_phase_is_told() -> None:
    """Goal: start and end are seen. Method: leave while holding nothing."""
    driven = watching()
    watched = Watched(driven)
    driven.happens(LeaveRequested())
    driven.passes(1)
    assert [(c.was, c.now) for c in watched.about(Subject.NODE)] == [("active", "left")]


def test_changes_go_from_the_node_to_its_groups() -> None:
    """Goal: causes before effects. Method: a first heartbeat that changes nearly everything."""
    driven = fresh()
    driven.ticks()
    driven.observes(DISK, GroupState.STOPPED)
    watched = Watched(driven)
    driven.peer_says(DISK, GroupState.STOPPED)
    order = list(Subject)
    subjects = [order.index(change.subject) for change in watched.since()]
    assert subjects == sorted(subjects)
    assert len(set(subjects)) > 2


# --- who serves, and over what ------------------------------------------------------------------


def test_links_up_counts_those_to_the_peer() -> None:
    """Goal: the first number one asks for. Method: two links and a ping node."""
    driven = with_router(fresh())
    assert links_up(driven.node) == 0
    driven.happens(LinkHeard(ETHERNET))
    driven.happens(LinkHeard(ROUTER))
    assert links_up(driven.node) == 1
    driven.happens(LinkHeard(SERIAL))
    assert links_up(driven.node) == 2


def test_the_holder_is_who_serves_as_far_as_this_node_knows() -> None:
    """Goal: `hbctl status` tells no tales. Method: here, there, nobody, unknown."""
    here = serving()
    assert holder(here.node, here.disk) == HERE
    there = watching()
    assert holder(there.node, there.disk) == THERE
    there.peer_says(DISK, GroupState.STOPPED)
    assert holder(there.node, there.disk) is None
    there.peer_says(DISK, GroupState.STARTED)
    there.is_lost()
    assert holder(there.node, there.disk) is None


def test_a_group_being_released_here_has_its_holder_here() -> None:
    """Goal: held is held until proven gone. Method: a standby in the middle."""
    driven = serving()
    driven.peer_says(DISK, GroupState.STOPPED, wanted=True)
    assert driven.state() is GroupState.STOPPING
    assert holder(driven.node, driven.disk) == HERE
