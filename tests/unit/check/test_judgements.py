"""Addresses, limits, units, clocks, files, and both nodes together: each rule on its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hbd.check import address, clock, files, together, units
from hbd.check.finding import CheckId, Finding, Level
from hbd.cluster.terms import SECOND, GroupName, Usec
from hbd.config.digest import digest
from hbd.errors import AdapterError
from hbd.systemd.resource import Group, Kind, Resource
from hbd.systemd.state import ActiveState, FileState, LoadState, UnitState
from tests.unit.config.files import Files
from tests.unit.config.machine import LabMachine

MAC = "02:00:00:00:00:01"


@pytest.mark.parametrize(
    ("here", "there", "present", "answering", "expected"),
    [
        (True, False, True, None, Level.OK),
        (True, False, True, MAC, Level.ERROR),  # a second machine has it
        (True, False, False, None, Level.ERROR),  # lost
        (False, False, True, None, Level.ERROR),  # left behind
        (False, True, True, None, Level.ERROR),  # on both nodes
        (False, False, False, None, Level.OK),
        (False, False, False, MAC, Level.ERROR),  # a stranger's
        (False, True, False, MAC, Level.OK),
        (False, True, False, None, Level.WARNING),  # not the same LAN
    ],
)
def test_an_address_is_where_its_group_is(
    *, here: bool, there: bool, present: bool, answering: str | None, expected: Level
) -> None:
    """Goal: it will be free, or is ours. Method: all that a probe can find."""
    shared = address.Shared("192.168.0.100", here=here, there=there)
    assert address.judged(shared, "eth0", answering, present=present).level is expected


class NoLan:
    """A network that cannot be asked."""

    async def interface(self, address: str) -> str:
        """Nothing fits."""
        raise AdapterError(f"no interface for {address}")

    async def is_present(self, address: str) -> bool:
        """Not reached."""
        raise AssertionError(address)

    async def answering(self, address: str) -> str | None:
        """Not reached."""
        raise AssertionError(address)


async def test_an_address_that_fits_no_interface_is_an_error() -> None:
    """Goal: the failover would fail there. Method: no interface."""
    report = await address.look(address.Shared("10.9.9.9", here=False, there=False), NoLan())
    assert [each.level for each in report.findings] == [Level.ERROR]


def disk(text: str) -> dict[str, str]:
    """The fact that a node tells of its disk."""
    return {"disk:/ttidisk": text}


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (disk("u1 w1"), disk("u1 w1"), [Level.OK]),
        (disk("u1"), disk("u1"), [Level.OK]),
        (disk("u1 w1"), disk("u1"), [Level.OK]),  # one node's kernel does not know the name
        (disk("u1"), disk("u2"), [Level.ERROR]),
        (disk("u1 w1"), disk("u2 w1"), [Level.ERROR]),
        (disk("u1 w1"), disk("u1 w2"), [Level.ERROR]),  # a copy of the disk
        (disk("u1 w1"), {}, []),
    ],
)
def test_both_must_see_the_same_disk(
    ours: dict[str, str], theirs: dict[str, str], expected: list[Level]
) -> None:
    """Goal: a copy is not the disk. Method: UUIDs and names in all their combinations."""
    found = together.compared(ours, theirs, "ttisrv2", 0)
    assert [each.level for each in found if each.check is CheckId.DISK_SAME] == expected


def test_servers_that_differ_are_named_once_each() -> None:
    """Goal: clients see one server. Method: smb.conf and exports, equal and not."""

    def found(smb: str, exports: str) -> list[Level]:
        ours = {"samba:smb.conf": "1", "nfs:exports": "1"}
        theirs = {"samba:smb.conf": smb, "nfs:exports": exports}
        lines = together.compared(ours, theirs, "ttisrv2", 0)
        return [each.level for each in lines if each.check is CheckId.SERVICES_EQUAL]

    assert found("1", "1") == [Level.OK]
    assert found("2", "1") == [Level.ERROR]
    assert found("2", "2") == [Level.ERROR, Level.ERROR]


def test_who_answers_for_the_peers_address_must_be_the_peer() -> None:
    """Goal: a third machine with the address is found. Method: its MAC against the peer's."""

    def found(mac: str) -> list[Level]:
        lines = together.compared({"answers:10.0.0.9": MAC}, {"mac:10.0.0.9": mac}, "ttisrv2", 0)
        return [each.level for each in lines if each.check is CheckId.ADDRESS_FREE]

    assert found(MAC) == []
    assert found("02:00:00:00:00:02") == [Level.ERROR]


def test_the_kernels_word_on_the_clock() -> None:
    """Goal: only its plain no is a warning of substance. Method: adjtimex's answers, and ours."""
    assert clock.judged(0).level is Level.OK
    assert clock.judged(clock.TIME_ERROR).level is Level.WARNING
    assert clock.judged(-1).level is Level.WARNING
    [found] = clock.look().findings
    assert found.check is CheckId.CLOCK_SYNCHRONISED


def group(*resources: Resource) -> Group:
    """A group of these."""
    return Group(GroupName("g"), resources)


def unit(name: str, start_seconds: int = 20) -> Resource:
    """A unit that may take so long to start."""
    limit = Usec(start_seconds * SECOND)
    return Resource(text=name, kind=Kind.UNIT, unit=name, start_limit_usec=limit)


@pytest.mark.parametrize(
    ("deadtime", "start", "expected"),
    [(5, 20, Level.OK), (10, 20, Level.OK), (11, 20, Level.WARNING), (5, 80, Level.WARNING)],
)
def test_deadtime_and_the_slowest_start_stay_within_half_a_minute(
    deadtime: int, start: int, expected: Level
) -> None:
    """Goal: a failover that clients survive. Method: at, and just over, the limit."""
    found = units.limits([group(unit("a.service", 1), unit("b", start))], Usec(deadtime * SECOND))
    assert found.level is expected
    assert units.limits([], Usec(31 * SECOND)).level is Level.WARNING


class Systemd:
    """Units by name: how they are loaded, and what starts them at boot."""

    def __init__(self, load: LoadState, wanted_by: list[str]) -> None:
        self.load, self.wanted_by = load, wanted_by

    async def state(self, unit: str) -> UnitState:
        """As told."""
        file_state = FileState.DISABLED
        return UnitState(unit, self.load, ActiveState.INACTIVE, "dead", file_state, "success")

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        """As told, for WantedBy."""
        assert (unit, interface) == ("smbd.service", "Unit")
        return tuple(self.wanted_by if name == "WantedBy" else [] for name in names)


@pytest.mark.parametrize(
    ("load", "wanted_by", "expected"),
    [
        (LoadState.LOADED, [], {}),
        (LoadState.NOT_FOUND, [], {CheckId.UNIT_EXISTS}),
        (LoadState.MASKED, [], {CheckId.UNIT_EXISTS}),
        (LoadState.LOADED, ["multi-user.target"], {CheckId.UNIT_AT_BOOT}),
        (LoadState.LOADED, ["hbd-group@g.target"], {}),
    ],
)
async def test_units_are_there_and_do_not_start_by_themselves(
    load: LoadState, wanted_by: list[str], expected: set[CheckId]
) -> None:
    """Goal: they start when hbd says so. Method: missing, masked, enabled."""
    found = await units.look([group(unit("smbd.service"))], Systemd(load, wanted_by))
    assert {each.check for each in found if each.level is Level.ERROR} == set(expected)
    assert {each.check for each in found} == {CheckId.UNIT_EXISTS, CheckId.UNIT_AT_BOOT}


def looked(directory: Path, running: str = "") -> dict[CheckId, list[Finding]]:
    """What is said of the files in a directory, which belongs to who runs the test."""
    found: dict[CheckId, list[Finding]] = {}
    for each in files.look(directory, "hpb", running, owner=os.getuid()).findings:
        found.setdefault(each.check, []).append(each)
    return found


@pytest.mark.parametrize(
    ("name", "mode", "is_bad"),
    [
        ("ha.cf", 0o644, False),
        ("ha.cf", 0o646, True),
        ("haresources", 0o666, True),
        ("authkeys", 0o600, False),
        ("authkeys", 0o640, True),
        ("authkeys", 0o604, True),
    ],
)
def test_who_may_write_decides_what_root_runs(
    tmp_path: Path, name: str, mode: int, *, is_bad: bool
) -> None:
    """Goal: only root. Method: one file's mode at a time."""
    tmp_path.chmod(0o755)
    Files().accepted(tmp_path)
    (tmp_path / name).chmod(mode)
    [found] = looked(tmp_path)[CheckId.FILE_PERMISSIONS]
    assert found.level is (Level.ERROR if is_bad else Level.OK)
    assert (name in found.remedy) is is_bad


def test_files_that_changed_since_they_were_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: what runs is what is written. Method: as read, changed, and broken files."""
    machine = LabMachine()
    monkeypatch.setattr("hbd.config.load.ThisMachine", lambda: machine)
    tmp_path.chmod(0o755)
    running = digest(Files().accepted(tmp_path))

    def level() -> Level:
        [found] = looked(tmp_path, running)[CheckId.CONFIG_LOADED]
        return found.level

    monkeypatch.setattr(machine, "keys_owner", os.getuid)
    assert level() is Level.OK
    (tmp_path / "haresources").write_text("hpa 192.168.0.100/24\n")
    assert level() is Level.WARNING
    (tmp_path / "ha.cf").write_text("deadtime never\n")
    assert level() is Level.ERROR
