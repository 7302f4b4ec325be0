"""The article's two nodes, powered on: who serves, and what of it systemd, kernel and bus show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hbd.bus.names import BUS_NAME, ROOT, Interface, group_path
from hbd.cluster.terms import GroupName
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.node import Node
from tests.lab.story import said
from tests.lab.story.story import GROUP, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

TARGET = f"hbd-group@{GROUP}.target"
UNITS = ["ttidisk.mount", "smbd.service", "rpc-statd.service", "nfs-ganesha.service"]


async def unit(node: Node, name: str, *properties: str) -> dict[str, str]:
    """Properties of a unit as systemctl prints them."""
    words = [f"--property={name}" for name in properties]
    done = await node.run(["systemctl", "show", *words, name])
    return dict(line.split("=", 1) for line in done.out.splitlines())


async def addresses(node: Node, interface: str) -> list[dict[str, Any]]:
    """What `ip address` shows of an interface."""
    done = await node.run(["ip", "-json", "address", "show", "dev", interface])
    found: list[dict[str, Any]] = json.loads(done.out)[0]["addr_info"]
    return found


async def test_both_nodes_are_ready_and_say_in_one_line_what_they_serve(story: Story) -> None:
    """Goal: READY=1 and STATUS= reach systemd. Method: ask systemd on both nodes."""
    for node in story.lab.nodes:
        shown = await unit(node, "hbd.service", "Type", "ActiveState", "NRestarts", "StatusText")
        assert (shown["Type"], shown["ActiveState"]) == ("notify", "active")
        assert shown["NRestarts"] == "0"
        assert (GROUP in shown["StatusText"]) == (node is story.home)
        assert "2 of 2 links" in shown["StatusText"]


async def test_the_first_start_says_once_what_became_true(story: Story) -> None:
    """Goal: the journal's fields tell the start. Method: hbd's events since boot, on both nodes."""
    for node in story.lab.nodes:
        entries = await node.journal.entries("-b", "-u", "hbd.service")
        events = [str(entry["HBD_EVENT"]) for entry in entries if "HBD_EVENT" in entry]
        for once in (MessageId.PEER_ACTIVE, MessageId.STARTED):
            assert events.count(said.event(once)) == 1
        assert events.count(said.event(MessageId.LINK_UP)) == 2
        started = events.count(said.event(MessageId.GROUP_STARTED))
        assert started == (1 if node is story.home else 0)


async def test_a_file_system_of_haresources_is_a_mount_unit(story: Story) -> None:
    """Goal: `systemctl cat ttidisk.mount` shows it. Method: cat and show, where it is mounted."""
    text = (await story.home.run(["systemctl", "cat", "ttidisk.mount"])).out
    lines = text.splitlines()
    for line in (f"What={files.DEVICE}", f"Where={files.MOUNT_POINT}", "Type=ext4"):
        assert line in lines
    for node, state in ((story.home, "active"), (story.away, "inactive")):
        assert (await unit(node, "ttidisk.mount", "ActiveState"))["ActiveState"] == state


async def test_a_group_is_a_target_that_consists_of_its_units(story: Story) -> None:
    """Goal: systemd knows the group as a whole. Method: the target's state and its ConsistsOf."""
    shown = await unit(story.home, TARGET, "ActiveState", "ConsistsOf")
    assert shown["ActiveState"] == "active"
    assert sorted(shown["ConsistsOf"].split()) == sorted(UNITS)
    assert (await unit(story.away, TARGET, "ActiveState"))["ActiveState"] == "inactive"


async def test_resources_were_started_left_to_right(story: Story) -> None:
    """Goal: haresources' order is the order of starts. Method: when each unit became active."""
    since = [
        int((await unit(story.home, name, "ActiveEnterTimestampMonotonic")).popitem()[1])
        for name in UNITS
    ]
    assert all(since)
    assert since == sorted(since)


async def test_the_shared_address_is_a_second_one_of_the_lan_interface(story: Story) -> None:
    """Goal: interface, prefix and label as heartbeat chooses them. Method: `ip address`."""
    own, *others = [a for a in await addresses(story.home, "eth0") if a["family"] == "inet"]
    assert own["local"] == files.LAN_ADDRESSES[story.home.name].partition("/")[0]
    assert [(a["local"], a["prefixlen"], a["label"], a["broadcast"]) for a in others] == [
        (files.SHARED_ADDRESS, 24, "eth0:0", "192.168.0.255")
    ]
    for node, interface in ((story.home, "eth1"), (story.away, "eth0"), (story.away, "eth1")):
        found = [a["local"] for a in await addresses(node, interface)]
        assert files.SHARED_ADDRESS not in found


async def test_anyone_may_read_the_state_with_busctl(story: Story) -> None:
    """Goal: reading is free and needs nothing of hbd's. Method: bob introspects and reads."""
    for path, interface, wanted in (
        (ROOT, Interface.MANAGER, ".PeerStatus"),
        (group_path(GroupName(GROUP)), Interface.GROUP, ".State"),
    ):
        shown = await story.home.run(["busctl", "introspect", BUS_NAME, path], user="bob")
        names = [line.split()[0] for line in shown.out.splitlines()]
        assert interface in names
        assert wanted in names
    told = await story.home.busctl(
        "get-property", BUS_NAME, group_path(GroupName(GROUP)), Interface.GROUP, "Owner", user="bob"
    )
    assert json.loads(told.out) == {"type": "s", "data": story.home.name}


async def test_hbctl_status_tells_the_same_on_both_nodes(story: Story) -> None:
    """Goal: one truth, two sides. Method: `hbctl status --json` on each, as bob."""
    seen = [
        json.loads((await node.run(["hbctl", "status", "--json"], user="bob")).out)
        for node in story.lab.nodes
    ]
    (here,), (there,) = (view["groups"] for view in seen)
    assert (here["owner"], here["state"], here["peer_state"]) == ("ttisrv1", "started", "stopped")
    assert (there["owner"], there["state"], there["peer_state"]) == (
        "ttisrv1",
        "stopped",
        "started",
    )
    for view in seen:
        assert {link["name"]: link["status"] for link in view["links"]} == {
            "/dev/ttyS0": "up",
            "eth1": "up",
        }
