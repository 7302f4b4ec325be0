"""ha.cf's lines about fencing: heartbeat's types become agents, and nothing tells a password."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path

import pytest

from hbd.cluster.terms import Fencing, NodeName
from hbd.config.check import check
from hbd.config.model import FenceDevice
from hbd.config.surroundings import PathKind
from tests.unit.config.files import Files
from tests.unit.config.machine import LabMachine

MACHINE = LabMachine(
    paths={
        "/dev/null": PathKind.CHARACTER_DEVICE,
        "/etc/ha.d/hmc": PathKind.OTHER,
        "/etc/ha.d/boards": PathKind.OTHER,
        "/etc/ha.d/own": PathKind.OTHER,
        "/etc/ha.d/closed": PathKind.OTHER,
    },
    texts={
        "/etc/ha.d/boards": (
            "# both\nhpa 192.0.2.1 623 straight admin me hush\n\n"
            'hpb 192.0.2.2 623 md5 operator "" hush\n'
        ),
        "/etc/ha.d/own": "# the board\nip = not this\nip=192.0.2.1\npassword=two words\n",
        "/etc/ha.d/hmc": "192.0.2.9\n",
    },
    programs=frozenset(
        f"/usr/sbin/fence_{name}" for name in ("ipmilan", "ilo2", "own", "installed")
    ),
)


class Said(Enum):
    """What comes of a line."""

    NOTHING = 0
    WARNING = 1
    MISTAKE = 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stonith ibmhmc /etc/ha.d/hmc", Said.WARNING),
        ("stonith ibmhmc /nowhere", Said.MISTAKE),
        ("stonith ibmhmc", Said.MISTAKE),
        ("stonith nosuch /etc/ha.d/hmc", Said.MISTAKE),
        ("stonith fence_own /etc/ha.d/closed", Said.MISTAKE),
        ("stonith ipmilan /etc/ha.d/boards", Said.NOTHING),
        ("stonith_host * ssh hpa", Said.WARNING),
        ("stonith_host HPB external/ipmi hpa 192.0.2.1 me hush", Said.NOTHING),
        ("stonith_host hpb external/ipmi hpa 192.0.2.1", Said.MISTAKE),
        ("stonith_host hpb nosuch x", Said.MISTAKE),
        ("stonith_host hpb ../../bin/sh x", Said.MISTAKE),
        ("stonith_host hpb fence_../../bin/sh x=y", Said.MISTAKE),
        ("stonith_host hpa nosuch x", Said.NOTHING),
        ("stonith_host * installed ip=192.0.2.1", Said.NOTHING),
        ("stonith_host * fence_installed ip=192.0.2.1", Said.NOTHING),
        ("stonith_host * installed 192.0.2.1", Said.MISTAKE),
        ("stonith_host * fence_installed action=on", Said.MISTAKE),
        ("stonith_host * fence_absent ip=192.0.2.1", Said.MISTAKE),
        ("stonith_host *", Said.MISTAKE),
        ("watchdog dog", Said.MISTAKE),
        ("fencing maybe", Said.MISTAKE),
        ("fencing stonith", Said.MISTAKE),
        ("fencing required", Said.NOTHING),
    ],
)
def test_fence_devices_are_judged(line: str, said: Said, tmp_path: Path) -> None:
    """Goal: heartbeat's verdict, and warnings for what protects nobody. Method: types and hosts."""
    files = Files().with_line(line)
    if said is Said.MISTAKE:
        assert files.mistakes(tmp_path, MACHINE) == ["ha.cf:6"]
    else:
        warnings = ["ha.cf:6"] if said is Said.WARNING else []
        assert files.warnings(tmp_path, MACHINE) == warnings


@pytest.mark.parametrize(
    ("line", "device"),
    [
        (
            "stonith_host * external/ipmi hpa 192.0.2.1 me hush lanplus",
            FenceDevice(
                "fence_ipmilan",
                (
                    ("ip", "192.0.2.1"),
                    ("username", "me"),
                    ("password", "hush"),
                    ("lanplus", "1"),
                ),
                NodeName("hpa"),
                6,
            ),
        ),
        (
            "stonith_host hpb external/riloe HPA 192.0.2.1 me hush 0 2.0",
            FenceDevice(
                "fence_ilo2",
                (
                    ("ip", "192.0.2.1"),
                    ("username", "me"),
                    ("password", "hush"),
                    ("ssl_insecure", "1"),
                ),
                NodeName("hpa"),
                6,
            ),
        ),
        (
            "stonith_host * fence_own ip=192.0.2.1 plug=7 password=a=b",
            FenceDevice(
                "fence_own", (("ip", "192.0.2.1"), ("plug", "7"), ("password", "a=b")), None, 6
            ),
        ),
    ],
)
def test_a_line_becomes_an_agent_and_its_options(
    line: str, device: FenceDevice, tmp_path: Path
) -> None:
    """Goal: a known file goes on working. Method: each form, against the agent's option names."""
    assert Files().with_line(line).accepted(tmp_path, MACHINE).fence_devices == (device,)


def test_a_file_may_have_a_device_a_line(tmp_path: Path) -> None:
    """Goal: ipmilan's file as its README has it. Method: two boards, a comment, an empty word."""
    config = Files().with_line("stonith ipmilan /etc/ha.d/boards").accepted(tmp_path, MACHINE)
    first, second = config.fence_devices
    assert (first.target, second.target) == ("hpa", "hpb")
    assert dict(first.parameters) == {
        "ip": "192.0.2.1",
        "ipport": "623",
        "auth": "password",
        "privlvl": "administrator",
        "username": "me",
        "password": "hush",
    }
    assert "username" not in dict(second.parameters)


def test_a_file_of_an_agent_has_an_option_a_line(tmp_path: Path) -> None:
    """Goal: a password may hold blanks there. Method: a good file, and a line that is none."""
    files = Files().with_line("stonith fence_own /etc/ha.d/own")
    assert files.mistakes(tmp_path, MACHINE) == ["ha.cf:6"]
    texts = {"/etc/ha.d/own": "ip=192.0.2.1\npassword=two words\n"}
    (device,) = files.accepted(tmp_path, replace(MACHINE, texts=texts)).fence_devices
    assert device.parameters == (("ip", "192.0.2.1"), ("password", "two words"))


def test_fencing_by_stonith_needs_a_device_for_the_peer(tmp_path: Path) -> None:
    """Goal: no fencing by nothing. Method: this is hpb; its own board is no help, hpa's is."""
    board = "stonith_host * external/ipmi {} 192.0.2.1 me hush"
    files = Files().with_line("fencing stonith")
    assert files.with_line(board.format("hpb")).mistakes(tmp_path, MACHINE) == ["ha.cf:6"]
    config = files.with_line(board.format("hpa")).accepted(tmp_path, MACHINE)
    assert config.fencing is Fencing.STONITH
    assert Files().accepted(tmp_path, MACHINE).fencing is Fencing.AUTO


def test_a_device_that_is_not_used_or_for_nobody_is_told(tmp_path: Path) -> None:
    """Goal: no device that somebody trusts in vain. Method: with none, and for a stranger."""
    device = "stonith_host * external/ipmi {} 192.0.2.1 me hush"
    files = Files().with_line("fencing none").with_line(device.format("hpa"))
    assert files.warnings(tmp_path, MACHINE) == ["ha.cf:7"]
    files = Files().with_line(device.format("hpc"))
    assert files.warnings(tmp_path, MACHINE) == ["ha.cf:6"]


@pytest.mark.parametrize(
    "line",
    [
        "stonith_host * external/ipmi hpa 192.0.2.1 me hush",
        "stonith_host * external/ipmi hpa hush",
        "stonith_host * fence_own password=hush",
        "stonith_host * fence_own hush",
        "stonith_host * fence_absent password=hush",
        "stonith_host * nosuch password=hush",
        "stonith_host * ssh hush",
        "stonith_host * fence_own password=hush \\",
        "stonith_host * fence_own password=hush\x01",
    ],
)
def test_no_finding_tells_a_password(line: str, tmp_path: Path) -> None:
    """Goal: the journal and --check are read by many. Method: every kind of finding."""
    Files().with_line(line).judge(tmp_path, MACHINE)
    _, lines = check(tmp_path, "hpb", MACHINE)
    assert lines
    assert "hush" not in "\n".join(lines)
    config = Files().with_line(line).judge(tmp_path, MACHINE).config
    assert "hush" not in repr(config)
