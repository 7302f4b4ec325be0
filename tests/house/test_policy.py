"""The contracts beside the code: polkit's actions, the bus policy and the interface files."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from hbd.bus.names import BUS_NAME, Interface, Permission, Standard
from tests.house.tree import ROOT, files, is_below

POLICY = ROOT / "polkit/org.hbd.Heartbeat1.policy"
RULES = ROOT / "polkit/org.hbd.Heartbeat1.rules"
BUS_POLICY = ROOT / "dbus/org.hbd.Heartbeat1.conf"

# English, the text without a language, comes on top.
LANGUAGES = {"de", "es", "fr", "it", "ja", "nl", "pt_BR"}
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

NOBODY_UNASKED = {"no", "auth_admin", "auth_admin_keep"}


def actions() -> dict[str, ElementTree.Element]:
    """The polkit actions we ship, by name."""
    return {
        action.attrib["id"]: action for action in ElementTree.parse(POLICY).getroot().iter("action")
    }


def xml_files() -> list[Path]:
    """Everything of ours that is XML."""
    return [
        path
        for path in files()
        if (is_below(path, "polkit") or is_below(path, "dbus"))
        and path.suffix in (".policy", ".xml", ".conf")
    ]


def test_every_permission_is_an_action_and_every_action_a_permission() -> None:
    """Goal: code and policy cannot drift. Method: compare both sets."""
    assert set(actions()) == {permission.value for permission in Permission}


def test_nobody_may_act_without_being_asked_who_they_are() -> None:
    """Goal: the defaults are safe; the rules add the group. Method: read each action's defaults."""
    for name, action in actions().items():
        defaults = action.find("defaults")
        assert defaults is not None, name
        assert {answer.text for answer in defaults} <= NOBODY_UNASKED, name
        assert action.findtext("description"), name
        assert action.findtext("message"), name


def test_who_is_asked_for_a_password_is_asked_in_their_language() -> None:
    """Goal: no action is half translated. Method: languages of each text, and each says another."""
    for name, action in actions().items():
        for tag in ("description", "message"):
            texts = [(text.get(XML_LANG), text.text) for text in action.findall(tag)]
            assert next(language for language, _ in texts) is None, name
            assert {language for language, _ in texts[1:]} == LANGUAGES, (name, tag)
            assert len({text for _, text in texts}) == len(texts) == 1 + len(LANGUAGES), (name, tag)


def test_the_rules_speak_of_actions_that_exist() -> None:
    """Goal: no rule waits for a name that never comes. Method: look up each name."""
    named = set(re.findall(rf"{re.escape(BUS_NAME)}\.[a-z-]+", RULES.read_text()))
    assert named
    assert named <= set(actions())


def test_the_xml_is_well_formed() -> None:
    """Goal: no daemon refuses our files. Method: parse each."""
    assert {path.suffix for path in xml_files()} == {".policy", ".xml", ".conf"}
    for path in xml_files():
        ElementTree.parse(path)


def test_each_interface_has_its_contract_file() -> None:
    """Goal: the API is written down. Method: compare names, both as file and inside it."""
    described = {
        interface.attrib["name"]: path.stem
        for path in files()
        if is_below(path, "dbus") and path.suffix == ".xml"
        for interface in ElementTree.parse(path).getroot().iter("interface")
    }
    assert set(described) == {interface.value for interface in Interface}
    assert all(name == stem for name, stem in described.items())


def test_the_bus_policy_lets_in_what_we_answer() -> None:
    """Goal: no typing error shuts callers out. Method: each interface it names is one of ours."""
    rules = list(ElementTree.parse(BUS_POLICY).getroot().iter())
    interfaces = {
        rule.attrib["send_interface"] for rule in rules if "send_interface" in rule.attrib
    }
    names = {rule.attrib["own"] for rule in rules if "own" in rule.attrib}
    assert names == {BUS_NAME}
    assert interfaces <= {*(i.value for i in Interface), *(s.value for s in Standard)}


def test_a_question_on_the_bus_starts_nothing() -> None:
    """Goal: an administrator's `systemctl stop hbd` holds. Method: no activation file, no alias."""
    assert not list((ROOT / "dbus").glob("*.service"))
    service = (ROOT / "units/hbd.service").read_text()
    assert "Alias=" not in service
