"""The lab's entry book: undone backwards, orphans known, nothing forgotten."""

from __future__ import annotations

import subprocess
import sys
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
