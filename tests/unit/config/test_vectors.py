"""The verdict on every recorded configuration is heartbeat 3.0.6's, but for the listed ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.config.deviations import LAXER, STRICTER
from tests.unit.config.files import Files

VECTORS = Path(__file__).parents[2] / "vectors" / "config-cases.jsonl"


def cases() -> list[dict[str, str | bool | None]]:
    """Each line: the files, and whether the real daemon ran with them."""
    return [json.loads(line) for line in VECTORS.read_text().splitlines()]


@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case["case"]))
def test_the_verdict_is_heartbeats(case: dict[str, str | bool | None], tmp_path: Path) -> None:
    """Goal: files that worked go on working. Method: judge each on a machine like the real one."""
    name = str(case["case"])
    haresources = case["haresources"]
    files = Files(
        ha_cf=str(case["ha.cf"]),
        authkeys=str(case["authkeys"]),
        haresources=None if haresources is None else str(haresources),
        mode=int(str(case["authkeys_mode"]), 8),
    )
    accepted = files.judge(tmp_path).config is not None
    expected = (bool(case["accepted"]) or name in LAXER) and name not in STRICTER
    assert accepted == expected


def test_every_deviation_is_one() -> None:
    """Goal: the list of deviations cannot rot. Method: each names a case of the other verdict."""
    verdicts = {str(case["case"]): case["accepted"] for case in cases()}
    assert len(verdicts) == 136
    assert {name: verdicts[name] for name in STRICTER} == dict.fromkeys(STRICTER, True)
    assert {name: verdicts[name] for name in LAXER} == dict.fromkeys(LAXER, False)
