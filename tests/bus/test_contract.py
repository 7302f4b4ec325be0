"""dbus/*.xml is what the code does and what Introspect answers: neither more nor less."""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from hbd.bus import contract, names, properties
from hbd.bus.facts import LinkReadings
from hbd.bus.jobs import Request
from hbd.bus.names import BUS_NAME, ROOT, Interface, Standard, Verb
from hbd.bus.objects import METHODS
from hbd.cluster.terms import JobId, Scope
from hbd.errors import AdapterError
from tests.bus import beliefs
from tests.bus.beliefs import ETH1, FACTS, GATEWAY, HERE, OTHER, SHARE, THERE, TTY
from tests.bus.client import Client
from tests.bus.private_bus import PrivateBus

JOB = Request(JobId(1), Verb.TAKEOVER, Scope.ALL, None, "uid 0", beliefs.NOW)


def tree() -> properties.Tree:
    """An example with an object of every kind."""
    return properties.tree(beliefs.node(), FACTS, LinkReadings(), (JOB,))


def test_every_method_of_the_contract_is_exported_and_no_other() -> None:
    """Goal: contract and handlers agree. Method: compare names and both signatures."""
    described = {
        (interface, member): (method.takes, method.returns)
        for interface, each in contract.load().items()
        for member, method in each.methods.items()
    }
    exported = {
        (str(interface), member): (method.takes, method.returns)
        for interface, methods in METHODS.items()
        for member, method in methods.items()
    }
    assert exported == described


def test_a_method_is_offered_where_it_is_filed() -> None:
    """Goal: no method hides under another interface. Method: compare each with its table."""
    for interface, methods in METHODS.items():
        assert {method.interface for method in methods.values()} == {interface}


def test_every_property_of_the_contract_exists_with_its_type_and_no_other() -> None:
    """Goal: contract and properties agree. Method: compare names and types of all objects."""
    described = contract.load()
    seen: set[str] = set()
    for interfaces in tree().values():
        for interface, values in interfaces.items():
            seen.add(interface)
            types = {name: value.signature for name, value in values.items()}
            expected = described[interface].properties
            assert types == {name: each.signature for name, each in expected.items()}
    assert seen == set(described)


def test_the_contract_names_every_signal_that_is_sent() -> None:
    """Goal: nobody is surprised by a signal. Method: the only two of ours."""
    signals = {name: each.signals for name, each in contract.load().items() if each.signals}
    assert signals == {Interface.MANAGER: {"JobNew": "os", "JobRemoved": "oss"}}


def test_a_missing_or_foreign_interface_file_is_a_clear_error(tmp_path: Path) -> None:
    """Goal: half an installation is noticed at the start. Method: none, then a wrong one."""
    with pytest.raises(AdapterError, match=r"Manager\.xml"):
        contract.load((tmp_path,))
    for interface in Interface:
        (tmp_path / f"{interface}.xml").write_text("<node><interface name='x'/></node>")
    with pytest.raises(AdapterError):
        contract.load((tmp_path,))


@pytest.mark.parametrize("path", sorted(tree().keys() - {names.job_path(JOB.id)}))
async def test_introspection_is_the_contract(client: Client, path: str) -> None:
    """Goal: what a tool shows is what the file says. Method: compare elements of each object."""
    reply = await client.call(Standard.INTROSPECTABLE, "Introspect", path=path)
    root = ET.fromstring(reply.body[0])
    ours = {
        element.attrib["name"]: element
        for element in root.iter("interface")
        if element.attrib["name"].startswith(BUS_NAME)
    }
    assert set(ours) == set(tree()[path])
    for name, element in ours.items():
        described = ET.parse(contract.SOURCE_TREE / f"{name}.xml").getroot().find("interface")
        assert described is not None
        assert facts_of(element) == facts_of(described)


def facts_of(interface: ET.Element) -> list[tuple[str, dict[str, str]]]:
    """Every element of an interface with its attributes, in order."""
    return [(element.tag, element.attrib) for element in interface.iter()]


async def test_busctl_finds_every_object(client: Client, private_bus: PrivateBus) -> None:
    """Goal: `busctl tree` reads well. Method: the real tool's list against the example's paths."""
    assert client.bus.connected
    paths = set((await busctl(private_bus, "tree", "--list", BUS_NAME)).split())
    assert set(tree()) - {names.job_path(JOB.id)} <= paths


async def test_busctl_reads_the_properties(client: Client, private_bus: PrivateBus) -> None:
    """Goal: any tool can read the state. Method: the real tool's JSON of single properties."""
    assert client.bus.connected
    group = names.group_path(SHARE)
    told = await busctl(
        private_bus, "--json=short", "get-property", BUS_NAME, group, Interface.GROUP, "State"
    )
    assert json.loads(told) == {"type": "s", "data": "started"}
    told = await busctl(private_bus, "introspect", BUS_NAME, ROOT, Interface.MANAGER)
    assert {".Takeover", ".Standby", ".JobRemoved", ".Phase"} <= set(told.split())


async def busctl(bus: PrivateBus, *arguments: str) -> str:
    """What busctl prints; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        "busctl",
        f"--address={bus.address}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(10):
        told, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()
    return told.decode()


async def test_all_objects_are_told_at_once(client: Client) -> None:
    """Goal: a client reads the whole state in one call. Method: GetManagedObjects' paths."""
    reply = await client.call(Standard.OBJECT_MANAGER, "GetManagedObjects")
    assert set(reply.body[0]) == set(tree()) - {ROOT, names.job_path(JOB.id)}


async def test_the_words_are_the_cores(client: Client) -> None:
    """Goal: one word, five places. Method: read a few properties of every kind of object."""
    expected: dict[tuple[str, Interface, str], object] = {
        (ROOT, Interface.MANAGER, "Phase"): "active",
        (ROOT, Interface.MANAGER, "PeerStatus"): "active",
        (ROOT, Interface.MANAGER, "Protection"): "none",
        (ROOT, Interface.MANAGER, "DeadtimeUSec"): 5_000_000,
        (names.node_path(HERE), Interface.NODE, "Holds"): [SHARE],
        (names.node_path(HERE), Interface.NODE, "Generation"): 77,
        (names.node_path(THERE), Interface.NODE, "Holds"): [OTHER],
        (names.node_path(THERE), Interface.NODE, "LastHeardUSec"): beliefs.NOW,
        (names.link_path(ETH1), Interface.LINK, "Status"): "up",
        (names.link_path(TTY), Interface.LINK, "Kind"): "serial",
        (names.link_path(GATEWAY), Interface.LINK, "LeadsToPeer"): False,
        (names.group_path(SHARE), Interface.GROUP, "Unit"): "hbd-group@192.168.0.100.target",
        (names.group_path(OTHER), Interface.GROUP, "PeerState"): "started",
        (names.resource_path(SHARE, 2), Interface.RESOURCE, "Unit"): "ttidisk.mount",
        (names.resource_path(SHARE, 3), Interface.RESOURCE, "Text"): "smb",
    }
    for (path, interface, name), value in expected.items():
        assert await client.get(path, interface, name) == value, (path, name)
