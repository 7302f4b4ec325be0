"""What an operator may do, who is one, and how the request ends."""

from __future__ import annotations

import json
import shlex

import pytest

from hbd.bus.names import BUS_NAME, ROOT, Error, Interface, group_path
from hbd.cli.outcome import Exit
from hbd.cluster.terms import GroupName, JobResult
from hbd.journal import MessageId
from tests.lab.harness.host import Finished
from tests.lab.harness.node import Node
from tests.lab.story.signals import listening
from tests.lab.story.story import GROUP, WITHIN, Story

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

OPERATOR, STRANGER = "alice", "bob"  # alice is a member of haclient


async def ask(node: Node, member: str, argument: str, user: str) -> Finished:
    """Call a method of the manager as `user`, with nothing but busctl."""
    words = ["call", BUS_NAME, ROOT, Interface.MANAGER, member, "s", argument]
    return await node.busctl(*words, user=user, check=False)


async def denied_count(node: Node) -> int:
    """How many calls the node's daemon has refused for want of permission."""
    told = await node.busctl("get-property", BUS_NAME, ROOT, Interface.MANAGER, "DeniedCount")
    return int(json.loads(told.out)["data"])


@pytest.mark.parametrize("argument", [("Takeover", "all"), ("TakeoverGroup", GROUP)], ids=str)
async def test_a_member_of_haclient_takes_over_without_a_password(
    story: Story, argument: tuple[str, str]
) -> None:
    """Goal: busctl is enough, and the end is told. Method: take over, follow the job, give back.

    The job's path comes at once, JobRemoved with `done` when the group is served here.
    """
    async with listening(story.away) as signals:
        done = await ask(story.away, *argument, OPERATOR)
        assert done.status == 0, done.err
        job = json.loads(done.out)["data"][0]
        ended = await signals.next("JobRemoved", within=WITHIN)
    assert ended.body[:2] == [job, JobResult.DONE.value]
    await story.served_by(story.away)
    asked = await story.heard(story.away, MessageId.REQUESTED)
    assert asked["HBD_VERB"] == "takeover"

    done = await story.away.run(["hbctl", "standby"], user=OPERATOR)
    await story.served_by(story.home)


async def test_a_standby_is_over_when_the_peer_serves(story: Story) -> None:
    """Goal: hbctl's end is the group's arrival. Method: its status, and who holds just then."""
    done = await story.home.run(["hbctl", "standby", "--group", GROUP], user=OPERATOR)
    assert done.status == Exit.DONE
    assert story.holders() == {story.away.name}
    finished = await story.heard(story.home, MessageId.JOB_FINISHED)
    assert finished["PRIORITY"] == "6"
    await story.home.run(["hbctl", "takeover", "failback"], user=OPERATOR)
    assert story.holders() == {story.home.name}


async def test_nobody_else_moves_a_group(story: Story) -> None:
    """Goal: polkit guards every verb. Method: bob asks for each, with and without a person to ask.

    Without one the error says that a password would be needed; nothing of it moves anything.
    """
    before = await denied_count(story.home)
    for member in ("Takeover", "Standby"):
        assert (await ask(story.home, member, "all", STRANGER)).status != 0
        words = [
            "dbus-send", "--system", "--print-reply", f"--dest={BUS_NAME}", ROOT,
            f"{Interface.MANAGER}.{member}", "string:all",
        ]  # fmt: skip
        refused = await story.home.run(words, user=STRANGER, check=False)
        assert refused.status != 0
        assert any(
            name in refused.err for name in (Error.ACCESS_DENIED, Error.INTERACTION_REQUIRED)
        )
        done = await story.home.run(
            ["hbctl", member.lower(), "--no-ask-password"], user=STRANGER, check=False
        )
        assert done.status == Exit.NOT_PERMITTED
    assert await denied_count(story.home) == before + 6
    assert story.moved() == []


async def test_a_flood_of_calls_writes_no_flood_of_lines(story: Story) -> None:
    """Goal: who may nothing may not fill the journal either. Method: 500 calls of bob's, count.

    Meanwhile an operator is served as ever.
    """
    words = ["busctl", "call", BUS_NAME, ROOT, Interface.MANAGER, "Standby", "s", "all"]
    call = shlex.join([*words, "--allow-interactive-authorization=no"])
    script = f"for n in $(seq 100); do for m in 1 2 3 4 5; do {call} & done; wait; done 2>/dev/null"
    before = await denied_count(story.home)
    await story.home.run(["sh", "-c", script], user=STRANGER, check=False)
    refused = await denied_count(story.home) - before
    assert refused > 0
    lines = await story.told(story.home, "SYSLOG_IDENTIFIER=hbd")
    assert len(lines) < 20
    assert story.moved() == []
    done = await story.home.run(["hbctl", "status", "--json"], user=OPERATOR)
    assert json.loads(done.out)["denied_count"] == before + refused


async def test_an_impossible_request_is_refused_with_a_reason(story: Story) -> None:
    """Goal: not possible now is not an error of the cluster. Method: standby without a peer."""
    story.expects(MessageId.JOB_FINISHED, on=story.home)
    await story.away.run(["systemctl", "stop", "hbd"])
    await story.heard(story.home, MessageId.PEER_LEFT)
    done = await story.home.run(["hbctl", "standby"], user=OPERATOR, check=False)
    assert done.status == Exit.REFUSED
    assert story.away.name in done.err
    assert story.moved() == []
    await story.away.run(["systemctl", "start", "hbd"])


async def test_an_unknown_group_is_the_callers_mistake(story: Story) -> None:
    """Goal: a typing error is answered as one. Method: hbctl's exit status and D-Bus's objects."""
    done = await story.home.run(
        ["hbctl", "takeover", "--group", "no-such"], user=OPERATOR, check=False
    )
    assert done.status == Exit.USAGE
    path = group_path(GroupName("no-such"))
    words = ["get-property", BUS_NAME, path, Interface.GROUP, "State"]
    assert (await story.home.busctl(*words, check=False)).status != 0
