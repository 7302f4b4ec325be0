"""Answers of the standard interfaces: Introspectable, Properties, Peer and ObjectManager.

Pure functions of the tree of properties and the contract. Source: the D-Bus specification,
"Standard Interfaces". Peer is answered on any path, as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hbd.bus.contract import Contract
from hbd.bus.names import ROOT, Error, Standard
from hbd.bus.properties import Properties, Tree
from hbd.errors import Refused

MACHINE_ID = Path("/etc/machine-id")

_DOCTYPE = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)

STANDARD_XML = """\
  <interface name="org.freedesktop.DBus.Introspectable">
    <method name="Introspect">
      <arg name="xml_data" type="s" direction="out"/>
    </method>
  </interface>
  <interface name="org.freedesktop.DBus.Peer">
    <method name="Ping"/>
    <method name="GetMachineId">
      <arg name="machine_uuid" type="s" direction="out"/>
    </method>
  </interface>
  <interface name="org.freedesktop.DBus.Properties">
    <method name="Get">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="out"/>
    </method>
    <method name="GetAll">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="properties" type="a{sv}" direction="out"/>
    </method>
    <method name="Set">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="in"/>
    </method>
    <signal name="PropertiesChanged">
      <arg name="interface_name" type="s"/>
      <arg name="changed_properties" type="a{sv}"/>
      <arg name="invalidated_properties" type="as"/>
    </signal>
  </interface>
"""

OBJECT_MANAGER_XML = """\
  <interface name="org.freedesktop.DBus.ObjectManager">
    <method name="GetManagedObjects">
      <arg name="objects" type="a{oa{sa{sv}}}" direction="out"/>
    </method>
    <signal name="InterfacesAdded">
      <arg name="object" type="o"/>
      <arg name="interfaces" type="a{sa{sv}}"/>
    </signal>
    <signal name="InterfacesRemoved">
      <arg name="object" type="o"/>
      <arg name="interfaces" type="as"/>
    </signal>
  </interface>
"""


@dataclass(frozen=True, slots=True)
class Call:
    """A method call as it came in; `interactive`: the caller lets a person be asked."""

    sender: str
    path: str
    interface: str
    member: str
    signature: str
    body: tuple[object, ...]
    interactive: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a reply and its signature."""

    signature: str
    body: list[object]


def answer(call: Call, tree: Tree, contract: Contract) -> Answer:
    """Answer a call to one of the standard interfaces, or raise Refused."""
    match (call.interface, call.member):
        case (Standard.PEER, "Ping"):
            expect(call, "")
            return Answer("", [])
        case (Standard.PEER, "GetMachineId"):
            expect(call, "")
            return Answer("s", [_machine_id()])
        case (Standard.INTROSPECTABLE, "Introspect"):
            expect(call, "")
            return Answer("s", [introspection(call.path, tree, contract)])
        case (Standard.OBJECT_MANAGER, "GetManagedObjects") if call.path == ROOT:
            expect(call, "")
            return Answer("a{oa{sa{sv}}}", [managed(tree)])
        case (Standard.PROPERTIES, "Get" | "GetAll" | "Set"):
            return _properties(call, tree)
    raise unknown_method(call)


def managed(tree: Tree) -> Tree:
    """What GetManagedObjects tells: everything below the root, which the caller knows already."""
    return {path: interfaces for path, interfaces in tree.items() if path != ROOT}


def introspection(path: str, tree: Tree, contract: Contract) -> str:
    """The XML of an object, or of a folder on the way to objects. Raise Refused(UnknownObject)."""
    children = sorted(_children(path, tree))
    if path not in tree and not children:
        raise unknown_object(path)
    lines = [_DOCTYPE, "<node>\n", STANDARD_XML]
    if path == ROOT:
        lines.append(OBJECT_MANAGER_XML)
    lines += [f"  {contract[interface].xml}\n" for interface in tree.get(path, ())]
    lines += [f'  <node name="{child}"/>\n' for child in children]
    return "".join([*lines, "</node>\n"])


def expect(call: Call, signature: str) -> None:
    """Raise Refused(InvalidArgs) unless the arguments have this signature."""
    if call.signature != signature:
        wanted, given = signature or "no arguments", call.signature or "none"
        raise Refused(Error.INVALID_ARGS, f"{call.member} takes {wanted}, not {given}")


def unknown_object(path: str) -> Refused:
    """There is no such object (any more)."""
    return Refused(Error.UNKNOWN_OBJECT, f"there is no object {path}")


def unknown_method(call: Call) -> Refused:
    """The interface is known, but not this member, or not on this object."""
    return Refused(Error.UNKNOWN_METHOD, f"no method {call.interface}.{call.member} on {call.path}")


def _children(path: str, tree: Tree) -> set[str]:
    prefix = "/" if path == "/" else f"{path}/"
    return {
        below[len(prefix) :].split("/", 1)[0]
        for below in tree
        if below.startswith(prefix) and below != path
    }


def _properties(call: Call, tree: Tree) -> Answer:
    expect(call, {"Get": "ss", "GetAll": "s", "Set": "ssv"}[call.member])
    if call.path not in tree:
        raise unknown_object(call.path)
    interface, *rest = (str(word) for word in call.body[:2])
    properties = _of_interface(interface, tree[call.path])
    if call.member == "GetAll":
        return Answer("a{sv}", [properties])
    [name] = rest
    if name not in properties:
        raise Refused(Error.UNKNOWN_PROPERTY, f"no property {interface}.{name} on {call.path}")
    if call.member == "Set":
        raise Refused(Error.PROPERTY_READ_ONLY, f"{name} tells what is true; nobody sets it")
    return Answer("v", [properties[name]])


def _of_interface(interface: str, interfaces: dict[str, Properties]) -> Properties:
    """The properties of one interface; of all for the empty name, as the specification allows."""
    if not interface:
        return {name: value for each in interfaces.values() for name, value in each.items()}
    if interface in interfaces:
        return interfaces[interface]
    if interface in set(Standard):
        return {}
    raise Refused(Error.UNKNOWN_INTERFACE, f"no interface {interface} here")


def _machine_id() -> str:
    try:
        return MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise Refused(Error.FAILED, f"{MACHINE_ID} cannot be read") from None
