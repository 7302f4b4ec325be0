"""The three files as a Pacemaker cluster: corosync.conf, cib.xml, and units around scripts.

Pure: what it must know of the machine it asks of a `Site`. Everything without an exact equivalent
is a remark, which also stands as a comment in the file it concerns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hbd.cluster.terms import SECOND, AutoFailback, Fencing
from hbd.config.model import Config
from hbd.export.cib import Parts, cib
from hbd.export.corosync import corosync_conf
from hbd.export.fences import fences, fencing_delay
from hbd.export.groups import groups
from hbd.export.names import Names
from hbd.export.primitive import Rule
from hbd.export.reach import reach
from hbd.export.remark import Remark, note
from hbd.export.rings import Given, rings
from hbd.export.site import Site

COROSYNC_CONF: Final = "corosync.conf"
CIB: Final = "cib.xml"

HOME: Final = "100"  # how much a group likes its preferred node
# Per resource of a group, so above HOME for one of any length: it stays where it is.
STAYS: Final = "1000"
# hbd starts a lost resource again once; a second loss within a minute moves the group.
FAILURES: Final = "2"
FORGOTTEN_AFTER: Final = "60s"


@dataclass(frozen=True, slots=True)
class Exported:
    """Files by name, to be put where `remarks` and the manual say."""

    files: Mapping[str, str]
    remarks: tuple[Remark, ...]


def exported(
    views: tuple[Config, Config], given: Given, fencing: Fencing | None, site: Site, head: str
) -> Exported:
    """The equivalent cluster of one configuration, as each of its two nodes reads it.

    The first view is the local node's. `fencing` takes the place of ha.cf's word.
    """
    config = views[0]
    names = Names()
    links, of_links = rings(config, given, site)
    made = groups(config, names, site, head)
    pings, wishes = reach(config, made.groups, names)
    guards = fences(views, fencing or config.fencing, names, site)
    home = [
        Rule(names.of("home", group.name), placed.ident, HOME, node=group.preferred)
        for group in config.groups
        for placed in made.groups
        if placed.text == group.name
    ]
    parts = Parts(
        nodes=config.nodes,
        properties=_properties(config, is_fenced=bool(guards.devices)),
        defaults=_defaults(config),
        resources=(*guards.devices, *pings, *made.shared, *made.groups),
        rules=(*guards.rules, *home, *wishes),
        after=tuple(made.after),
        levels=tuple(guards.levels),
    )
    of_cib = [*guards.remarks, *made.remarks, *_other(config)]
    files = {
        COROSYNC_CONF: corosync_conf(config.nodes, links, config.timing, of_links, head),
        CIB: cib(parts, head, [str(remark) for remark in of_cib]),
        **made.units,
    }
    return Exported(files, (*of_links, *of_cib))


def _properties(config: Config, *, is_fenced: bool) -> tuple[tuple[str, str], ...]:
    """dc-deadtime is how long a node that starts waits for the other one: initdead.

    Two nodes that lose sight of each other would shoot at the same time: who runs less waits, and
    twice as long as any device does by itself, as Pacemaker Explained has it.
    """
    initdead = f"{-(-config.timing.initdead_usec // SECOND)}s"
    properties = [
        ("stonith-enabled", "true" if is_fenced else "false"),
        ("dc-deadtime", initdead),
    ]
    if is_fenced:
        wait = 2 * fencing_delay(config.timing.deadtime_usec)
        properties.append(("priority-fencing-delay", f"{wait}s"))
    return tuple(properties)


def _defaults(config: Config) -> tuple[tuple[str, str], ...]:
    stays = STAYS if config.auto_failback is AutoFailback.OFF else "0"
    return (
        ("resource-stickiness", stays),
        ("migration-threshold", FAILURES),
        ("failure-timeout", FORGOTTEN_AFTER),
        ("priority", "1"),
    )


def _other(config: Config) -> list[Remark]:
    """The rest of ha.cf: what another protocol on the wire has no use for."""
    remarks = [
        note(
            "keepalive",
            f"{config.timing.keepalive_usec / SECOND:g} s: no equivalent; Corosync's token "
            "circulates all the time",
        )
    ]
    if config.auto_failback is AutoFailback.LEGACY:
        remarks.append(note("auto_failback legacy", "exported as on"))
    if config.env:
        names = " ".join(f"HA_{name}" for name, _ in config.env)
        remarks.append(note("env", f"{names}: in the units around scripts only"))
    return remarks
