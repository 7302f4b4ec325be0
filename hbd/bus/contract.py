"""The API's contract, read from dbus/*.xml: what Introspect answers and what is checked against it.

The files are installed to /usr/share/dbus-1/interfaces (the place of the D-Bus specification's
interface files); in a source tree they are in dbus/. There is no second copy in Python.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hbd.bus.names import Interface
from hbd.errors import AdapterError

SOURCE_TREE = Path(__file__).resolve().parents[2] / "dbus"
INSTALLED = Path("/usr/share/dbus-1/interfaces")

_EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"


class Emits(Enum):
    """What a change of a property does, in the D-Bus specification's words."""

    CHANGED = "true"  # PropertiesChanged, with the value
    SILENT = "false"  # nothing: counters and times; read them when needed
    CONSTANT = "const"  # it does not change while the object exists


@dataclass(frozen=True, slots=True)
class PropertyContract:
    """One read-only property: its type and what its change does."""

    signature: str
    emits: Emits


@dataclass(frozen=True, slots=True)
class MethodContract:
    """One method: the signatures of its arguments and of its answer."""

    takes: str
    returns: str


@dataclass(frozen=True, slots=True)
class InterfaceContract:
    """One interface file. `xml` is its <interface> element without comments."""

    name: str
    xml: str
    methods: Mapping[str, MethodContract]
    signals: Mapping[str, str]
    properties: Mapping[str, PropertyContract]


Contract = Mapping[str, InterfaceContract]


def load(directories: tuple[Path, ...] = (SOURCE_TREE, INSTALLED)) -> Contract:
    """Read every interface file; raise AdapterError when one is missing or is not what we need."""
    return {str(interface): _read(str(interface), directories) for interface in Interface}


def _read(name: str, directories: tuple[Path, ...]) -> InterfaceContract:
    for directory in directories:
        path = directory / f"{name}.xml"
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise AdapterError(f"cannot read {path}: {error.strerror}") from error
        return _parsed(name, text, path)
    looked = " and ".join(str(directory) for directory in directories)
    raise AdapterError(f"{name}.xml is in neither of {looked}; install hbd again")


def _parsed(name: str, text: str, path: Path) -> InterfaceContract:
    try:
        element = ET.fromstring(text).find("interface")  # noqa: S314  # our own file, root's
        assert element is not None
        assert element.get("name") == name
        return InterfaceContract(
            name=name,
            xml=_element_text(element),
            methods={m.attrib["name"]: _method(m) for m in element.iter("method")},
            signals={s.attrib["name"]: _arguments(s, None) for s in element.iter("signal")},
            properties={p.attrib["name"]: _property(p) for p in element.iter("property")},
        )
    except (ET.ParseError, AssertionError, KeyError, ValueError) as error:
        raise AdapterError(f"{path} does not describe {name}; install hbd again") from error


def _element_text(element: ET.Element) -> str:
    ET.indent(element, level=1)
    return ET.tostring(element, encoding="unicode").rstrip()


def _method(element: ET.Element) -> MethodContract:
    return MethodContract(_arguments(element, "in"), _arguments(element, "out"))


def _arguments(element: ET.Element, direction: str | None) -> str:
    return "".join(
        argument.attrib["type"]
        for argument in element.iter("arg")
        if direction is None or argument.get("direction", "in") == direction
    )


def _property(element: ET.Element) -> PropertyContract:
    notes = {note.get("name"): note.attrib["value"] for note in element.iter("annotation")}
    if element.get("access") != "read":
        raise ValueError("nobody sets hbd's properties")
    return PropertyContract(element.attrib["type"], Emits(notes[_EMITS]))
