"""hbd(8) explains every cause and every rule of a transition, and nothing else."""

from __future__ import annotations

import re

from hbd.story.transition import Cause, Rule
from tests.house.manual import PAGES

PAGE = (PAGES / "hbd.8").read_text()


def tags(macro: str) -> set[str]:
    """The words that the section's lists explain."""
    _, _, section = PAGE.partition(".Sh TRANSITIONS\n")
    section = section.partition(".Sh ")[0]
    found = re.findall(rf"^\.It {macro} (.+)$", section, re.MULTILINE)
    return {word for line in found for word in line.split(" , ")}


def test_every_cause_is_explained_and_nothing_else() -> None:
    """Goal: an operator can look a word up. Method: the list against the enum."""
    assert tags("Cm") == {cause.value for cause in Cause}


def test_every_rule_is_explained_and_nothing_else() -> None:
    """Goal: the rule that decided can be read. Method: the list against the enum."""
    assert tags("Va") == {rule.value for rule in Rule}
