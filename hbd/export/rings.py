"""Heartbeat media as Corosync's links: a pair of addresses each.

heartbeat names an interface and finds the other node by broadcasting; Corosync's knet wants both
nodes' addresses written down. What this machine does not know is left to be filled in, under a
name that Corosync refuses to resolve, so that nothing starts with a guess.
Source: corosync.conf(5), nodelist and "up to 8 links".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hbd.cluster.terms import NodeName
from hbd.config.model import Config, Medium, Multicast, Ping, Serial, Unicast
from hbd.config.surroundings import Family
from hbd.export.remark import Remark, gap, note
from hbd.export.site import Site

MOST_LINKS: Final = 8  # corosync.conf(5)

# Addresses an administrator gives on the command line: (node, interface) -> address.
Given = Mapping[tuple[NodeName, str], str]


@dataclass(frozen=True, slots=True)
class Ring:
    """One link: its interface in ha.cf and where each node is on it."""

    interface: str
    addresses: Mapping[NodeName, str]


@dataclass(slots=True)
class _Wire:
    """An interface and an address family, while its media are read."""

    interface: str
    family: Family
    said: list[str] = field(default_factory=list)  # addresses of `ucast` lines


def rings(config: Config, given: Given, site: Site) -> tuple[tuple[Ring, ...], list[Remark]]:
    """The links of a configuration that was read with both nodes' `ucast` lines."""
    remarks: list[Remark] = []
    wires: dict[tuple[str, Family], _Wire] = {}
    for medium in config.media:
        match medium:
            case Serial():
                text = "Corosync speaks over networks only: this line carries nothing any more"
                remarks.append(note(f"serial {medium.device}", text))
            case Ping():
                pass
            case _:
                family = _family(medium)
                key = (medium.interface, family)
                wire = wires.setdefault(key, _Wire(medium.interface, family))
                wire.said += [medium.address] if isinstance(medium, Unicast) else []
    found = [_ring(wire, config, given, site, remarks) for wire in wires.values()]
    if not found:
        remarks.append(gap("links", "no network in ha.cf: give both nodes an address in a network"))
        found = [Ring("", {name: _unknown(name, "NETWORK") for name in config.nodes})]
    if len(found) > MOST_LINKS:
        more = ", ".join(ring.interface for ring in found[MOST_LINKS:])
        remarks.append(note("links", f"Corosync has {MOST_LINKS} links at most; left out: {more}"))
    if len(found) == 1:
        text = "one network only: a second link that does not fail with it belongs in nodelist"
        remarks.append(note("links", text))
    return tuple(found[:MOST_LINKS]), remarks


def _family(medium: Medium) -> Family:
    match medium:
        case Unicast():
            return Family.IPV6 if ":" in medium.address else Family.IPV4
        case Multicast():
            return Family.IPV6 if ":" in medium.group else Family.IPV4
        case _:
            return Family.IPV4


def _ring(wire: _Wire, config: Config, given: Given, site: Site, remarks: list[Remark]) -> Ring:
    known: dict[NodeName, str] = {}
    for name in config.nodes:
        address = given.get((name, wire.interface))
        if address is not None and (":" in address) == (wire.family is Family.IPV6):
            known[name] = address
    for name in config.nodes:
        others = [address for other, address in known.items() if other != name]
        address = known.get(name) or _found(wire, name, config, others, site)
        if address is None:
            address = _unknown(name, wire.interface)
            text = (
                f"fill in {address}, the address of {name} there, or give it: "
                f"--address {name}/{wire.interface}=ADDRESS"
            )
            remarks.append(gap(wire.interface, text))
        known[name] = address
    return Ring(wire.interface, {name: known[name] for name in config.nodes})


def _found(
    wire: _Wire, name: NodeName, config: Config, others: list[str], site: Site
) -> str | None:
    """An address of `name` on the wire, if it can be told without asking anybody there."""
    said = [address for address in dict.fromkeys(wire.said) if address not in others]
    by_name = site.resolve(name, wire.family)
    if by_name is not None and by_name in said:
        return by_name
    own = [address for address in said if site.is_own_address(address)]
    if name == config.local:
        return own[0] if own else _own(wire, site)
    foreign = [address for address in said if address not in own]
    is_here = bool(own) or _own(wire, site) is not None
    if is_here and len(foreign) == 1:
        return foreign[0]
    network = site.network_of(wire.interface) if wire.family is Family.IPV4 else None
    if by_name is not None and network is not None:
        return by_name if ipaddress.ip_address(by_name) in network.network else None
    return None


def _own(wire: _Wire, site: Site) -> str | None:
    network = site.network_of(wire.interface) if wire.family is Family.IPV4 else None
    return None if network is None else str(network.ip)


def _unknown(name: NodeName, interface: str) -> str:
    """No host name may have an underscore, so no resolver answers."""
    return f"ADDRESS_OF_{name}_ON_{interface}"
