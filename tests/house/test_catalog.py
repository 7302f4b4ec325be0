"""The journal's catalog: every line that an administrator meets is explained, and nothing else."""

from __future__ import annotations

import ast
import logging
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hbd.cluster.event import ClockTicked
from hbd.cluster.node import Node
from hbd.cluster.terms import GroupState, PeerStatus, Phase
from hbd.journal import MessageId
from hbd.runtime.recorder import Recorder
from tests.bus import beliefs
from tests.house.tree import ROOT, python_files, syntax

CATALOG = ROOT / "units/hbd.catalog"
MAN = ROOT / "man"
HEADERS = {"Subject", "Defined-By", "Documentation"}
WIDEST = 80  # characters: a terminal's


def entries() -> list[tuple[str, str, str]]:
    """Identity, headers and text of each entry, in order."""
    parts = re.split(r"^-- ([0-9a-f]{32})$", CATALOG.read_text(), flags=re.MULTILINE)[1:]
    return [
        (identity, *body.strip("\n").partition("\n\n")[::2])
        for identity, body in zip(parts[::2], parts[1::2], strict=True)
    ]


def logged(name: str) -> set[str] | None:
    """The fields of every line logged with that identity by name; None if it is looked up."""
    calls = [
        node
        for path in python_files("hbd")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("fields", "journal.fields")
        and node.args
        and any(
            isinstance(part, ast.Attribute) and part.attr == name for part in ast.walk(node.args[0])
        )
    ]
    named = [{f"HBD_{word.arg.upper()}" for word in call.keywords if word.arg} for call in calls]
    return set.intersection(*named) if named else None


def all_logged() -> set[str]:
    """Every field that the daemon logs."""
    return {
        f"HBD_{word.arg.upper()}"
        for path in python_files("hbd")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("fields", "journal.fields")
        for word in node.keywords
        if word.arg is not None
    }


def used_by(message: str) -> set[str]:
    """The fields that the entry of a message shows."""
    [entry] = [f"{headers}\n{text}" for found, headers, text in entries() if found == message]
    return set(re.findall(r"@([A-Z_]+)@", entry))


class Kept(logging.Handler):
    """Keeps the journal fields of every line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep them."""
        self.lines.append(getattr(record, "journal", {}))


def beliefs_that_change() -> Iterator[tuple[Node, Node]]:
    """What was believed and what is believed now: of the peer, of a group, of this node."""
    before = beliefs.node()
    for status in PeerStatus:
        yield before, beliefs.with_peer(before, status)
        yield beliefs.with_peer(before, status), before
    for state in GroupState:
        yield before, beliefs.with_share(before, state)
        yield beliefs.with_share(before, state), before
    for phase in Phase:
        yield before, replace(before, phase=phase)
        yield replace(before, phase=phase), before


def test_every_message_has_one_entry_and_no_entry_lacks_a_message() -> None:
    """Goal: `journalctl -x` explains all. Method: the enum against the catalog, with the order."""
    assert [identity for identity, _, _ in entries()] == [each.value for each in MessageId]


@pytest.mark.parametrize("message", MessageId, ids=[each.name for each in MessageId])
def test_an_entry_uses_only_fields_that_its_lines_have(message: MessageId) -> None:
    """Goal: no hole in the text. Method: @FIELD@ against the keywords of every call that logs it.

    Where the identity is looked up in a table, the field must at least be one that exists.
    """
    used = used_by(message.value)
    of_its_lines = logged(message.name)
    assert used <= (all_logged() if of_its_lines is None else of_its_lines)


def test_a_line_of_a_changed_belief_has_the_fields_of_its_entry() -> None:
    """Goal: the same where the identity is looked up. Method: the recorder itself, every change."""
    log, kept = logging.getLogger("tests.catalog"), Kept()
    log.addHandler(kept)
    log.propagate = False
    log.setLevel(logging.DEBUG)
    for before, after in beliefs_that_change():
        Recorder(log).record(before, ClockTicked(), after, ())
    explained = [line for line in kept.lines if "MESSAGE_ID" in line]
    assert {str(line["HBD_EVENT"]) for line in explained} >= {
        *("started", "left", "peer-active", "peer-late", "peer-lost", "peer-fenced", "peer-left"),
        *("group-started", "group-stopped", "start-failed", "stop-failed", "unprotected"),
    }
    for line in explained:
        assert used_by(str(line["MESSAGE_ID"])) <= line.keys()


def test_every_entry_says_what_to_do() -> None:
    """Goal: an entry teaches. Method: headers, a text that fits a terminal, and a next step."""
    for identity, headers, text in entries():
        assert {line.partition(":")[0] for line in headers.splitlines()} == HEADERS, identity
        assert max(map(len, text.splitlines())) <= WIDEST, identity
        assert re.search(r"^    \S", text, re.MULTILINE) or "Nothing needs to be done" in text


def test_an_entry_leads_to_pages_of_ours_that_are_there() -> None:
    """Goal: `Documentation:` can be opened. Method: each page that an entry names is a file."""
    named = " ".join(
        re.findall(r"^Documentation: (.+)$", CATALOG.read_text(), re.MULTILINE)
    ).split()
    pages = [re.sub(r"^man:(\S+)\((\d)\)$", r"\1.\2", name) for name in named]
    assert len(pages) >= len(MessageId)
    assert [page for page in pages if not (MAN / page).exists()] == []


def test_journalctl_takes_the_catalog(tmp_path: Path) -> None:
    """Goal: what is shipped can be compiled. Method: journalctl does it, in a root of its own."""
    place = tmp_path / "usr/lib/systemd/catalog/hbd.catalog"
    place.parent.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    place.write_bytes(CATALOG.read_bytes())
    root = f"--root={tmp_path}"
    made = subprocess.run(
        ["journalctl", "--update-catalog", root], capture_output=True, text=True, check=True
    )
    assert made.stderr == ""
    listed = subprocess.run(
        ["journalctl", "--list-catalog", root], capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) == len(MessageId)
