"""Heartbeat links as Corosync's: what is known is written, what is not is left to be filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.export.made import ALPHA, BETA, export
from tests.unit.export.site import PaperSite


def test_deadtime_is_the_token(tmp_path: Path) -> None:
    """Goal: silence is as long as before. Method: milliseconds, and warntime in percent."""
    made = export(tmp_path, "bcast eth0\nwarntime 2\n")
    assert made.corosync("token") == ["5000"]
    assert made.corosync("token_warning") == ["40"]


def test_either_of_two_nodes_may_go_on_and_start_alone(tmp_path: Path) -> None:
    """Goal: two nodes as heartbeat has them. Method: votequorum's words."""
    made = export(tmp_path, "bcast eth0\n")
    assert made.corosync("two_node") == ["1"]
    assert made.corosync("wait_for_all") == ["0"]
    assert made.corosync("name") == ["alpha", "beta"]


def test_ucast_lines_tell_both_addresses(tmp_path: Path) -> None:
    """Goal: nothing to fill in. Method: two lines, one of which is this machine's."""
    lines = "ucast eth0 192.0.2.2\nucast eth0 192.0.2.1\nucast eth1 10.0.0.1\nucast eth1 10.0.0.2\n"
    site = PaperSite(networks={"eth0": "192.0.2.1/24", "eth1": "10.0.0.1/24"})
    made = export(tmp_path, lines, site=site)
    assert made.corosync("ring0_addr") == ["192.0.2.1", "192.0.2.2"]
    assert made.corosync("ring1_addr") == ["10.0.0.1", "10.0.0.2"]
    assert "!eth0" not in made.subjects


def test_a_broadcast_link_is_completed_by_the_hosts_file(tmp_path: Path) -> None:
    """Goal: the usual case needs no hand. Method: own address, and the peer's name in its net."""
    site = PaperSite(networks={"eth0": "192.0.2.1/24"}, hosts={"beta": "192.0.2.2"})
    assert export(tmp_path, "udp eth0\n", site=site).corosync("ring0_addr") == [
        "192.0.2.1",
        "192.0.2.2",
    ]


def test_a_name_in_another_network_is_no_address_of_the_link(tmp_path: Path) -> None:
    """Goal: no wrong guess. Method: the crossover cable, while the name is on the LAN."""
    site = PaperSite(networks={"eth1": "10.0.0.1/24"}, hosts={"beta": "192.0.2.2"})
    made = export(tmp_path, "udp eth1\n", site=site)
    assert made.corosync("ring0_addr") == ["10.0.0.1", "ADDRESS_OF_beta_ON_eth1"]
    assert "!eth1" in made.subjects


def test_addresses_on_the_command_line_win(tmp_path: Path) -> None:
    """Goal: what cannot be known can be said. Method: both nodes of a link given."""
    given = {(ALPHA, "eth1"): "10.0.0.1", (BETA, "eth1"): "10.0.0.2"}
    made = export(tmp_path, "udp eth1\n", given=given)
    assert made.corosync("ring0_addr") == ["10.0.0.1", "10.0.0.2"]


def test_two_foreign_addresses_are_nobodys(tmp_path: Path) -> None:
    """Goal: nodes are not mixed up. Method: on a third machine, names without addresses."""
    made = export(tmp_path, "ucast eth0 192.0.2.2\nucast eth0 192.0.2.1\n")
    assert made.subjects.count("!eth0") == 2


def test_media_of_one_interface_are_one_link(tmp_path: Path) -> None:
    """Goal: knet refuses the same address twice. Method: bcast and mcast on eth0."""
    site = PaperSite(networks={"eth0": "192.0.2.1/24"}, hosts={"beta": "192.0.2.2"})
    made = export(tmp_path, "bcast eth0\nmcast eth0 225.0.0.1 694 1 0\n", site=site)
    assert len(made.corosync("ring0_addr")) == 2
    assert made.corosync("ring1_addr") == []


@pytest.mark.parametrize("line", ["serial /dev/null\n", "serial /dev/null\nbcast eth0\n"])
def test_a_serial_line_is_told_to_be_gone(tmp_path: Path, line: str) -> None:
    """Goal: nobody believes it still carries. Method: with and without a network beside it."""
    made = export(tmp_path, line)
    assert "serial /dev/null" in made.subjects
    assert ("!links" in made.subjects) == ("bcast" not in line)


def test_the_key_of_authkeys_is_in_no_file(tmp_path: Path) -> None:
    """Goal: no secret goes where it is not needed. Method: search everything for it."""
    made = export(tmp_path, "bcast eth0\n")
    (tmp_path / "authkeys").write_text("auth 1\n1 sha1 very-secret-indeed\n")
    made = export(tmp_path, "bcast eth0\n")
    assert all("very-secret" not in text for text in made.result.files.values())
