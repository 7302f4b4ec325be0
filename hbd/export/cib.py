"""The Cluster Information Base as XML, in the words of schema pacemaker-3.0.

XML, and not commands of pcs or crmsh: Pacemaker itself reads and checks it (`crm_verify`,
`cibadmin`), whatever shell an administrator likes. Both Debian 12 (2.1) and 13 (3.0) accept it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as Xml  # writing only: nothing foreign is parsed

from hbd.export.primitive import After, Clone, Level, Pairs, PlacedGroup, Primitive, Rule

SCHEMA: Final = "pacemaker-3.0"


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that goes in, in this order."""

    nodes: tuple[str, ...]
    properties: Pairs
    defaults: Pairs
    resources: tuple[Primitive | Clone | PlacedGroup, ...]
    rules: tuple[Rule, ...]
    after: tuple[After, ...]
    levels: tuple[Level, ...]


def cib(parts: Parts, head: str, remarks: Iterable[str]) -> str:
    """The whole file.

    `admin_epoch` 1 is newer than whatever a cluster without configuration has made by itself.
    """
    root = Xml.Element(
        "cib",
        {
            "admin_epoch": "1",
            "epoch": "0",
            "num_updates": "0",
            "have-quorum": "1",
            "validate-with": SCHEMA,
        },
    )
    for line in (head, *remarks):
        _comment(root, line)
    configuration = Xml.SubElement(root, "configuration")
    crm_config = Xml.SubElement(configuration, "crm_config")
    _pairs(crm_config, "cluster_property_set", "properties", parts.properties)
    nodes = Xml.SubElement(configuration, "nodes")
    for number, name in enumerate(parts.nodes, start=1):
        Xml.SubElement(nodes, "node", {"id": str(number), "uname": name})
    resources = Xml.SubElement(configuration, "resources")
    for resource in parts.resources:
        _resource(resources, resource)
    constraints = Xml.SubElement(configuration, "constraints")
    for rule in parts.rules:
        _rule(constraints, rule)
    for after in parts.after:
        _after(constraints, after)
    if parts.levels:
        topology = Xml.SubElement(configuration, "fencing-topology")
        for level in parts.levels:
            _level(topology, level)
    defaults = Xml.SubElement(configuration, "rsc_defaults")
    _pairs(defaults, "meta_attributes", "defaults", parts.defaults)
    Xml.SubElement(root, "status")
    Xml.indent(root)
    return '<?xml version="1.0"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _resource(parent: Xml.Element, resource: Primitive | Clone | PlacedGroup) -> None:
    match resource:
        case Primitive():
            _primitive(parent, resource)
        case Clone():
            clone = Xml.SubElement(parent, "clone", {"id": resource.ident})
            _primitive(clone, resource.primitive)
        case PlacedGroup():
            _comment(parent, f"haresources: the group {resource.text}")
            group = Xml.SubElement(parent, "group", {"id": resource.ident})
            for member in resource.members:
                _primitive(group, member)


def _primitive(parent: Xml.Element, one: Primitive) -> None:
    agent = {"class": one.agent.standard, "type": one.agent.kind}
    if one.agent.provider is not None:
        agent["provider"] = one.agent.provider
    _comment(parent, one.text)
    element = Xml.SubElement(parent, "primitive", {"id": one.ident, **agent})
    if one.meta:
        _pairs(element, "meta_attributes", f"{one.ident}-meta", one.meta)
    if one.parameters:
        _pairs(element, "instance_attributes", f"{one.ident}-parameters", one.parameters)
    if one.operations:
        operations = Xml.SubElement(element, "operations")
        for operation in one.operations:
            words = {
                "id": f"{one.ident}-{operation.name}",
                "name": operation.name,
                "interval": f"{operation.interval}s",
                "timeout": f"{operation.timeout}s",
            }
            Xml.SubElement(operations, "op", words)


def _rule(parent: Xml.Element, rule: Rule) -> None:
    words = {"id": rule.ident, "rsc": rule.resource}
    if rule.attribute is None:
        assert rule.node is not None, "a rule speaks of a node or of an attribute"
        Xml.SubElement(parent, "rsc_location", {**words, "node": rule.node, "score": rule.score})
        return
    location = Xml.SubElement(parent, "rsc_location", words)
    inner = Xml.SubElement(location, "rule", {"id": f"{rule.ident}-rule", "score": rule.score})
    expression = {
        "id": f"{rule.ident}-expression",
        "attribute": rule.attribute,
        "operation": "gt",
        "value": "0",
    }
    Xml.SubElement(inner, "expression", expression)


def _after(parent: Xml.Element, after: After) -> None:
    Xml.SubElement(
        parent, "rsc_order", {"id": after.ident, "first": after.first, "then": after.group}
    )
    words = {"id": f"{after.ident}-with", "rsc": after.group, "with-rsc": after.first}
    Xml.SubElement(parent, "rsc_colocation", {**words, "score": "INFINITY"})


def _level(parent: Xml.Element, level: Level) -> None:
    words = {
        "id": level.ident,
        "target": level.target,
        "index": str(level.index),
        "devices": level.device,
    }
    Xml.SubElement(parent, "fencing-level", words)


def _pairs(parent: Xml.Element, tag: str, ident: str, pairs: Pairs) -> None:
    element = Xml.SubElement(parent, tag, {"id": ident})
    for name, value in pairs:
        Xml.SubElement(element, "nvpair", {"id": f"{ident}-{name}", "name": name, "value": value})


def _comment(parent: Xml.Element, text: str) -> None:
    """XML forbids `--` in a comment, and a `-` before its end."""
    parent.append(Xml.Comment(f" {text.replace('--', '- -')} "))
