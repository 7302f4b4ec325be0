"""The daemon killed or frozen, and the machine's clock set: the machine itself goes on serving."""

from __future__ import annotations

import pytest

from hbd.cli.view import StatusView
from hbd.cluster.terms import GroupState
from tests.lab.harness.host import now, say
from tests.vm.harness.setup import until_status
from tests.vm.story import REBOOT_WITHIN, WITHIN, Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]

JUMP = "2 hours"


async def main_pid(story: Story) -> int:
    """The daemon's process on the node that serves."""
    words = ["systemctl", "show", "--property=MainPID", "--value", "hbd.service"]
    return int((await story.home.run(words)).out)


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGSTOP"])
async def test_a_daemon_that_is_gone_or_frozen_is_replaced(story: Story, signal: str) -> None:
    """Goal: one server, whatever befalls the daemon. Method: the signal; systemd starts another.

    A frozen one is ended by its watchdog. On an emulated processor the new one may come too late:
    then the dead man has stopped the group, or the peer has it. On a real one the group does not
    notice (tests/lab). The witness must see one writer at a time in every case.
    """
    old = await main_pid(story)
    sent = now()
    await story.home.signal_hbd(signal)
    await story.home.until(
        lambda done: done.out.strip() not in ("0", str(old)),
        ["systemctl", "show", "--property=MainPID", "--value", "hbd.service"],
        within=WITHIN,
    )
    view = await until_status(story.home, _is_served_once, REBOOT_WITHIN)
    say(f"served by {view.groups[0].owner}; gaps: {await story.gaps(since=sent)}")
    await story.client_writes(since=now())


async def test_a_clock_that_jumps_moves_nothing(story: Story) -> None:
    """Goal: no time of day decides. Method: one clock forward, one back, by two hours."""
    epoch = (await story.group_on(story.home)).epoch
    await story.home.sh(f"date --set='+{JUMP}'")
    await story.away.sh(f"date --set='-{JUMP}'")
    jumped = now()
    await story.client_writes(since=jumped)
    await story.served_by(story.home)
    assert (await story.group_on(story.home)).epoch == epoch


def _is_served_once(view: StatusView) -> bool:
    group = view.groups[0]
    started = GroupState.STARTED.value
    return (group.state == started) != (group.peer_state == started)
