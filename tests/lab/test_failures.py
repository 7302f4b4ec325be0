"""Starts and stops that fail or hang on real units: what moves, what stays, what is said."""

from __future__ import annotations

import pytest

from hbd.cli.outcome import Exit
from hbd.cluster.terms import GroupState
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import now
from tests.lab.harness.node import Node
from tests.lab.story.status import group
from tests.lab.story.story import GROUP, WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

SMB_CONF = "/etc/samba/smb.conf"
FAILED_START = ("resource failed", MessageId.START_FAILED, "unit smbd.service")
FAILED_STOP = ("resource failed", MessageId.STOP_FAILED, "unit ttidisk.mount")
EVICTS = "hbd-evict"
HUNG = ("unit smbd.service", "unit nfs-ganesha.service")  # they may wait for the disk, too
UNTIL_IT_WAITS = (
    "until pid=$(pgrep -x touch) && grep -q '^State:.D' /proc/$pid/status; do :; done; echo $pid"
)
LADDER = 60.0  # s: two servers that may have to be killed, the unmount, its users, once more
HUNG_STOP = 12.0  # s: our limit, and the grace after SIGKILL (hbd/systemd/limits.py)
DISTRIBUTIONS = 90.0  # s: systemd's default, which is not ours


def breaks_samba(story: Story, *nodes: Node) -> None:
    """smbd will not start on these nodes until the story's end."""
    for node in nodes:
        text = (node.root / SMB_CONF.lstrip("/")).read_text()
        story.undo.callback(node.write, SMB_CONF, text)
        node.write(SMB_CONF, f"[global]\n    private dir = {files.MOUNT_POINT}/no/such/folder\n")


async def state(story: Story, node: Node) -> str:
    """The group's state on `node`, by its own word."""
    return (await story.group_on(node)).state


async def test_a_group_that_will_not_start_goes_back_to_who_could(story: Story) -> None:
    """Goal: a failed start is released and offered. Method: samba is broken on the other node.

    A standby to it fails as a job, is said at `err` there, and the group serves at home again.
    """
    story.expects(*FAILED_START, on=story.away)
    story.expects(MessageId.JOB_FINISHED, on=story.home)
    breaks_samba(story, story.away)
    done = await story.home.run(["hbctl", "standby"], check=False)
    assert done.status == Exit.FAILED
    await story.served_by(story.home)
    failed = await story.heard(story.away, MessageId.START_FAILED)
    assert failed["PRIORITY"] == "3"
    assert await state(story, story.away) == GroupState.START_FAILED.value
    assert story.moved()[-4:] == [
        "ttisrv2 -disk",
        "ttisrv2 -address",
        "ttisrv1 +address",
        "ttisrv1 +disk",
    ]
    await story.undo.aclose()
    await story.away.run(["systemctl", "restart", "hbd"])


async def test_a_group_that_starts_nowhere_stays_stopped_and_says_so(story: Story) -> None:
    """Goal: no game of ping-pong. Method: samba is broken on both nodes, then mended at home.

    Both say it once; an operator's takeover tries again.
    """
    story.expects(*FAILED_START, MessageId.JOB_FINISHED, MessageId.TRANSITION_ENDED)
    breaks_samba(story, *story.lab.nodes)
    await story.home.run(["hbctl", "standby"], check=False)
    for node in story.lab.nodes:
        await story.heard(node, MessageId.START_FAILED)
    await story.nothing_moves(2.0)
    assert story.holders() == set()
    for node in story.lab.nodes:
        assert await state(story, node) == GroupState.START_FAILED.value
        assert len(await story.told(node, "HBD_EVENT=start-failed")) == 1

    await story.undo.aclose()
    await story.home.run(["hbctl", "takeover"])
    assert story.holders() == {story.home.name}
    await story.away.run(["systemctl", "restart", "hbd"])


async def test_a_forgotten_process_on_the_disk_does_not_hold_up_a_move(story: Story) -> None:
    """Goal: a release does not wait for an administrator. Method: a sleep sits on the disk.

    It is ended, as heartbeat's own script would have done, and the group moves.
    """
    story.expects(*FAILED_STOP, "unit forgotten.service", on=story.home)
    await story.home.run(
        ["systemd-run", "--unit=forgotten", f"--working-directory={files.MOUNT_POINT}",
         "sleep", "infinity"]
    )  # fmt: skip
    await story.home.run(["hbctl", "standby"])
    assert story.holders() == {story.away.name}
    await story.home.run(["hbctl", "takeover"])


async def test_a_group_that_cannot_be_stopped_is_not_taken_and_moves_when_it_can(
    story: Story,
) -> None:
    """Goal: proven gone, not believed gone. Method: a container of its own keeps the disk mounted.

    umount succeeds, and the file system lives on in another mount namespace. The group is
    stop-failed, at `err`, and the peer does not start it; when the container is gone it moves.
    """
    story.expects(*FAILED_STOP, "unit container.service", on=story.home)
    await story.home.run(
        ["systemd-run", "--unit=container", "unshare", "--mount", "--propagation=private",
         "sleep", "infinity"]
    )  # fmt: skip
    story.undo.push_async_callback(story.home.run, ["systemctl", "stop", "container"], check=False)
    await story.home.run(
        ["sh", "-c", "until grep -q /ttidisk /proc/$(pgrep -x sleep)/mounts; do :; done"]
    )
    await story.home.run(["hbctl", "standby", "--no-wait"])
    failed = await story.heard(story.home, MessageId.STOP_FAILED)
    assert failed["PRIORITY"] == "3"
    view = await story.until_status(
        story.away,
        lambda view: group(view, GROUP).peer_state == GroupState.STOP_FAILED.value,
        "told that the peer cannot stop it",
    )
    assert group(view, GROUP).owner == story.home.name
    await story.nothing_moves(1.0)

    await story.home.run(["systemctl", "stop", "container"])
    await story.served_by(story.away)
    await story.home.run(["hbctl", "takeover"])
    assert story.holders() == {story.home.name}


async def test_a_process_that_cannot_be_killed_is_named_and_keeps_the_group_where_it_is(
    story: Story,
) -> None:
    """Goal: no rung is skipped, and none is faked. Method: a writer waits in a frozen file system.

    Its wait is uninterruptible, as that for a dead disk is: SIGKILL does not end it. The group is
    stop-failed, the journal names the process, the peer starts nothing. Thawed, the writer dies of
    the signal that it has already, and the next try moves the group.
    """
    story.expects(*FAILED_STOP, EVICTS, "unit unkillable.service", *HUNG, on=story.home)
    thaw = ["fsfreeze", "--unfreeze", files.MOUNT_POINT]
    await story.home.run(["fsfreeze", "--freeze", files.MOUNT_POINT])
    story.undo.push_async_callback(story.home.run, thaw, check=False)
    await story.home.run(
        ["systemd-run", "--unit=unkillable", "sh", "-c",
         f"cd {files.MOUNT_POINT} && exec touch unkillable"]
    )  # fmt: skip
    pid = (await story.home.run(["sh", "-c", UNTIL_IT_WAITS])).out.strip()
    await story.home.run(["hbctl", "standby", "--no-wait"])
    failed = await story.heard(story.home, MessageId.STOP_FAILED, within=LADDER)
    assert f"touch[{pid}]" in str(failed["MESSAGE"])
    await story.nothing_moves(1.0)
    view = await story.until_status(
        story.away,
        lambda view: group(view, GROUP).peer_state == GroupState.STOP_FAILED.value,
        "told that the peer cannot stop it",
    )
    assert group(view, GROUP).owner == story.home.name

    await story.home.run(thaw)
    await story.served_by(story.away)
    await story.home.run(["hbctl", "takeover"])
    assert story.holders() == {story.home.name}


async def test_a_hung_stop_costs_our_limit_and_not_the_distributions(story: Story) -> None:
    """Goal: a server that does not stop is killed. Method: an ExecStop that sleeps for minutes."""
    story.expects("unit smbd.service", on=story.home)
    drop_in = "/etc/systemd/system/smbd.service.d/90-hangs.conf"
    story.home.write(drop_in, "[Service]\nExecStop=/bin/sleep 600\n")
    story.undo.push_async_callback(story.home.run, ["systemctl", "daemon-reload"])
    story.undo.callback((story.home.root / drop_in.lstrip("/")).unlink)
    await story.home.run(["systemctl", "daemon-reload"])
    began = now()
    await story.home.run(["hbctl", "standby"])
    took = now() - began
    assert story.holders() == {story.away.name}
    assert took < HUNG_STOP + WITHIN / 2 < DISTRIBUTIONS
    await story.undo.aclose()
    await story.home.run(["hbctl", "takeover"])
