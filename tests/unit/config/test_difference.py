"""What a reload says that differs, and what it refuses: each thing once, and never a secret."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hbd.config.difference import differences, fixed
from hbd.config.model import Config, UuidSource
from tests.unit.config.files import Files

FILES = Files()


def config(directory: Path, files: Files = FILES) -> Config:
    """What these files say."""
    return files.accepted(directory)


def told(directory: Path, files: Files) -> list[str]:
    """What each line of the difference to the usual files is about."""
    old = config(directory)
    return [line.partition(":")[0] for line in differences(old, config(directory, files))]


def test_the_same_files_do_not_differ(tmp_path: Path) -> None:
    """Goal: nothing is told for nothing. Method: the same twice."""
    assert differences(config(tmp_path), config(tmp_path)) == ()
    assert fixed(config(tmp_path), config(tmp_path), "ha.cf") == ()


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("deadtime 8", {"deadtime", "warntime", "initdead"}),
        ("warntime 3", {"warntime"}),
        ("auto_failback off", {"auto_failback"}),
        ("bcast eth1", {"link eth1"}),
        ("hopfudge 4", {"hopfudge"}),
        ("debug 1", {"debug"}),
        ("log_badpack off", {"log_badpack"}),
        ("max_rexmit_delay 500", {"max_rexmit_delay"}),
        ("hbgenmethod time", {"hbgenmethod"}),
    ],
)
def test_each_difference_is_told_once_by_its_name(
    tmp_path: Path, line: str, about: set[str]
) -> None:
    """Goal: the administrator reads what was done. Method: one line more in ha.cf."""
    found = told(tmp_path, FILES.with_line(line))
    assert set(found) == about
    assert len(found) == len(about)


def test_a_watchdog_is_told_as_what_holds_at_once(tmp_path: Path) -> None:
    """Goal: nobody restarts for it. Method: none before, one now."""
    old = config(tmp_path)
    new = replace(old, watchdog="/dev/watchdog")
    assert differences(old, new) == ("watchdog: none -> /dev/watchdog",)
    assert differences(new, old) == ("watchdog: /dev/watchdog -> none",)


def test_keys_are_told_by_number_and_method_and_never_by_secret(tmp_path: Path) -> None:
    """Goal: the journal holds no key. Method: add, change, select and remove."""
    old = config(tmp_path, replace(FILES, authkeys="auth 1\n1 sha1 hidden1\n2 md5 hidden2\n"))
    new = config(tmp_path, replace(FILES, authkeys="auth 3\n1 sha1 hidden9\n3 sha256 hidden3\n"))
    lines = differences(old, new)
    assert len(lines) == 4
    assert not [line for line in lines if "hidden" in line]


def test_a_link_that_is_another_one_under_the_same_name_is_told(tmp_path: Path) -> None:
    """Goal: a new speed is a new link. Method: another baud."""
    files = replace(FILES, ha_cf=FILES.ha_cf.replace("serial", "baud 9600\nserial"))
    assert told(tmp_path, files) == ["link /dev/null"]


def test_what_only_a_restart_changes_is_refused_with_its_reason(tmp_path: Path) -> None:
    """Goal: nothing is half-applied. Method: another peer, and another source of the uuid."""
    old = config(tmp_path)
    files = replace(
        FILES,
        ha_cf=FILES.ha_cf.replace("node hpa", "node hpc"),
        haresources=str(FILES.haresources).replace("hpa", "hpc"),
    )
    mistakes = fixed(old, config(tmp_path, files), "ha.cf")
    assert {mistake.what.split()[0] for mistake in mistakes} == {"node"}
    [mistake] = fixed(old, replace(old, uuidfrom=UuidSource.NODENAME), "ha.cf")
    assert mistake.file == "ha.cf"
