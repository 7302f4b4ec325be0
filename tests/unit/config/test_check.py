"""`hbd --check`: what it prints and the status it ends with."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from hbd.config.check import check, run
from tests.unit.config.files import Files
from tests.unit.config.machine import LabMachine


def test_a_good_configuration_is_status_0(tmp_path: Path) -> None:
    """Goal and method: files without a remark give one line in sum."""
    Files().accepted(tmp_path)
    status, lines = check(tmp_path, None, LabMachine())
    assert status == 0
    assert len(lines) == 1


def test_mistakes_are_status_78_and_come_first(tmp_path: Path) -> None:
    """Goal: scripts see the verdict, people the cause. Method: a mistake after remarks."""
    files = Files().with_line("logfile x\nwarntime 9\nfrobnicate")
    files.judge(tmp_path)
    status, lines = check(tmp_path, None, LabMachine())
    assert status == 78
    places = [line.partition(": ")[0].rpartition("/")[2] for line in lines]
    assert places[:3] == ["ha.cf:8", "ha.cf:7", "ha.cf:6"]


def test_it_prints_to_any_terminal(tmp_path: Path) -> None:
    """Goal: no traceback from a name that the terminal lacks. Method: ASCII, odd file names."""
    directory = tmp_path / "grün\udcff"
    directory.mkdir()
    replace(Files(), haresources="hpa sämb\n").judge(directory)
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    assert run(directory, "hpb", out) == 78
    out.flush()
    assert b"haresources:1: " in raw.getvalue()
