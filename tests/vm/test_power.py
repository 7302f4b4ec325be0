"""Machines that die: killed, panicked."""

from __future__ import annotations

import pytest

from hbd.journal import MessageId
from tests.lab.harness.host import now, say
from tests.lab.harness.journal import Entry
from tests.vm.harness import setup
from tests.vm.story import Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]

TRIES = 3


def silence(lost: Entry) -> float:
    """How long the peer had been silent when it was given up, by that node's own clock; s."""
    return int(str(lost["HBD_USEC"])) / 1e6


def say_ratio(took: float) -> None:
    """The figure that counts: how much of deadtime was waited for."""
    say(f"the disk is taken after {took:.2f} s: {took / setup.DEADTIME:.0%} of deadtime")


@pytest.mark.short
async def test_a_machine_without_power_is_replaced_before_deadtime(story: Story) -> None:
    """Goal: faster because surer. Method: SIGKILL for QEMU, and at once no line of its cables.

    DSR and DCD of the null-modem and the carrier of the crossover fall together: the disk is taken
    without waiting for deadtime, which the same death with its lines up costs (below). A sign of
    life that is only read after the lines fell, from the disk of a machine that just renewed its
    key, ends the haste: the more often the slower the machines are, so it may be tried again.
    """
    for _ in range(TRIES):
        cut = now()
        await story.lab.cut_power(story.home)
        dark = now()
        lost = await story.heard(story.away, MessageId.PEER_LOST)
        await story.heard(story.away, MessageId.PREEMPTING)
        acted = now()
        await story.served_by(story.away)
        say(f"all lines dark {dark - cut:.2f} s after the cut")
        say_ratio(acted - cut)
        say(f"gaps after a power cut: {await story.gaps(since=cut)}")
        assert int(str(lost["PRIORITY"])) <= 4
        if silence(lost) < setup.DEADTIME:
            return
        await story.begin_again()
    pytest.fail(f"{TRIES} machines without power, and deadtime was waited for each time")


async def test_a_kernel_that_panicked_is_replaced_after_deadtime(story: Story) -> None:
    """Goal: a machine that stands still with all lines up. Method: sysrq c on the active one."""
    cut = now()
    await story.home.panic()
    await story.heard(story.away, MessageId.PREEMPTING)
    acted = now()
    await story.served_by(story.away)
    say_ratio(acted - cut)
    say(f"gaps after a panic: {await story.gaps(since=cut)}")
    assert silence(await story.heard(story.away, MessageId.PEER_LOST)) >= setup.DEADTIME
