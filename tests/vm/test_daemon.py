"""The daemon killed or frozen, and the machine's clock set: the machine itself goes on serving."""

from __future__ import annotations

import pytest

from hbd.cli.view import StatusView
from hbd.cluster.terms import GroupState
from tests.lab.harness.host import now
from tests.vm.harness.setup import until_status
from tests.vm.story import WITHIN, Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]

JUMP = "2 hours"


async def main_pid(story: Story) -> int:
    """The daemon's process on the node that serves."""
    words = ["systemctl", "show", "--property=MainPID", "--value", "hbd.service"]
    return int((await story.home.run(words)).out)


async def new_daemon_serves(story: Story, old: int) -> None:
    """Wait until another daemon than `old` says that the group is served where it was."""
    await story.home.until(
        lambda done: done.out.strip() not in ("0", str(old)),
        ["systemctl", "show", "--property=MainPID", "--value", "hbd.service"],
        within=WITHIN,
    )
    await story.served_by(story.home)


async def test_a_killed_daemon_is_replaced_under_a_running_group(story: Story) -> None:
    """Goal: the group does not notice. Method: SIGKILL; the witness must see one writer only."""
    old = await main_pid(story)
    await story.home.signal_hbd("SIGKILL")
    await new_daemon_serves(story, old)
    await story.client_writes(since=now())


async def test_a_frozen_daemon_is_replaced_by_its_watchdog(story: Story) -> None:
    """Goal: silence of a daemon is ended. Method: SIGSTOP, until systemd has started another.

    The peer may have seen it silent for deadtime and have taken over: then the group is there.
    """
    old = await main_pid(story)
    await story.home.signal_hbd("SIGSTOP")
    await story.home.until(
        lambda done: done.out.strip() not in ("0", str(old)),
        ["systemctl", "show", "--property=MainPID", "--value", "hbd.service"],
        within=WITHIN,
    )
    await until_status(story.home, _is_served_once, WITHIN)
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
