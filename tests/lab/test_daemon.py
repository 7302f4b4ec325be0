"""The daemon dies or freezes while its groups serve: they go on, or are stopped in time."""

from __future__ import annotations

import os
import signal

import pytest

from hbd.journal import MessageId
from tests.house.tree import ROOT
from tests.lab.harness.host import now
from tests.lab.harness.node import Node
from tests.lab.story.story import DEADTIME, MOVED_WITHIN, WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

SERVED = ("ttidisk.mount", "smbd.service", "rpc-statd.service", "nfs-ganesha.service")
DAEMON = "unit hbd.service"  # systemd's own word on it
ARMED = "deadman"  # ExecStopPost of hbd.service: groups are held, the time runs
STOPS = "hbd-deadman"  # the time is over
PROGRAM = "/usr/sbin/hbd"
UNIT = ROOT / "units/hbd.service"
RAISED_BY = "ExecStartPost="
DROP_IN = "/etc/systemd/system/hbd.service.d/look.conf"
SEEN = "/run/hbd-schedules"
UNIT_STARTED = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"  # systemd.journal-fields(7)


async def lives(node: Node) -> dict[str, str]:
    """Which run of each unit of the group this is: systemd's invocation id and the main process."""
    found = {}
    for name in SERVED:
        words = ["systemctl", "show", "--property=InvocationID,MainPID", name]
        found[name] = (await node.run(words)).out
    return found


async def main_pid(node: Node) -> int:
    """The daemon's process, as the node counts."""
    words = ["systemctl", "show", "--property=MainPID", "--value", "hbd.service"]
    return int((await node.run(words)).out)


async def send(node: Node, sig: signal.Signals, *, check: bool = True) -> None:
    """Signal the daemon's main process; without `check` there may be none."""
    words = ["systemctl", "kill", "--kill-who=main", f"--signal={sig.name}", "hbd.service"]
    await node.run(words, check=check)


async def back(story: Story, node: Node) -> None:
    """Wait until systemd says that the daemon is ready again."""
    await node.journal.wait_for(
        UNIT_STARTED, "UNIT=hbd.service", within=WITHIN, after=story.place(node)
    )


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_daemon_that_is_killed_or_frozen_comes_back_and_nothing_moves(
    story: Story, sig: signal.Signals
) -> None:
    """Goal: groups outlive their daemon. Method: signal it; the same units run afterwards.

    A frozen one is killed by systemd's watchdog after a part of deadtime; then it is the same.
    """
    story.expects(DAEMON, ARMED, on=story.home)
    story.expects(MessageId.PEER_LATE, on=story.away)  # if the machine is busy
    before, old = await lives(story.home), await main_pid(story.home)
    began = now()
    await send(story.home, sig)
    await back(story, story.home)
    assert now() - began < DEADTIME
    await story.until_status(story.home, lambda view: view.phase == "active", "active")
    await story.nothing_moves(1.0)
    assert story.moved() == []
    assert await lives(story.home) == before
    assert await main_pid(story.home) != old


async def test_a_daemon_killed_where_nothing_is_served_is_no_event(story: Story) -> None:
    """Goal: the dead man is for groups that are held. Method: kill the standby's daemon."""
    story.expects(DAEMON, on=story.away)
    story.expects(MessageId.PEER_LATE, on=story.home)
    await send(story.away, signal.SIGKILL)
    await back(story, story.away)
    await story.until_status(story.away, lambda view: view.phase == "active", "active")
    assert story.moved() == []


def policies(stats: str) -> set[int]:
    """The scheduling policies of threads: proc(5), field 41 of each one's stat."""
    found = [int(stat.rpartition(") ")[2].split()[38]) for stat in stats.splitlines()]
    assert len(found) > 1, "the daemon has more than one thread"
    return set(found)


async def test_every_thread_of_the_daemon_is_real_time_once_it_is_ready(story: Story) -> None:
    """Goal: no thread that asks a disk is late because of its schedule. Method: ask the kernel.

    The server has threads of before it was ready, and of after. The standby is started anew, and
    looked at between READY and the command that raises it: holding nothing, it has given way.
    """
    story.expects(DAEMON, on=story.away)
    story.expects(MessageId.PEER_LATE, on=story.home)
    raises = next(line for line in UNIT.read_text().splitlines() if line.startswith(RAISED_BY))
    looks = f"{RAISED_BY}-+/bin/sh -c 'cat /proc/${{MAINPID}}/task/*/stat >{SEEN}'"
    story.undo.push_async_callback(story.away.run, ["systemctl", "daemon-reload"])
    story.undo.callback((story.away.root / DROP_IN.lstrip("/")).unlink)
    story.away.write(DROP_IN, f"[Service]\n{RAISED_BY}\n{looks}\n{raises}\n")
    await story.away.run(["systemctl", "daemon-reload"])
    await send(story.away, signal.SIGKILL)
    await back(story, story.away)
    await story.until_status(story.away, lambda view: view.phase == "active", "active")
    assert policies((await story.away.run(["cat", SEEN])).out) == {os.SCHED_OTHER}
    for node in (story.home, story.away):
        threads = f"/proc/{await main_pid(node)}/task"
        now_has = (await node.run(["sh", "-c", f"cat {threads}/*/stat"])).out
        assert policies(now_has) == {os.SCHED_RR}


async def test_a_daemon_that_does_not_come_back_loses_its_groups_in_time(story: Story) -> None:
    """Goal: the dead man stops what nobody guards, before the peer takes it. Method: break hbd.

    Its program ends at once, whatever systemd tries; so nothing but the dead man is left.
    """
    story.expects(DAEMON, ARMED, STOPS, *("unit " + name for name in SERVED), on=story.home)
    story.expects(
        MessageId.PEER_LATE, MessageId.PEER_LOST, MessageId.LINK_DEAD, MessageId.UNPROTECTED,
        on=story.away,
    )  # fmt: skip
    program = (story.home.root / PROGRAM.lstrip("/")).read_text()
    story.undo.push_async_callback(
        story.home.run, ["systemctl", "start", "hbd.service"], check=False
    )
    story.undo.callback(story.home.write, PROGRAM, program, mode=0o755)
    story.home.write(PROGRAM, "#!/bin/sh\nexit 1\n", mode=0o755)

    killed = now()
    await send(story.home, signal.SIGKILL)
    await story.watch.until(lambda: story.holders() == set(), "the groups are stopped", WITHIN)
    assert now() - killed < DEADTIME - 1.0
    await story.served_by(story.away, within=MOVED_WITHIN)
    assert story.moved() == [
        "ttisrv1 -address",
        "ttisrv1 -disk",
        "ttisrv2 +address",
        "ttisrv2 +disk",
    ]
    assert await lives(story.home) != await lives(story.away)
    held = await story.home.run(["sh", "-c", "ls /run/hbd/holds /run/hbd/addresses | grep 192; :"])
    assert held.out == ""


async def test_the_message_bus_may_die_and_nothing_moves(story: Story) -> None:
    """Goal: serving needs no dbus-daemon. Method: kill it where the group is; ask when it is back.

    The same daemon goes on and is on the new bus again. ganesha ends with its bus, as all programs
    of libdbus do by default; it is revived in its place.
    """
    story.expects("unit dbus.service", "hbd", on=story.home)
    story.expects(
        "unit nfs-ganesha.service", MessageId.RESOURCE_LOST, "resource failed", on=story.home
    )
    before, old = await lives(story.home), await main_pid(story.home)
    await story.home.run(["systemctl", "kill", "--signal=KILL", "dbus.service"])
    await story.home.run(["systemctl", "start", "dbus.service"])
    await story.heard(story.home, MessageId.GROUP_STARTED)
    await story.served_by(story.home)
    assert story.moved() == []
    after = await lives(story.home)
    for name in ("ttidisk.mount", "smbd.service"):
        assert after[name] == before[name]
    assert await main_pid(story.home) == old
