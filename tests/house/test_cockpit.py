"""The Cockpit page: there when hbd is, built from what is locked, knowing only the contract."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.house.tree import ROOT, files, is_below

PAGE = ROOT / "cockpit"


def contract() -> set[str]:
    """The names of all methods, signals and properties of the API."""
    return {
        member.attrib["name"]
        for path in (ROOT / "dbus").glob("*.xml")
        for interface in ET.parse(path).getroot().iter("interface")
        for member in interface
    }


def sources() -> str:
    """All that the page's code says of the bus."""
    folders = ("cockpit/src/model", "cockpit/src/bus", "cockpit/src/words")
    return "\n".join(
        path.read_text() for path in files() if any(is_below(path, each) for each in folders)
    )


def test_the_menu_has_the_page_when_hbd_is_installed(installed: Path) -> None:
    """Goal: no page without hbd. Method: the manifest's condition is a file that is installed."""
    manifest = json.loads((PAGE / "manifest.json").read_text())
    [condition] = manifest["conditions"]
    assert (installed / condition["path-exists"].lstrip("/")).is_file()


def test_what_the_page_is_built_with_is_locked() -> None:
    """Goal: the same page tomorrow. Method: exact versions, each with its checksum in the lock."""
    wanted = json.loads((PAGE / "package.json").read_text())["devDependencies"]
    locked = json.loads((PAGE / "package-lock.json").read_text())["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    bare = [name for name, each in locked.items() if name and "integrity" not in each]
    assert bare == []


def test_the_page_asks_for_nothing_but_the_contract() -> None:
    """Goal: the D-Bus API is the only source. Method: every name it reads or calls is in dbus/."""
    read = re.findall(r'\b(?:text|number|truth|texts)\(\w+, "(\w+)"\)', sources())
    called = re.findall(r'(?:ask\(MANAGER,|call\(|\? ) ?"([A-Z]\w+)"', sources())
    assert {"PeerStatus", "NowUSec"} <= set(read)
    assert {"History", "Check", "Takeover", "ConfirmPeerDown"} <= set(called)
    assert set(read + called) <= contract()
