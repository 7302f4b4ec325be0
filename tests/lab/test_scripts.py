"""haresources' other words: resource scripts with arguments, init scripts, systemd units."""

from __future__ import annotations

import asyncio

import pytest

from hbd.cli.outcome import Exit
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.node import Node
from tests.lab.story.setup import Setup
from tests.lab.story.story import Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

LOG = "/root/order.log"  # each resource writes down what it was told
BROKEN = "/root/broken"  # while it exists, the init script will not start

RESOURCE_SCRIPT = f"""\
#!/bin/sh
# as heartbeat's own: the arguments first, the verb last; status is said in words
case "$3" in
    status) [ -e /run/first ] && echo running || echo stopped; exit 0 ;;
    start) touch /run/first ;;
    stop) rm -f /run/first ;;
esac
echo "first $* $HA_CURHOST $HA_site" >>{LOG}
"""
INIT_SCRIPT = f"""\
#!/bin/sh
case "$1" in
    status) [ -e /run/second ] && echo "second is running" || echo "second is not running" ;;
    start) [ -e {BROKEN} ] && exit 1; touch /run/second ;;
    stop) rm -f /run/second ;;
esac
[ "$1" = status ] || echo "second $*" >>{LOG}
"""
UNIT = f"""\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo third start >>{LOG}'
ExecStop=/bin/sh -c 'echo third stop >>{LOG}'
"""
SETUP = Setup(
    ha_cf=files.HA_CF + "env site=north\n",
    haresources=(
        f"ttisrv1 {files.SHARED_ADDRESS} \\\n"
        f"    Filesystem::{files.DEVICE}::{files.MOUNT_POINT}::ext4 \\\n"
        "    first::one::two%20 second third.service\n"
    ),
    files={
        "/etc/ha.d/resource.d/first": (RESOURCE_SCRIPT, 0o755),
        "/etc/init.d/second": (INIT_SCRIPT, 0o755),
        "/etc/systemd/system/third.service": (UNIT, 0o644),
    },
)
STARTED = ["first one two%20 start ttisrv{n} north", "second start", "third start"]
STOPPED = ["third stop", "second stop", "first one two%20 stop ttisrv{n} north"]


async def order(node: Node) -> list[str]:
    """What the resources were told on `node` since the log was emptied."""
    done = await node.run(["sh", "-c", f"cat {LOG}; : >{LOG}"])
    return done.out.splitlines()


def told(lines: list[str], node: Node) -> list[str]:
    """The lines as `node` writes them."""
    return [line.format(n=node.name[-1]) for line in lines]


async def test_resources_start_left_to_right_and_stop_right_to_left(story: Story) -> None:
    """Goal: the order is haresources', whatever the words are. Method: the resources' own log.

    Scripts get their arguments first and the verb last, and see HA_CURHOST and ha.cf's env.
    """
    home, away = story.home, story.away
    await order(home)
    await home.run(["hbctl", "standby"])
    assert await order(home) == told(STOPPED, home)
    assert await order(away) == told(STARTED, away)
    await home.run(["hbctl", "takeover"])
    assert await order(away) == told(STOPPED, away)
    assert await order(home) == told(STARTED, home)


async def test_a_script_becomes_a_unit_with_a_name_of_its_own(story: Story) -> None:
    """Goal: systemd shows what haresources means. Method: the group's units and their states."""
    view = await story.group_on(story.home)
    *_, first, second, third = [resource.unit for resource in view.resources]
    assert third == "third.service"
    for unit in (first, second, third):
        words = ["systemctl", "is-active", unit]
        assert (await story.home.run(words)).out.strip() == "active"
        assert (await story.away.run(words, check=False)).out.strip() == "inactive"


async def test_a_script_that_runs_already_is_known_by_its_status(story: Story) -> None:
    """Goal: what somebody started by hand is seen. Method: start a resource script on the standby.

    Found half running there the group is stopped there, since it is elsewhere. systemd has nothing
    to stop, so the script itself is told to.
    """
    away = story.away
    story.expects("resource failed", on=away)  # running, and not by us
    await away.run(["systemctl", "stop", "hbd"])
    await away.run(["/etc/ha.d/resource.d/first", "one", "two%20", "start"])
    await order(away)
    await away.run(["systemctl", "start", "hbd"])
    await story.heard(away, MessageId.GROUP_STOPPED)
    assert [line.split()[3] for line in await order(away)] == ["stop"]
    assert (await away.run(["test", "-e", "/run/first"], check=False)).status == 1
    assert story.moved() == []


async def test_a_script_that_fails_to_start_sends_the_group_back(story: Story) -> None:
    """Goal: what was started before it is released. Method: the second one fails over there."""
    story.expects("resource failed", MessageId.START_FAILED, on=story.away)
    story.expects(MessageId.JOB_FINISHED, on=story.home)
    view = await story.group_on(story.away)
    story.expects(f"unit {view.resources[3].unit}", on=story.away)
    await asyncio.gather(order(story.home), order(story.away))
    await story.away.run(["touch", BROKEN])
    story.undo.push_async_callback(story.away.run, ["rm", "-f", BROKEN])
    done = await story.home.run(["hbctl", "standby"], check=False)
    assert done.status == Exit.FAILED
    await story.served_by(story.home)
    there = await order(story.away)
    assert there[0] == told(STARTED, story.away)[0]
    assert there[-1] == told(STOPPED, story.away)[-1]
    assert "third start" not in there
    assert await order(story.home) == told(STOPPED + STARTED, story.home)
    await story.away.run(["systemctl", "restart", "hbd"])
