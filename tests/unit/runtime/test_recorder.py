"""What reaches the journal: each fact once, at its level, under its fixed identity."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from hbd.cluster.event import (
    Event,
    FailureCleared,
    FenceConfirmed,
    FenceFailed,
    GroupStopFailed,
    LeaveRequested,
    LinkHeard,
    ResourceChanged,
    ResourceLost,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.step import step
from hbd.cluster.terms import GroupState, JobId, JobResult, ResourceState, Scope
from hbd.journal import NOTICE, MessageId
from hbd.runtime.recorder import Recorder
from tests.unit.cluster.driven import (
    DISK,
    ETHERNET,
    HERE,
    SERIAL,
    THERE,
    Actions,
    Driven,
    equipped,
    fresh,
    serving,
    watching,
)

FAILED = ResourceState.FAILED


class Journal(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        record.getMessage()  # its arguments fit its text
        self.records.append(record)


class Recorded(Driven):
    """A driven node whose every step is recorded, as the daemon does it."""

    def __init__(self, driven: Driven, log: logging.Logger, journal: Journal) -> None:
        super().__init__(driven.node)
        self.now, self.said = driven.now, driven.said
        self.peer_life, self.sequence = driven.peer_life, driven.sequence
        self.journal = journal
        self._recorder = Recorder(log)

    def happens(self, event: Event) -> Actions:
        """One event, now, and on record."""
        before = self.node
        decided = step(before, event, self.now)
        self.node = decided.node
        self._recorder.record(before, event, decided.node, decided.actions)
        return decided.actions

    def lines(self, message_id: MessageId) -> list[tuple[int, dict[str, object]]]:
        """The lines of one identity: level and fields."""
        found = []
        for record in self.journal.records:
            named: dict[str, object] = getattr(record, "journal", {})
            if named.get("MESSAGE_ID") == message_id.value:
                found.append((record.levelno, named))
        return found

    def line(self, message_id: MessageId) -> tuple[int, dict[str, object]]:
        """The one line of an identity."""
        (found,) = self.lines(message_id)
        return found

    @property
    def loudest(self) -> int:
        """The highest level of all lines."""
        return max((record.levelno for record in self.journal.records), default=0)


Record = Callable[[Driven], Recorded]


@pytest.fixture
def record() -> Iterator[Record]:
    """Put a driven node on record."""
    log = logging.getLogger("hbd.tests.recorder")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    journal = Journal()
    log.addHandler(journal)
    yield lambda driven: Recorded(driven, log, journal)
    log.removeHandler(journal)


def test_a_quiet_day_is_an_empty_page(record: Record) -> None:
    """Goal: no line a second. Method: a minute of heartbeats, at every level but debug."""
    node = record(serving())
    node.listens(60)
    assert node.loudest <= logging.DEBUG


def test_a_repeated_message_is_not_even_debugged(record: Record) -> None:
    """Goal: what does nothing leaves no trace. Method: links heard, with nothing due."""
    node = record(serving())
    node.happens(LinkHeard(SERIAL))
    node.journal.records.clear()
    node.happens(LinkHeard(SERIAL))
    assert node.journal.records == []


def test_a_start_tells_that_the_node_is_active(record: Record) -> None:
    """Goal: STARTED is found by its identity. Method: a daemon's first moments."""
    node = record(fresh())
    node.ticks()
    node.observes(DISK, GroupState.STOPPED)
    node.peer_says(DISK, GroupState.STOPPED)
    level, named = node.line(MessageId.STARTED)
    assert level == NOTICE
    assert named["HBD_NODE"] == HERE


def test_a_silent_peer_is_late_then_lost_then_fenced(record: Record) -> None:
    """Goal: the story of a failure. Method: silence, and each line's level and fields."""
    node = record(watching())
    node.is_lost()
    node.fence_is_confirmed(proven=True)
    level, named = node.line(MessageId.PEER_LATE)
    assert (level, named["HBD_PEER"]) == (logging.WARNING, THERE)
    level, named = node.line(MessageId.PEER_LOST)
    assert (level, named["HBD_STATUS"], named["HBD_USEC"]) == (logging.WARNING, "lost", 5_000_000)
    level, named = node.line(MessageId.PEER_FENCED)
    assert level == NOTICE
    assert node.lines(MessageId.UNPROTECTED) == []


def test_an_unproven_takeover_is_warned_of_every_time(record: Record) -> None:
    """Goal: the weaker promise is always visible. Method: twice without a device."""
    node = record(watching())
    for times in (1, 2):
        node.is_lost()
        node.fence_is_confirmed(proven=False)
        assert len(node.lines(MessageId.UNPROTECTED)) == times
        assert all(level == logging.WARNING for level, _ in node.lines(MessageId.UNPROTECTED))
        node.hears()


def test_a_peer_that_comes_and_goes_is_told(record: Record) -> None:
    """Goal: both ends of an absence. Method: goodbye, and a new life."""
    node = record(watching())
    node.hears_goodbye()
    assert node.line(MessageId.PEER_LEFT)[0] == NOTICE
    node.peer_restarts()
    assert node.line(MessageId.PEER_ACTIVE)[0] == NOTICE


def test_a_late_peer_is_told_once_when_it_falls_silent_and_once_when_it_is_back(
    record: Record,
) -> None:
    """Goal: numbers to act on, none of them twice. Method: heard 0.4 s after warntime."""
    node = record(serving())
    node.passes(2.9)
    node.hears()
    assert node.line(MessageId.PEER_LATE)[1]["HBD_USEC"] == 2_500_000
    assert node.line(MessageId.PEER_ACTIVE)[1]["HBD_USEC"] == 2_900_000


def test_a_late_heartbeat_that_nobody_waited_for_is_told(record: Record) -> None:
    """Goal: a busy node's late heartbeat is known, too. Method: no tick at warntime."""
    node = record(serving())
    node.sleeps(2.9)
    node.hears()
    assert node.line(MessageId.PEER_LATE)[1]["HBD_USEC"] == 2_900_000
    assert node.lines(MessageId.PEER_ACTIVE) == []


def test_links_that_die_after_a_goodbye_are_no_warning(record: Record) -> None:
    """Goal: a stopped peer alarms nobody. Method: a goodbye, and deadtime."""
    node = record(serving())
    node.hears(link=SERIAL)
    node.hears_goodbye()
    node.passes(6)
    dead = {named["HBD_LINK"]: level for level, named in node.lines(MessageId.LINK_DEAD)}
    assert dead[ETHERNET] == dead[SERIAL] == logging.INFO


def test_a_link_is_told_by_name_when_it_dies_and_when_it_is_back(record: Record) -> None:
    """Goal: the cable is found. Method: silence on one of two, and then a word."""
    node = record(serving())
    node.hears(link=SERIAL)
    node.listens(6)
    level, named = node.line(MessageId.LINK_DEAD)
    assert (level, named["HBD_LINK"]) == (logging.WARNING, SERIAL)
    node.hears(link=SERIAL)
    assert [named["HBD_LINK"] for _, named in node.lines(MessageId.LINK_UP)] == [SERIAL, SERIAL]
    assert ETHERNET != SERIAL


def test_a_stall_is_a_warning_with_its_length(record: Record) -> None:
    """Goal: an overloaded node is named. Method: a minute's sleep."""
    node = record(serving())
    node.sleeps(60)
    node.ticks()
    level, named = node.line(MessageId.STALLED)
    assert level == logging.WARNING
    assert named["HBD_USEC"] == node.node.stall_usec


def test_a_group_is_told_from_owner_to_service(record: Record) -> None:
    """Goal: who has it, and since when it serves. Method: a takeover by a goodbye."""
    node = record(watching())
    node.hears_goodbye()
    level, named = node.line(MessageId.OWNER_CHANGED)
    assert (level, named["HBD_GROUP"], named["HBD_OWNER"]) == (NOTICE, DISK, HERE)
    node.started()
    level, named = node.line(MessageId.GROUP_STARTED)
    assert (level, named["HBD_STATE"]) == (NOTICE, "started")


def test_failures_are_errors_with_their_reason(record: Record) -> None:
    """Goal: the two that call for a person. Method: a start that fails, and a stop."""
    node = record(serving())
    node.happens(ResourceLost(DISK, "disk-last", "died"))
    node.start_fails()
    node.stop_fails()
    assert node.line(MessageId.STOP_FAILED)[0] == logging.ERROR
    node.listens(5)
    node.stopped()
    assert node.line(MessageId.START_FAILED)[0] == logging.ERROR


def stop_fails_again(node: Recorded, why: str = "busy") -> None:
    """One retry, step by step as the executor tells it: one resource stops, one does not."""
    node.listens(5)
    assert node.state() is GroupState.STOPPING
    for resource, states in (
        ("disk-last", (ResourceState.STOPPING, ResourceState.STOPPED)),
        ("disk-first", (ResourceState.STOPPING, ResourceState.FAILED)),
    ):
        for state in states:
            said = why if state is ResourceState.FAILED else ""
            node.happens(ResourceChanged(DISK, resource, state, said))
    node.happens(GroupStopFailed(DISK, node.disk.operation, why))


def stuck(record: Record) -> Recorded:
    """A node whose group has failed to stop for the first time; the page is empty again."""
    node = record(serving())
    node.happens(StandbyRequested(JobId(5), Scope.ALL))
    for resource, state in (
        ("disk-last", ResourceState.STOPPED),
        ("disk-first", ResourceState.FAILED),
    ):
        node.happens(ResourceChanged(DISK, resource, state, "busy" if state is FAILED else ""))
    node.happens(GroupStopFailed(DISK, node.disk.operation, "busy"))
    assert node.line(MessageId.STOP_FAILED)[0] == logging.ERROR
    node.journal.records.clear()
    return node


def test_a_stop_that_goes_on_failing_is_told_once_a_minute(record: Record) -> None:
    """Goal: two lines a minute are read, a hundred are not. Method: three minutes of tries."""
    node = stuck(record)
    began = node.now
    while node.now < began + 185_000_000:
        stop_fails_again(node)
    told = [named for level, named in node.lines(MessageId.STOP_FAILED) if level == logging.ERROR]
    assert [int(str(named["HBD_USEC"])) // 60_000_000 for named in told] == [1, 2, 3]
    assert len(node.lines(MessageId.JOB_FINISHED)) == 1  # the standby, whose time is over
    assert len([r for r in node.journal.records if r.levelno >= logging.INFO]) == len(told) + 1


def test_a_stop_that_fails_otherwise_is_told_at_once(record: Record) -> None:
    """Goal: what changes is news. Method: another reason at the second try, and its end."""
    node = stuck(record)
    stop_fails_again(node)
    stop_fails_again(node, "still used by p2[2]")
    assert node.line(MessageId.STOP_FAILED)[0] == logging.ERROR
    assert len([r for r in node.journal.records if r.levelno == logging.WARNING]) == 1
    node.listens(5)
    node.happens(ResourceChanged(DISK, "disk-first", ResourceState.STOPPED))
    node.stopped()
    assert len(node.lines(MessageId.GROUP_STOPPED)) == 1
    assert len([r for r in node.journal.records if r.levelno == logging.INFO]) == 1


def test_an_operators_new_try_is_told_step_by_step(record: Record) -> None:
    """Goal: who asks gets an answer. Method: clear-failure, and the same outcome as before."""
    node = stuck(record)
    node.happens(FailureCleared(JobId(9), (DISK,)))
    node.happens(ResourceChanged(DISK, "disk-first", FAILED, "busy"))
    node.happens(GroupStopFailed(DISK, node.disk.operation, "busy"))
    assert node.line(MessageId.STOP_FAILED)[0] == logging.ERROR
    assert len([r for r in node.journal.records if r.levelno == logging.WARNING]) == 1


def start_is_refused(node: Recorded) -> None:
    """One try at a group whose address somebody answers for, as the executor tells it."""
    for resource, state in (
        ("disk-first", ResourceState.STARTING),
        ("disk-first", ResourceState.FAILED),
    ):
        node.happens(ResourceChanged(DISK, resource, state, "in use" if state is FAILED else ""))
    node.start_fails(is_in_use=True)
    for resource in ("disk-last", "disk-first"):
        for state in (ResourceState.STOPPING, ResourceState.STOPPED):
            node.happens(ResourceChanged(DISK, resource, state))
    node.stopped()


def test_a_start_that_waits_for_its_address_is_told_once_a_minute(record: Record) -> None:
    """Goal: as for a stop. Method: a taken disk, two minutes of refusals, then the group serves."""
    node = record(equipped(watching()))
    node.is_lost()
    node.happens(FenceConfirmed(THERE, proven=True, groups=(DISK,)))
    start_is_refused(node)
    assert node.line(MessageId.START_FAILED)[0] == logging.ERROR
    node.journal.records.clear()
    began = node.now
    while node.now < began + 125_000_000:
        node.passes(5)
        start_is_refused(node)
    told = [named for _, named in node.lines(MessageId.START_FAILED)]
    assert [int(str(named["HBD_USEC"])) // 60_000_000 for named in told] == [1, 2]
    assert len([r for r in node.journal.records if r.levelno >= logging.INFO]) == len(told)
    node.passes(5)
    node.started()
    assert node.line(MessageId.GROUP_STARTED)[0] == NOTICE


def test_a_lost_resource_is_a_warning_that_names_it(record: Record) -> None:
    """Goal: which of five. Method: one dies."""
    node = record(serving())
    node.happens(ResourceLost(DISK, "disk-last", "died"))
    level, named = node.line(MessageId.RESOURCE_LOST)
    assert (level, named["HBD_RESOURCE"]) == (logging.WARNING, "disk-last")


def test_what_becomes_of_a_lost_resource_is_told_as_it_is(record: Record) -> None:
    """Goal: no 'starting' of what is being released. Method: lost once, and soon again."""
    node = record(serving())
    said = []
    for _ in range(2):
        node.journal.records.clear()
        node.happens(ResourceLost(DISK, "disk-last", "died"))
        (line,) = (r for r in node.journal.records if r.levelno == logging.WARNING)
        said.append(line.getMessage().rpartition("the group is ")[2])
        node.started()
    assert said == ["starting now", "stopping now"]


@pytest.mark.parametrize(
    ("state", "level"),
    [(state, logging.INFO) for state in ResourceState if state is not ResourceState.FAILED]
    + [(ResourceState.FAILED, logging.WARNING)],
)
def test_each_resource_on_its_way_is_told(record: Record, state: ResourceState, level: int) -> None:
    """Goal: how far it got. Method: each state of one resource."""
    node = record(serving())
    node.happens(ResourceChanged(DISK, "disk-first", state, "why"))
    (line,) = (r for r in node.journal.records if r.levelno >= logging.INFO)
    assert line.levelno == level


@pytest.mark.parametrize("kind", [TakeoverRequested, StandbyRequested])
def test_an_operators_request_is_told_with_who_asked_and_how_it_ended(
    record: Record, kind: type[TakeoverRequested | StandbyRequested]
) -> None:
    """Goal: one can ask who did that. Method: a request that is refused or done at once."""
    node = record(fresh())
    node.happens(kind(JobId(5), Scope.ALL, (), "uid 1000"))
    level, named = node.line(MessageId.REQUESTED)
    assert (level, named["HBD_JOB"]) == (logging.INFO, 5)
    level, named = node.line(MessageId.JOB_FINISHED)
    assert (level, named["HBD_JOB"]) == (logging.WARNING, 5)


def test_a_job_that_is_done_is_no_warning(record: Record) -> None:
    """Goal: success is quiet. Method: a takeover of what is here."""
    node = record(serving())
    node.happens(TakeoverRequested(JobId(6), Scope.ALL))
    assert node.line(MessageId.JOB_FINISHED)[0] == logging.INFO
    assert JobResult.DONE.value in node.journal.records[-1].getMessage()


def test_a_failed_fencing_is_an_error(record: Record) -> None:
    """Goal: nothing can be taken over until it is mended. Method: the device says no."""
    node = record(watching())
    node.is_lost()
    node.journal.records.clear()
    node.happens(FenceFailed(THERE, "no answer"))
    assert node.loudest == logging.ERROR


def test_an_end_is_told(record: Record) -> None:
    """Goal: LEFT is found by its identity. Method: leave while holding nothing."""
    node = record(watching())
    node.happens(LeaveRequested())
    node.passes(1)
    level, named = node.line(MessageId.LEFT)
    assert (level, named["HBD_PHASE"]) == (NOTICE, "left")


def test_every_line_carries_its_event_word(record: Record) -> None:
    """Goal: HBD_EVENT and MESSAGE_ID are one. Method: a story with many lines."""
    node = record(watching())
    node.is_lost()
    node.fence_is_confirmed()
    node.started()
    ids = {message_id.value: message_id.name.lower().replace("_", "-") for message_id in MessageId}
    named = [getattr(r, "journal", {}) for r in node.journal.records]
    with_id = [fields for fields in named if "MESSAGE_ID" in fields]
    assert len(with_id) >= 5
    assert all(ids[fields["MESSAGE_ID"]] == fields["HBD_EVENT"] for fields in with_id)
