"""The media lines of ha.cf: order, names, addresses, and devices that are not there yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hbd.config.model import Broadcast, Medium, Multicast, Ping, Serial, Unicast
from hbd.config.surroundings import InterfaceState, PathKind
from tests.unit.config.files import Files
from tests.unit.config.machine import LabMachine

MACHINE = LabMachine(
    interfaces={
        "eth0": InterfaceState.READY,
        "eth1": InterfaceState.UNADDRESSED,
        "ppp0": InterfaceState.NOT_BROADCAST,
    },
    paths={"/dev/ttyS0": PathKind.CHARACTER_DEVICE, "/etc/passwd": PathKind.OTHER},
    hosts={"peer": "10.9.9.2", "peer6": "fd00::2"},
)


def media_lines(*lines: str) -> Files:
    """A good file with other media."""
    return replace(Files(), ha_cf="\n".join(("node hpa hpb", "auto_failback on", *lines, "")))


def media(tmp_path: Path, *lines: str) -> tuple[Medium, ...]:
    """The media of an accepted file; their lines begin with line 3."""
    return media_lines(*lines).accepted(tmp_path, MACHINE).media


def test_each_medium_is_read(tmp_path: Path) -> None:
    """Goal: each value arrives, in file order. Method: one line of each kind."""
    found = media(
        tmp_path,
        "serial /dev/ttyS0",
        "bcast eth0",
        "mcast eth2 225.0.0.1 695 1 0",
        "ucast eth3 peer",
        "mcast6 eth4 FF15::1 696 2 1",
        "ucast6 eth5 peer6",
        "ping 10.9.9.1",
        "ping6 fd00::1",
        "ping_group g 10.9.9.1 peer",
    )
    assert list(found) == [
        Serial(found[0].name, "/dev/ttyS0", 19200),
        Broadcast(found[1].name, "eth0", 694),
        Multicast(found[2].name, "eth2", "225.0.0.1", 695, 1, loop=False),
        Unicast(found[3].name, "eth3", "10.9.9.2", 694),
        Multicast(found[4].name, "eth4", "ff15::1", 696, 2, loop=True),
        Unicast(found[5].name, "eth5", "fd00::2", 694),
        Ping(found[6].name, ("10.9.9.1",)),
        Ping(found[7].name, ("fd00::1",)),
        Ping(found[8].name, ("10.9.9.1", "10.9.9.2")),
    ]
    names = ["/dev/ttyS0", "eth0", "eth2", "eth3", "eth4", "eth5", "10.9.9.1", "fd00::1", "g"]
    assert [one.name for one in found] == names


def test_link_names_are_unique(tmp_path: Path) -> None:
    """Goal: a dead link is not hidden by a living one. Method: four media on one interface."""
    found = media(
        tmp_path,
        "bcast eth0",
        "ucast eth0 10.9.9.2",
        "ucast eth0 10.9.9.4",
        "mcast eth0 225.0.0.1 694 1 0",
        "ping 10.9.9.1",
    )
    assert [one.name for one in found] == [
        "eth0",
        "eth0/ucast",
        "eth0/ucast2",
        "eth0/mcast",
        "10.9.9.1",
    ]


def test_the_same_medium_twice_is_used_once(tmp_path: Path) -> None:
    """Goal: no double traffic, and it is said. Method: udp after bcast, a serial line twice."""
    lines = ("bcast eth0", "udp eth0", "serial /dev/ttyS0 /dev/ttyS0")
    assert len(media(tmp_path, *lines)) == 2
    assert media_lines(*lines).warnings(tmp_path, MACHINE) == ["ha.cf:4", "ha.cf:5"]


def test_baud_and_port_hold_for_the_lines_after_them(tmp_path: Path) -> None:
    """Goal: heartbeat's order rule. Method: a medium before and after each."""
    lines = (
        "serial /dev/ttyS0",
        "baud 115200",
        "serial /dev/ttyS1",
        "bcast eth0",
        "udpport 695",
        "ucast eth0 10.9.9.2",
    )
    first, second, before, after = media(tmp_path, *lines)
    assert isinstance(first, Serial)
    assert isinstance(second, Serial)
    assert (first.baud, second.baud) == (19200, 115200)
    assert isinstance(before, Broadcast)
    assert isinstance(after, Unicast)
    assert (before.port, after.port) == (694, 695)
    late = media_lines(*lines).warnings(tmp_path, MACHINE)
    assert late == ["ha.cf:4", "ha.cf:5", "ha.cf:7"]


def test_a_late_baud_that_changes_nothing_is_only_a_notice(tmp_path: Path) -> None:
    """Goal: the article's file is told about, not warned about. Method: the default, said late."""
    files = media_lines("serial /dev/ttyS0", "baud 19200", "bcast eth0")
    assert files.warnings(tmp_path, MACHINE) == []
    assert files.notices(tmp_path, MACHINE) == ["ha.cf:4"]


def test_the_port_may_come_from_services(tmp_path: Path) -> None:
    """Goal and method: heartbeat's order: udpport, services entry, 694."""
    machine = replace(MACHINE, port=1694)
    (medium,) = media_lines("bcast eth0").accepted(tmp_path, machine).media
    assert isinstance(medium, Broadcast)
    assert medium.port == 1694
    (medium,) = media_lines("udpport 700", "bcast eth0").accepted(tmp_path, machine).media
    assert isinstance(medium, Broadcast)
    assert medium.port == 700


@pytest.mark.parametrize(
    "line",
    [
        "bcast eth7",
        "bcast eth1",
        "ucast eth7 10.9.9.2",
        "mcast eth7 225.0.0.1 694 1 0",
        "serial /dev/ttyS9",
        "ucast eth0 10.9.9.2 10.9.9.4",
        "mcast eth0 225.0.0.1 694 1 0 0",
    ],
)
def test_what_may_come_later_is_a_warning(line: str, tmp_path: Path) -> None:
    """Goal: a broken card does not stop a cluster. Method: absent devices; words too many."""
    assert len(media(tmp_path, line, "serial /dev/ttyS0")) == 2
    assert media_lines(line, "serial /dev/ttyS0").warnings(tmp_path, MACHINE) == ["ha.cf:3"]


@pytest.mark.parametrize(
    "line",
    [
        "bcast ppp0",
        "bcast eth0/1",
        "bcast abcdefghijklmnop",
        "ucast eth0",
        "ucast eth0 nosuch",
        "ucast eth0 fd00::2",
        "ucast eth0 10.9.9.256",
        "ucast eth0 225.0.0.1",
        "ucast eth0 0.0.0.0",
        "ucast eth0 255.255.255.255",
        "ucast6 eth0 10.9.9.2",
        "ucast6 eth0 peer",
        "ucast eth0 " + "x" * 300,
        "mcast eth0 225.0.0.1 694 1",
        "mcast eth0 10.0.0.1 694 1 0",
        "mcast eth0 ff15::1 694 1 0",
        "mcast eth0 225.0.0.1 0 1 0",
        "mcast eth0 225.0.0.1 694 5 0",
        "mcast eth0 225.0.0.1 694 1 2",
        "mcast6 eth0 225.0.0.1 694 1 0",
        "serial ttyS0",
        "serial /etc/passwd",
        "ping nosuch",
        "ping fd00::1",
        "ping6 10.9.9.1",
        "ping_group g",
        "ping_group",
        "udpport 65536",
        "udpport 0",
        "baud 300",
        "hbaping x",
        "rds eth0 10.9.9.2",
        "tipc 1 2",
    ],
)
def test_what_can_never_work_is_a_mistake(line: str, tmp_path: Path) -> None:
    """Goal: no line that only looks like a link. Method: each rule broken once."""
    assert media_lines(line, "bcast eth0").mistakes(tmp_path, MACHINE) == ["ha.cf:3"]


def test_a_ucast_line_to_oneself_is_left_out(tmp_path: Path) -> None:
    """Goal: one ha.cf serves both nodes. Method: a line for each, on hpb (10.9.9.3)."""
    lines = ("ucast eth0 10.9.9.2", "ucast eth0 10.9.9.3")
    (medium,) = media(tmp_path, *lines)
    assert isinstance(medium, Unicast)
    assert (medium.address, medium.name) == ("10.9.9.2", "eth0")
