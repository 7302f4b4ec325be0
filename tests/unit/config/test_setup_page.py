"""The files that hbd-setup(7) tells the reader to write are files that hbd accepts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hbd.cluster.terms import NodeName
from tests.house.tree import ROOT
from tests.unit.config.files import Files

PAGE = ROOT / "man/hbd-setup.7"


def block(first: str) -> str:
    """The literal block of the page that begins with these words."""
    blocks = re.findall(r"^\.Bd -literal.*\n((?:[^.].*\n|\n)*)\.Ed", PAGE.read_text(), re.MULTILINE)
    [found] = [text for text in blocks if text.startswith(first)]
    return str(found)


@pytest.mark.parametrize("node", ["ttisrv1", "ttisrv2"])
def test_the_examples_are_accepted_on_both_nodes(node: NodeName, tmp_path: Path) -> None:
    """Goal: who follows the page gets a cluster. Method: its two files, judged as each node."""
    files = Files(ha_cf=block("keepalive"), haresources=block("ttisrv1 192"))
    verdict = files.judge(tmp_path, node=node)
    assert verdict.config is not None, [str(mistake) for mistake in verdict.mistakes]
    assert len(verdict.config.groups) == 1
