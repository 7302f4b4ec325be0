"""After a failover: history tells it, explain shows its lines, and the journal replays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hbd.journal import MessageId
from hbd.replay.main import Exit, main
from tests.lab.story.story import DEADTIME, GROUP, MOVED_WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

LOSING_THE_PEER = (
    MessageId.PEER_LATE,
    MessageId.PEER_LOST,
    MessageId.LINK_DEAD,
    MessageId.UNPROTECTED,
)


async def test_a_power_cut_is_explained_and_replays(story: Story, tmp_path: Path) -> None:
    """Goal: why, how long, and the same decisions again. Method: cut power, ask the survivor.

    A restart of its daemon forgets nothing; anybody may read the history.
    """
    story.expects(*LOSING_THE_PEER, on=story.away)
    await story.home.kill()
    await story.served_by(story.away, within=MOVED_WITHIN)

    told = json.loads((await story.away.run(["hbctl", "explain", "--json"])).out)
    lost = told["transition"]
    assert (lost["cause"], lost["result"]) == ("peer-lost", "moved")
    assert (lost["origin"], lost["target"]) == (story.home.name, story.away.name)
    assert lost["rules"] == ["fence-first", "acquire-unprotected"]
    assert lost["groups"] == [GROUP]
    steps = {step["kind"] or step["phase"]: step["usec"] for step in lost["steps"]}
    assert {"detect", "fence", "address", "mount", "samba", "nfs"} <= set(steps)
    assert DEADTIME - 0.1 < steps["detect"] / 1e6 < DEADTIME + 1
    assert lost["outage_usec"] == lost["duration_usec"] >= sum(steps.values()) * 0.9
    assert len(told["journal"]) > len(steps), "the lines behind it are shown"

    nobody = ["setpriv", "--reuid=65534", "--clear-groups"]
    anybody = json.loads((await story.away.run([*nobody, "hbctl", "explain", "--json"])).out)
    assert anybody == told, "as root reads it"

    export = await story.away.run(["journalctl", "-u", "hbd", "-o", "export", "--no-pager"])
    journal = tmp_path / "survivor.export"
    journal.write_text(export.out)
    assert main(["--quiet", str(journal)]) is Exit.SAME

    await story.home.boot()
    await story.served_by(story.home)
    await story.away.run(["systemctl", "restart", "hbd"])
    kept = json.loads((await story.away.run([*nobody, "hbctl", "history", "--json"])).out)
    kept = kept["transitions"]
    assert lost["id"] in [each["id"] for each in kept]

    await story.served_by(story.home)
    await story.turn_page()
