"""What hbd refuses to do, and what it notices and mends."""

from __future__ import annotations

import signal

import pytest

from hbd.cluster.terms import GroupState
from hbd.journal import MessageId
from tests.lab.harness import files
from tests.lab.harness.host import run
from tests.lab.story.story import Story
from tests.lab.test_daemon import ARMED, DAEMON, back, lives, main_pid, send
from tests.lab.test_failures import FAILED_START, state

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

EX_CONFIG = "78"
LOST = (MessageId.RESOURCE_LOST, "resource failed")


async def test_a_resource_that_starts_at_boot_by_itself_is_refused(story: Story) -> None:
    """Goal: nothing mounts or serves beside the cluster. Method: enable smbd, start hbd anew.

    It ends with status 78 and is not tried again; the journal has the command that mends it.
    """
    story.expects(MessageId.CONFIG_REFUSED, DAEMON, "hbd-deadman", on=story.home)
    await story.home.run(["systemctl", "stop", "hbd"])
    await story.served_by(story.away)
    await story.home.run(["systemctl", "enable", "--quiet", "smbd"])
    story.undo.push_async_callback(story.home.run, ["systemctl", "disable", "--quiet", "smbd"])
    await story.home.run(["systemctl", "start", "hbd"], check=False)
    refused = await story.heard(story.home, MessageId.CONFIG_REFUSED)
    assert "systemctl disable 'smbd.service'" in str(refused["MESSAGE"])
    words = ["systemctl", "show", "--property=ExecMainStatus,NRestarts", "hbd.service"]
    shown = set((await story.home.run(words)).out.split())
    assert shown == {f"ExecMainStatus={EX_CONFIG}", "NRestarts=0"}
    assert story.holders() == {story.away.name}

    await story.undo.aclose()
    await story.home.run(["systemctl", "start", "hbd"])
    await story.served_by(story.home)


async def test_a_daemon_that_returns_to_its_groups_only_complains(story: Story) -> None:
    """Goal: a mistake for the next boot takes nothing down now. Method: enable smbd, kill hbd."""
    story.expects(MessageId.CONFIG_REFUSED, DAEMON, ARMED, on=story.home)
    story.expects(MessageId.PEER_LATE, on=story.away)  # if the machine is busy
    await story.home.run(["systemctl", "enable", "--quiet", "smbd"])
    story.undo.push_async_callback(story.home.run, ["systemctl", "disable", "--quiet", "smbd"])
    before, old = await lives(story.home), await main_pid(story.home)
    await send(story.home, signal.SIGKILL)
    await back(story, story.home)
    await story.heard(story.home, MessageId.CONFIG_REFUSED)
    await story.served_by(story.home)
    assert await lives(story.home) == before
    assert await main_pid(story.home) != old
    assert story.moved() == []


async def test_an_address_that_someone_else_has_is_not_taken(story: Story) -> None:
    """Goal: an address conflict is an error, not a takeover. Method: a client takes the address.

    Neither node puts it on; when the client has let go of it an operator starts the group again.
    """
    story.expects(*FAILED_START, MessageId.JOB_FINISHED, MessageId.TRANSITION_ENDED)
    space = story.lab.network.namespace("client")
    change = ["ip", "-n", space, "addr"]
    await run([*change, "add", f"{files.SHARED_ADDRESS}/32", "dev", "eth0"])
    try:
        await story.home.run(["hbctl", "standby"], check=False)
        for node in story.lab.nodes:
            await story.heard(node, MessageId.START_FAILED)
            assert await state(story, node) == GroupState.START_FAILED.value
        assert story.moved() == ["ttisrv1 -disk", "ttisrv1 -address"]
    finally:
        await run([*change, "del", f"{files.SHARED_ADDRESS}/32", "dev", "eth0"])
    await story.home.run(["hbctl", "takeover"])
    assert story.holders() == {story.home.name}
    await story.away.run(["systemctl", "restart", "hbd"])


async def test_a_lost_resource_comes_back_in_place_and_the_second_time_elsewhere(
    story: Story,
) -> None:
    """Goal: one accident is mended, two within a minute are a failure. Method: address, then smbd.

    A hand-deleted address is put back and nothing else is touched. When smbd is stopped behind
    hbd's back soon after, the group goes to the other node.
    """
    story.expects(*LOST, MessageId.START_FAILED, on=story.home)
    before = await lives(story.home)
    await story.home.run(["ip", "addr", "del", f"{files.SHARED_ADDRESS}/24", "dev", "eth0"])
    await story.heard(story.home, MessageId.RESOURCE_LOST)
    await story.heard(story.home, MessageId.GROUP_STARTED)
    assert story.moved() == ["ttisrv1 -address", "ttisrv1 +address"]
    assert await lives(story.home) == before

    await story.home.run(["systemctl", "stop", "smbd"])
    await story.served_by(story.away)
    assert await state(story, story.home) == GroupState.START_FAILED.value
    await story.home.run(["systemctl", "restart", "hbd"])
    await story.served_by(story.home)


@pytest.mark.parametrize("how", ["kill --signal=KILL", "stop"])
async def test_a_server_that_ends_is_started_again_in_place(story: Story, how: str) -> None:
    """Goal: no failover for one crash. Method: end smbd; disk and address stay."""
    story.expects(*LOST, "unit smbd.service", on=story.home)
    before = await lives(story.home)
    await story.home.run(["systemctl", *how.split(), "smbd"])
    await story.heard(story.home, MessageId.RESOURCE_LOST)
    await story.heard(story.home, MessageId.GROUP_STARTED)
    after = await lives(story.home)
    assert after["smbd.service"] != before["smbd.service"]
    assert after["ttidisk.mount"] == before["ttidisk.mount"]
    assert story.moved() == []
    await story.home.run(["systemctl", "restart", "hbd"])  # it forgets that it has revived one
