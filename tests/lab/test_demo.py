"""The demo's own story, as a test: what the README promises is played and judged."""

from __future__ import annotations

import os

import pytest

from tests.lab.demo.__main__ import demo
from tests.lab.story.setup import package

pytestmark = pytest.mark.lab


async def test_the_demo_has_no_deviation() -> None:
    """Goal: `make demo` works as the README says. Method: play it, whole."""
    if os.geteuid() != 0:
        pytest.skip("needs root to boot machines")
    assert await demo("bookworm", package()) == 0
