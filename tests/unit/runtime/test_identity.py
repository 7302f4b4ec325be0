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


# --- a node that ran heartbeat before -------------------------------------------------------------


@pytest.fixture
def heartbeat(tmp_path: Path) -> Path:
    """heartbeat's folder as it leaves it: 15 columns and a newline, and 16 bytes."""
    folder = tmp_path / "heartbeat"
    folder.mkdir()
    (folder / "hb_generation").write_text(f"{CLOCK + 70:>15}\n")
    (folder / "hb_uuid").write_bytes(bytes(range(16)))
    return folder


def test_lives_are_counted_on_where_heartbeat_was(tmp_path: Path, heartbeat: Path) -> None:
    """Goal: the peer sees a restart, not a replay. Method: its number is above the clock's."""
    assert next_generation(tmp_path, CLOCK, heartbeat=heartbeat) == CLOCK + 71


def test_heartbeat_can_come_back(tmp_path: Path, heartbeat: Path) -> None:
    """Goal: its next number is above ours. Method: its file, in its form; and ours after it."""
    for _ in range(3):
        ours = next_generation(tmp_path, CLOCK, heartbeat=heartbeat)
    text = (heartbeat / "hb_generation").read_text()
    assert (len(text), int(text)) == (16, ours)
    (heartbeat / "hb_generation").write_text(f"{ours + 5:>15}\n")
    assert next_generation(tmp_path, CLOCK, heartbeat=heartbeat) == ours + 6


def test_a_node_stays_who_it_was(tmp_path: Path, heartbeat: Path) -> None:
    """Goal: one node is one uuid. Method: heartbeat's is taken once, and kept when it goes."""
    assert node_uuid(tmp_path, NODE, heartbeat=heartbeat) == bytes(range(16))
    (heartbeat / "hb_uuid").unlink()
    assert node_uuid(tmp_path, NODE, heartbeat=heartbeat) == bytes(range(16))


def test_where_heartbeat_never_was_nothing_of_it_is_made(tmp_path: Path) -> None:
    """Goal: no folder of another package. Method: an absent and an empty one."""
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (tmp_path / "absent", empty):
        assert next_generation(tmp_path, CLOCK, heartbeat=folder) > CLOCK
        assert len(node_uuid(tmp_path, NODE, heartbeat=folder)) == 16
    assert list(empty.iterdir()) == []
