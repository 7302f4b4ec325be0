"""`hbctl export pacemaker` as it is called: files in, files out, and an exit status."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hbd.cli.main import main
from hbd.cli.outcome import Exit
from tests.unit.export.made import GROUP, HEAD

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="authkeys must be root's")

WHOLE = ["--address", "alpha/eth0=192.0.2.1", "--address", "beta/eth0=192.0.2.2"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The three files of two nodes, neither of which is this machine."""
    folder = tmp_path / "ha.d"
    folder.mkdir()
    (folder / "ha.cf").write_text(HEAD + "bcast eth0\nfencing none\n")
    (folder / "haresources").write_text("alpha 192.168.0.100/24/eth0\n")
    (folder / "authkeys").write_text("auth 1\n1 sha1 k\n")
    (folder / "authkeys").chmod(0o600)
    return folder


def run(files: Path, out: Path, *more: str) -> int:
    """The command's exit status."""
    words = ["export", "pacemaker", str(out), "--config-dir", str(files), "--node", "alpha"]
    return main([*words, *more])


def test_a_whole_export_ends_well_and_only_its_owner_may_read_it(
    files: Path, tmp_path: Path
) -> None:
    """Goal: status and modes. Method: everything that is to be known is given."""
    out = tmp_path / "out"
    assert run(files, out, *WHOLE) == Exit.DONE
    assert {path.name for path in out.iterdir()} == {"corosync.conf", "cib.xml"}
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}


def test_an_export_with_gaps_is_warned_of(files: Path, tmp_path: Path) -> None:
    """Goal: a script sees that a person is needed. Method: no address is known."""
    assert run(files, tmp_path / "out") == Exit.WARNED


def test_nothing_is_written_over(files: Path, tmp_path: Path) -> None:
    """Goal: an edited export survives a second one. Method: one of the two files is there."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "cib.xml").write_text("mine")
    assert run(files, out, *WHOLE) == Exit.FAILED
    assert [path.name for path in out.iterdir()] == ["cib.xml"]
    assert (out / "cib.xml").read_text() == "mine"


def test_refused_files_are_not_exported(files: Path, tmp_path: Path) -> None:
    """Goal: no equivalent of what hbd would not run. Method: a mistake in haresources."""
    (files / "haresources").write_text(GROUP + GROUP)
    assert run(files, tmp_path / "out") == Exit.REFUSED
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("word", ["alpha", "alpha/eth0=x", "gamma/eth0=192.0.2.1", "beta/eth9=::1"])
def test_a_strange_address_is_a_typing_error(files: Path, tmp_path: Path, word: str) -> None:
    """Goal: a typo is not ignored. Method: four of them."""
    assert run(files, tmp_path / "out", "--address", word) == Exit.USAGE
