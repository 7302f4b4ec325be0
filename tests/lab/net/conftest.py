"""The wire, and every Python whose pyroute2 hbd must live with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.lab.net.lan import Lan

DEBIAN = "/usr/bin/python3"
ASK_VERSION = "from importlib.metadata import version; print(version('pyroute2'))"


def pythons() -> dict[str, str]:
    """The interpreters to try by their pyroute2's version: this one, Debian's, and HBD_PYTHONS'."""
    found: dict[str, str] = {}
    for python in (sys.executable, DEBIAN, *os.environ.get("HBD_PYTHONS", "").split()):
        asked = subprocess.run(
            [python, "-c", ASK_VERSION], check=False, capture_output=True, text=True
        )
        if asked.returncode == 0:
            found.setdefault(asked.stdout.strip(), python)
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of a node with each pyroute2 that is installed."""
    if "python" in metafunc.fixturenames:
        found = pythons()
        metafunc.parametrize("python", found.values(), ids=[f"pyroute2-{it}" for it in found])


@pytest.fixture
def lan(python: str) -> Iterator[Lan]:
    """Two hosts on one wire."""
    if os.geteuid() != 0:
        pytest.skip("needs root to make network namespaces")
    wire = Lan(python)
    try:
        wire.build()
        yield wire
    finally:
        wire.clear()
