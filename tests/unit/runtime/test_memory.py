"""What one life of the daemon leaves to the next: that it was in maintenance."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.errors import AdapterError
from hbd.runtime import identity


def test_maintenance_outlives_the_daemon_until_it_is_ended(tmp_path: Path) -> None:
    """Goal: a restart and a reboot do not end it. Method: on, on again, off, off again."""
    assert not identity.is_in_maintenance(tmp_path)
    for _ in range(2):
        identity.keep_maintenance(tmp_path, on=True)
        assert identity.is_in_maintenance(tmp_path)
    for _ in range(2):
        identity.keep_maintenance(tmp_path, on=False)
        assert not identity.is_in_maintenance(tmp_path)


def test_what_cannot_be_kept_is_said(tmp_path: Path) -> None:
    """Goal: no silent loss of memory. Method: a directory that is not there."""
    with pytest.raises(AdapterError):
        identity.keep_maintenance(tmp_path / "gone", on=True)
