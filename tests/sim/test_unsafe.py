"""Where nothing protects: each combination that hbd-fencing(7) lists is found, and no other."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.house.tree import ROOT
from tests.sim.plan import ON_A_LINK, live, plan_of, shrink
from tests.sim.unsafe import Combination, combination_of, look, name_of

# One life that ends so, of those that `make sim-unsafe` found.
LIVES = {
    "links + LAN": 7,
    "links + power": 24,
    "links + stop + stuck": 217,
    "daemon + stuck": 74,
    "pause": 10,
}
OTHERS = range(1, 9)
TAG = re.compile(r"^\.It Sy (.*)$", re.MULTILINE)


def tags(number: int) -> set[str]:
    """What is tagged in a list of the section: the words first, then the combinations."""
    page = (ROOT / "man/hbd-fencing.7").read_text()
    section = page.partition(".Ss What remains unsafe\n")[2].partition("\n.S")[0]
    return set(TAG.findall(section.split("\n.Bl ")[number]))


def explained() -> set[str]:
    """The words that hbd-fencing(7) explains."""
    return tags(1)


def listed() -> set[str]:
    """What it says remains unsafe."""
    return tags(2)


def test_the_manual_lists_the_combinations_that_were_found() -> None:
    """Goal: hbd-fencing(7) says exactly what is unsafe. Method: its list against the lives here."""
    assert listed() == set(LIVES)


def test_the_manual_says_what_its_words_mean() -> None:
    """Goal: no word without a meaning. Method: the words of the list against the first list."""
    words = {word for name in LIVES for word in name.split(" + ")}
    assert explained() == words


@pytest.mark.parametrize("name", LIVES)
def test_a_combination_leads_to_two_writers_and_nothing_less_does(name: str) -> None:
    """Goal: what is listed is unsafe. Method: one life, shrunk until every fault is needed."""
    found = shrink(plan_of(LIVES[name]))
    assert found is not None
    assert name_of(combination_of(found)) == name


def test_no_life_has_two_writers_for_another_reason() -> None:
    """Goal: what is not listed is safe. Method: other lives; each that fails contains a listed one.

    Eight here; `make sim-unsafe SEEDS=…` takes as many as there is time for.
    """
    known: set[Combination] = {frozenset(name.split(" + ")) for name in LIVES}
    found = look(OTHERS)
    assert found.plans, "lives that had something to find"
    strange = [each for each in found.plans if not any(part <= each for part in known)]
    assert strange == []


@pytest.mark.parametrize("kind", ON_A_LINK)
def test_a_link_is_silent_however_it_fails(kind: str) -> None:
    """Goal: `links` is any of the three. Method: every link by one of them, and the LAN cut."""
    plan = plan_of(SILENT[kind])
    faults = tuple(each for each in plan.faults if each.kind in (kind, "cut_lan"))
    assert [fault.kind for fault in faults].count(kind) == LINKS
    assert live(replace(plan, faults=faults), plan.seed) is not None


# Lives in which the links fail in one of the three ways.
SILENT = {"cut_cable": 7, "cut_both_ways": 132, "spoil_cable": 157}
LINKS = 2
