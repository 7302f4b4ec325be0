"""The lines of ha.cf(5) about who is in the cluster and what it does: `(draft, line, value)`."""

from __future__ import annotations

from hbd.cluster.terms import AutoFailback
from hbd.config.draft import Draft
from hbd.config.findings import BadValue, quoted
from hbd.config.surroundings import PathKind
from hbd.config.values import flag, node_name, words

# Device types that cluster-glue's stonith(8) and Debian's external plugins know.
STONITH_TYPES = frozenset(
    (
        *("apcmaster", "apcmastersnmp", "apcsmart", "baytech", "bladehpi", "cyclades", "drac3"),
        *("ibmhmc", "ipmilan", "meatware", "null", "nw_rpc100s", "rcd_serial", "rps10", "ssh"),
        *("suicide", "vacm", "wti_mpc", "wti_nps"),
        *("external/drac5", "external/dracmc-telnet", "external/hetzner", "external/hmchttp"),
        *("external/ibmrsa", "external/ibmrsa-telnet", "external/ipmi", "external/ippower9258"),
        *("external/kdumpcheck", "external/libvirt", "external/nut", "external/rackpdu"),
        *("external/riloe", "external/sbd", "external/ssh", "external/vcenter"),
        *("external/vmware", "external/xen0", "external/xen0-ha"),
    )
)

_NO_PACEMAKER = "hbd runs haresources and no Pacemaker"


def node(draft: Draft, line: int, word: str) -> None:
    """`node NAME...`; a name twice is refused: see DEVIATIONS in ha.cf(5)."""
    name = node_name(word)
    if name in draft.nodes:
        why = f"the node is already named in line {draft.nodes[name]}"
        raise BadValue(why, "name each of the two nodes once")
    draft.nodes[name] = line


def auto_failback(draft: Draft, line: int, word: str) -> None:
    """`auto_failback on|off|legacy`."""
    if word.lower() == "legacy":
        draft.auto_failback = AutoFailback.LEGACY
        return
    try:
        draft.auto_failback = AutoFailback.ON if flag(word) else AutoFailback.OFF
    except BadValue as error:
        raise BadValue("it is neither on, off nor legacy", "write on, off or legacy") from error


def nice_failback(draft: Draft, line: int, word: str) -> None:
    """The older word: on means `auto_failback off`, off means `auto_failback legacy`."""
    draft.auto_failback = AutoFailback.OFF if flag(word) else AutoFailback.LEGACY
    meaning = draft.auto_failback.value
    text = f"nice_failback {word}: obsolete, understood as auto_failback {meaning}"
    draft.findings.warning(line, text)


def crm(draft: Draft, line: int, word: str) -> None:
    """`crm` and `pacemaker`: only off is possible."""
    if word.lower() in ("respawn", "minimal", "manual", "ccm-only", "valgrind"):
        raise BadValue(_NO_PACEMAKER, "write crm off or delete the line")
    if flag(word):
        raise BadValue(_NO_PACEMAKER, "write crm off or delete the line")


def autojoin(draft: Draft, line: int, word: str) -> None:
    """`autojoin`: a cluster of haresources has the nodes that are named, no others."""
    if word in ("other", "any"):
        raise BadValue("nodes of haresources cannot join by themselves", "write autojoin none")
    if word != "none":
        raise BadValue("it is not one of the known words", "write autojoin none")


def stonith(draft: Draft, line: int, value: str) -> None:
    """`stonith TYPE CONFIGFILE`."""
    match words(value):
        case [kind, file, *_]:
            _known_type(draft, kind)
            if draft.surroundings.path(file) is PathKind.ABSENT:
                raise BadValue(f"there is no file {quoted(file)}", "write the device's own file")
        case _:
            raise BadValue("type and file are both needed", "write stonith TYPE FILE")


def stonith_host(draft: Draft, line: int, value: str) -> None:
    """`stonith_host HOST TYPE PARAMS...`; what another node would fence is not looked at."""
    match words(value):
        case [host, kind, *_]:
            if host == "*" or host.lower() == draft.local:
                _known_type(draft, kind)
        case _:
            raise BadValue("host and type are both needed", "write stonith_host HOST TYPE PARAMS")


def _known_type(draft: Draft, kind: str) -> None:
    if kind in STONITH_TYPES:
        return
    agent = f"/usr/sbin/fence_{kind}"
    if "/" in kind or not draft.surroundings.is_executable(agent):
        why = f"{quoted(kind)} is no known type of fence device"
        raise BadValue(why, "write a type of stonith(8), or install its fence agent")
