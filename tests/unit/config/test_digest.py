"""The digest of the three files: what both nodes must agree on changes it, nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hbd.config.digest import digest
from tests.unit.config.files import AUTHKEYS, HA_CF, HARESOURCES, Files

BASE = Files()
HA, RESOURCES, KEYS = slice(0, 8), slice(8, 16), slice(16, 24)


def of(files: Files, directory: Path) -> str:
    """The digest of accepted files."""
    return digest(files.accepted(directory))


def test_it_is_24_digits_and_says_nothing_of_the_keys(tmp_path: Path) -> None:
    """Goal: it fits every heartbeat. Method: its form, and a key that would be seen in it."""
    found = of(replace(BASE, authkeys="auth 1\n1 sha1 deadbeefdeadbeef\n"), tmp_path)
    assert len(found) == 24
    assert not found.strip("0123456789abcdef")
    assert "deadbeef" not in found


@pytest.mark.parametrize(
    "files",
    [
        replace(BASE, ha_cf="# a remark\n\n" + HA_CF),
        replace(BASE, ha_cf=HA_CF.replace("node hpa hpb", "node hpb\nnode hpa")),
        replace(BASE, ha_cf=HA_CF.replace("deadtime 5", "deadtime 5000ms")),
        replace(BASE, ha_cf=HA_CF.replace("eth0", "eth1")),
        replace(BASE, ha_cf=HA_CF.replace("/dev/null", "/dev/zero")),
        BASE.with_line("debug 1"),
        BASE.with_line("log_badpack off"),
        replace(BASE, haresources=HARESOURCES.replace(" smb", "    smb   # files")),
        replace(BASE, authkeys="# keys\nauth 1\n1   sha1   k\n"),
    ],
)
def test_what_belongs_to_one_machine_or_means_nothing_makes_no_difference(
    tmp_path: Path, files: Files
) -> None:
    """Goal: no false alarm. Method: other texts of the same meaning, other device names."""
    assert of(files, tmp_path) == of(BASE, tmp_path)


@pytest.mark.parametrize(
    ("files", "part"),
    [
        (replace(BASE, ha_cf=HA_CF.replace("deadtime 5", "deadtime 6")), HA),
        (replace(BASE, ha_cf=HA_CF.replace("auto_failback on", "auto_failback off")), HA),
        (BASE.with_line("keepalive 500ms"), HA),
        (BASE.with_line("ping 10.0.0.254"), HA),
        (
            replace(
                BASE,
                ha_cf="node hpa hpb\nserial /dev/null\nbcast eth0\nauto_failback on\ndeadtime 5\n",
            ),
            HA,
        ),
        (replace(BASE, haresources=HARESOURCES.replace("hpa", "hpb")), RESOURCES),
        (replace(BASE, haresources=HARESOURCES.replace(" smb", "")), RESOURCES),
        (replace(BASE, haresources=HARESOURCES.replace("sda1", "sdb1")), RESOURCES),
        (replace(BASE, haresources=HARESOURCES.replace("ext4", "ext4::ro")), RESOURCES),
        (replace(BASE, authkeys=AUTHKEYS.replace("sha1 k", "sha1 l")), KEYS),
        (replace(BASE, authkeys=AUTHKEYS.replace("sha1", "md5")), KEYS),
        (replace(BASE, authkeys=AUTHKEYS + "2 sha1 more\n"), KEYS),
    ],
)
def test_what_both_must_agree_on_changes_its_own_files_part(
    tmp_path: Path, files: Files, part: slice
) -> None:
    """Goal: the file that differs can be named. Method: one change each; the other parts stay."""
    before, after = of(BASE, tmp_path), of(files, tmp_path)
    for each in (HA, RESOURCES, KEYS):
        assert (before[each] != after[each]) is (each == part)


def test_another_signing_key_is_another_file(tmp_path: Path) -> None:
    """Goal: keys half changed are seen. Method: the same two keys, the other one signs."""
    two = "auth {}\n1 sha1 k\n2 sha1 l\n"
    one = of(replace(BASE, authkeys=two.format(1)), tmp_path)
    assert of(replace(BASE, authkeys=two.format(2)), tmp_path)[KEYS] != one[KEYS]
