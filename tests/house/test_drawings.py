"""Every state has a drawing made of the same words, and it is still true."""

from __future__ import annotations

from tests.house.drawings import drawn_states, enums
from tests.house.tree import ROOT, modules, syntax

# The states that an operator meets: these must be drawn, others may be.
DRAWN = {"Phase", "PeerStatus", "LinkStatus", "GroupState"}


def test_the_drawing_above_an_enum_has_exactly_its_words() -> None:
    """Goal: the picture a reader trusts is the code. Method: compare both sets of words."""
    differences = {
        f"{module}.{name}": (drawn - words, words - drawn)
        for module, path in modules().items()
        for name, docstring, words in enums(syntax(path))
        if (drawn := drawn_states(docstring)) and drawn != words
    }
    assert differences == {}


def test_the_states_an_operator_meets_are_drawn() -> None:
    """Goal: no state machine without its picture. Method: look for the drawing of each."""
    terms = syntax(ROOT / "hbd/cluster/terms.py")
    assert {name for name, docstring, _ in enums(terms) if drawn_states(docstring)} >= DRAWN


def test_a_drawing_is_read_as_people_read_it() -> None:
    """Goal: the comparison is awake. Method: a drawing with every form that is allowed."""
    drawing = """What may happen.

    One wire: up ──some of  silence──► dead ──heard──► up.
    a ──► b | c        d ◄──back, again── e ──gone──► f, g ──► h
    """
    assert drawn_states(drawing) == {"up", "dead", "a", "b", "c", "d", "e", "f", "g", "h"}
