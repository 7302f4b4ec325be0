"""The stories that every pair of nodes lives through are told everywhere: model, lab, manual."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.house.tree import ROOT, functions

PAGE = ROOT / "man/hbd-fencing.7"


@dataclass(frozen=True)
class Told:
    """Where a story is told: tags of hbd-fencing(7), the simulator's texts, the lab's tests."""

    manual: tuple[str, ...]
    sim: tuple[str, ...]
    lab: tuple[tuple[str, str], ...]  # module below tests/lab, test


STORIES = {
    "two nodes start together": Told(
        ("Both machines start together.",),
        ("start-together", "both-start-together-links-cut-disk"),
        (("test_start", "test_the_first_start_says_once_what_became_true"),),
    ),
    "a node returns from a pause": Told(
        ("The active machine is paused for 30 s and goes on.",),
        ("paused-briefly", "paused-long", "pause-active-30s-reservation"),
        (("test_stall", "test_a_node_that_stood_still_for_longer_gives_way_when_it_goes_on"),),
    ),
    "a partition heals": Told(
        ("A partition heals.", "Every cable is cut, both machines live."),
        ("all-cables-cut", "all-cables-cut-disk-alive", "all-cables-cut-address-answers"),
        (("test_split_brain", "test_one_returning_link_is_enough_to_end_a_partition"),),
    ),
    "the daemon is upgraded in place": Told(
        ("The daemon is upgraded, killed or restarted in place.",),
        ("daemon-upgraded-in-place", "daemon-killed"),
        (("test_upgrade", "test_a_client_does_not_notice_an_upgrade_under_a_serving_group"),),
    ),
    "power is lost on both and back on one": Told(
        ("Power is lost on both, and comes back on one.",),
        ("power-lost-on-both-back-on-one",),
        (("test_power", "test_a_node_whose_peer_never_comes_serves_after_initdead"),),
    ),
}


@pytest.mark.parametrize("told", STORIES.values(), ids=STORIES)
def test_a_story_is_in_the_simulator_in_the_lab_and_in_the_manual(told: Told) -> None:
    """Goal: none of the three is lost. Method: the manual's tags, the texts, the tests' names."""
    tags = PAGE.read_text().splitlines()
    assert [tag for tag in told.manual if f".It Sy {tag}" not in tags] == []
    texts = {path.stem for path in (ROOT / "tests/sim/scenarios").glob("*.txt")}
    assert set(told.sim) <= texts
    for module, name in told.lab:
        assert name in {each.name for each in functions(ROOT / f"tests/lab/{module}.py")}
