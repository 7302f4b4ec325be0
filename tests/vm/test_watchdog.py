"""The machine's watchdog: who gets nothing done is reset before the other one acts."""

from __future__ import annotations

import pytest

from hbd.journal import MessageId
from tests.lab.harness.host import now, say
from tests.vm.story import WITHIN, Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]

# Nothing but the kernel's interrupts runs any more on a machine with one processor.
_STAND_STILL = """
sysctl -q kernel.sched_rt_runtime_us=-1
exec chrt --fifo 99 sh -c 'while :; do :; done'
"""


async def test_a_machine_that_stands_still_is_reset_before_its_peer_acts(story: Story) -> None:
    """Goal: it lets go by itself of what it cannot stop. Method: a real-time loop on its processor.

    The kernel lives, its network cards and disk path work, and no process gets a moment. softdog
    resets the machine after half of deadtime, and the other one takes over after deadtime.
    """
    await story.with_watchdog(story.home)
    stood = now()
    await story.home.begin(["sh", "-c", _STAND_STILL])
    reset = await story.reset(story.home)
    say(f"reset by its watchdog after {reset - stood:.1f} s")
    assert MessageId.PREEMPTING not in story.told(story.away)
    await story.heard(story.away, MessageId.PREEMPTING, within=WITHIN)
    say(f"the peer acts after {now() - stood:.1f} s")
    await story.served_by(story.away)
    say(f"gaps: {await story.gaps(since=stood)}")
