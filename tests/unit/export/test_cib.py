"""haresources and the rest of ha.cf as a Cluster Information Base."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.cluster.terms import Fencing
from tests.unit.export.made import GROUP, export
from tests.unit.export.site import PaperSite

LINK = "bcast eth0\n"
IPMI = "external/ipmi {} 10.3.0.1 admin hunter2 lanplus"


def test_a_group_starts_in_the_order_of_its_line(tmp_path: Path) -> None:
    """Goal: left to right. Method: the members of the group, and what each is."""
    made = export(tmp_path, LINK)
    group = made.element("group-192.168.0.100-24-eth0")
    assert [(one.get("class"), one.get("type")) for one in group.iter("primitive")] == [
        ("ocf", "IPaddr2"), ("ocf", "Filesystem"), ("systemd", "smbd"),
    ]  # fmt: skip
    assert made.values("ip-192.168.0.100") == {
        "ip": "192.168.0.100",
        "cidr_netmask": "24",
        "nic": "eth0",
    }
    assert made.values("fs-srv-x") == {
        "device": "/dev/sda1",
        "directory": "/srv/x",
        "fstype": "ext4",
    }


def test_every_id_is_there_once(tmp_path: Path) -> None:
    """Goal: the schema's first rule. Method: names that differ in forbidden characters only."""
    lines = "alpha IPaddr2::fd00::1/64/eth0 a::b\nbeta IPaddr2::fd00::2/64/eth0 a::b:\n"
    site = PaperSite(scripts={"a": "/etc/ha.d/resource.d/a"})
    made = export(tmp_path, LINK, lines, site=site)
    ids = [one.get("id") for one in made.cib.iter() if one.get("id") is not None]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("word", "stays"), [("on", "0"), ("legacy", "0"), ("off", "1000")])
def test_failback_is_stickiness(tmp_path: Path, word: str, stays: str) -> None:
    """Goal: a group goes home or stays. Method: home has a score, staying a higher one or none."""
    made = export(tmp_path, LINK + f"auto_failback {word}\n")
    assert made.values("defaults")["resource-stickiness"] == stays
    home = made.element("home-192.168.0.100-24-eth0")
    assert (home.get("node"), home.get("score")) == ("alpha", "100")


def test_initdead_is_how_long_a_node_waits_for_the_other(tmp_path: Path) -> None:
    """Goal: a lonely start waits as before. Method: rounded up to whole seconds."""
    made = export(tmp_path, LINK + "initdead 30500ms\n")
    assert made.values("properties")["dc-deadtime"] == "31s"


def test_a_device_for_each_node_runs_where_it_is_reached(tmp_path: Path) -> None:
    """Goal: stonith_host as heartbeat has it. Method: each node has the other's board."""
    lines = f"stonith_host alpha {IPMI.format('beta')}\nstonith_host beta {IPMI.format('alpha')}\n"
    made = export(tmp_path, LINK + lines)
    assert made.values("properties")["stonith-enabled"] == "true"
    assert made.values("fence-beta")["pcmk_host_list"] == "beta"
    assert made.values("fence-beta")["password"] == "hunter2"
    rules = {
        (one.get("rsc"), one.get("node"))
        for one in made.cib.iter("rsc_location")
        if one.get("score") == "-INFINITY"
    }
    assert rules == {("fence-beta", "beta"), ("fence-alpha", "alpha")}


def test_a_device_of_both_nodes_is_one(tmp_path: Path) -> None:
    """Goal: a switch with an outlet each is one device. Method: `*`, and nothing restricted."""
    made = export(tmp_path, LINK + "stonith_host * fence_apc ip=10.3.0.9 login=x\n")
    assert made.values("fence-alpha-beta")["pcmk_host_list"] == "alpha beta"
    assert [one for one in made.cib.iter("rsc_location") if one.get("score") == "-INFINITY"] == []


def test_of_two_nodes_that_shoot_each_other_the_first_one_is_spared(tmp_path: Path) -> None:
    """Goal: a cut cable leaves one node. Method: who serves less waits; else the second one dies.

    Pacemaker wants the wait for priority to be twice any other.
    """
    lines = f"stonith_host alpha {IPMI.format('beta')}\nstonith_host beta {IPMI.format('alpha')}\n"
    made = export(tmp_path, LINK + lines)
    assert made.values("fence-alpha")["pcmk_delay_base"] == "alpha:3s"
    assert "pcmk_delay_base" not in made.values("fence-beta")
    assert made.values("properties")["priority-fencing-delay"] == "6s"


def test_devices_against_one_node_are_tried_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Goal: the second device is for when the first one fails. Method: levels of each victim.

    The first line is beta's alone, so alpha, where this is made, reads the second one first.
    """
    lines = (
        f"stonith_host beta {IPMI.format('alpha')}\nstonith_host * fence_apc ip=10.3.0.9 login=x\n"
    )
    made = export(tmp_path, LINK + lines)
    levels = [
        (one.get("target"), one.get("index"), one.get("devices"))
        for one in made.cib.iter("fencing-level")
    ]
    assert sorted(levels) == [
        ("alpha", "1", "fence-alpha"),
        ("alpha", "2", "fence-alpha-beta"),
        ("beta", "1", "fence-alpha-beta"),
    ]


def test_an_outlet_is_the_victims(tmp_path: Path) -> None:
    """Goal: the plug that ha.cf says. Method: it becomes a map from node to plug."""
    made = export(tmp_path, LINK + "stonith_host alpha fence_apc ip=10.3.0.9 plug=7\n")
    values = made.values("fence-beta")
    assert values["pcmk_host_map"] == "beta:7"
    assert "plug" not in values


def test_reservations_are_fence_scsi_on_the_whole_disk(tmp_path: Path) -> None:
    """Goal: the disk refuses the other node. Method: the disk of the partition, with unfencing."""
    site = PaperSite(disks={"/dev/sda1": "/dev/sda"})
    made = export(tmp_path, LINK, site=site, fencing=Fencing.RESERVATION)
    values = made.values("fence-scsi")
    assert values["devices"] == "/dev/sda"
    assert values["provides"] == "unfencing"
    assert made.values("properties")["stonith-enabled"] == "true"


def test_without_any_means_nothing_is_fenced_and_that_is_said(tmp_path: Path) -> None:
    """Goal: no cluster that only seems safe. Method: auto and no device; none says it itself."""
    made = export(tmp_path, LINK)
    assert made.values("properties")["stonith-enabled"] == "false"
    assert "!fencing auto" in made.subjects
    silent = export(tmp_path, LINK + "fencing none\n")
    assert "!fencing auto" not in silent.subjects
    assert "fencing none" in silent.subjects


def test_a_ping_node_is_a_wish_of_each_group(tmp_path: Path) -> None:
    """Goal: who reaches the network serves. Method: the attribute, above home and stickiness."""
    made = export(tmp_path, LINK + "ping_group routers 192.0.2.254 192.0.2.253\ndeadping 11\n")
    values = made.values("ping-routers")
    assert values["host_list"] == "192.0.2.254 192.0.2.253"
    assert values["dampen"] == "11s"
    [rule] = made.cib.iter("rule")
    [expression] = rule.iter("expression")
    assert expression.get("attribute") == values["name"]
    assert int(rule.get("score", "")) > 64 * int("1000") + 100


def test_a_service_of_two_groups_runs_on_both_nodes(tmp_path: Path) -> None:
    """Goal: it is not started twice. Method: a clone that both groups come after."""
    lines = GROUP + "beta 192.168.0.101 Filesystem::LABEL=b::/srv/b smb\n"
    made = export(tmp_path, LINK, lines)
    assert made.ids("clone") == ["clone-smbd"]
    assert [one.get("first") for one in made.cib.iter("rsc_order")] == ["clone-smbd"] * 2
    assert made.values("fs-srv-b")["device"] == "/dev/disk/by-label/b"


def test_a_script_with_arguments_gets_a_unit(tmp_path: Path) -> None:
    """Goal: what Pacemaker has no words for still runs. Method: the unit's name and commands."""
    site = PaperSite(scripts={"drbddisk": "/etc/ha.d/resource.d/drbddisk"})
    made = export(tmp_path, LINK + "env A=b\n", "alpha 192.0.2.9 drbddisk::r$0\n", site=site)
    [(name, text)] = [item for item in made.result.files.items() if item[0].endswith(".service")]
    [unit] = [one for one in made.cib.iter("primitive") if one.get("class") == "systemd"]
    assert f"{unit.get('type')}.service" == name
    assert 'ExecStart="/etc/ha.d/resource.d/drbddisk" "r$$0" start' in text.splitlines()
    assert 'Environment="HA_A=b"' in text.splitlines()
    assert "!drbddisk::r$0" in made.subjects


def test_words_without_a_unit_here_are_told(tmp_path: Path) -> None:
    """Goal: a gap is never silent. Method: an unknown unit, a script that is nowhere, nfslock."""
    made = export(tmp_path, LINK, "alpha 192.0.2.9 postgres lost::x nfslock\n")
    assert {"!postgres", "!lost::x", "nfslock"} <= set(made.subjects)
    types = [one.get("type") for one in made.cib.iter("primitive") if one.get("class") != "ocf"]
    assert types == ["postgres"]


def test_comments_never_break_the_file(tmp_path: Path) -> None:
    """Goal: XML forbids two hyphens in a comment. Method: a word of the files that has them."""
    made = export(tmp_path, LINK, "alpha 192.0.2.9 a--b\n")
    assert "!a--b" in made.subjects
