"""haresources: lines, groups and what each word means."""

from __future__ import annotations

import pytest

from hbd.cluster.terms import NodeName
from hbd.config.findings import BadValue, Findings
from hbd.config.haresources import MOST_GROUPS, logical_lines, parse
from hbd.config.model import (
    AddressResource,
    FilesystemResource,
    GroupConfig,
    ResourceConfig,
    ServiceResource,
)
from hbd.config.resources import resource
from tests.unit.config.machine import LabMachine

NODES = (NodeName("hpa"), NodeName("hpb"))


def read(text: str) -> tuple[tuple[GroupConfig, ...], Findings]:
    """The groups, and what was found."""
    findings = Findings("haresources")
    return parse(text, findings, NODES, LabMachine()), findings


def groups(text: str) -> tuple[GroupConfig, ...]:
    """The groups of an accepted file."""
    found, findings = read(text)
    assert findings.mistakes == ()
    return found


def lines_of_mistakes(text: str) -> list[int]:
    """Where the mistakes of a refused file are."""
    return [mistake.line for mistake in read(text)[1].mistakes]


def address(text: str, ip: str, *rest: str | int | None) -> AddressResource:
    """An address with as many of prefix, interface and broadcast as are given."""
    prefix, interface, broadcast = (*rest, None, None, None)[:3]
    assert prefix is None or isinstance(prefix, int)
    assert not isinstance(interface, int)
    assert not isinstance(broadcast, int)
    return AddressResource(text, ip, prefix, interface, broadcast)


@pytest.mark.parametrize(
    ("text", "ip", "rest"),
    [
        ("192.168.0.100", "192.168.0.100", ()),
        ("192.168.0.100/24", "192.168.0.100", (24,)),
        ("192.168.0.100/255.255.255.0", "192.168.0.100", (24,)),
        ("192.168.0.100/32", "192.168.0.100", (32,)),
        ("192.168.0.100/24/eth0", "192.168.0.100", (24, "eth0")),
        ("192.168.0.100/24/eth0:3", "192.168.0.100", (24, "eth0")),
        ("192.168.0.100//eth0", "192.168.0.100", (None, "eth0")),
        ("192.168.0.100/24/eth0/192.168.0.255", "192.168.0.100", (24, "eth0", "192.168.0.255")),
        ("192.168.0.100/24/192.168.0.255", "192.168.0.100", (24, None, "192.168.0.255")),
        ("IPaddr::192.168.0.100", "192.168.0.100", ()),
        ("IPaddr2::192.168.0.100/24/eth0", "192.168.0.100", (24, "eth0")),
        ("fd00::10", "fd00::10", ()),
        ("2001:DB8:0:0::1/64/eth0", "2001:db8::1", (64, "eth0")),
        ("fe80::1/64/eth0", "fe80::1", (64, "eth0")),
        ("IPv6addr::2001:db8:0:0:0:0:0:1", "2001:db8::1", ()),
        ("IPv6addr::fd00::1/64", "fd00::1", (64,)),
        ("IPaddr2::fd00::1/64", "fd00::1", (64,)),
    ],
)
def test_each_form_of_an_address(text: str, ip: str, rest: tuple[str | int | None, ...]) -> None:
    """Goal: every form heartbeat's scripts take. Method: the text and its parts."""
    assert resource(text) == address(text, ip, *rest)


@pytest.mark.parametrize(
    ("text", "device", "directory", "fstype", "options"),
    [
        ("/dev/sda1::/ttidisk::ext2", "/dev/sda1", "/ttidisk", "ext2", None),
        ("/dev/sda1::/ttidisk", "/dev/sda1", "/ttidisk", "auto", None),
        ("/dev/sda1::/ttidisk/::ext4::ro,noatime", "/dev/sda1", "/ttidisk", "ext4", "ro,noatime"),
        ("/dev/sda1::/ttidisk::::ro", "/dev/sda1", "/ttidisk", "auto", "ro"),
        ("-Ldata::/srv//x::ext4", "LABEL=data", "/srv/x", "ext4", None),
        ("-U8-8::/srv/x::ext4", "UUID=8-8", "/srv/x", "ext4", None),
        ("LABEL=data::/srv/x::xfs", "LABEL=data", "/srv/x", "xfs", None),
        ("UUID=8-8::/srv/x::xfs", "UUID=8-8", "/srv/x", "xfs", None),
        ("nas:/export::/srv/x::nfs", "nas:/export", "/srv/x", "nfs", None),
        ("//nas/share::/srv/x::cifs", "//nas/share", "/srv/x", "cifs", None),
        ("/srv/a::/srv/b::none::bind", "/srv/a", "/srv/b", "none", "bind"),
    ],
)
def test_each_form_of_a_file_system(
    text: str, device: str, directory: str, fstype: str, options: str | None
) -> None:
    """Goal: what heartbeat's users write. Method: the text and its parts."""
    whole = f"Filesystem::{text}"
    assert resource(whole) == FilesystemResource(whole, device, directory, fstype, options)


@pytest.mark.parametrize(
    ("text", "word", "arguments"),
    [
        ("smb", "smb", ()),
        ("postgresql@15-main.service", "postgresql@15-main.service", ()),
        ("drbddisk::r0", "drbddisk", ("r0",)),
        ("Xinetd::a::b,c", "Xinetd", ("a", "b,c")),
        ("LVM::", "LVM", ("",)),
        ("add::1", "add", ("1",)),
        ("389-ds", "389-ds", ()),
    ],
)
def test_everything_else_is_a_service(text: str, word: str, arguments: tuple[str, ...]) -> None:
    """Goal: units and scripts are named, not looked for. Method: words and arguments."""
    assert resource(text) == ServiceResource(text, word, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "192.168.0.300",
        "192.168.0",
        "10.0.0.1/33",
        "10.0.0.1/0",
        "10.0.0.1/255.0.255.0",
        "10.0.0.1/eth0",
        "10.0.0.1/24/eth0/x",
        "10.0.0.1/24/10.0.0.255/10.0.0.255",
        "10.0.0.1/24/eth0/10.0.0.255/x",
        "10.0.0.1/24/abcdefghijklmnop",
        "10.0.0.0/24",
        "10.0.0.255/24",
        "127.0.0.1",
        "224.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "IPaddr",
        "IPaddr::",
        "IPaddr::10.0.0.1::x",
        "IPaddr::host",
        "IPv6addr::10.0.0.1",
        "IPv6addr::::1",
        "IPv6addr::fe80::1",
        "IPv6addr::fd00::1%eth0",
        "IPv6addr::::ffff:10.0.0.1",
        "fd00::1/129",
        "fd00::1/64/eth0/10.0.0.1",
        "Filesystem",
        "Filesystem::/dev/sda1",
        "Filesystem::::/srv/x",
        "Filesystem::/dev/sda1::srv/x::ext4",
        "Filesystem::/dev/sda1::/srv/../etc::ext4",
        "Filesystem::/dev/sda1::/::ext4",
        "Filesystem::/dev/sda1::/usr/::ext4",
        "Filesystem::/dev/sda1::/proc/x::ext4",
        "Filesystem::sda1::/srv/x::ext4",
        "Filesystem::-L::/srv/x::ext4",
        "Filesystem::/dev/sda1::/srv/x::ext4/x",
        "Filesystem::/dev/sda1::/srv/x::ext4::ro::more",
        "../../bin/sh",
        "/etc/init.d/smb",
        "::x",
        "-x",
        "a;b",
        "x" * 256,
    ],
)
def test_what_could_never_start_is_refused(text: str) -> None:
    """Goal: found now, not in the night of a failover. Method: each rule broken once."""
    with pytest.raises(BadValue):
        resource(text)


def test_a_line_is_a_group() -> None:
    """Goal: order, names and places. Method: two groups, comments and blank lines between."""
    text = "# c\n\nHPA 10.0.0.1 smb # c\n  hpb\tnfs   nmb\r\n"
    first, second = groups(text)
    assert (first.name, first.preferred, first.line) == ("10.0.0.1", "hpa", 3)
    assert [one.text for one in first.resources] == ["10.0.0.1", "smb"]
    assert (second.name, second.preferred, second.line) == ("nfs", "hpb", 4)


def test_lines_continue_after_a_backslash() -> None:
    """Goal: as heartbeat's scripts join them: without a blank. Method: words at the join."""
    findings = Findings("haresources")
    text = "hpa a \\\n b\\\nc \\\n# comment\nhpb d # x \\\nhpb e \\\n"
    joined = [[(word.text, word.line) for word in words] for words in logical_lines(text, findings)]
    assert joined == [
        [("hpa", 1), ("a", 1), ("bc", 2)],
        [("hpb", 5), ("d", 5)],
        [("hpb", 6), ("e", 6)],
    ]


def test_a_mistake_is_told_where_its_word_stands() -> None:
    """Goal: editors jump to the right line. Method: bad words on continuation lines."""
    assert lines_of_mistakes("hpa smb \\\n 10.0.0.300 \\\n nfs \\\n /x\n") == [2, 4]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("hpx smb\n", [1]),
        ("hpa\n", [1]),
        ("hpa smb\nhpb smb\n", [2]),
        ("hpa smb smb\n", [1]),
        ("hpa smb\nhpb smb.service nfs\n", [2]),
        ("hpa nfs smb smb.service\n", [1]),
        ("hpa 10.0.0.1\nhpb IPaddr::10.0.0.1/24\n", [2]),
        ("hpa Filesystem::/dev/a::/x\nhpb Filesystem::/dev/a::/y\n", [2]),
        ("hpa Filesystem::-Lx::/x\nhpb Filesystem::LABEL=x::/y\n", [2]),
        ("hpa Filesystem::/dev/a::/x\nhpb Filesystem::/dev/b::/x/\n", [2]),
        ("hpa smb \\ \nnfs\n", [1, 2]),
        ("hpa s\u00e4mb\n", [1]),
        ("hpa smb\x01\n", [1]),
        ("hpa " + "/" * 10 + "x" * 250 + "\n", [1]),
        ("hpa " + "a-" * 80 + "\n", [1]),
        ("hpa " + "smb " * 2000 + "\n", [1]),
    ],
)
def test_what_two_groups_would_fight_over_is_refused(text: str, lines: list[int]) -> None:
    """Goal: a split brain cannot be written down. Method: each thing twice, and odd words."""
    assert sorted(set(lines_of_mistakes(text))) == lines


def test_one_service_may_serve_two_groups() -> None:
    """Goal: two file systems, one Samba. Method: smb in two groups, neither named by it."""
    assert len(groups("hpa 10.0.0.1 smb\nhpb 10.0.0.2 smb\n")) == 2


def test_one_service_with_other_arguments_is_another() -> None:
    """Goal: scripts with arguments may serve several groups. Method: the same script twice."""
    assert len(groups("hpa 10.0.0.1 drbddisk::r0\nhpb 10.0.0.2 drbddisk::r1\n")) == 2


def test_the_same_source_may_be_bound_to_two_places() -> None:
    """Goal: only block devices are one group's alone. Method: two binds of one directory."""
    text = "hpa Filesystem::/a::/x::none::bind Filesystem::/a::/y::none::bind\n"
    resources: tuple[ResourceConfig, ...] = groups(text)[0].resources
    assert len(resources) == 2


def test_the_number_of_groups_is_bounded() -> None:
    """Goal: every group fits into a heartbeat. Method: as many as possible, and one more."""
    many = "".join(f"hpa service{number}\n" for number in range(MOST_GROUPS + 1))
    assert lines_of_mistakes(many) == [MOST_GROUPS + 1]
    assert len(groups(many.replace(f"hpa service{MOST_GROUPS}\n", ""))) == MOST_GROUPS


def test_an_empty_file_is_accepted_with_a_warning() -> None:
    """Goal: heartbeat's verdict, not its silence. Method: nothing but a comment."""
    found, findings = read("# nothing\n")
    assert found == ()
    assert findings.mistakes == ()
    assert [notice.line for notice in findings.notices] == [0]


def test_an_absent_interface_is_warned_about() -> None:
    """Goal: told before the first takeover. Method: an interface that hpb lacks."""
    assert [notice.line for notice in read("hpa 10.0.0.1/24/eth9\n")[1].notices] == [1]
    assert read("hpa 10.0.0.1/24/eth0\n")[1].notices == ()


def test_without_nodes_no_name_is_judged() -> None:
    """Goal: a bad ha.cf has no false mistakes in its wake. Method: nodes unknown."""
    findings = Findings("haresources")
    assert len(parse("anybody smb\n", findings, None, LabMachine())) == 1
    assert findings.mistakes == ()
