"""The stories an administrator knows by name, as text: played, they come out as they stand.

`make sim-rewrite` writes them anew; the difference is then to be read.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sim.play import Player

SCENARIOS = Path(__file__).parent / "scenarios"


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_story_comes_out_as_it_is_told(path: Path) -> None:
    """Goal: a change of behaviour shows as a change of a story. Method: play and compare."""
    text = path.read_text()
    played = Player().play(text)
    if os.environ.get("REWRITE"):
        path.write_text(played)
    assert played == text
