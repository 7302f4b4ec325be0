"""The directory as a whole: the article's files, all mistakes at once, and files that are none."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from hbd.cluster.keys import AuthMethod, Key
from hbd.config.load import judge, load
from hbd.config.model import (
    AddressResource,
    Broadcast,
    FilesystemResource,
    Serial,
    ServiceResource,
    Severity,
)
from hbd.config.reading import LARGEST_FILE
from hbd.config.surroundings import InterfaceState, PathKind
from hbd.errors import ConfigError
from tests.unit.config.files import HA_CF, Files
from tests.unit.config.machine import LabMachine

ARTICLE = Files(
    ha_cf=(
        "node\tttisrv1\nnode\tttisrv2\ndeadtime\t5\nserial\t/dev/ttyS0\nbaud\t19200\nudp\teth1\n"
    ),
    authkeys="auth 3\n3 md5 ttikey\n",
    haresources=("ttisrv1 192.168.0.100 Filesystem::/dev/sda1::/ttidisk::ext2 smb nfslock nfs\n"),
)
TTISRV1 = LabMachine(
    name="ttisrv1",
    interfaces={"eth0": InterfaceState.READY, "eth1": InterfaceState.READY},
    paths={"/dev/ttyS0": PathKind.CHARACTER_DEVICE},
)


def test_the_articles_files_work_as_they_stand(tmp_path: Path) -> None:
    """Goal: a cluster of 2001 starts. Method: its three files, on a machine like it."""
    config = ARTICLE.accepted(tmp_path, TTISRV1)
    assert (config.local, config.peer) == ("ttisrv1", "ttisrv2")
    timing = config.timing
    assert (timing.keepalive_usec, timing.deadtime_usec) == (1_000_000, 5_000_000)
    assert (timing.warntime_usec, timing.initdead_usec) == (2_500_000, 12_000_000)
    serial, broadcast = config.media
    assert serial == Serial(serial.name, "/dev/ttyS0", 19200)
    assert broadcast == Broadcast(broadcast.name, "eth1", 694)
    assert (serial.name, broadcast.name) == ("/dev/ttyS0", "eth1")
    assert config.keys.signing == Key(3, AuthMethod.MD5, b"ttikey")
    (group,) = config.groups
    assert (group.name, group.preferred) == ("192.168.0.100", "ttisrv1")
    filesystem = "Filesystem::/dev/sda1::/ttidisk::ext2"
    assert group.resources == (
        AddressResource("192.168.0.100", "192.168.0.100", None, None, None),
        FilesystemResource(filesystem, "/dev/sda1", "/ttidisk", "ext2", None),
        ServiceResource("smb", "smb", ()),
        ServiceResource("nfslock", "nfslock", ()),
        ServiceResource("nfs", "nfs", ()),
    )


def test_the_articles_files_get_one_warning(tmp_path: Path) -> None:
    """Goal: only what matters is a warning. Method: auto_failback is what they leave open."""
    notices = ARTICLE.accepted(tmp_path, TTISRV1).notices
    severities = [(notice.line, notice.severity) for notice in notices]
    assert severities == [
        (0, Severity.WARNING),
        (5, Severity.NOTICE),
        (6, Severity.NOTICE),
    ]


def test_the_mistakes_of_all_three_files_are_told_at_once(tmp_path: Path) -> None:
    """Goal: one look is enough. Method: one mistake in each file."""
    files = Files(ha_cf=HA_CF + "x\n", authkeys="auth 1\n", haresources="hpa\n", mode=0o644)
    assert files.mistakes(tmp_path) == ["ha.cf:6", "authkeys:0", "authkeys:1", "haresources:1"]
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, None, LabMachine())
    assert len(raised.value.mistakes) == 4


def test_an_empty_directory_is_three_mistakes(tmp_path: Path) -> None:
    """Goal: what is missing is named. Method: nothing there, not even the directory."""
    for directory in (tmp_path, tmp_path / "absent", Path("with\0zero")):
        found = judge(directory, None, LabMachine()).mistakes
        names = [Path(mistake.file).name for mistake in found]
        assert names == ["ha.cf", "authkeys", "haresources"]


@pytest.mark.parametrize("name", ["ha.cf", "authkeys", "haresources"])
def test_what_is_no_file_is_refused_without_waiting(name: str, tmp_path: Path) -> None:
    """Goal: no trick stops the daemon. Method: a FIFO and a directory in each file's place."""
    Files().accepted(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name, 0o600)
    assert name in {Path(m.file).name for m in judge(tmp_path, None, LabMachine()).mistakes}
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert name in {Path(m.file).name for m in judge(tmp_path, None, LabMachine()).mistakes}


@pytest.mark.parametrize("name", ["ha.cf", "authkeys", "haresources"])
def test_a_huge_file_is_refused(name: str, tmp_path: Path) -> None:
    """Goal: memory is bounded. Method: one byte more than is read."""
    Files().accepted(tmp_path)
    with (tmp_path / name).open("ab") as file:
        file.truncate(LARGEST_FILE + 1)
    found = judge(tmp_path, None, LabMachine()).mistakes
    assert [Path(mistake.file).name for mistake in found] == [name]


def test_an_old_comment_in_latin_1_is_no_trouble(tmp_path: Path) -> None:
    """Goal: files of any age. Method: bytes that are no UTF-8, in both text files."""
    Files().accepted(tmp_path)
    for name in ("ha.cf", "haresources"):
        with (tmp_path / name).open("ab") as file:
            file.write("# grün\n".encode("latin-1"))
    assert judge(tmp_path, None, LabMachine()).mistakes == ()


@pytest.mark.parametrize("node", ["h/x", "ä", "x" * 100])
def test_a_name_that_is_none_is_a_mistake(node: str, tmp_path: Path) -> None:
    """Goal: --node and nodeinfo are judged like the rest. Method: names of no machine."""
    assert Files().judge(tmp_path, LabMachine(), node=node).config is None


def test_a_bad_ha_cf_makes_no_mistakes_elsewhere(tmp_path: Path) -> None:
    """Goal: each cause is told once. Method: no ha.cf at all, and one without nodes."""
    files = replace(Files(), ha_cf="bcast eth0\n")
    assert files.mistakes(tmp_path) == ["ha.cf:0"]
    (tmp_path / "ha.cf").unlink()
    found = judge(tmp_path, None, LabMachine()).mistakes
    assert [Path(mistake.file).name for mistake in found] == ["ha.cf"]
