"""The package is installed again while a client reads and writes."""

from __future__ import annotations

import pytest

from hbd.journal import MessageId
from tests.lab.harness.host import now
from tests.lab.story.setup import package
from tests.lab.story.story import DEADTIME, WITHIN, Story
from tests.lab.test_daemon import lives, main_pid

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

UNTOUCHED = 1.0  # s: an SMB client on a machine where dpkg is busy; any move takes a failed request
REPLACED = "75"  # the exit status with which hbd asks to be started anew
ARMED = "deadman"


async def test_a_client_does_not_notice_an_upgrade_under_a_serving_group(story: Story) -> None:
    """Goal: upgrades cost no service. Method: `dpkg --install` where the group is, a client beside.

    The daemon is another one afterwards, the units are the same, no request failed.
    """
    story.expects("unit hbd.service", ARMED, on=story.home)
    story.expects(MessageId.PEER_LATE, on=story.away)  # dpkg may keep a small machine busy
    smb = story.lab.client.streams["smb"]
    await story.lab.client.start("smb")
    await smb.served(since=story.began, within=WITHIN)
    before, old = await lives(story.home), await main_pid(story.home)
    story.home.write("/root/hbd.deb", "")
    (story.home.root / "root/hbd.deb").write_bytes(package().read_bytes())
    began, troubles = now(), len(smb.acks().troubles)

    await story.home.run(["dpkg", "--install", "/root/hbd.deb"], within=120)
    await story.heard(story.home, MessageId.STARTED, within=WITHIN)
    await smb.served(since=now(), within=WITHIN)

    assert await main_pid(story.home) != old
    assert await lives(story.home) == before
    assert story.moved() == []
    assert len(smb.acks().troubles) == troubles
    assert smb.acks().gap(began, now()) < UNTOUCHED < DEADTIME
    ended = await story.told(story.home, f"EXIT_STATUS={REPLACED}", "UNIT=hbd.service")
    assert len(ended) == 1
    verdict = await smb.verify()
    assert verdict.lost_bytes == 0
    assert verdict.records > 0
