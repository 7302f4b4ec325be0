"""`auto_failback off`: a group stays where it is until somebody moves it."""

from __future__ import annotations

import pytest

from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.story.setup import Setup
from tests.lab.story.story import MOVED_WITHIN, Story
from tests.lab.test_power import LOSING_THE_PEER

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

SETUP = Setup(ha_cf=files.HA_CF + "auto_failback off\n")


async def test_a_group_stays_when_its_preferred_node_is_started_again(story: Story) -> None:
    """Goal: no move without need. Method: stop and start hbd at home; then takeover by hand."""
    await story.home.run(["systemctl", "stop", "hbd"])
    await story.served_by(story.away)
    await story.turn_page()
    await story.home.run(["systemctl", "start", "hbd"])
    await story.heard(story.home, MessageId.STARTED)
    await story.nothing_moves(1.0)
    await story.home.run(["hbctl", "takeover"])
    await story.served_by(story.home)


async def test_a_group_stays_when_its_preferred_node_has_its_power_back(story: Story) -> None:
    """Goal: the same after a failure. Method: cut, return, takeover `failback` by hand."""
    story.expects(*LOSING_THE_PEER, on=story.away)
    await story.home.kill()
    await story.served_by(story.away, within=MOVED_WITHIN)
    await story.home.boot()
    await story.heard(story.home, MessageId.STARTED)
    await story.turn_page()
    await story.nothing_moves(1.0)
    await story.home.run(["hbctl", "takeover", "failback"])
    await story.served_by(story.home)
