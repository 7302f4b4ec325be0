"""What is told of two pictures: moves once and at their end, problems at both of theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hbd.bus.history import told
from hbd.cli.past import TransitionView, transition_view
from hbd.cli.problems import Kind, problems
from hbd.cli.view import status_view
from hbd.notify.note import News, Note, Urgency, Withdrawal
from hbd.notify.words import Scene, news, running_again, standing, stopped
from hbd.story.transition import Cause
from tests.bus.transitions import LOST
from tests.unit.cli.pictures import SHARE
from tests.unit.cli.test_problems import GROUP, LINK, MANAGER, ROOT, Objects, healthy

HERE, THERE = "ttisrv1", "ttisrv2"
Change = Callable[[Objects], object]


def scene(*changes: Change, moves: dict[str, TransitionView] | None = None) -> Scene:
    """The healthy cluster after these changes."""
    objects = healthy()
    for change in changes:
        change(objects)
    view = status_view(objects)
    return Scene(view, standing(problems(view)), moves or {})


def link_dead(objects: Objects) -> None:
    objects["/l/1"][LINK] |= {"Status": "dead"}


def link_gone(objects: Objects) -> None:
    objects[ROOT][MANAGER]["Links"] = ["/l/2"]


def peer_lost(objects: Objects) -> None:
    objects[ROOT][MANAGER]["PeerStatus"] = "lost"


def peer_left(objects: Objects) -> None:
    objects[ROOT][MANAGER]["PeerStatus"] = "left"


def unprotected(objects: Objects) -> None:
    objects[ROOT][MANAGER]["Protection"] = "none"


def failed(objects: Objects) -> None:
    objects["/g/1"][GROUP] |= {"State": "start-failed", "Failure": "smb: status 1"}


def in_maintenance(objects: Objects) -> None:
    objects["/n/1"]["org.hbd.Heartbeat1.Node"]["Maintenance"] = True


def move(**changes: object) -> TransitionView:
    """The other node is lost and its group comes here: as the daemon tells it."""
    view = transition_view({key: value.value for key, value in told(LOST).items()})
    return replace(view, **changes)  # type: ignore[arg-type]  # a test's own words


def subjects(found: list[News]) -> list[tuple[str, type[News]]]:
    return [(each.subject, type(each)) for each in found]


def only_note(found: list[News]) -> Note:
    [note] = found
    assert isinstance(note, Note)
    return note


def test_who_logs_in_hears_of_what_does_not_work_and_of_nothing_older() -> None:
    """Goal: no pile at every login. Method: a first scene with an error, a warning and a move."""
    assert news(None, scene()) == []
    found = news(None, scene(link_dead, unprotected, moves={SHARE: move()}))
    assert subjects(found) == [("link eth1", Note)]
    assert news(scene(link_dead), scene(link_dead)) == []


@pytest.mark.parametrize(
    ("change", "subject", "urgency", "end"),
    [
        (link_dead, "link eth1", Urgency.CRITICAL, Note),
        (peer_lost, f"node {THERE}", Urgency.CRITICAL, Note),
        (peer_left, f"node {THERE}", Urgency.NORMAL, Note),
        (unprotected, "protection", Urgency.NORMAL, Note),
        (failed, f"group {SHARE}", Urgency.CRITICAL, Withdrawal),
    ],
)
def test_a_problem_is_told_when_it_begins_and_its_end_in_the_same_place(
    change: Change, subject: str, urgency: Urgency, end: type[News]
) -> None:
    """Goal: replaced, not piled up. Method: each kind, there and back: one subject."""
    began = only_note(news(scene(), scene(change)))
    assert (began.subject, began.urgency) == (subject, urgency)
    [ended] = news(scene(change), scene())
    assert (ended.subject, type(ended)) == (subject, end)
    assert not isinstance(ended, Note) or ended.urgency is not Urgency.CRITICAL


def test_a_cause_takes_the_place_of_its_consequences() -> None:
    """Goal: a dead peer is one thing. Method: its link was dead before, and is no news then."""
    found = news(scene(link_dead), scene(link_dead, peer_lost))
    assert subjects(found) == [(f"node {THERE}", Note), ("link eth1", Withdrawal)]


def test_a_link_that_was_taken_out_is_not_said_to_work() -> None:
    """Goal: an end for want of a thing is silent. Method: a dead link that a reload removes."""
    assert subjects(news(scene(link_dead), scene(link_gone))) == [("link eth1", Withdrawal)]


def test_what_an_operator_does_on_purpose_is_not_told() -> None:
    """Goal: no noise. Method: maintenance."""
    assert news(scene(), scene(in_maintenance)) == []


def test_a_move_is_told_once_when_it_is_over() -> None:
    """Goal: who serves now, why, and what clients felt. Method: before it, at its end, after it."""
    over = scene(moves={SHARE: move()})
    note = only_note(news(scene(), over))
    assert (note.subject, note.urgency) == (f"group {SHARE}", Urgency.NORMAL)
    assert SHARE in note.summary
    assert HERE in note.summary
    assert THERE in note.body
    assert "5.3 s" in note.body
    assert news(over, over) == []


@pytest.mark.parametrize("result", ["stayed", "released", "failed"])
def test_what_did_not_move_is_no_move(result: str) -> None:
    """Goal: failures are told as problems, the rest not at all. Method: the other results."""
    assert news(scene(), scene(moves={SHARE: move(result=result)})) == []


@pytest.mark.parametrize(
    ("cause", "outage_usec", "is_told"),
    [("start", 0, False), ("start", 900_000, True), ("resource-lost", 0, True)],
)
def test_a_daemon_that_finds_its_groups_running_has_started_nothing(
    cause: str, outage_usec: int, *, is_told: bool
) -> None:
    """Goal: a restart of hbd is no news. Method: the same result, felt and not, of two causes."""
    view = move(cause=cause, result="started", origin=HERE, outage_usec=outage_usec)
    assert bool(news(scene(), scene(moves={SHARE: view}))) is is_told


def test_groups_that_move_together_are_one_notification() -> None:
    """Goal: a takeover of three groups is one thing. Method: one transition, three names."""
    names = ("a", "b", "c")
    note = only_note(news(scene(), scene(moves={name: move(groups=names) for name in names})))
    assert "a, b, c" in note.body


def test_a_failure_outweighs_the_move_that_led_to_it() -> None:
    """Goal: at most one thing about a group, the worst. Method: both at once."""
    found = news(scene(), scene(failed, moves={SHARE: move()}))
    assert only_note(found).urgency is Urgency.CRITICAL


@pytest.mark.parametrize("cause", [cause.value for cause in Cause])
def test_every_cause_has_words_for_people(cause: str) -> None:
    """Goal: no bare word of ours. Method: every cause of the story."""
    note = only_note(news(scene(), scene(moves={SHARE: move(cause=cause)})))
    assert not note.body.startswith(cause)
    assert "{" not in note.body


def test_a_cause_of_a_later_version_is_told_as_it_is() -> None:
    """Goal: an old notifier still tells. Method: a word that nobody knows."""
    assert (
        "solar-flare"
        in only_note(news(scene(), scene(moves={SHARE: move(cause="solar-flare")}))).body
    )


def test_every_kind_of_problem_that_is_told_has_its_words() -> None:
    """Goal: no kind is forgotten. Method: what stands, and what does not by intention."""
    silent = {
        Kind.NODE_NOT_ACTIVE, Kind.PEER_UNKNOWN, Kind.PEER_LATE, Kind.CONFIG_DRIFT,
        Kind.GROUP_NOT_AT_HOME, Kind.RESOURCE_FAILED, Kind.MAINTENANCE,
    }  # fmt: skip
    [example] = scene(link_dead).problems.values()
    for kind in Kind:
        problem = replace(example, kind=kind)
        assert bool(standing([problem])) is (kind not in silent), kind
        if kind not in silent:
            after = Scene(scene().view, standing([problem]))
            assert only_note(news(scene(), after)).summary


def test_the_daemons_end_is_told_and_its_return_takes_it_away() -> None:
    """Goal: no false silence. Method: both."""
    assert stopped(scene().view).subject == running_again().subject
