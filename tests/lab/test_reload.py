"""The configuration changes while everything runs: what did not change does not move.

Each story ends with the files it began with, put in force again.
"""

from __future__ import annotations

import json

import pytest

from hbd.bus.names import BUS_NAME, ROOT, Interface
from hbd.cli.outcome import Exit
from hbd.cluster.terms import SECOND, GroupState, LinkStatus
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import Finished
from tests.lab.harness.node import Node
from tests.lab.story.setup import Setup
from tests.lab.story.status import group, link, status
from tests.lab.story.story import GROUP, WITHIN, Story
from tests.lab.test_daemon import ARMED, DAEMON

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

ADDED = "192.168.0.101"
LOG = "/root/extra.log"
EXTRA_UNIT = f"""\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo start >>{LOG}'
ExecStop=/bin/sh -c 'echo stop >>{LOG}'
"""
SETUP = Setup(files={"/etc/systemd/system/extra.service": (EXTRA_UNIT, 0o644)})
LINKS = ("/dev/ttyS0", "eth1")
KEYS = (
    "auth 3\n3 md5 ttikey\n4 sha1 the-next-one\n",
    "auth 4\n3 md5 ttikey\n4 sha1 the-next-one\n",
    "auth 4\n4 sha1 the-next-one\n5 sha256 the-last-one\n",
    "auth 5\n4 sha1 the-next-one\n5 sha256 the-last-one\n",
    "auth 5\n5 sha256 the-last-one\n",
)


async def reload(node: Node) -> Finished:
    """`systemctl reload hbd`, which answers when it is done, or not."""
    return await node.run(["systemctl", "reload", "hbd"], check=False)


async def put(story: Story, name: str, text: str, mode: int = 0o644) -> None:
    """Lay a file down on both nodes and reload both, one after the other; undone at the end."""
    for node in story.lab.nodes:
        node.write(f"/etc/ha.d/{name}", text, mode=mode)
    for node in story.lab.nodes:
        done = await reload(node)
        assert done.status == 0, done.err + (await node.run(["journalctl", "-n40"])).out


async def restore(story: Story) -> None:
    """The article's files again, whatever a story left.

    Two nodes are reloaded one after another: in between they differ, and say so.
    """
    story.expects(MessageId.CONFIG_DRIFT)
    for name, text, mode in (
        ("ha.cf", files.HA_CF, 0o644),
        ("haresources", files.HARESOURCES, 0o644),
        ("authkeys", files.AUTHKEYS, 0o600),
    ):
        for node in story.lab.nodes:
            node.write(f"/etc/ha.d/{name}", text, mode=mode)
    for node in story.lab.nodes:
        done = await reload(node)
        assert done.status == 0, done.err


async def until_group(story: Story, name: str, word: str, node: Node) -> None:
    """Wait until the group is so on `node`; `""`: until it is not there."""
    await story.until_status(
        node,
        lambda view: word == next((each.state for each in view.groups if each.name == name), ""),
        f"{name} {word or 'forgotten'}",
    )


async def test_deadtime_changes_on_both_nodes_and_nothing_else_does(story: Story) -> None:
    """Goal: times hold at once, the watchdog's too. Method: 5 s to 8 s and back; look everywhere.

    No link dies, no heartbeat is late, no counter begins anew.
    """
    story.undo.push_async_callback(restore, story)
    before = await story.link_counters(story.home, "eth1")
    await put(story, "ha.cf", files.HA_CF.replace("deadtime 5", "deadtime 8"))
    for node in story.lab.nodes:
        told = await node.busctl("get-property", BUS_NAME, ROOT, Interface.MANAGER, "DeadtimeUSec")
        assert json.loads(told.out)["data"] == 8 * SECOND
        shown = await node.run(["systemctl", "show", "hbd", "-P", "WatchdogUSec"])
        assert shown.out.strip() == "2s"
        drop_in = "/run/systemd/system/hbd-deadman.timer.d/50-hbd.conf"
        assert "2666666us" in (await node.run(["cat", drop_in])).out
        heard = await story.heard(node, MessageId.CONFIG_RELOADED)
        assert heard["HBD_CHANGES"] == "3"  # deadtime, warntime, initdead follow each other
    await story.nothing_moves(3.0)
    after = await story.link_counters(story.home, "eth1")
    assert after["messages_received"] > before["messages_received"]
    assert (await reload(story.home)).status == 0
    assert await pids(story.home) == await pids(story.home)
    assert story.moved() == []


async def pids(node: Node) -> str:
    """The daemon's main process."""
    return (await node.run(["systemctl", "show", "hbd", "-P", "MainPID"])).out.strip()


async def test_keys_rotate_from_md5_to_sha256_and_no_link_dies(story: Story) -> None:
    """Goal: no moment without heartbeats. Method: five steps, each on both nodes, while a client
    reads; then what was said meanwhile.
    """
    story.undo.push_async_callback(restore_keys, story)
    began = await pids(story.home)
    for text in KEYS:
        await put(story, "authkeys", text, mode=0o600)
        await story.nothing_moves(1.5)
    for node in story.lab.nodes:
        view = await status(node)
        assert view is not None
        assert [link(view, name).status for name in LINKS] == [LinkStatus.UP.value] * 2
        words = await story.events(node)
        assert MessageId.LINK_DEAD.name.lower().replace("_", "-") not in words
        assert MessageId.PEER_LATE.name.lower().replace("_", "-") not in words
    assert await pids(story.home) == began
    assert story.moved() == []


async def restore_keys(story: Story) -> None:
    """Back by the same steps: one node alone must not sign with what the other does not know."""
    story.expects(MessageId.CONFIG_DRIFT)
    for text in (*reversed(KEYS), files.AUTHKEYS):
        for node in story.lab.nodes:
            node.write("/etc/ha.d/authkeys", text, mode=0o600)
        for node in story.lab.nodes:
            done = await reload(node)
            assert done.status == 0, done.err


async def test_a_link_is_added_and_taken_away(story: Story) -> None:
    """Goal: links come and go; the others do not notice. Method: eth0 too, then not any more."""
    story.undo.push_async_callback(restore, story)
    before = await story.link_counters(story.home, "eth1")
    await put(story, "ha.cf", files.HA_CF + "bcast eth0\n")
    for node in story.lab.nodes:
        await story.link_on(node, "eth0", LinkStatus.UP)
    after = await story.link_counters(story.home, "eth1")
    assert after["bytes_sent"] >= before["bytes_sent"]
    await restore(story)
    for node in story.lab.nodes:
        view = await status(node)
        assert view is not None
        assert {each.name for each in view.links} == set(LINKS)
    assert story.moved() == []


async def test_a_group_is_added_and_taken_away_and_the_other_serves_on(story: Story) -> None:
    """Goal: a new group starts once both nodes know it. Method: an address for the away node."""
    story.undo.push_async_callback(restore, story)
    line = f"{story.away.name} {ADDED} extra\n"
    story.away.write("/etc/ha.d/haresources", files.HARESOURCES + line)
    assert (await reload(story.away)).status == 0
    await story.nothing_moves(1.0)
    view = await status(story.away)
    assert view is not None
    assert group(view, ADDED).state == GroupState.STOPPED.value  # the peer does not know it yet

    story.home.write("/etc/ha.d/haresources", files.HARESOURCES + line)
    assert (await reload(story.home)).status == 0
    await until_group(story, ADDED, GroupState.STARTED.value, story.away)
    assert ADDED in (await story.away.run(["ip", "-4", "addr"])).out

    await restore(story)
    for node in story.lab.nodes:
        await until_group(story, ADDED, "", node)
        assert ADDED not in (await node.run(["ip", "-4", "addr"])).out
        units = await node.run(["ls", "/run/systemd/system"])
        assert ADDED not in units.out
    assert (await story.away.run(["cat", LOG])).out.split() == ["start", "stop"]
    assert story.moved() == []


async def test_a_group_that_left_the_file_behind_the_daemons_back_is_stopped(
    story: Story,
) -> None:
    """Goal: nothing runs that no line has. Method: two groups; edit, then kill the daemon."""
    story.undo.push_async_callback(restore, story)
    await story.away.run(["rm", "-f", LOG])
    line = f"{story.away.name} {ADDED} extra\n"
    await put(story, "haresources", files.HARESOURCES + line)
    await until_group(story, ADDED, GroupState.STARTED.value, story.away)
    story.away.write("/etc/ha.d/haresources", files.HARESOURCES)
    story.expects(DAEMON, ARMED, on=story.away)
    story.expects(MessageId.PEER_LATE, on=story.home)
    await story.away.run(["systemctl", "kill", "--signal=KILL", "hbd.service"])
    stopped = await story.heard(
        story.away, MessageId.GROUP_STOPPED, f"HBD_GROUP={ADDED}", within=WITHIN
    )
    assert stopped["PRIORITY"] == "5"
    assert ADDED not in (await story.away.run(["ip", "-4", "addr"])).out
    assert (await story.away.run(["cat", LOG])).out.split() == ["start", "stop"]
    assert (await story.away.run(["ls", "/run/hbd/holds"])).out.strip() == ""
    assert story.moved() == []


async def test_an_appended_resource_starts_beside_those_that_run(story: Story) -> None:
    """Goal: what stands left of a change runs on. Method: append a unit, then take it away."""
    story.undo.push_async_callback(restore, story)
    await story.home.run(["rm", "-f", LOG])
    pid = await smbd_pid(story.home)
    await put(story, "haresources", files.HARESOURCES.replace(" nfs\n", " nfs extra\n"))
    await until_group(story, GROUP, GroupState.STARTED.value, story.home)
    assert (await story.home.run(["systemctl", "is-active", "extra"])).out.strip() == "active"
    assert await smbd_pid(story.home) == pid

    await restore(story)
    await until_group(story, GROUP, GroupState.STARTED.value, story.home)
    assert (await story.home.run(["cat", LOG])).out.split() == ["start", "stop"]
    assert await smbd_pid(story.home) == pid
    assert story.moved() == []


async def smbd_pid(node: Node) -> str:
    """The main process of Samba."""
    return (await node.run(["systemctl", "show", "smbd", "-P", "MainPID"])).out.strip()


async def test_a_bad_file_keeps_the_old_configuration_and_says_all_mistakes(story: Story) -> None:
    """Goal: nothing is half-applied. Method: three mistakes; systemctl, hbctl and busctl are told.

    Then the same by signal, where only the journal can tell.
    """
    story.expects(MessageId.CONFIG_REFUSED, "unit hbd.service")
    story.undo.push_async_callback(restore, story)
    bad = files.HA_CF.replace("deadtime 5", "deadtime 1") + "bcast eth77\nnonsense 3\n"
    story.home.write("/etc/ha.d/ha.cf", bad)
    assert (await reload(story.home)).status != 0
    told = await story.home.run(["hbctl", "reload"], check=False)
    assert told.status == Exit.REFUSED
    assert "/etc/ha.d/ha.cf:12:" in told.err
    called = await story.home.busctl(
        "call", BUS_NAME, ROOT, Interface.MANAGER, "Reload", check=False
    )
    assert called.status != 0
    refused = await story.heard(story.home, MessageId.CONFIG_REFUSED)
    assert refused["HBD_BY"] == "uid 0"
    await story.turn_page()
    await story.home.run(["systemctl", "kill", "--signal=HUP", "hbd"])
    refused = await story.heard(story.home, MessageId.CONFIG_REFUSED, within=WITHIN)
    assert refused["HBD_BY"] == "SIGHUP"
    view = await status(story.home)
    assert view is not None
    assert {each.name for each in view.links} == set(LINKS)
    assert (await story.home.run(["systemctl", "is-active", "hbd"])).out.strip() == "active"
    assert story.moved() == []


async def test_who_may_not_reload_is_refused(story: Story) -> None:
    """Goal: polkit guards the verb. Method: bob, and alice of haclient, without a password."""
    for user in ("alice", "bob"):
        told = await story.home.run(
            ["hbctl", "reload", "--no-ask-password"], user=user, check=False
        )
        assert told.status == Exit.NOT_PERMITTED
