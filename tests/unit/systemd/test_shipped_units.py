"""The unit files in units/: what can be said of them without a booted system."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[3] / "units"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)


@needs_systemd
def test_hbd_is_exposed_no_more_than_systemds_own_services() -> None:
    """Goal: 3.0 at most, as systemd-logind. Method: systemd-analyze security, offline."""
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", UNITS / "hbd.service"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert told.returncode == 0, told.stdout.splitlines()[-1]


def test_the_dead_man_is_plain_shell() -> None:
    """Goal: it runs where nothing else does. Method: dash reads it, and its mode is executable."""
    script = UNITS / "hbd-deadman"
    assert script.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", script], check=True)
