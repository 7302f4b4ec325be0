"""Who this node is on the wire: a number that grows with every life, and a uuid that stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.cluster.terms import NodeName
from hbd.errors import AdapterError
from hbd.runtime.identity import next_generation, node_uuid

CLOCK = 1_700_000_000
NODE = NodeName("ttisrv1")


def test_a_first_life_is_numbered_by_the_clock(tmp_path: Path) -> None:
    """Goal: heartbeat's rule. Method: an empty folder."""
    assert next_generation(tmp_path, CLOCK) == CLOCK + 1


@pytest.mark.parametrize("from_clock", [False, True])
def test_every_life_has_a_larger_number(tmp_path: Path, from_clock: bool) -> None:
    """Goal: the peer tells a new life from an old one. Method: many, at one second of the clock."""
    lives = [next_generation(tmp_path, CLOCK, from_clock=from_clock) for _ in range(5)]
    assert lives == sorted(set(lives))


def test_a_number_does_not_depend_on_the_clock(tmp_path: Path) -> None:
    """Goal: a wrong clock costs nothing. Method: the clock goes far ahead, and back."""
    first = next_generation(tmp_path, CLOCK)
    assert next_generation(tmp_path, CLOCK + 10**6) == first + 1
    assert next_generation(tmp_path, 0) == first + 2


def test_a_number_from_the_clock_never_goes_back(tmp_path: Path) -> None:
    """Goal: ha.cf's hbgenmethod time. Method: the clock goes ahead, and back."""
    assert next_generation(tmp_path, CLOCK + 500, from_clock=True) == CLOCK + 501
    assert next_generation(tmp_path, CLOCK + 900, from_clock=True) == CLOCK + 900
    assert next_generation(tmp_path, 0, from_clock=True) == CLOCK + 901


@pytest.mark.parametrize(
    "garbage", [b"", b"\n", b"no number", b"12 34", b"\xff\xfe", b"-5\n", b"0\n", b"9" * 40]
)
def test_a_damaged_file_is_begun_anew(tmp_path: Path, garbage: bytes) -> None:
    """Goal: a bad sector does not stop the cluster. Method: things that are no count of lives."""
    (tmp_path / "generation").write_bytes(garbage)
    assert next_generation(tmp_path, CLOCK) == CLOCK + 1
    assert next_generation(tmp_path, CLOCK) == CLOCK + 2


def test_a_number_that_cannot_be_kept_is_not_used(tmp_path: Path) -> None:
    """Goal: no life without a memory of it. Method: no folder to write to."""
    with pytest.raises(AdapterError):
        next_generation(tmp_path / "absent", CLOCK)


def test_a_number_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Goal: a power cut leaves the old or the new. Method: nothing else is left in the folder."""
    next_generation(tmp_path, CLOCK)
    next_generation(tmp_path, CLOCK)
    assert [path.name for path in tmp_path.iterdir()] == ["generation"]
    assert int((tmp_path / "generation").read_text()) == CLOCK + 2


def test_a_uuid_is_made_once(tmp_path: Path) -> None:
    """Goal: the peer knows us again. Method: twice here, once elsewhere."""
    first = node_uuid(tmp_path, NODE)
    assert node_uuid(tmp_path, NODE) == first
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert node_uuid(elsewhere, NODE) != first


@pytest.mark.parametrize("garbage", [b"", b"short", bytes(16), b"x" * 17])
def test_a_damaged_uuid_is_made_anew(tmp_path: Path, garbage: bytes) -> None:
    """Goal: never an all-zero or broken uuid. Method: things that are none."""
    (tmp_path / "uuid").write_bytes(garbage)
    made = node_uuid(tmp_path, NODE)
    assert len(made) == 16
    assert made not in (garbage, bytes(16))
    assert node_uuid(tmp_path, NODE) == made


def test_a_uuid_from_the_name_is_kept_nowhere(tmp_path: Path) -> None:
    """Goal: ha.cf's uuidfrom nodename. Method: the same everywhere, another for another name."""
    one = node_uuid(tmp_path, NODE, from_name=True)
    assert one == node_uuid(tmp_path / "absent", NODE, from_name=True)
    assert one != node_uuid(tmp_path, NodeName("ttisrv2"), from_name=True)
    assert len(one) == 16
    assert list(tmp_path.iterdir()) == []
