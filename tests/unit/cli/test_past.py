"""History as people see it: which one is meant, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hbd.bus.history import told
from hbd.cli.history import as_lines, explanation
from hbd.cli.lasts import summary
from hbd.cli.outcome import Trouble
from hbd.cli.past import TransitionView, chosen, transition_view
from tests.bus.beliefs import HERE, SHARE, THERE
from tests.bus.transitions import LOST, NEWEST_FIRST, RUNNING


def views() -> list[TransitionView]:
    """What the daemon tells, as hbctl reads it."""
    return [
        transition_view({key: value.value for key, value in told(each).items()})
        for each in NEWEST_FIRST
    ]


def test_what_the_daemon_tells_is_what_hbctl_reads() -> None:
    """Goal: nothing is lost between them. Method: one with all its parts."""
    view = views()[1]
    assert (view.id, view.cause, view.result) == (LOST.id, "peer-lost", "moved")
    assert [step.usec for step in view.steps] == [stage.usec for stage in LOST.stages]
    assert [move.epoch for move in view.moves] == [7]


def test_the_last_one_is_explained_unless_another_is_named() -> None:
    """Goal: `hbctl explain` alone does it. Method: none, an id, its end, and one unknown."""
    assert chosen(views(), None).id == RUNNING.id
    assert chosen(views(), LOST.id).id == LOST.id
    assert chosen(views(), "0002").id == LOST.id
    with pytest.raises(Trouble):
        chosen(views(), "0009")
    with pytest.raises(Trouble):
        chosen([], None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, f"peer-lost: {THERE} -> {HERE}, moved, unserved for 5.3 s"),
        ({"outage_usec": 40_000}, f"peer-lost: {THERE} -> {HERE}, moved"),
        ({"origin": ""}, f"peer-lost: nobody -> {HERE}, moved, unserved for 5.3 s"),
        (
            {"origin": HERE, "result": "started"},
            f"peer-lost: on {HERE}, started, unserved for 5.3 s",
        ),
    ],
)
def test_a_groups_last_move_is_one_line(changes: dict[str, Any], said: str) -> None:
    """Goal: status says it shortly. Method: a move, and each of its parts otherwise."""
    view = views()[1]
    moves = (replace(view.moves[0], **changes),)
    assert summary(replace(view, moves=moves), SHARE) == said


def test_another_versions_answer_is_a_clear_error() -> None:
    """Goal: no traceback after an upgrade. Method: an answer that lacks a key."""
    with pytest.raises(Trouble):
        transition_view({"Id": "x"})


def test_every_transition_has_a_line_and_the_newest_is_last() -> None:
    """Goal: the eye ends at what is new. Method: two of them."""
    lines = list(as_lines(views()))
    assert [LOST.id in lines[0], RUNNING.id in lines[1]] == [True, True]


def test_an_explanation_names_every_step_rule_and_line() -> None:
    """Goal: why, without another tool. Method: each word must be there."""
    text = "\n".join(explanation(views()[1], ["a line of the journal"]))
    for word in ("fence-first", "acquire-unprotected", "eth1", "unprotected", "smb", "5.31 s"):
        assert word in text
    assert "a line of the journal" in text
