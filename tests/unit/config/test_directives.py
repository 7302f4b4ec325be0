"""The table of directives: every row works, says what it does, and ha.cf(5) tells the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from hbd.config.directives import DIRECTIVES, Handling
from hbd.config.model import Severity
from hbd.config.surroundings import PathKind
from tests.unit.config.files import Files
from tests.unit.config.machine import LabMachine

MANUAL = Path(__file__).parents[3] / "man" / "ha.cf.5"
MACHINE = LabMachine(
    paths={
        "/dev/null": PathKind.CHARACTER_DEVICE,
        "/dev/zero": PathKind.CHARACTER_DEVICE,
        "/etc/ha.d/own": PathKind.OTHER,
    },
    texts={"/etc/ha.d/own": "ip=192.0.2.1\n"},
    programs=frozenset(("/bin/watch", "/usr/sbin/fence_own")),
)


@dataclass(frozen=True)
class Example:
    """A value that is accepted behind a good file, and one that is not ("" when any is)."""

    good: str
    bad: str


EXAMPLES = {
    "node": Example("", "hpc"),
    "autojoin": Example("none", "any"),
    "cluster": Example("mine", ""),
    "bcast": Example("eth0", "eth0:1"),
    "udp": Example("eth0", "eth0:1"),
    "ucast": Example("eth0 10.9.9.2", "eth0"),
    "ucast6": Example("eth0 fd00::1", "eth0"),
    "mcast": Example("eth0 225.0.0.1 694 1 0", "eth0"),
    "mcast6": Example("eth0 ff15::1 694 1 0", "eth0"),
    "serial": Example("/dev/zero", "zero"),
    "ping": Example("10.9.9.1", "nosuch"),
    "ping6": Example("fd00::1", "nosuch"),
    "ping_group": Example("g 10.9.9.1", "g"),
    "udpport": Example("694", "abc"),
    "baud": Example("19200", "1234"),
    "hbaping": Example("", "x"),
    "rds": Example("", "x"),
    "tipc": Example("", "x"),
    "keepalive": Example("1", "0"),
    "warntime": Example("3", "0"),
    "deadtime": Example("6", "1"),
    "initdead": Example("12", "1"),
    "deadping": Example("5", "1"),
    "auto_failback": Example("on", "maybe"),
    "nice_failback": Example("on", "maybe"),
    "hopfudge": Example("2", "300"),
    "log_badpack": Example("no", "maybe"),
    "max_rexmit_delay": Example("100ms", "0"),
    "hbgenmethod": Example("time", "x"),
    "uuidfrom": Example("nodename", "x"),
    "msgfmt": Example("netstring", "foo"),
    "compression": Example("bz2", "foo"),
    "compression_threshold": Example("5", "0"),
    "traditional_compression": Example("on", "maybe"),
    "logfile": Example("/var/log/ha-log", ""),
    "debugfile": Example("/var/log/ha-debug", ""),
    "logfacility": Example("local0", "bogus"),
    "use_logd": Example("yes", "maybe"),
    "conn_logd_time": Example("60", "0"),
    "syslogmsgfmt": Example("no", "maybe"),
    "debug": Example("1", "300"),
    "watchdog": Example("/dev/watchdog", "dog"),
    "realtime": Example("off", "maybe"),
    "rtprio": Example("50", "1000"),
    "memreserve": Example("6500", "0"),
    "coredumps": Example("true", "maybe"),
    "coreroot": Example("/var/cores", ""),
    "use_apphbd": Example("yes", "maybe"),
    "normalpoll": Example("off", "maybe"),
    "respawn": Example("root /bin/watch", "root /nonexist"),
    "failfast": Example("root /bin/watch", "root /nonexist"),
    "apiauth": Example("x uid=root", "x"),
    "env": Example("A=b", "=b"),
    "fencing": Example("required", "maybe"),
    "stonith": Example("fence_own /etc/ha.d/own", "nosuch /etc/ha.d/own"),
    "stonith_host": Example("* fence_own ip=192.0.2.1", "* nosuch hpa"),
    "quorum_server": Example("x", ""),
    "crm": Example("off", "on"),
    "pacemaker": Example("off", "on"),
    "crm_daemon_dir": Example("/usr/lib", ""),
    "crmd_spawns_pengine": Example("on", "maybe"),
    "record_config_changes": Example("on", "maybe"),
    "record_pengine_inputs": Example("on", "maybe"),
    "enable_config_writes": Example("on", "maybe"),
}
WEAKER = frozenset(("respawn", "failfast", "fencing", "stonith", "stonith_host", "quorum_server"))


def test_every_row_has_an_example() -> None:
    """Goal: no row without a test. Method: compare names in both directions."""
    assert set(EXAMPLES) == set(DIRECTIVES)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if EXAMPLES[name].good])
def test_nothing_is_ignored_in_silence(name: str, tmp_path: Path) -> None:
    """Goal: done, or one line that says what is done instead. Method: each row's good value."""
    files = Files().with_line(f"{name} {EXAMPLES[name].good}")
    said = [notice for notice in files.accepted(tmp_path, MACHINE).notices if notice.line == 6]
    if DIRECTIVES[name].handling is Handling.INSTEAD:
        (notice,) = said
        assert DIRECTIVES[name].instead in notice.text
        assert (notice.severity is Severity.WARNING) == (name in WEAKER)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if EXAMPLES[name].bad])
def test_a_bad_value_is_refused_in_its_line(name: str, tmp_path: Path) -> None:
    """Goal: each row judges its value. Method: each row's bad value, and only that mistake."""
    files = Files().with_line(f"{name} {EXAMPLES[name].bad}")
    assert files.mistakes(tmp_path, MACHINE) == ["ha.cf:6"]


@pytest.mark.parametrize("name", [name for name, row in DIRECTIVES.items() if row.agrees])
def test_where_both_do_the_same_there_is_nothing_to_say(name: str, tmp_path: Path) -> None:
    """Goal: no noise. Method: the value with which heartbeat does what hbd always does."""
    files = Files().with_line(f"{name} {DIRECTIVES[name].agrees}")
    assert files.accepted(tmp_path, MACHINE).notices == ()


@pytest.mark.parametrize("name", [name for name, row in DIRECTIVES.items() if row.default])
def test_writing_the_default_changes_nothing(name: str, tmp_path: Path) -> None:
    """Goal: one home for each default. Method: with and without the line, but for the notice."""
    before = Files("node hpa hpb\nbcast eth0\n").accepted(tmp_path, MACHINE)
    line = f"{name} {DIRECTIVES[name].default}"
    after = Files(f"{line}\nnode hpa hpb\nbcast eth0\n").accepted(tmp_path, MACHINE)
    for field in ("timing", "media", "auto_failback", "hopfudge", "log_badpack", "debug"):
        assert getattr(before, field) == getattr(after, field)
    assert (before.max_rexmit_delay_usec, before.msgfmt) == (
        after.max_rexmit_delay_usec,
        after.msgfmt,
    )


def blocks() -> dict[str, str]:
    """What ha.cf(5) says of each directive; of several in a row, the same."""
    pages: dict[str, str] = {}
    names: list[str] = []
    text: list[str] = []
    for line in [*MANUAL.read_text().splitlines(), ".El"]:
        item = re.match(r"\.It Ic (\S+)", line)
        if (item or line in (".El", ".Bl")) and text:
            pages.update(dict.fromkeys(names, "\n".join(text)))
            names, text = [], []
        if item:
            names.append(item[1])
        elif names:
            text.append(line)
    return pages


@pytest.mark.parametrize("name", DIRECTIVES)
def test_the_manual_tells_the_syntax_and_the_default(name: str) -> None:
    """Goal: the table is the manual. Method: syntax, and default or none, in the row's block."""
    row = DIRECTIVES[name]
    assert f"\n.It Ic {name} Ar {row.syntax}\n" in MANUAL.read_text()
    told = re.findall(r"^Default: (.*)\.$", blocks()[name], re.MULTILINE)
    assert told == ([row.default] if row.default else [])
