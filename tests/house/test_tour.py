"""The README's tour, as far as it holds without a machine; tests/lab/test_tour.py walks it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.house.tour import Stop, stops
from tests.house.tree import ROOT


def introspected() -> list[tuple[str, set[str]]]:
    """The interface of each `busctl introspect` of the tour, and the members shown of it."""
    return [
        (stop.command.split()[-1], set(re.findall(r"^\.(\w+)", stop.shown, re.MULTILINE)))
        for stop in stops()
        if stop.command.startswith("busctl introspect")
    ]


def test_the_tour_shows_every_way_of_asking_the_bus() -> None:
    """Goal: nothing is left out in a rewrite. Method: the commands it begins lines with."""
    wanted = ("busctl tree", "busctl introspect", "busctl monitor", "busctl call", "journalctl -x")
    commands = [stop.command for stop in stops()]
    for begin in wanted:
        assert [command for command in commands if command.startswith(begin)], begin
    assert all(stop.shown for stop in stops())


def test_the_tour_shows_the_members_that_the_contract_has() -> None:
    """Goal: a new property reaches the README. Method: what is shown against dbus/*.xml."""
    assert introspected()
    for interface, shown in introspected():
        described = ElementTree.parse(ROOT / f"dbus/{interface}.xml").getroot().iter("interface")
        assert shown == {member.attrib["name"] for each in described for member in each}


@pytest.mark.parametrize(
    ("shown", "output", "same"),
    [
        ("job/…", "job/17", True),
        ("a\n…\nz", "a\nb\nc\nz", True),
        ("└─/org", "└─ /org", True),
        ("NAME  TYPE", "NAME TYPE   ", True),
        ('STRING "done";', 'STRING "failed";', False),
        ("a", "a\nb", False),
        ("a\nb", "a", False),
        ("1.5", "125", False),
    ],
)
def test_only_what_is_marked_may_differ(shown: str, output: str, same: bool) -> None:
    """Goal: the comparison is awake. Method: outputs that are the same, and that are not."""
    assert Stop("alice", "ttisrv1", "true", shown).is_so(output) is same
