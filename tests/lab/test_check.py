"""`hbctl check`: all is well on a good cluster, and what is broken is exactly its line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hbd.bus.names import BUS_NAME, ROOT, Interface
from hbd.check.finding import CheckId, Level
from hbd.cli.outcome import Exit
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import LabError, now
from tests.lab.harness.node import Node
from tests.lab.story.status import status
from tests.lab.story.story import MOVED_WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

STRANGER = "bob"
FOUND_WITHIN = 30.0  # s: an answer of the peer is believed for 10, and asking takes some
EXAMINER = "hbd-check.service"

# A container shares the clock of this machine, which may or may not be kept right.
NOT_OURS = CheckId.CLOCK_SYNCHRONISED

Bad = set[tuple[str, CheckId, Level]]


async def bad(node: Node) -> Bad:
    """What `hbctl check` on a node finds that is not well, asked by somebody without rights."""
    done = await node.run(["hbctl", "check", "--json"], user=STRANGER, check=False)
    told = json.loads(done.out)
    assert done.status == _status(told), done.err
    return {
        (line["node"], CheckId(line["check"]), Level(line["level"]))
        for line in told["findings"]
        if line["level"] != Level.OK.value and line["check"] != NOT_OURS.value
    }


def _status(told: dict[str, int]) -> Exit:
    """The exit status that the counts ask for."""
    if told["error"]:
        return Exit.FAILED
    return Exit.WARNED if told["warning"] else Exit.DONE


async def until_found(node: Node, expected: Bad) -> None:
    """Ask until exactly this is not well; asking again within seconds costs nothing."""
    deadline = now() + FOUND_WITHIN
    while (found := await bad(node)) != expected:
        if now() > deadline:
            raise LabError(f"{node.name} does not find {expected}, but {found}")


@asynccontextmanager
async def broken(node: Node, breaks: str, mends: str) -> AsyncIterator[None]:
    """Something of a node is broken by a command of its shell, and mended at the end."""
    try:
        await node.run(["sh", "-ec", breaks])
        yield
    finally:
        await node.run(["sh", "-ec", mends])


def edited(path: str, script: str) -> tuple[str, str]:
    """How to change a file with sed, and how to have it back as it was."""
    return f"cp -p {path} /root/kept && sed -i '{script}' {path}", f"cp -p /root/kept {path}"


async def test_a_good_cluster_has_nothing_to_mend(story: Story) -> None:
    """Goal: no false alarm. Method: both nodes are asked at rest; every check has had its say.

    Which are left out: those of the kernel's NFS server have the ids of ganesha's.
    """
    for node in story.lab.nodes:
        await until_found(node, set())
        done = await node.run(["hbctl", "check", "--json"], user=STRANGER, check=False)
        lines = json.loads(done.out)["findings"]
        for half in story.lab.nodes:
            own = {line["check"] for line in lines if line["node"] == half.name}
            of_both = {"peer-answers", "disk-same", "services-equal", "clock-same"}
            expected = {check.value for check in CheckId}
            assert own == (expected if half is node else expected - of_both)
    assert story.moved() == []


ON_THE_STANDBY = {
    "a file that anybody may write": (
        ("chmod 0666 /etc/ha.d/ha.cf", "chmod 0644 /etc/ha.d/ha.cf"),
        {(CheckId.FILE_PERMISSIONS, Level.ERROR)},
    ),
    "keys that anybody may read": (
        ("chmod 0644 /etc/ha.d/authkeys", "chmod 0600 /etc/ha.d/authkeys"),
        {(CheckId.FILE_PERMISSIONS, Level.ERROR), (CheckId.CONFIG_LOADED, Level.ERROR)},
    ),
    "a file that hbd has not read": (
        edited("/etc/ha.d/haresources", "s/ nfslock//"),
        {(CheckId.CONFIG_LOADED, Level.WARNING)},
    ),
    "a file that hbd would refuse": (
        edited("/etc/ha.d/ha.cf", "s/^deadtime.*/deadtime never/"),
        {(CheckId.CONFIG_LOADED, Level.ERROR)},
    ),
    "a unit that cannot be started": (
        ("systemctl mask smbd.service", "systemctl unmask smbd.service"),
        {(CheckId.UNIT_EXISTS, Level.ERROR)},
    ),
    "a unit that starts at boot": (
        ("systemctl enable smbd.service", "systemctl disable smbd.service"),
        {(CheckId.UNIT_AT_BOOT, Level.ERROR)},
    ),
    "a disk that is not seen": (
        (f"mv {files.DEVICE} /dev/away", f"mv /dev/away {files.DEVICE}"),
        {(CheckId.DISK_PRESENT, Level.ERROR)},
    ),
    "a mount point that is not there": (
        (f"rmdir {files.MOUNT_POINT}", f"mkdir {files.MOUNT_POINT}"),
        {(CheckId.MOUNT_POINT, Level.ERROR)},
    ),
    "a mount point that somebody wrote to": (
        (f"touch {files.MOUNT_POINT}/lost", f"rm {files.MOUNT_POINT}/lost"),
        {(CheckId.MOUNT_POINT, Level.ERROR)},
    ),
    "a parameter that Samba does not know": (
        edited("/etc/samba/smb.conf", "s/^.global.$/&\\nrubbish = yes/"),
        {(CheckId.SAMBA_CONFIG, Level.WARNING)},
    ),
    "a smb.conf that hangs": (
        (
            "mkfifo /root/hangs && cp -p /etc/samba/smb.conf /root/kept && "
            "sed -i 's!^.global.$!&\\ninclude = /root/hangs!' /etc/samba/smb.conf",
            "cp -p /root/kept /etc/samba/smb.conf; rm /root/hangs",
        ),
        {(CheckId.SAMBA_CONFIG, Level.ERROR)},
    ),
    "who holds locks is kept on one node": (
        edited("/etc/ganesha/ganesha.conf", "s!RecoveryRoot = .*;!RecoveryRoot = /var/lib/nfs;!"),
        {(CheckId.NFS_STATE, Level.WARNING)},
    ),
    "nobody to look at the disks": (
        (f"systemctl mask --runtime {EXAMINER}", f"systemctl unmask --runtime {EXAMINER}"),
        {(CheckId.EXAMINED, Level.ERROR)},
    ),
}


@pytest.mark.parametrize("what", ON_THE_STANDBY)
async def test_what_is_broken_on_the_standby_is_exactly_its_line(story: Story, what: str) -> None:
    """Goal: a line for each clause, on the node that is next. Method: break, ask there, mend."""
    (breaks, mends), expected = ON_THE_STANDBY[what]
    async with broken(story.away, breaks, mends):
        await until_found(story.away, {(story.away.name, *each) for each in expected})
    await until_found(story.away, set())
    assert story.moved() == []


UNEQUAL = {
    "passwords that stay on one node": (
        edited("/etc/samba/smb.conf", "s!private dir = .*!private dir = /var/lib/samba/private!"),
        CheckId.SAMBA_PRIVATE,
        Level.ERROR,
    ),
    "an export without a number": (
        edited("/etc/ganesha/ganesha.conf", "/Filesystem_Id/d"),
        CheckId.NFS_FSID,
        Level.ERROR,
    ),
    "clients that wait a minute": (
        edited("/etc/ganesha/ganesha.conf", "s/Grace_Period = .*;/Grace_Period = 60;/"),
        CheckId.NFS_GRACE,
        Level.WARNING,
    ),
}


@pytest.mark.parametrize("what", UNEQUAL)
async def test_servers_that_differ_are_told_by_both_nodes(story: Story, what: str) -> None:
    """Goal: either node tells of the other. Method: change the standby's file, ask each."""
    (breaks, mends), check, level = UNEQUAL[what]
    async with broken(story.away, breaks, mends):
        for node in (story.away, story.home):
            different = (node.name, CheckId.SERVICES_EQUAL, Level.ERROR)
            await until_found(node, {(story.away.name, check, level), different})
    for node in story.lab.nodes:
        await until_found(node, set())
    assert story.moved() == []


async def test_an_address_that_was_left_on_the_standby_is_found(story: Story) -> None:
    """Goal: two machines with one address are told. Method: put it there by hand."""
    story.splits_the_brain()
    there = f"ip address {{}} {files.SHARED_ADDRESS}/32 dev eth0"
    async with broken(story.away, there.format("add"), there.format("del")):
        await until_found(
            story.away,
            {(node.name, CheckId.ADDRESS_FREE, Level.ERROR) for node in story.lab.nodes},
        )
    for node in story.lab.nodes:
        await until_found(node, set())


async def test_a_cut_line_is_not_proven_on_either_node(story: Story) -> None:
    """Goal: the article's cat test, without cat. Method: cut the null-modem, ask both."""
    # One message is cut in two, and half a message is noise.
    story.expects(MessageId.LINK_DEAD, MessageId.REJECTED_INPUT, MessageId.LINK_FAULT)
    story.undo.callback(story.lab.serial.mend)
    story.lab.serial.cut()
    expected = {(node.name, CheckId.LINK_PROVEN, Level.ERROR) for node in story.lab.nodes}
    for node in story.lab.nodes:
        await until_found(node, expected)
    story.lab.serial.mend()
    for node in story.lab.nodes:
        await until_found(node, set())


async def test_half_a_check_is_told_as_one_when_the_peer_is_away(story: Story) -> None:
    """Goal: nothing is taken for well that nobody looked at. Method: stop hbd on the standby."""
    story.expects(MessageId.LINK_DEAD)
    home = story.home.name
    await story.away.run(["systemctl", "stop", "hbd"])
    await story.heard(story.home, MessageId.PEER_LEFT)
    await until_found(
        story.home,
        {
            (home, CheckId.PEER_ANSWERS, Level.WARNING),
            (home, CheckId.PEER_READY, Level.ERROR),
            (home, CheckId.LINK_PROVEN, Level.ERROR),
        },
    )
    done = await story.away.run(["hbctl", "check"], user=STRANGER, check=False)
    assert done.status == Exit.NOT_RUNNING
    await story.away.run(["systemctl", "start", "hbd"])
    for node in story.lab.nodes:
        await until_found(node, set())


async def test_a_node_in_maintenance_is_not_ready(story: Story) -> None:
    """Goal: a forgotten maintenance is found. Method: begin it on the standby, ask both, end it."""
    story.expects(MessageId.MAINTENANCE_BEGUN)
    async with broken(story.away, "hbctl maintenance on", "hbctl maintenance off"):
        for node in story.lab.nodes:
            await until_found(
                node,
                {(each.name, CheckId.PEER_READY, Level.ERROR) for each in story.lab.nodes},
            )
    for node in story.lab.nodes:
        await until_found(node, set())


async def test_files_that_differ_are_a_warning_while_they_do(story: Story) -> None:
    """Goal: drift is told once at its begin and once at its end, and stands in the status.

    Method: another warntime on the standby, read by a restart there; then the old one again.
    """
    story.expects(MessageId.CONFIG_DRIFT, MessageId.REJECTED_INPUT)  # a late word of the old life
    restart = "systemctl restart hbd"
    breaks, mends = edited("/etc/ha.d/ha.cf", "$ a warntime 3")
    async with broken(story.away, f"{breaks}; {restart}", f"{mends}; {restart}"):
        for node in story.lab.nodes:
            begun = await story.heard(node, MessageId.CONFIG_DRIFT, within=MOVED_WITHIN)
            assert begun["HBD_FILES"] == "ha.cf"
            await until_found(
                node,
                {(each.name, CheckId.CONFIG_EQUAL, Level.ERROR) for each in story.lab.nodes},
            )
            view = await status(node)
            assert view is not None
            assert view.config_drift == ("ha.cf",)
    await story.heard(story.home, MessageId.CONFIG_EQUAL, within=MOVED_WITHIN)
    for node in story.lab.nodes:
        await until_found(node, set())
        assert len(await story.told(node, "HBD_EVENT=config-drift")) == 1
    assert story.moved() == []


async def test_many_who_ask_cost_little_more_than_one(story: Story) -> None:
    """Goal: anybody may ask, nobody can wear the node out. Method: forty calls of bob's at once.

    Each gets the same answer or a polite Busy; the examiner runs a few times at most.
    """
    words = ["busctl", "call", BUS_NAME, ROOT, Interface.MANAGER, "Check"]
    script = " & ".join([" ".join(words)] * 40) + " & wait"
    done, _ = await asyncio.gather(
        story.home.run(["sh", "-c", script], user=STRANGER, check=False),
        bad(story.away),
    )
    assert done.out.count("a(sssss)") >= 1
    run = (f"UNIT={EXAMINER}", "JOB_TYPE=start", "JOB_RESULT=done")
    assert len(await story.told(story.home, *run)) <= 4
    assert story.moved() == []
