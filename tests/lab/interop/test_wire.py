"""The wire between hbd and heartbeat: what is lost, who restarts, whose messages count."""

from __future__ import annotations

import asyncio

import pytest

from hbd.journal import MessageId
from hbd.wire.message import MessageType
from tests.lab.harness.host import LabError, now
from tests.lab.interop.complaints import PEER_LEAVES
from tests.lab.interop.member import STARTED_WITHIN, Kind, Member, Scope
from tests.lab.interop.story import GROUPS, LOOKS_EVERY, NONE, Story
from tests.lab.interop.wiring import DEADTIME

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

LOST_PERCENT = 20
PATIENT = 15.0  # s of deadtime: five heartbeats in a row are lost in one such story of a hundred
SEED = 306  # the same messages are lost on a serial line in every run
REPAIRED_WITHIN = 90.0  # s for each side to lose, ask for and get something: 20 as a rule
ACKNOWLEDGED_WITHIN = 60.0  # s: one message in ten is acknowledged, and some are lost
BOTH_OWN = r"Both machines own (?:our|foreign) resources"  # after a split that is so
BACK = 7  # generations
ADDRESSED = GROUPS[0]  # the group with the address


def _asked(story: Story, by: Member) -> set[int]:
    """The sequence numbers that a member has asked its peer for again."""
    asked = story.tap.sent(by.name, story.began, MessageType.NS_REXMIT.value)
    return {
        number
        for message in asked
        for number in range(message.decimal("firstseq") or 0, (message.decimal("lastseq") or 0) + 1)
    }


def _acknowledged(story: Story, by: Member) -> bool:
    """Whether a member has acknowledged a message of its peer's (heartbeat does its own, too)."""
    sent = story.tap.sent(by.name, story.began, MessageType.NS_ACKMSG.value)
    return any(message.destination == story.other(by).name for message in sent)


@pytest.mark.cells("ucast-sha1", "serial-md5")
async def test_what_is_lost_is_asked_for_and_sent_again_both_ways(blank: Story) -> None:
    """Goal: a bad line costs messages, not the peer. Method: a fifth of all is lost, each way.

    The tap is the judge: each side asks for what it misses, the other one sends just that again,
    both acknowledge, and nobody is taken for dead.
    """
    story = blank
    await story.blank(deadtime=PATIENT)
    await story.start_both()
    await story.at_rest()
    story.hbd_says(MessageId.REJECTED_INPUT)  # a serial message that is lost in its middle
    moves = story.moves()

    def is_repaired() -> bool:
        return all(
            _acknowledged(story, member)
            and _asked(story, member) & story.tap.resent(story.other(member).name, story.began)
            for member in story.pair.members
        )

    async with story.pair.losing(LOST_PERCENT, SEED):
        deadline = now() + REPAIRED_WITHIN
        while not is_repaired():
            if now() > deadline:
                told = {
                    member.name: (
                        _acknowledged(story, member),
                        sorted(_asked(story, member)),
                        sorted(story.tap.resent(member.name, story.began)),
                    )
                    for member in story.pair.members
                }
                raise LabError(f"(acknowledges, asked for, resent) by node: {told}")
            await asyncio.sleep(LOOKS_EVERY)
    await story.at_rest()
    assert story.moves() == moves


@pytest.mark.cells("ucast-sha1")
async def test_hbd_leaves_and_returns_with_a_higher_generation(story: Story) -> None:
    """Goal: a restart is a restart to heartbeat, not a replay. Method: stop hbd, start it again."""
    await _leaves_and_returns(story, story.hbd)


@pytest.mark.cells("ucast-sha1")
async def test_heartbeat_leaves_and_returns_with_a_higher_generation(story: Story) -> None:
    """Goal: hbd follows a restart. Method: stop heartbeat, start it again."""
    await _leaves_and_returns(story, story.heartbeat)


@pytest.mark.cells("serial-md5")
async def test_hbd_is_killed_and_back_before_it_is_missed(story: Story) -> None:
    """Goal: nothing moves when only the daemon dies. Method: SIGKILL; systemd starts it again."""
    await _is_killed_and_back(story, story.hbd)


@pytest.mark.cells("serial-md5")
async def test_heartbeat_is_killed_and_back_before_it_is_missed(story: Story) -> None:
    """Goal: nothing moves when only the daemon dies. Method: SIGKILL, and start it at once."""
    await _is_killed_and_back(story, story.heartbeat)


async def test_a_heartbeat_with_an_older_generation_is_not_believed(story: Story) -> None:
    """Goal: hbd drops replays. Method: heartbeat restarts with a smaller hb_generation.

    hbd counts what comes as replayed and serves alone; with its number mended heartbeat is back.
    """
    story.hbd_says(MessageId.REJECTED_INPUT)
    await _is_not_believed(story, story.heartbeat)


async def test_an_hbd_with_an_older_generation_starts_nothing(story: Story) -> None:
    """Goal: the other way round it is as safe. Method: hbd restarts with a smaller hb_generation.

    heartbeat drops what hbd says as a replay and serves alone; hbd hears it and keeps off.
    """
    await _is_not_believed(story, story.hbd)


@pytest.mark.cells("ucast-sha1")
async def test_after_a_partition_both_are_together_again(story: Story) -> None:
    """Goal: a split brain ends with the split. Method: cut all cables, wait for both, mend.

    Without fencing both serve while they cannot hear each other, heartbeat and hbd alike; but hbd
    does not take a group whose address answers on the LAN. Healed, each group is held once again,
    and the nodes end as they began.
    """
    story.expects(*PEER_LEAVES, r"partition", r"Emergency|restart|Heartbeat shutdown", BOTH_OWN)
    story.hbd_says(MessageId.REJECTED_INPUT)
    await story.pair.cut()
    taken = {(node.name, group) for node in story.pair.nodes for group in GROUPS}
    if story.hbd.kind is Kind.HBD and story.own_group(story.hbd) != ADDRESSED:
        taken.remove((story.hbd.name, ADDRESSED))
    await story.held_as(taken, within=STARTED_WITHIN)
    await story.pair.mend()
    await story.at_rest(within=120.0)
    story.forget()
    await asyncio.sleep(DEADTIME)  # nothing that was begun in the split comes to its end now
    await story.at_rest(within=1.0)


async def _leaves_and_returns(story: Story, member: Member) -> None:
    story.expects(*PEER_LEAVES)
    before = await member.generation()
    await member.stop()
    await story.alone(story.other(member))
    await member.start()
    await story.at_rest()
    assert await member.generation() > before


async def _is_killed_and_back(story: Story, member: Member) -> None:
    before, moves = await member.generation(), story.moves()
    await member.kill()
    await member.start()
    await story.at_rest()
    assert await member.generation() > before
    assert story.moves() == moves


async def _is_not_believed(story: Story, member: Member) -> None:
    story.expects(*PEER_LEAVES, r"attempted replay attack")
    other = story.other(member)
    await member.stop()
    await story.alone(other)
    right = await member.generation()
    member.set_generation(right - BACK)
    await member.start()
    await asyncio.sleep(2 * DEADTIME)  # it is heard all the while, and not believed
    await story.alone(other)
    assert await member.ask("rscstatus") in ("", NONE, "transition")
    await member.kill()
    await member.stop()
    member.set_generation(right + 1)
    await member.start()
    await story.at_rest()
    assert await member.ask("rscstatus") == Scope.LOCAL
