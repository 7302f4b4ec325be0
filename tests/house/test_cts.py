"""The list of heartbeat's own tests names stories that exist, and leaves none of its tests out."""

from __future__ import annotations

import ast
import re

from tests.house.tree import ROOT

LIST = ROOT / "tests/lab/interop/CTS.md"
# Every class of Debian's heartbeat 3.0.6, /usr/share/heartbeat/cts/CTStests.py, by its `name`, and
# the two scripts beside it.
THEIRS = {
    "Stop", "start", "Flip", "Restart", "Stonith", "Stonithd", "IPaddrtest", "StartOnebyOne",
    "SimulStart", "SimulStop", "StopOnebyOne", "RestartOnebyOne", "PartialStart", "standby",
    "standby2", "DetectionTime", "Bandwidth", "RedundantpathTest", "DRBD", "Split_brain",
    "ResourceRecover", "ComponentFail", "Split_brain2", "Memory", "Election", "SpecialTest1",
    "NearQuorumPoint", "AddResource", "SimulStopLite", "SimulStartLite", "Logging",
    "BasicSanityCheck", "TestHeartbeatComm",
}  # fmt: skip
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> dict[str, str]:
    """Test by name, and what the list says of it here."""
    lines = [line for line in LIST.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    return {name: here for name, _, here in cells}


def test_no_test_of_heartbeats_is_left_out() -> None:
    """Goal: the list is whole. Method: compare it with the names in heartbeat's suite."""
    assert set(rows()) == THEIRS


def test_each_is_done_or_says_why_not() -> None:
    """Goal: no empty promise. Method: a row names a story of ours, or gives a reason."""
    for name, here in rows().items():
        if here.startswith("done: "):
            assert _NAMED.search(here), name
        else:
            assert re.match(r"n/a: \w+", here), name


def test_the_stories_it_names_exist() -> None:
    """Goal: the list stays true. Method: look for each function in its file."""
    for path, story in _NAMED.findall(LIST.read_text()):
        tree = ast.parse((ROOT / path).read_text())
        functions = ast.AsyncFunctionDef | ast.FunctionDef
        names = {node.name for node in tree.body if isinstance(node, functions)}
        assert story in names, f"{path} has no {story}"
