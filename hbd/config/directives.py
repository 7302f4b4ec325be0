"""Every directive of heartbeat 3.0.6's ha.cf, and 0.4.9's `udp`, in one table.

The parser, the defaults, ha.cf(5) and the tests all follow this table. Nothing is ignored in
silence: a directive is done, or done otherwise with one line that says how, or refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hbd.cluster.terms import Fencing
from hbd.config import clients, fencing, media, policy
from hbd.config.draft import DEFAULT_BAUD, DEFAULT_PORT
from hbd.config.model import GenerationMethod, Severity, UuidSource
from hbd.config.rules import Choice, Flag, Number, Own, Rule, Text, Time

HIGHEST_NUMBER = 2**31 - 1  # a C int, which heartbeat keeps these in
BAUD_RATES = (9600, 19200, 38400, 57600, 115200, 230400, 460800)
LONGEST_REXMIT_DELAY = 60_000  # ms; a message that is a minute old is no heartbeat any more
SYSLOG_FACILITIES = (
    *("none", "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news"),
    *("syslog", "user", "uucp", "local0", "local1", "local2", "local3", "local4", "local5"),
    *("local6", "local7"),
)
GENERATION_METHODS = tuple(each.value for each in GenerationMethod)
FENCINGS = tuple(each.value for each in Fencing)
UUID_SOURCES = tuple(each.value for each in UuidSource)


class Handling(Enum):
    """What hbd does with a directive."""

    DONE = "done"  # as heartbeat does
    INSTEAD = "instead"  # accepted; one line says what hbd does instead
    REFUSED = "refused"  # not in Debian's heartbeat either; one line says why


@dataclass(frozen=True, slots=True)
class Directive:
    """One row.

    `syntax` is what follows the name, in the words of ha.cf(5); `default` is what holds when the
    directive is not there, as it would be written, "" for nothing or a computed one. `instead`
    says what hbd does instead (DONE: what to know); it is silent for the value `agrees`, where
    heartbeat and hbd do the same. `once`: a second time is a mistake. `key` is the name values are
    kept under (an alias shares its key).
    """

    name: str
    syntax: str
    rule: Rule
    default: str = ""
    handling: Handling = Handling.DONE
    instead: str = ""
    agrees: str | None = None
    severity: Severity = Severity.NOTICE
    once: bool = False
    alias_of: str | None = None

    @property
    def key(self) -> str:
        """The name under which the value is kept."""
        return self.alias_of or self.name


def _instead(
    name: str,
    syntax: str,
    rule: Rule,
    instead: str,
    *,
    default: str = "",
    agrees: str | None = None,
    severity: Severity = Severity.NOTICE,
    once: bool = False,
    alias_of: str | None = None,
) -> Directive:
    return Directive(
        name,
        syntax,
        rule,
        default,
        Handling.INSTEAD,
        instead,
        agrees,
        severity,
        once,
        alias_of,
    )


def _refused(name: str, syntax: str, why: str) -> Directive:
    return Directive(name, syntax, Text(whole_line=True), "", Handling.REFUSED, why)


_JOURNAL = "hbd logs to the journal (journalctl -u hbd)"
_UNIT_PRIORITY = "the scheduling is hbd.service's (systemctl edit hbd, ExecStartPost=)"
_UNIT_CORE = "core dumps are systemd's (coredumpctl list hbd)"
_UNCOMPRESSED = "hbd's messages are small and are never compressed"
_NO_PACEMAKER = "it is Pacemaker's, which hbd does not run"
_NOT_PACKAGED = "the medium is not in Debian's heartbeat 3.0.6, and hbd has none like it"
_NO_CLIENTS = "hbd starts no programs: make it a systemd unit with PartOf=hbd.service"

_TABLE = (
    # Who is in the cluster
    Directive("node", "NAME...", Own(policy.node)),
    Directive("autojoin", "none", Own(policy.autojoin), "none"),
    _instead(
        "cluster", "NAME", Text(), "hbd needs no cluster name, its nodes are named",
        default="linux-ha", agrees="linux-ha",
    ),
    # Media
    Directive("bcast", "IF...", Own(media.bcast)),
    Directive(
        "udp", "IF...", Own(media.udp),
        instead="the word of heartbeat 0.4.9 for bcast, done as bcast",
    ),
    Directive("ucast", "IF HOST", Own(media.ucast, whole_line=True)),
    Directive("ucast6", "IF HOST", Own(media.ucast6, whole_line=True)),
    Directive("mcast", "IF GROUP PORT TTL LOOP", Own(media.mcast, whole_line=True)),
    Directive("mcast6", "IF GROUP PORT TTL LOOP", Own(media.mcast6, whole_line=True)),
    Directive("serial", "DEV...", Own(media.serial)),
    Directive("ping", "HOST...", Own(media.ping)),
    Directive("ping6", "HOST...", Own(media.ping6)),
    Directive("ping_group", "NAME HOST...", Own(media.ping_group, whole_line=True)),
    Directive("udpport", "PORT", Number(1, media.HIGHEST_PORT), str(DEFAULT_PORT)),
    Directive(
        "baud", "RATE", Number(1, HIGHEST_NUMBER, among=BAUD_RATES), str(DEFAULT_BAUD), once=True
    ),
    _refused("hbaping", "NAME", _NOT_PACKAGED),
    _refused("rds", "IF HOST", _NOT_PACKAGED),
    _refused("tipc", "TYPE INSTANCE", _NOT_PACKAGED),
    # Times
    Directive("keepalive", "TIME", Time(positive=True), "1"),
    Directive("warntime", "TIME", Time(positive=True)),
    Directive("deadtime", "TIME", Time(), "30"),
    Directive("initdead", "TIME", Time()),
    Directive("deadping", "TIME", Time()),
    # Moving resources
    Directive("auto_failback", "on|off|legacy", Own(policy.auto_failback), "legacy"),
    Directive("nice_failback", "BOOL", Own(policy.nice_failback)),
    # Messages
    Directive("hopfudge", "NUMBER", Number(0, 255), "1"),
    Directive("log_badpack", "BOOL", Flag(), "on"),
    Directive(
        "max_rexmit_delay", "MILLISECONDS", Number(1, LONGEST_REXMIT_DELAY, unit="ms"), "250"
    ),
    Directive(
        "hbgenmethod", "file|time", Choice(GENERATION_METHODS), "file"
    ),
    Directive("uuidfrom", "file|nodename", Choice(UUID_SOURCES), "file"),
    _instead(
        "msgfmt", "classic|netstring", Choice(("classic", "netstring")),
        "hbd sends both signatures, which every receiver accepts",
        default="classic", agrees="classic",
    ),
    _instead(
        "compression", "zlib|bz2", Choice(("zlib", "bz2")), _UNCOMPRESSED, default="zlib",
    ),
    _instead(
        "compression_threshold", "KILOBYTES", Number(1, HIGHEST_NUMBER), _UNCOMPRESSED,
        default="2",
    ),
    _instead(
        "traditional_compression", "BOOL", Flag(), _UNCOMPRESSED, default="off", agrees="off"
    ),
    # Logging
    _instead("logfile", "PATH", Text(), _JOURNAL),
    _instead("debugfile", "PATH", Text(), _JOURNAL),
    _instead("logfacility", "FACILITY", Choice(SYSLOG_FACILITIES), _JOURNAL),
    _instead("use_logd", "BOOL", Flag(), _JOURNAL),
    _instead("conn_logd_time", "TIME", Time(positive=True), _JOURNAL, default="60"),
    _instead("syslogmsgfmt", "BOOL", Flag(), _JOURNAL, default="on"),
    Directive("debug", "LEVEL", Number(0, 255), "0"),
    # The process
    Directive("watchdog", "DEV", Own(fencing.watchdog), once=True),
    _instead("realtime", "BOOL", Flag(), _UNIT_PRIORITY, default="on", agrees="on"),
    _instead("rtprio", "PRIORITY", Number(1, 99), _UNIT_PRIORITY),
    _instead(
        "memreserve", "KILOBYTES", Number(1, HIGHEST_NUMBER),
        "memory is hbd.service's (OOMScoreAdjust=)", default="6500",
    ),
    _instead("coredumps", "BOOL", Flag(), _UNIT_CORE, default="on"),
    _instead("coreroot", "PATH", Text(), _UNIT_CORE),
    _instead(
        "use_apphbd", "BOOL", Flag(), "systemd watches hbd and restarts it",
        default="off", agrees="off",
    ),
    _instead("normalpoll", "BOOL", Flag(), "hbd waits for events and polls nothing", default="on"),
    # Other programs
    _instead(
        "respawn", "USER /PATH [ARGS]", Own(clients.respawn, whole_line=True), _NO_CLIENTS,
        severity=Severity.WARNING,
    ),
    _instead(
        "failfast", "USER /PATH [ARGS]", Own(clients.respawn, whole_line=True),
        f"{_NO_CLIENTS} and FailureAction=reboot", severity=Severity.WARNING,
    ),
    _instead(
        "apiauth", "CLIENT [uid=LIST] [gid=LIST]", Own(clients.apiauth, whole_line=True),
        "clients talk to hbd over D-Bus and polkit says who may (org.hbd.Heartbeat1)",
    ),
    Directive("env", "NAME=VALUE...", Own(clients.env)),
    # Fencing
    Directive("fencing", "auto|reservation|stonith|none|required", Choice(FENCINGS), "auto"),
    Directive("stonith", "TYPE FILE", Own(fencing.stonith, whole_line=True)),
    Directive("stonith_host", "HOST TYPE PARAMS...", Own(fencing.stonith_host, whole_line=True)),
    _instead(
        "quorum_server", "HOST", Text(),
        "hbd asks no quorum server: only the links tell whether the peer lives",
        severity=Severity.WARNING,
    ),
    # Pacemaker
    Directive("crm", "off", Own(policy.crm), "off", once=True),
    Directive("pacemaker", "off", Own(policy.crm), "off", once=True, alias_of="crm"),
    _instead("crm_daemon_dir", "PATH", Text(), _NO_PACEMAKER),
    _instead("crmd_spawns_pengine", "BOOL", Flag(), _NO_PACEMAKER, default="on"),
    _instead("record_config_changes", "BOOL", Flag(), _NO_PACEMAKER, default="on"),
    _instead("record_pengine_inputs", "BOOL", Flag(), _NO_PACEMAKER, default="on"),
    _instead("enable_config_writes", "BOOL", Flag(), _NO_PACEMAKER, default="on"),
)  # fmt: skip

DIRECTIVES = {directive.name: directive for directive in _TABLE}
assert len(DIRECTIVES) == len(_TABLE), "each directive has one row"
