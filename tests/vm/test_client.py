"""A client that stands still while the group moves."""

from __future__ import annotations

import pytest

from hbd.journal import MessageId
from tests.lab.harness.host import now, say
from tests.vm.story import Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]


async def test_a_hung_client_does_not_hold_the_disk_back(story: Story) -> None:
    """Goal: what a server keeps for a client is no reason not to unmount.

    Method: a client with an open file over SMB, and with an open file and a lock over NFSv4, is
    stopped by SIGSTOP; then a planned move. The other clients go on.
    """
    await story.frozen_holder()
    asked = now()
    await story.home.run(["hbctl", "standby"], within=600)
    await story.served_by(story.away)
    say(f"gaps of a move with a hung client: {await story.gaps(since=asked)}")
    held = await story.lab.storage.reservation()
    assert (held.holder, held.registered) == (story.away.name, (story.away.name,))
    assert "preempting" not in story.events(story.away)
    assert MessageId.STOP_FAILED.name.lower().replace("_", "-") not in story.events(story.home)
