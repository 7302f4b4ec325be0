"""Who may: the node's own polkitd decides, with a person at a terminal and without, and absent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hbd.bus.names import BUS_NAME, ROOT, Error, Interface
from hbd.bus.polkit import RULE_SECONDS
from hbd.cli.outcome import Exit
from hbd.journal import MessageId
from tests.lab.harness.host import Finished, now
from tests.lab.harness.node import Node
from tests.lab.story.story import WITHIN, Story
from tests.lab.story.terminal import PROMPT, at_terminal
from tests.lab.test_operator import OPERATOR, STRANGER, denied_count

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

RIGHT, WRONG = "lab-administrator", "not-the-administrator"
CLEAR = ("hbctl", "clear-failure")  # asks everybody but root; where nothing failed it does nothing
# An agent of the shell's own, ready before the command that replaces the shell calls.
WITH_AGENT = (
    'mkfifo "$HOME/ready"; pkttyagent --process $$ --notify-fd 3 3>"$HOME/ready" & '
    'read -r _ <"$HOME/ready"; rm "$HOME/ready"; exec "$@"'
)
KEEPALIVES = 0.8  # of those due in a time; the rest is for its two ends


async def call(node: Node, user: str, *, asking: bool, agent: bool = False) -> Finished:
    """`busctl call … ClearFailure` as `user`, with or without the flag that lets polkit ask."""
    flag = f"--allow-interactive-authorization={'yes' if asking else 'no'}"
    words = ["busctl", flag, "call", BUS_NAME, ROOT, Interface.MANAGER, "ClearFailure", "s", ""]
    if not agent:
        return await node.run(words, user=user, check=False)
    return await at_terminal(node, ["sh", "-c", WITH_AGENT, "sh", *words], user=user, types=RIGHT)


async def error_name(node: Node, user: str) -> str:
    """The name of the error that `user` gets for a standby; empty if there is none."""
    words = [
        "dbus-send", "--system", "--print-reply", f"--dest={BUS_NAME}", ROOT,
        f"{Interface.MANAGER}.Standby", "string:all",
    ]  # fmt: skip
    done = await node.run(words, user=user, check=False)
    assert "Traceback" not in done.err
    assert ".py" not in done.err
    return done.err.partition(":")[0].removeprefix("Error ")


@asynccontextmanager
async def administrator(story: Story) -> AsyncIterator[Node]:
    """The node that serves, where root has a password: who knows it is an administrator."""
    node = story.home
    story.undo.push_async_callback(node.run, ["usermod", "--lock", "root"])
    await node.run(["chpasswd"], stdin=f"root:{RIGHT}\n".encode())
    yield node


async def test_root_needs_nobodys_permission(story: Story) -> None:
    """Goal: polkit is not asked about root. Method: the verb that everybody else needs one for."""
    done = await story.home.run(list(CLEAR))
    assert done.status == Exit.DONE


@pytest.mark.parametrize("user", [OPERATOR, STRANGER])
async def test_without_an_agent_what_needs_an_administrator_is_refused(
    story: Story, user: str
) -> None:
    """Goal: no agent, no password, no deed; haclient or not. Method: no terminal, both flags."""
    before = await denied_count(story.home)
    for asking in (True, False):
        done = await call(story.home, user, asking=asking)
        assert done.status != 0
        assert "Traceback" not in done.err
    done = await story.home.run([*CLEAR, "--no-ask-password"], user=user, check=False)
    assert done.status == Exit.NOT_PERMITTED
    assert await denied_count(story.home) == before + 3


async def test_a_person_with_the_right_password_is_an_administrator(story: Story) -> None:
    """Goal: hbctl brings its own agent. Method: bob at a terminal types root's password."""
    async with administrator(story) as node:
        done = await at_terminal(node, CLEAR, user=STRANGER, types=RIGHT)
    assert PROMPT.decode() in done.out
    assert done.status == Exit.DONE, done.out
    asked = await story.heard(node, MessageId.REQUESTED)
    assert asked["HBD_VERB"] == "clear-failure"


async def test_a_person_with_a_wrong_password_is_not(story: Story) -> None:
    """Goal: asking is not permitting. Method: the same with another password; bob and alice."""
    async with administrator(story) as node:
        before = await denied_count(node)
        for user in (STRANGER, OPERATOR):
            done = await at_terminal(node, CLEAR, user=user, types=WRONG)
            assert PROMPT.decode() in done.out
            assert done.status == Exit.NOT_PERMITTED, done.out
        assert await denied_count(node) == before + 2
    assert await story.told(node, "HBD_EVENT=requested") == []


async def test_nobody_is_asked_where_the_caller_does_not_allow_it(story: Story) -> None:
    """Goal: a script never hangs on a prompt. Method: an agent is there, the message says no.

    The same call with the flag is asked and permitted, so the agent was one.
    """
    async with administrator(story) as node:
        refused = await call(node, STRANGER, asking=False, agent=True)
        assert refused.status != 0
        assert PROMPT.decode() not in refused.out
        done = await at_terminal(node, [*CLEAR, "--no-ask-password"], user=STRANGER, types=RIGHT)
        assert done.status == Exit.NOT_PERMITTED
        assert PROMPT.decode() not in done.out
        allowed = await call(node, STRANGER, asking=True, agent=True)
        assert allowed.status == 0, allowed.out
        assert PROMPT.decode() in allowed.out


async def test_a_member_at_a_terminal_is_not_asked_for_what_members_may(story: Story) -> None:
    """Goal: the shipped rule saves the password. Method: alice at a terminal moves the group."""
    for verb, node in (("standby", story.away), ("takeover", story.home)):
        done = await at_terminal(story.home, ["hbctl", verb], user=OPERATOR)
        assert done.status == Exit.DONE, done.out
        assert PROMPT.decode() not in done.out
        assert story.holders() == {node.name}


async def stop_polkitd(story: Story, node: Node) -> None:
    """Stop it; systemd 257 warns of the goodbye that it sends where none is wanted."""
    story.expects("unit polkit.service", on=node)
    await node.run(["systemctl", "stop", "polkit.service"])


async def test_without_polkitd_only_root_may(story: Story) -> None:
    """Goal: no polkit is no open door. Method: mask it; alice and bob ask, then root."""
    node = story.home
    await node.run(["systemctl", "mask", "--runtime", "polkit.service"])
    story.undo.push_async_callback(node.run, ["systemctl", "unmask", "--runtime", "polkit.service"])
    await stop_polkitd(story, node)
    for user in (OPERATOR, STRANGER):
        assert await error_name(node, user) == Error.ACCESS_DENIED
    done = await node.run(["hbctl", "standby", "--no-wait"], user=OPERATOR, check=False)
    assert done.status == Exit.NOT_PERMITTED
    assert "root" in done.err
    assert (await node.run(list(CLEAR))).status == Exit.DONE
    assert story.moved() == []


async def test_a_polkitd_that_is_only_stopped_is_started_to_be_asked(story: Story) -> None:
    """Goal: members keep their right on a server where nothing needed polkit yet. Method: stop."""
    node = story.home
    await stop_polkitd(story, node)
    assert await error_name(node, STRANGER) == Error.INTERACTION_REQUIRED
    await stop_polkitd(story, node)
    assert (await node.run(["hbctl", "takeover"], user=OPERATOR)).status == Exit.DONE
    assert story.moved() == []


async def test_a_silent_polkitd_holds_up_its_caller_and_no_heartbeat(story: Story) -> None:
    """Goal: asking blocks nothing. Method: freeze polkitd, let alice ask, count heartbeats.

    The judgement would also find a `late` in either journal. Root goes on meanwhile.
    """
    node = story.home
    await node.run(["systemctl", "start", "polkit.service"])
    await node.run(["systemctl", "kill", "--signal=STOP", "polkit.service"])
    story.undo.push_async_callback(
        node.run, ["systemctl", "kill", "--signal=KILL", "polkit.service"]
    )
    story.expects("unit polkit.service", on=node)
    before, began = await story.link_counters(story.away, "eth1"), now()
    done = await node.run(
        ["hbctl", "standby", "--no-wait", "--no-ask-password"],
        user=OPERATOR, check=False, within=RULE_SECONDS + WITHIN,
    )  # fmt: skip
    took = now() - began
    assert done.status == Exit.NOT_PERMITTED
    assert "root" in done.err
    assert took >= RULE_SECONDS
    after = await story.link_counters(story.away, "eth1")
    assert after["messages_received"] - before["messages_received"] >= took * KEEPALIVES
    assert (await node.run(list(CLEAR))).status == Exit.DONE
    assert story.moved() == []


async def test_who_is_refused_does_not_fill_the_journal(story: Story) -> None:
    """Goal: refusals are counted, seldom written. Method: 40 of them in a row, each verb."""
    before = await denied_count(story.home)
    verbs = "takeover standby clear-failure 'maintenance on'"
    ask = "hbctl $verb --no-ask-password 2>/dev/null"
    script = f"for n in $(seq 10); do for verb in {verbs}; do {ask}; done; done"
    await story.home.run(["sh", "-c", script], user=STRANGER, check=False, within=120)
    assert await denied_count(story.home) == before + 40
    assert len(await story.told(story.home, "SYSLOG_IDENTIFIER=hbd")) <= 2
    view = json.loads((await story.home.run(["hbctl", "status", "--json"])).out)
    assert view["denied_count"] == before + 40
