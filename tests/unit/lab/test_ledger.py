"""The lab's entry book: undone backwards, orphans known, nothing forgotten."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.lab.harness import ledger as module
from tests.lab.harness.ledger import Ledger, all_ledgers, sweep_orphans


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ledgers of these tests are kept away from the machine's."""
    monkeypatch.setattr(module, "RUN", tmp_path / "run")
    return tmp_path / "run"


def test_a_sweep_undoes_backwards_and_closes_the_book(run_folder: Path, tmp_path: Path) -> None:
    """Goal: inner things go before outer ones. Method: a process and the folder it works in."""
    folder = tmp_path / "lab"
    folder.mkdir()
    book = Ledger.open_new()
    book.note("folder", str(folder))
    with subprocess.Popen(["sleep", "60"], cwd=folder) as sleeper:
        book.note_process(sleeper.pid)
        assert book.sweep() == []
        assert sleeper.wait(5) == -9
    assert not folder.exists()
    assert list(run_folder.iterdir()) == []


def test_what_is_gone_already_is_no_trouble(tmp_path: Path) -> None:
    """Goal: a sweep can be repeated. Method: things that never came to be."""
    book = Ledger.open_new()
    book.note("folder", str(tmp_path / "never"))
    book.note("netns", "hbdlab-never")
    book.note("mount", str(tmp_path))
    book.note("process", "1 12345")  # process 1 lives, but is not the one that was meant
    assert book.sweep() == []


def test_a_folder_that_is_still_a_mount_point_is_told_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a mount that will not go costs its folder, not the next lab. Method: one that stays."""
    folder = tmp_path / "lab"
    folder.mkdir()
    book = Ledger.open_new()
    book.note("folder", str(folder))
    monkeypatch.setattr(os.path, "ismount", lambda _: True)
    assert len(book.sweep()) == 1
    assert folder.exists()


def test_two_labs_that_begin_at_once_sweep_one_orphan_once(tmp_path: Path) -> None:
    """Goal: neither meets what the other one has half undone. Method: a big orphan, two sweeps."""
    book = Ledger.open_new()
    for number in range(200):
        folder = tmp_path / f"lab-{number}"
        folder.mkdir()
        book.note("folder", str(folder))
    book._owner = (1, 12345)  # process 1 lives, but is not the one that was meant
    book._save()
    with ThreadPoolExecutor(2) as both:
        sweeps = [both.submit(sweep_orphans) for _ in range(2)]
        assert [sweep.result(30) for sweep in sweeps] == [[], []]
    assert list(all_ledgers()) == []


def test_only_a_dead_owners_lab_is_an_orphan() -> None:
    """Goal: nobody ends a lab that is in use. Method: our own, and one whose owner has ended."""
    mine = Ledger.open_new()
    code = "from tests.lab.harness import ledger; import pathlib, sys;" \
        "ledger.RUN = pathlib.Path(sys.argv[1]); ledger.Ledger.open_new()"  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", code, str(module.RUN)], check=True, cwd=Path(__file__).parents[3]
    )
    assert sorted(book.is_orphan for book in all_ledgers()) == [False, True]
    assert sweep_orphans() == []
    assert [book.lab_id for book in all_ledgers()] == [mine.lab_id]
