"""The files in /run/hbd that systemd and the dead man read."""

from __future__ import annotations

from pathlib import Path

from hbd.cluster.terms import GroupName
from hbd.systemd import hold

GROUP = GroupName("10.0.0.1/24/eth0")


def test_a_group_is_held_from_hold_until_let_go(tmp_path: Path) -> None:
    """Goal: the flag says it, repeated or not. Method: twice each way."""
    for _ in range(2):
        hold.hold(GROUP, tmp_path)
        assert hold.held_groups(tmp_path) == {GROUP}
    for _ in range(2):
        hold.let_go(GROUP, tmp_path)
        assert hold.held_groups(tmp_path) == frozenset()


def test_the_dead_man_finds_address_and_interface_on_one_line(tmp_path: Path) -> None:
    """Goal: what units/hbd-deadman reads. Method: a v4 and a v6 address."""
    hold.note_address("10.0.0.1", 24, "eth0", tmp_path)
    hold.note_address("fd00::1", 64, "eth0", tmp_path)
    lines = sorted(path.read_text() for path in (tmp_path / "addresses").iterdir())
    assert lines == ["10.0.0.1/24 eth0\n", "fd00::1/64 eth0\n"]
    hold.forget_address("10.0.0.1", tmp_path)
    hold.forget_address("10.0.0.1", tmp_path)
    assert [path.name for path in (tmp_path / "addresses").iterdir()] == ["fd00::1"]


def test_a_draft_left_by_a_killed_hbd_is_no_group(tmp_path: Path) -> None:
    """Goal: half-written files mean nothing. Method: a draft beside a real one."""
    hold.hold(GROUP, tmp_path)
    (tmp_path / "holds" / "~other").touch()
    assert hold.held_groups(tmp_path) == {GROUP}


def test_without_a_directory_nothing_is_held(tmp_path: Path) -> None:
    """Goal: first start after boot. Method: no directory yet."""
    assert hold.held_groups(tmp_path / "absent") == frozenset()
