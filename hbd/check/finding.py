"""What a check says: one line each, with the command that mends it. Pure.

The words of `CheckId` and `Level` are the API's (org.hbd.Heartbeat1(5), Check) and the manual's
(hbctl(1), CHECKS), and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Level(Enum):
    """How bad it is: a warning makes a failover weaker or slower, with an error it may fail."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class CheckId(Enum):
    """Everything that is looked at, in the order in which it is shown."""

    EXAMINED = "examined"  # the examination itself came to its end
    PEER_ANSWERS = "peer-answers"
    PEER_READY = "peer-ready"
    CONFIG_EQUAL = "config-equal"
    CONFIG_LOADED = "config-loaded"
    SERVICES_EQUAL = "services-equal"
    FILE_PERMISSIONS = "file-permissions"
    LINK_PROVEN = "link-proven"
    UNIT_EXISTS = "unit-exists"
    UNIT_AT_BOOT = "unit-at-boot"
    DISK_PRESENT = "disk-present"
    DISK_SAME = "disk-same"
    MOUNT_POINT = "mount-point"
    ADDRESS_FREE = "address-free"
    SAMBA_CONFIG = "samba-config"
    SAMBA_PRIVATE = "samba-private"
    NFS_FSID = "nfs-fsid"
    NFS_STATE = "nfs-state"
    NFS_GRACE = "nfs-grace"
    CLOCK_SYNCHRONISED = "clock-synchronised"
    CLOCK_SAME = "clock-same"
    TIME_LIMITS = "time-limits"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `remedy` is a command or, where there is none, what to do; empty when all is ok."""

    check: CheckId
    level: Level
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one subject gives: its lines, and facts that only both nodes together can judge.

    A fact's name is `subject:object`, such as `disk:LABEL=ttidisk`.
    """

    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def ok(check: CheckId, text: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, text)


def warning(check: CheckId, text: str, remedy: str) -> Finding:
    """A failover is weaker or slower than it could be, or something could not be looked at."""
    return Finding(check, Level.WARNING, text, remedy)


def error(check: CheckId, text: str, remedy: str) -> Finding:
    """The next failover may fail, or cost data."""
    return Finding(check, Level.ERROR, text, remedy)


def joined(reports: list[Report]) -> Report:
    """All of them as one, the lines in the order of `CheckId`."""
    order = list(CheckId)
    findings = [each for report in reports for each in report.findings]
    facts = {name: fact for report in reports for name, fact in report.facts.items()}
    return Report(tuple(sorted(findings, key=lambda each: order.index(each.check))), facts)
