"""ruff and mypy are tests like the others, so that no door forgets them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.tree import ROOT


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("mypy", "--strict"), id="mypy"),
        pytest.param(("ruff", "check"), id="ruff-check"),
        pytest.param(("ruff", "format", "--check"), id="ruff-format"),
    ],
)
def test_a_linter_has_nothing_to_say(command: tuple[str, ...]) -> None:
    """Goal: types, style and layout hold everywhere. Method: the tools, as pyproject.toml has them.

    They run in the interpreter that runs the tests: what is checked is what is installed beside it.
    """
    told = subprocess.run(
        (sys.executable, "-m", *command), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
