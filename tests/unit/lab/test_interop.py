"""The judges of the stories with heartbeat: each is seen to say no."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.lab.harness.node import Node
from tests.lab.interop import complaints, witness
from tests.lab.interop.loss import Sieve

MESSAGES = 500
SEED = 1
DROPPED = (
    "message is dropped ", "MSG: Dumping message with 3 fields", "MSG[0] : [t=ask_resources]",
    "MSG[1] : [rsc_hold=all]", "MSG[2] : [info=done]",
)  # fmt: skip


def node(folder: Path, name: str, *lines: str) -> Node:
    """A node whose resources have written these lines."""
    log = folder / name / witness.LOG_PATH.lstrip("/")
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"{line}\n" for line in lines))
    return cast("Node", SimpleNamespace(name=name, root=folder / name))


def said(text: str) -> str:
    """A line of heartbeat's log."""
    return f"Nov 22 21:05:40 ttisrv2 heartbeat: [45]: {text}"


def test_two_holders_of_a_group_are_seen(tmp_path: Path) -> None:
    """Goal: the witness can say no. Method: a stop that comes after the other one's start."""
    first = node(tmp_path, "ttisrv1", "1.0 start first", "5.0 stop first")
    second = node(tmp_path, "ttisrv2", "4.9 start first", "4.9 start second")
    assert len(witness.overlaps([first, second])) == 1
    assert witness.overlaps([first, second], since=5.0) == []
    assert witness.holders([first, second], "first") == ["ttisrv2"]


def test_a_hand_over_is_no_overlap(tmp_path: Path) -> None:
    """Goal: the witness can say yes. Method: a start after the other's stop, and a power cut."""
    first = node(tmp_path, "ttisrv1", "1.0 start first", "5.0 stop first", "6.0 start second")
    second = node(tmp_path, "ttisrv2", "5.1 start first", "8.0 start second")
    assert len(witness.overlaps([first, second])) == 1
    witness.power_lost(first, 7.0)
    assert witness.overlaps([first, second]) == []


def test_a_complaint_is_seen_and_what_means_nothing_is_not() -> None:
    """Goal: the reader of logs is not blind. Method: lines of heartbeat's, one a complaint."""
    harmless, fine = said("WARN: Logging daemon is disabled --enabling"), said("info: Link up.")
    bad = said("ERROR: Bad message length")
    assert complaints.in_log([harmless, bad, fine], []) == [bad]


@pytest.mark.parametrize("info", ["me", "other", "done"])
def test_a_dropped_message_is_a_complaint_but_for_a_stray_end(info: str) -> None:
    """Goal: only the one message that heartbeat ignores by custom is left out."""
    lines = [said(f"WARN: {text}").replace("info=done", f"info={info}") for text in DROPPED]
    found = complaints.in_log([said("info: before"), *lines, said("info: after")], [])
    assert found == ([] if info == "done" else lines)


@pytest.mark.parametrize("size", [1, 7, 38, 4096])
def test_a_sieve_loses_whole_messages_and_their_share(size: int) -> None:
    """Goal: a lossy line loses what was asked for. Method: many messages in pieces of any size."""
    sieve = Sieve(20, random.Random(SEED))
    messages = [b">>>\nt=status\nseq=%x\n<<<\n" % number for number in range(MESSAGES)]
    data = b"".join(messages)
    arrived = b"".join(
        sieve.pass_on(data[start : start + size]) for start in range(0, len(data), size)
    )
    left = [b">>>\n" + each for each in arrived.split(b">>>\n")[1:]]
    assert set(left) <= set(messages)
    assert 0.7 * MESSAGES < len(left) < 0.9 * MESSAGES
