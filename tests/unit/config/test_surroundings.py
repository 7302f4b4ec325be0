"""The real answers, as far as every Linux machine gives the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.config.surroundings import Family, InterfaceState, PathKind, ThisMachine

HERE = ThisMachine()


def test_interfaces() -> None:
    """Goal and method: loopback never broadcasts, and there is no interface of that name."""
    assert HERE.interface("lo") is InterfaceState.NOT_BROADCAST
    assert HERE.interface("nosuchiface0") is InterfaceState.ABSENT


def test_paths(tmp_path: Path) -> None:
    """Goal and method: a device, a directory, nothing, and what is no path."""
    assert HERE.path("/dev/null") is PathKind.CHARACTER_DEVICE
    assert HERE.path(str(tmp_path)) is PathKind.OTHER
    assert HERE.path(str(tmp_path / "absent")) is PathKind.ABSENT
    assert HERE.path("a\0b") is PathKind.ABSENT


def test_programs_and_users(tmp_path: Path) -> None:
    """Goal and method: a shell, a plain file, a directory; root and nobody of that name."""
    (tmp_path / "plain").write_text("")
    assert HERE.is_executable("/bin/sh")
    assert not HERE.is_executable(str(tmp_path / "plain"))
    assert not HERE.is_executable(str(tmp_path))
    assert not HERE.is_executable("a\0b")
    assert HERE.user_exists("root")
    assert not HERE.user_exists("no such user")
    assert not HERE.user_exists("a\0b")
    assert HERE.keys_owner() == 0


def test_addresses() -> None:
    """Goal and method: loopback is always our own, a documentation address never."""
    assert HERE.is_own_address("127.0.0.1")
    assert not HERE.is_own_address("192.0.2.1")
    assert not HERE.is_own_address("fe80::1")


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "..", "\udcff", "a\0b", ""])
def test_what_is_no_host_is_not_resolved(host: str) -> None:
    """Goal: no exception from the resolver. Method: names that no resolver sends."""
    assert HERE.resolve(host, Family.IPV4) is None or host == ""


def test_a_numeric_host_needs_no_name_server() -> None:
    """Goal and method: a literal is its own answer in its own family."""
    assert HERE.resolve("127.0.0.1", Family.IPV4) == "127.0.0.1"
    assert HERE.resolve("::1", Family.IPV4) is None
    assert HERE.host_name() != ""
