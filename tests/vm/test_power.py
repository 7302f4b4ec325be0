"""Machines that die: killed, panicked."""

from __future__ import annotations

import pytest

from hbd.journal import MessageId
from tests.lab.harness.host import now, say
from tests.vm.story import Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]


async def test_a_machine_without_power_is_replaced(story: Story) -> None:
    """Goal: kernel nfsd and smbd serve again from the other machine. Method: SIGKILL for QEMU."""
    cut = now()
    await story.lab.cut_power(story.home)
    await story.served_by(story.away)
    say(f"gaps after a power cut: {await story.gaps(since=cut)}")
    lost = await story.heard(story.away, MessageId.PEER_LOST)
    assert int(str(lost["PRIORITY"])) <= 4


async def test_a_kernel_that_panicked_is_replaced(story: Story) -> None:
    """Goal: a machine that stands still with all lines up. Method: sysrq c on the active one."""
    cut = now()
    await story.home.panic()
    await story.served_by(story.away)
    say(f"gaps after a panic: {await story.gaps(since=cut)}")
