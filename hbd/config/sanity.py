"""What must hold for ha.cf as a whole: times against each other, the nodes, the media, the order.

The rules are heartbeat 3.0.6's (ha.cf(5)) and, where it lets a cluster start that cannot be safe,
hbd's own; those are listed under DEVIATIONS in ha.cf(5).
"""

from __future__ import annotations

from hbd.cluster.terms import SECOND, NodeName, Usec
from hbd.cluster.timing import Timing, default_initdead, default_warntime
from hbd.config import fencing
from hbd.config.directives import DIRECTIVES, Directive
from hbd.config.draft import Draft
from hbd.config.findings import quoted
from hbd.config.model import Broadcast, Ping, Serial, Unicast
from hbd.config.rules import Choice, Flag, Number, Time
from hbd.config.values import in_words
from hbd.config.values import time as time_of

NODE_COUNT = 2
SHORT_INITDEAD = Usec(10 * SECOND)  # heartbeat warns below it: switches need that long to forward
HEARTBEAT_BYTES = 400  # on a serial line, with signature and report; 10 bits each

_MEDIA = ("bcast", "udp", "ucast", "ucast6", "mcast", "mcast6", "serial", "ping", "ping6")


def is_single(directive: Directive) -> bool:
    """Whether a second value replaces the first, rather than standing beside it."""
    return isinstance(directive.rule, Time | Flag | Number | Choice)


def time(draft: Draft, name: str) -> Usec:
    """What was said, or the table's default."""
    said = draft.times.get(name)
    return time_of(DIRECTIVES[name].default) if said is None else said


def timing(draft: Draft) -> Timing:
    """The four times with their computed defaults; call it only when nothing is wrong."""
    deadtime = time(draft, "deadtime")
    return Timing(
        keepalive_usec=time(draft, "keepalive"),
        warntime_usec=draft.times.get("warntime", default_warntime(deadtime)),
        deadtime_usec=deadtime,
        initdead_usec=draft.times.get("initdead", default_initdead(deadtime)),
    )


def check(draft: Draft) -> None:
    """Add what is wrong with the whole to the findings."""
    _check_nodes(draft)
    _check_media(draft)
    _check_times(draft)
    _check_serial_speed(draft)
    _check_logging(draft)
    _check_failback(draft)
    fencing.check(draft)


def check_order(draft: Draft, line: int, directive: Directive) -> None:
    """`baud` and `udpport` hold for the lines after them: say so when lines stand before."""
    if directive.key == "baud":
        speeds = {medium.baud for medium in draft.media if isinstance(medium, Serial)}
        _say_late(draft, line, "baud", speeds, draft.baud, "serial")
    elif directive.key == "udpport":
        kinds = Broadcast | Unicast
        ports = {medium.port for medium in draft.media if isinstance(medium, kinds)}
        _say_late(draft, line, "udpport", ports, draft.port, "bcast, udp and ucast")


def _say_late(draft: Draft, line: int, name: str, used: set[int], said: int, media: str) -> None:
    if not used:
        return
    values = " and ".join(str(value) for value in sorted(used))
    text = f"{name} {said}: does not hold for the {media} lines before it, which use {values}"
    if used == {said}:
        draft.findings.notice(line, f"{text}: here it makes no difference")
    else:
        draft.findings.warning(line, f"{text}: move it before them")


def _check_nodes(draft: Draft) -> None:
    if "node" in draft.spoiled:
        return
    found = draft.findings
    names = list(draft.nodes)
    if not names:
        found.mistake(0, "no node", "nobody is in the cluster", "write node and both names")
        return
    if draft.local not in draft.nodes:
        why = f"this machine is {quoted(draft.local)} and no node line names it"
        remedy = "name it there, or write its name in the cluster into the file nodeinfo"
        found.mistake(draft.nodes[names[0]], f"node {quoted(' '.join(names))}", why, remedy)
    if len(names) > NODE_COUNT:
        why = "a cluster of hbd has two nodes"
        found.mistake(draft.nodes[names[2]], f"node {quoted(names[2])}", why, "name only two")
    if len(names) == 1:
        found.warning(draft.nodes[names[0]], "a single node: there is nobody to take over")


def _check_media(draft: Draft) -> None:
    if draft.spoiled.intersection((*_MEDIA, "ping_group")):
        return
    found = draft.findings
    carrying = [medium for medium in draft.media if not isinstance(medium, Ping)]
    if not carrying:
        why = "no heartbeat can reach the peer"
        if draft.own_addresses:
            why = "the ucast lines name only this node itself"
        elif draft.media:
            why = "ping nodes carry no heartbeat, so the peer would always seem lost"
        remedy = "write serial, bcast, mcast or ucast with the peer's address"
        found.mistake(0, "no medium", why, remedy)
    elif len(carrying) == 1 and len(draft.nodes) > 1:
        one = carrying[0].name
        found.warning(
            0, f"{one} is the only link: if it breaks, each node takes the other for lost"
        )
    for medium in draft.media:
        if isinstance(medium, Ping) and NodeName(medium.name.lower()) in draft.nodes:
            why = "a ping node cannot have the name of a cluster node"
            remedy = "ping something that is not in the cluster, a router"
            found.mistake(0, f"ping {quoted(medium.name)}", why, remedy)


def _check_times(draft: Draft) -> None:
    if draft.spoiled.intersection(("keepalive", "deadtime")):
        return
    keepalive, deadtime = time(draft, "keepalive"), time(draft, "deadtime")
    found = draft.findings
    if deadtime <= 2 * keepalive:
        what = f"deadtime {in_words(deadtime)}"
        why = f"it must be more than twice keepalive ({in_words(keepalive)} s)"
        remedy = "one lost heartbeat is no lost peer: raise deadtime or lower keepalive"
        found.mistake(_line(draft, "deadtime", "keepalive"), what, why, remedy)
    initdead = draft.times.get("initdead")
    if initdead is not None and initdead < deadtime:
        what = f"initdead {in_words(initdead)}"
        why = f"it must not be below deadtime ({in_words(deadtime)} s)"
        found.mistake(draft.lines["initdead"], what, why, "raise it, 10 s is a good start")
    elif initdead is not None and initdead < SHORT_INITDEAD:
        what = f"initdead {in_words(initdead)}: under 10 s a network may not be up yet at boot, "
        found.warning(draft.lines["initdead"], what + "and the peer be taken for lost")
    deadping = draft.times.get("deadping")
    if deadping is not None and deadping <= 2 * keepalive:
        what = f"deadping {in_words(deadping)}"
        why = f"it must be more than twice keepalive ({in_words(keepalive)} s)"
        found.mistake(draft.lines["deadping"], what, why, "raise it")
    warntime = draft.times.get("warntime")
    if warntime is not None and warntime >= deadtime:
        what = f"warntime {in_words(warntime)}: not below deadtime ({in_words(deadtime)} s), "
        found.warning(draft.lines["warntime"], what + "so there will never be a warning")


def _check_serial_speed(draft: Draft) -> None:
    keepalive = time(draft, "keepalive")
    for medium in draft.media:
        if not isinstance(medium, Serial):
            continue
        needed = Usec(HEARTBEAT_BYTES * 10 * SECOND // medium.baud)
        if needed > keepalive and "keepalive" not in draft.spoiled:
            text = (
                f"serial {quoted(medium.device)}: a heartbeat needs up to {needed // 1000} ms at "
                f"{medium.baud} baud, more than keepalive ({in_words(keepalive)} s): "
                "only the newest state will be sent"
            )
            draft.findings.warning(draft.lines["serial"], text)


def _check_logging(draft: Draft) -> None:
    facility = draft.texts.get("logfacility", "none")
    targets = facility != "none" or "logfile" in draft.texts or "debugfile" in draft.texts
    if draft.flags.get("use_logd") is False and not targets:
        why = "neither logfile, debugfile nor logfacility is given beside it"
        remedy = "delete the line: hbd logs to the journal (journalctl -u hbd)"
        draft.findings.mistake(draft.lines["use_logd"], "use_logd no", why, remedy)


def _check_failback(draft: Draft) -> None:
    if draft.auto_failback is None and "auto_failback" not in draft.spoiled:
        text = "auto_failback is not set: legacy holds, groups go home when their node returns"
        draft.findings.warning(0, text)


def _line(draft: Draft, *names: str) -> int:
    return next((draft.lines[name] for name in names if name in draft.lines), 0)
