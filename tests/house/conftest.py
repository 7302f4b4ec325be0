"""What several house tests look at: the tree as `make install` lays it out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.house.tree import ROOT


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which `make install` has just copied everything: `/` of a machine with hbd."""
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(
        ["make", "--silent", "install", f"DESTDIR={root}"], cwd=ROOT, check=True, text=True
    )
    return root
