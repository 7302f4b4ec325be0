"""ha.cf: the grammar of lines, and what must hold for the file as a whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hbd.cluster.terms import AutoFailback, NodeName, Usec
from hbd.config.findings import LIMIT
from hbd.config.model import GenerationMethod, Ping, UuidSource
from tests.unit.config.files import HA_CF, Files
from tests.unit.config.machine import LabMachine


def ha_cf(text: str) -> Files:
    """The usual files with another ha.cf."""
    return replace(Files(), ha_cf=text)


def test_a_whole_file_becomes_a_config(tmp_path: Path) -> None:
    """Goal: each value arrives. Method: a file that says everything that is done."""
    text = (
        "node HPA hpb # both\n"
        "  serial\t/dev/null\n"
        "keepalive 500ms\nwarntime 2\ndeadtime 4\ninitdead 60\ndeadping 6\n"
        "hopfudge 2\nauto_failback off\nlog_badpack off\nmax_rexmit_delay 100\n"
        "hbgenmethod time\nuuidfrom nodename\nenv A=1 B=x=y\ndebug 3\n"
        "bcast eth0\nping 10.9.9.1\n"
    )
    config = ha_cf(text).accepted(tmp_path)
    assert config.nodes == ("hpa", "hpb")
    assert (config.local, config.peer) == ("hpb", "hpa")
    timing = config.timing
    assert (timing.keepalive_usec, timing.warntime_usec) == (500_000, 2_000_000)
    assert (timing.deadtime_usec, timing.initdead_usec) == (4_000_000, 60_000_000)
    assert config.deadping_usec == 6_000_000
    assert (config.hopfudge, config.ttl) == (2, 5)
    assert config.auto_failback is AutoFailback.OFF
    assert not config.log_badpack
    assert config.max_rexmit_delay_usec == 100_000
    assert config.hbgenmethod is GenerationMethod.TIME
    assert config.uuidfrom is UuidSource.NODENAME
    assert config.env == (("A", "1"), ("B", "x=y"))
    assert config.debug == 3
    assert [medium.name for medium in config.media] == ["/dev/null", "eth0", "10.9.9.1"]


def test_what_is_not_said_is_heartbeats_default(tmp_path: Path) -> None:
    """Goal: a short file means what it meant. Method: only what must be there."""
    config = ha_cf("node hpa hpb\nbcast eth0\n").accepted(tmp_path)
    timing = config.timing
    assert (timing.keepalive_usec, timing.warntime_usec) == (1_000_000, 15_000_000)
    assert (timing.deadtime_usec, timing.initdead_usec) == (30_000_000, 30_000_000)
    assert config.deadping_usec == 30_000_000
    assert config.auto_failback is AutoFailback.LEGACY
    assert (config.hopfudge, config.max_rexmit_delay_usec, config.debug) == (1, 250_000, 0)
    assert config.log_badpack
    assert config.hbgenmethod is GenerationMethod.FILE


@pytest.mark.parametrize(("deadtime", "initdead"), [(5, 12), (6, 12), (10, 20), (11, 11)])
def test_initdead_follows_deadtime(deadtime: int, initdead: int, tmp_path: Path) -> None:
    """Goal and method: the three ranges of heartbeat's default."""
    config = ha_cf(f"node hpa hpb\nbcast eth0\ndeadtime {deadtime}\n").accepted(tmp_path)
    assert config.timing.initdead_usec == Usec(initdead * 1_000_000)


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    """Goal: one look shows all. Method: a file with a mistake in every second line."""
    text = (
        "node hpa hpb\nkeepalive 2s\nbcast eth0\nbaud 1\nauto_failback on\nfrobnicate\n"
        "deadtime 5\nucast eth0\nserial /dev/null\nhopfudge 300\n"
    )
    places = ha_cf(text).mistakes(tmp_path)
    assert places == [f"ha.cf:{line}" for line in (2, 4, 6, 8, 10)]


def test_a_refused_value_has_no_further_mistakes_in_its_wake(tmp_path: Path) -> None:
    """Goal: each cause is told once. Method: spoil what others are compared with."""
    text = "node h/a\nbcast eth0:1\nkeepalive 2s\ndeadtime 5\ninitdead 6\n"
    assert ha_cf(text).mistakes(tmp_path) == [f"ha.cf:{line}" for line in (1, 2, 3)]


@pytest.mark.parametrize(
    "line",
    ["deadtime 2", "initdead 4", "deadping 2", "use_logd no", "node hpc", "node hpa"],
)
def test_what_does_not_fit_together_is_refused(line: str, tmp_path: Path) -> None:
    """Goal: the cross checks hold. Method: one line that spoils a good file (deadtime 5)."""
    assert Files().with_line(line).mistakes(tmp_path) == ["ha.cf:6"]


@pytest.mark.parametrize(
    "text", ["", "bcast eth0\n", "node hpa hpb\n", "node hpa hpb\nping 10.9.9.1\n"]
)
def test_a_cluster_needs_nodes_and_a_way_between_them(text: str, tmp_path: Path) -> None:
    """Goal: nothing starts that could only split. Method: leave out nodes, media or both."""
    assert set(ha_cf(text).mistakes(tmp_path)) == {"ha.cf:0"}


def test_ucast_lines_to_oneself_only_are_no_medium(tmp_path: Path) -> None:
    """Goal: the commonest typing error of ucast is told. Method: hpb's own address."""
    assert ha_cf("node hpa hpb\nucast eth0 10.9.9.3\n").mistakes(tmp_path) == ["ha.cf:0"]


def test_one_node_is_accepted_with_a_warning(tmp_path: Path) -> None:
    """Goal: a cluster may be built node by node. Method: only the local one."""
    files = replace(ha_cf("node hpb\nbcast eth0\nauto_failback on\n"), haresources="hpb smb\n")
    assert files.accepted(tmp_path).peer is None
    assert files.warnings(tmp_path) == ["ha.cf:1"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("auto_failback ON", AutoFailback.ON),
        ("auto_failback Legacy", AutoFailback.LEGACY),
        ("nice_failback on", AutoFailback.OFF),
        ("nice_failback off", AutoFailback.LEGACY),
        ("auto_failback on\nnice_failback on", AutoFailback.OFF),
        ("nice_failback on\nauto_failback on", AutoFailback.ON),
    ],
)
def test_failback_means_what_the_manual_said(
    lines: str, expected: AutoFailback, tmp_path: Path
) -> None:
    """Goal: nice_failback as documented, not as 3.0.6 has it by mistake. Method: each order."""
    files = ha_cf(f"node hpa hpb\nbcast eth0\n{lines}\n")
    assert files.accepted(tmp_path).auto_failback is expected


def test_a_second_value_replaces_the_first_and_says_so(tmp_path: Path) -> None:
    """Goal: nothing is overridden in silence. Method: twice in a line, and in two lines."""
    files = ha_cf(HA_CF + "keepalive 2 1\ndeadtime 7\n")
    config = files.accepted(tmp_path)
    assert config.timing.keepalive_usec == 1_000_000
    assert config.timing.deadtime_usec == 7_000_000
    assert files.warnings(tmp_path) == ["ha.cf:6", "ha.cf:7"]


@pytest.mark.parametrize("line", ["keepalive", "logfile", "initdead # later"])
def test_an_option_without_a_value_does_nothing_and_says_so(line: str, tmp_path: Path) -> None:
    """Goal: heartbeat's verdict, without its silence. Method: the bare word."""
    files = Files().with_line(line)
    assert files.warnings(tmp_path) == ["ha.cf:6"]


@pytest.mark.parametrize(
    "line",
    [
        *(
            "Keepalive 1",
            "keepalive,1",
            "node\\",
            "logfile x \\",
            "\x01 1",
            "debug 1\x1b[2J",
            "debug 1\u2028",
        ),
        "env A=" + "x" * 5200,
    ],
)
def test_a_line_that_is_none_is_refused(line: str, tmp_path: Path) -> None:
    """Goal: the grammar is exact. Method: case, commas, continuation, control characters, size."""
    assert Files().with_line(line).mistakes(tmp_path) == ["ha.cf:6"]


def test_a_comment_may_hold_anything(tmp_path: Path) -> None:
    """Goal: comments of any age are no trouble. Method: odd characters behind the #."""
    assert Files().with_line("# \x01 grün \u2028").accepted(tmp_path).notices == ()
    assert Files().with_line("debug 0 #\x1b\r").accepted(tmp_path).notices == ()


@pytest.mark.parametrize("line", ["crm on", "crm respawn", "pacemaker yes", "crm maybe"])
def test_there_is_no_pacemaker(line: str, tmp_path: Path) -> None:
    """Goal: a Pacemaker cluster is not started as another. Method: each way to switch it on."""
    assert Files().with_line(line).mistakes(tmp_path) == ["ha.cf:6"]


def test_crm_and_its_alias_are_one_directive(tmp_path: Path) -> None:
    """Goal and method: said once under each name is said twice."""
    assert Files().with_line("crm off\npacemaker off").mistakes(tmp_path) == ["ha.cf:7"]


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ("respawn root /usr/bin/watch a b", True),
        ("failfast nobody /usr/bin/watch", True),
        ("respawn nosuch /usr/bin/watch", False),
        ("respawn root /usr/bin/nosuch", False),
        ("respawn root watch", False),
        ("respawn root", False),
        ("respawn", False),
    ],
)
def test_programs_are_judged_and_not_started(line: str, accepted: bool, tmp_path: Path) -> None:
    """Goal: heartbeat's verdict and a warning. Method: users, paths and missing parts."""
    machine = LabMachine(programs=frozenset(("/usr/bin/watch",)))
    files = Files().with_line(line)
    if accepted:
        assert files.warnings(tmp_path, machine) == ["ha.cf:6"]
    else:
        assert files.mistakes(tmp_path, machine) == ["ha.cf:6"]


@pytest.mark.parametrize("line", ["apiauth x", "apiauth x uid", "apiauth x uid=", "apiauth x a=b"])
def test_a_client_needs_a_list(line: str, tmp_path: Path) -> None:
    """Goal and method: apiauth without who may."""
    assert Files().with_line(line).mistakes(tmp_path) == ["ha.cf:6"]


def test_a_client_is_let_in_once(tmp_path: Path) -> None:
    """Goal and method: two apiauth lines for one client."""
    lines = "apiauth x uid=root\napiauth x gid=root\napiauth y gid=root"
    assert Files().with_line(lines).mistakes(tmp_path) == ["ha.cf:7"]


@pytest.mark.parametrize("line", ["env A", "env =b", "env 1A=b", "env A-B=c"])
def test_env_needs_a_name(line: str, tmp_path: Path) -> None:
    """Goal: what is given to scripts is a variable. Method: no name, no value, no such name."""
    assert Files().with_line(line).mistakes(tmp_path) == ["ha.cf:6"]


def test_a_ping_node_is_not_a_cluster_node(tmp_path: Path) -> None:
    """Goal: one name means one thing. Method: ping the peer by its name."""
    machine = LabMachine(hosts={"hpa": "10.9.9.2", "router": "10.9.9.1"})
    assert Files().with_line("ping hpa").mistakes(tmp_path, machine) == ["ha.cf:0"]
    config = Files().with_line("ping router").accepted(tmp_path, machine)
    assert config.media[-1] == Ping(config.media[-1].name, ("10.9.9.1",))


@pytest.mark.parametrize("line", ["initdead 6", "warntime 5", "warntime 9"])
def test_times_that_are_legal_and_unwise_are_warned_about(line: str, tmp_path: Path) -> None:
    """Goal and method: an early initdead, and a warntime that never warns (deadtime 5)."""
    assert Files().with_line(line).warnings(tmp_path) == ["ha.cf:6"]


def test_a_line_too_slow_for_keepalive_is_warned_about(tmp_path: Path) -> None:
    """Goal: no surprise on a slow cable. Method: 9600 baud and ten heartbeats a second."""
    text = "node hpa hpb\nauto_failback on\nbcast eth0\nbaud 9600\nserial /dev/null\nkeepalive .1\n"
    assert ha_cf(text).warnings(tmp_path) == ["ha.cf:5"]


def test_the_number_of_findings_is_bounded(tmp_path: Path) -> None:
    """Goal: no flood from a wrong file. Method: a thousand unknown directives, and remarks."""
    assert len(ha_cf("x y\n" * 1000).mistakes(tmp_path)) <= LIMIT + 3
    many = Files().with_line("logfile a\n" * 1000).accepted(tmp_path).notices
    assert len(many) == LIMIT + 1


def test_the_name_is_heartbeats(tmp_path: Path) -> None:
    """Goal: --node, nodeinfo, uname -n, in this order. Method: a file and a machine that differ."""
    machine = LabMachine(name="HPB")
    assert Files().accepted(tmp_path, machine).local == "hpb"
    (tmp_path / "nodeinfo").write_text("HPA\nmore\n")
    assert Files().accepted(tmp_path, machine).local == "hpa"
    verdict = Files().judge(tmp_path, machine, node="hpb")
    assert verdict.config is not None
    assert verdict.config.local == NodeName("hpb")
