"""The daemon killed or frozen, and the machine's clock set: the machine itself goes on serving."""

from __future__ import annotations

import asyncio

import pytest

from hbd.cli.view import StatusView
from hbd.cluster.terms import GroupState
from hbd.journal import MessageId
from tests.lab.harness.host import now, say
from tests.vm.harness.setup import until_status
from tests.vm.story import REBOOT_WITHIN, WITHIN, Story

pytestmark = [pytest.mark.vm, pytest.mark.asyncio(loop_scope="session")]

JUMP = "2 hours"


async def main_pid(story: Story) -> int:
    """The daemon's process on the node that serves."""
    words = ["systemctl", "show", "--property=MainPID", "--value", "hbd.service"]
    return int((await story.home.run(words)).out)


async def test_a_killed_daemon_is_replaced(story: Story) -> None:
    """Goal: one server, whatever befalls the daemon. Method: SIGKILL; systemd starts another.

    On an emulated processor the new one may come too late: then the dead man has stopped the group,
    and it is started anew or the peer has it. On a real one the group does not notice (tests/lab).
    The witness must see one writer at a time in every case.
    """
    old = await main_pid(story)
    sent = now()
    await story.home.signal_hbd("SIGKILL")
    await story.home.until(
        lambda done: done.out.strip() not in ("0", str(old)),
        ["systemctl", "show", "--property=MainPID", "--value", "hbd.service"],
        within=WITHIN,
    )
    view = await until_status(story.home, _is_served_once, REBOOT_WITHIN)
    say(f"served by {view.groups[0].owner}: {story.events(story.home)}")
    say(f"gaps after a killed daemon: {await story.gaps(since=sent)}")


async def test_a_frozen_daemon_is_ended(story: Story) -> None:
    """Goal: who makes no progress serves no more. Method: SIGSTOP, with softdog armed.

    Three things end it, and the story says which came first: systemd's own watchdog after a quarter
    of deadtime (a new daemon, if it is quick enough, finds the group running), the machine's after
    a half (a reset), the peer after deadtime. Never is there a second writer.
    """
    await story.with_watchdog(story.home)
    old = await main_pid(story)
    sent = now()
    await story.home.signal_hbd("SIGSTOP")
    ends = {
        asyncio.create_task(story.reset(story.home, REBOOT_WITHIN)): "the machine's watchdog",
        asyncio.create_task(
            story.heard(story.away, MessageId.PREEMPTING, REBOOT_WITHIN)
        ): "the peer",
        asyncio.create_task(
            story.home.journal.wait_for(
                "UNIT=hbd.service", "JOB_TYPE=start", "JOB_RESULT=done", within=REBOOT_WITHIN,
                after=story.home.journal.place, until=lambda entry: entry["_PID"] == "1",
            )
        ): "systemd, by a new daemon",
    }  # fmt: skip
    done, late = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    first = done.pop()
    first.result()
    say(f"a frozen daemon (process {old}) was ended by {ends[first]} after {now() - sent:.1f} s")
    view = await until_status(story.away, _is_served_once, REBOOT_WITHIN)
    say(f"served by {view.groups[0].owner}: {story.events(story.away)}")
    say(f"gaps after a frozen daemon: {await story.gaps(since=sent)}")


async def test_a_clock_that_jumps_moves_nothing(story: Story) -> None:
    """Goal: no time of day decides. Method: one clock forward and back by two hours, then both.

    The third time the machines disagree by four hours.
    """
    epoch = (await story.group_on(story.home)).epoch
    for jumps in ({story.home: "+"}, {story.home: "-"}, {story.home: "-", story.away: "+"}):
        for node, way in jumps.items():
            await node.sh(f"date --set='{way}{JUMP}'")
        await story.client_writes(since=now())
        await story.keepalives()
        await story.served_by(story.home)
    assert (await story.group_on(story.home)).epoch == epoch
    for node in story.lab.nodes:
        moves = {MessageId.PEER_LOST, MessageId.PREEMPTING, MessageId.OWNER_CHANGED}
        assert not moves & set(story.told(node))


def _is_served_once(view: StatusView) -> bool:
    group = view.groups[0]
    started = GroupState.STARTED.value
    return (group.state == started) != (group.peer_state == started)
