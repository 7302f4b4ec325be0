"""The lines of ha.cf(5) about fencing: `(draft, line, value)`.

heartbeat's `stonith` and `stonith_host` name a plugin of cluster-glue and give its parameters by
their order; hbd runs fence agents, whose parameters have names. What a plugin's words mean to an
agent is the table here. Passwords stand in these lines: no finding ever repeats a parameter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hbd.cluster.terms import NodeName
from hbd.config.draft import Draft
from hbd.config.findings import BadValue, quoted
from hbd.config.model import FenceDevice, Fencing
from hbd.config.surroundings import PathKind
from hbd.config.values import words

# Device types that cluster-glue's stonith(8) and Debian's external plugins know.
STONITH_TYPES: Final = frozenset(
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

AGENTS: Final = "/usr/sbin/"
AGENT_NAME: Final = re.compile(r"fence_[a-z0-9_]+")
PARAMETER: Final = re.compile(r"([a-z0-9_-]+)=(.*)")
RESERVED: Final = ("action", "nodename", "option")  # hbd's to say
_FORM: Final = "write it as stonith_host * fence_TYPE key=value ..., with an agent of fence-agents"


@dataclass(frozen=True, slots=True)
class Plugin:
    """How a plugin's ordered words become an agent's options.

    `order` names the words; "" is one that is not passed on, `host` the node it powers. The first
    `needed` must be there. `constant` options are what the plugin did without being told.
    """

    agent: str
    order: tuple[str, ...]
    needed: int
    constant: tuple[tuple[str, str], ...] = ()


# The order is what each plugin answers to getconfignames, ipmilan's what its README says.
PLUGINS: Final = {
    "external/ipmi": Plugin(
        "fence_ipmilan", ("host", "ip", "username", "password", "interface"), 4
    ),
    "ipmilan": Plugin(
        "fence_ipmilan",
        ("host", "ip", "ipport", "auth", "privlvl", "username", "password", ""),
        7,
    ),
    "external/riloe": Plugin(
        "fence_ilo2",
        ("host", "ip", "username", "password"),
        4,
        (("ssl_insecure", "1"),),  # the boards of that age sign their own certificates
    ),
}
# Where the plugin's word for a value differs from the agent's.
WORDS: Final = {("privlvl", "admin"): "administrator", ("auth", "straight"): "password"}


def stonith(draft: Draft, line: int, value: str) -> None:
    """`stonith TYPE CONFIGFILE`: one device a line in the file, or one key=value a line."""
    match words(value):
        case [kind, file, *_]:
            _check_type(draft, kind)
            if draft.surroundings.path(file) is PathKind.ABSENT:
                raise BadValue(f"there is no file {quoted(file)}", "write the device's own file")
            if _agent_of(kind) is None:
                _say_unknown(draft, line, kind)
                return
            content = draft.surroundings.text(file)
            if content is None:
                raise BadValue(f"{quoted(file)} cannot be read", "make it readable for root")
            said = [row.strip() for row in content.splitlines()]
            rows = [row for row in said if row and not row.startswith("#")]
            if kind in PLUGINS:
                for row in rows:
                    _add(draft, line, kind, words(row))
            else:
                _add(draft, line, kind, rows)
        case _:
            raise BadValue("type and file are both needed", "write stonith TYPE FILE")


def stonith_host(draft: Draft, line: int, value: str) -> None:
    """`stonith_host HOST TYPE PARAMS...`; HOST is who can reach the device: this node or `*`."""
    match words(value):
        case [host, kind, *parameters]:
            if host != "*" and host.lower() != draft.local:
                return
            _check_type(draft, kind)
            if _agent_of(kind) is None:
                _say_unknown(draft, line, kind)
            else:
                _add(draft, line, kind, parameters)
        case _:
            raise BadValue("host and type are both needed", "write stonith_host HOST TYPE PARAMS")


def watchdog(draft: Draft, line: int, value: str) -> None:
    """`watchdog DEV`; whether the device is there is seen when it is armed."""
    if not value.startswith("/"):
        raise BadValue("it is not an absolute path", "write watchdog /dev/watchdog")
    draft.texts["watchdog"] = value


def chosen(draft: Draft) -> Fencing:
    """What the directive `fencing` says."""
    return Fencing(draft.texts.get("fencing", Fencing.AUTO.value))


def check(draft: Draft) -> None:
    """What must hold for the devices and the choice together."""
    if draft.spoiled.intersection(("fencing", "stonith", "stonith_host", "node")):
        return
    for device in draft.fence_devices:
        if device.target is not None and device.target not in draft.nodes:
            text = f"the fence device for {quoted(device.target)}: no node of ha.cf has that name"
            draft.findings.warning(device.line, text)
    useful = [device for device in draft.fence_devices if device.target != draft.local]
    line = draft.lines.get("fencing", 0)
    if chosen(draft) is Fencing.STONITH and not useful:
        why = "no stonith or stonith_host line tells this node how to turn the peer off"
        draft.findings.mistake(line, "fencing stonith", why, "add one, or write fencing auto")
    if chosen(draft) in (Fencing.NONE, Fencing.RESERVATION) and useful:
        text = f"fencing {chosen(draft).value}: the fence device of this line is not used"
        draft.findings.warning(useful[0].line, text)


def _check_type(draft: Draft, kind: str) -> None:
    """A type that heartbeat knew, or an agent that is installed."""
    agent = _agent_of(kind)
    if agent is not None and draft.surroundings.is_executable(AGENTS + agent):
        return
    if agent is not None and kind in PLUGINS:
        why = f"its fence agent {AGENTS}{agent} is not installed"
        raise BadValue(why, "apt-get install fence-agents")
    if kind not in STONITH_TYPES:
        why = f"{quoted(kind)} is no known type of fence device"
        raise BadValue(why, "write a type of stonith(8), or install its fence agent")


def _agent_of(kind: str) -> str | None:
    """The agent for a type; None where only a plugin of cluster-glue knew the device."""
    if kind in PLUGINS:
        return PLUGINS[kind].agent
    if kind in STONITH_TYPES:
        return None
    name = kind if kind.startswith("fence_") else f"fence_{kind}"
    return name if AGENT_NAME.fullmatch(name) else None


def _say_unknown(draft: Draft, line: int, kind: str) -> None:
    text = f"type {kind}: no fence agent takes its words, so nobody is fenced by it: {_FORM}"
    draft.findings.warning(line, text)


def _add(draft: Draft, line: int, kind: str, said: list[str]) -> None:
    plugin = PLUGINS.get(kind)
    if plugin is not None:
        draft.fence_devices.append(_by_order(plugin, said, line))
        return
    agent = _agent_of(kind)
    assert agent is not None, "the type was checked"
    parameters = tuple(_by_name(position, word) for position, word in enumerate(said, start=1))
    draft.fence_devices.append(FenceDevice(agent, parameters, None, line))


def _by_name(position: int, word: str) -> tuple[str, str]:
    match = PARAMETER.fullmatch(word)
    if match is None:
        why = f"parameter {position} is not of the form key=value"
        raise BadValue(why, "write the options of the agent's manual page, like ip=192.0.2.1")
    key, value = match.groups()
    if key in RESERVED:
        raise BadValue(f"hbd says {key} itself", f"delete {key}=")
    if not value.isprintable():
        raise BadValue(f"the value of {key} is not printable", "write it again as plain text")
    return key, value


def _by_order(plugin: Plugin, said: list[str], line: int) -> FenceDevice:
    if len(said) < plugin.needed:
        names = " ".join(name or "-" for name in plugin.order[: plugin.needed])
        why = f"only {len(said)} parameters are given, {plugin.needed} are needed"
        raise BadValue(why, f"write, in this order: {names}")
    # A plugin's file says "" for what is empty; the agent is not told of it.
    given = {
        name: word for name, word in zip(plugin.order, said, strict=False) if word != '""' and name
    }
    target = given.pop("host", None)
    if given.pop("interface", "") == "lanplus":
        given["lanplus"] = "1"
    parameters = tuple((name, WORDS.get((name, word), word)) for name, word in given.items())
    parameters += plugin.constant
    return FenceDevice(plugin.agent, parameters, NodeName(target.lower()) if target else None, line)
