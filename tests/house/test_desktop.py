"""The desktop's files: launcher, icon and metainfo satisfy the tools that read them, and agree."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import hbd
from hbd.notify.desktop import DESKTOP_ENTRY
from tests.house.tree import ROOT

DESKTOP = ROOT / "desktop"
LAUNCHER = DESKTOP / f"{DESKTOP_ENTRY}.desktop"
METAINFO = DESKTOP / f"{DESKTOP_ENTRY}.metainfo.xml"


def silent(*words: str | Path) -> None:
    """The tool ends well; what it says otherwise is the failure's text."""
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_launcher_is_one() -> None:
    """Goal: every desktop shows it. Method: desktop-file-validate, its warnings too."""
    told = subprocess.run(
        ["desktop-file-validate", "--warn-kde", LAUNCHER],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout + told.stderr) == (0, "")


def test_the_metainfo_is_one() -> None:
    """Goal: software centres understand it. Method: appstreamcli, as strict as it can be.

    What it finds pedantic is no failure: the id is the bus name's, and that has a capital.
    """
    silent("appstreamcli", "validate", "--no-net", "--strict", METAINFO)


def test_launcher_icon_and_metainfo_are_of_one_thing(installed: Path) -> None:
    """Goal: a notification is the launcher's, with its icon. Method: the names in all of them."""
    launcher = configparser.ConfigParser(interpolation=None, strict=True)
    launcher.optionxform = str  # type: ignore[assignment,method-assign]  # keys have capitals
    launcher.read(LAUNCHER, encoding="utf-8")
    entry = launcher["Desktop Entry"]
    metainfo = ElementTree.parse(METAINFO).getroot()
    assert metainfo.findtext("id") == DESKTOP_ENTRY
    assert metainfo.findtext("launchable") == LAUNCHER.name
    assert metainfo.findtext("icon") == entry["Icon"] == DESKTOP_ENTRY
    assert metainfo.findtext("name") == entry["Name"]
    assert metainfo.findtext("provides/binary") == entry["Exec"].split()[0]
    categories = [each.text for each in metainfo.findall("categories/category")]
    assert categories == entry["Categories"].rstrip(";").split(";")
    icons = installed / "usr/share/icons/hicolor/scalable/apps"
    assert [path.name for path in icons.iterdir()] == [f"{DESKTOP_ENTRY}.svg"]


def test_the_metainfo_knows_this_version() -> None:
    """Goal: the newest release is told. Method: the first of the list."""
    release = ElementTree.parse(METAINFO).getroot().find("releases/release")
    assert release is not None
    assert release.get("version") == hbd.__version__


def test_the_icon_is_a_picture() -> None:
    """Goal: it is drawn everywhere. Method: it is XML, square, and needs nothing from outside."""
    icon = ElementTree.parse(DESKTOP / f"{DESKTOP_ENTRY}.svg").getroot()
    assert icon.tag == "{http://www.w3.org/2000/svg}svg"
    assert icon.get("viewBox") == "0 0 128 128"
    assert not [each for each in icon.iter() for name in each.attrib if name.endswith("href")]
