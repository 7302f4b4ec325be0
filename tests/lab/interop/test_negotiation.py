"""Who holds what: the whole negotiation of heartbeat's haresources, hbd in either role.

Each story ends with the pair at rest again, and is judged for groups that were on both nodes.
"""

from __future__ import annotations

import pytest

from tests.lab.interop.complaints import LEGACY, PEER_LEAVES
from tests.lab.interop.member import Kind, Member, Scope, View
from tests.lab.interop.story import ACTIVE, NONE, Story
from tests.lab.interop.wiring import DEADTIME, Failback

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

MOVED_WITHIN = 30.0  # s: three hops of at most 0.5 s and the groups' own time, on a busy machine
GIVES_UP_WITHIN = 90.0  # s: heartbeat asks for standby 30 s after its failure
DEAD_WITHIN = 3 * DEADTIME + MOVED_WITHIN
DELAYED = r"Shutdown delayed until current resource activity finishes"
ALL, LOCAL, FOREIGN, FAILBACK = Scope.ALL, Scope.LOCAL, Scope.FOREIGN, Scope.FAILBACK
SHORT = "ucast-sha1"


async def hold(story: Story, member: Member, own: str, others: str) -> None:
    """Wait until `member` holds `own` and the other one `others`, both in their own words."""
    words = (own, others) if member is story.hbd else (others, own)
    await story.settled(*words, within=MOVED_WITHIN)


# --- starts ---------------------------------------------------------------------------------------


@pytest.mark.cells(SHORT)
async def test_both_start_at_once(blank: Story) -> None:
    """Goal: each takes its own groups. Method: start both daemons at once (ladder 9.1)."""
    await blank.start_both()
    await blank.at_rest()


@pytest.mark.cells(SHORT)
async def test_heartbeat_joins_hbd(blank: Story) -> None:
    """Goal: hbd serves alone, then gives back. Method: heartbeat starts later (9.2)."""
    await _joins(blank, blank.hbd)


async def test_hbd_joins_heartbeat(blank: Story) -> None:
    """Goal: the same the other way round. Method: hbd starts later (9.2)."""
    await _joins(blank, blank.heartbeat)


async def test_without_failback_a_returning_heartbeat_gets_nothing(blank: Story) -> None:
    """Goal: hbd keeps what it holds. Method: `auto_failback off`, then move by hand."""
    await _joins_without_failback(blank, blank.hbd)


@pytest.mark.cells(SHORT)
async def test_without_failback_a_returning_hbd_gets_nothing(blank: Story) -> None:
    """Goal: heartbeat keeps what it holds. Method: `auto_failback off`, then move by hand."""
    await _joins_without_failback(blank, blank.heartbeat)


async def test_legacy_heartbeat_reclaims_its_groups(blank: Story) -> None:
    """Goal: ip-request and its answer (9.8). Method: heartbeat joins in legacy mode."""
    await _joins_in_legacy_mode(blank, blank.hbd)


async def test_legacy_hbd_reclaims_its_groups(blank: Story) -> None:
    """Goal: ip-request and its answer (9.8). Method: hbd joins in legacy mode."""
    await _joins_in_legacy_mode(blank, blank.heartbeat)


# --- moves by hand --------------------------------------------------------------------------------


@pytest.mark.cells(SHORT)
async def test_hb_standby_on_hbd_with_every_scope(story: Story) -> None:
    """Goal: hbd gives, heartbeat takes (9.3). Method: every scope, from rest and from the move."""
    await _gives(story, story.hbd)


@pytest.mark.cells(SHORT)
async def test_hb_standby_on_heartbeat_with_every_scope(story: Story) -> None:
    """Goal: heartbeat gives, hbd takes (9.3). Method: the same with the roles changed."""
    await _gives(story, story.heartbeat)


@pytest.mark.cells(SHORT)
async def test_hb_takeover_on_hbd_with_every_scope(story: Story) -> None:
    """Goal: hbd asks, heartbeat gives (9.4). Method: every scope, from rest and from the move."""
    await _fetches(story, story.hbd)


@pytest.mark.cells(SHORT)
async def test_hb_takeover_on_heartbeat_with_every_scope(story: Story) -> None:
    """Goal: heartbeat asks, hbd gives (9.4). Method: the same with the roles changed."""
    await _fetches(story, story.heartbeat)


# --- ends -----------------------------------------------------------------------------------------


@pytest.mark.cells(SHORT)
async def test_hbds_machine_loses_power(story: Story) -> None:
    """Goal: heartbeat takes over after deadtime, and gives back (9.7). Method: cut the power."""
    await _loses_power(story, story.hbd)


@pytest.mark.cells(SHORT)
async def test_heartbeats_machine_loses_power(story: Story) -> None:
    """Goal: hbd takes over after deadtime, and gives back (9.7). Method: cut the power."""
    await _loses_power(story, story.heartbeat)


async def test_both_stop_at_once(story: Story) -> None:
    """Goal: two that leave together come to their end, and nobody holds anything."""
    story.expects(*PEER_LEAVES, DELAYED)
    await _stop_both(story)
    await story.held_as(set())


async def test_both_stop_one_after_the_other(story: Story) -> None:
    """Goal: who is last gives up everything, too. Method: stop hbd, then heartbeat."""
    story.expects(*PEER_LEAVES)
    await story.hbd.stop()
    await story.alone(story.heartbeat)
    await story.heartbeat.stop()
    await story.held_as(set())


@pytest.mark.cells(SHORT)
async def test_who_is_stopped_while_starting_holds_nothing(blank: Story) -> None:
    """Goal: a start that is called off leaves nothing. Method: stop both before they are settled.

    heartbeat waits 10 s for what its peer may hold; both are told to stop within that time.
    """
    blank.expects(*PEER_LEAVES, DELAYED)
    await blank.start_both()
    for member in blank.pair.members:
        await member.until(blank.other(member).name, View(own=ACTIVE))
    await _stop_both(blank)
    await blank.held_as(set())


async def test_a_group_that_hbd_cannot_start_is_not_on_both(blank: Story) -> None:
    """Goal: a start failure at hbd harms nobody (9.9). Method: its script refuses to start."""
    await _fails_to_start(blank, blank.hbd)


async def test_a_group_that_heartbeat_cannot_start_is_not_on_both(blank: Story) -> None:
    """Goal: heartbeat's exchange after a start failure (9.9) is answered. Method: the same."""
    await _fails_to_start(blank, blank.heartbeat)


async def _joins(story: Story, first: Member) -> None:
    story.expects(*PEER_LEAVES)
    later = story.other(first)
    await first.start()
    await story.alone(first)
    await later.start()
    await story.at_rest()


async def _joins_without_failback(story: Story, first: Member) -> None:
    story.expects(*PEER_LEAVES)
    await story.blank(failback=Failback.OFF)
    later = story.other(first)
    await first.start()
    await story.alone(first)
    await later.start()
    await hold(story, later, NONE, ALL)
    await later.takeover(LOCAL)
    await story.at_rest()
    await story.blank()  # the next story has auto_failback on


async def _joins_in_legacy_mode(story: Story, first: Member) -> None:
    """What a heartbeat alone does with its own groups is its own affair.

    It may lose its message to itself, or an answer, and has no second try: only the groups of the
    one that joins are looked at.
    """
    story.expects(*PEER_LEAVES, *LEGACY)
    await story.blank(failback=Failback.LEGACY)
    later = story.other(first)
    group = story.own_group(later)

    async def is_on(member: Member) -> None:
        await story.until(
            lambda: story.holders(group) == [member.name], f"{group} is on {member}", DEAD_WITHIN
        )

    await first.start()
    await is_on(first)
    await later.start()
    await is_on(later)
    await later.stop()
    await is_on(first)
    await later.start()
    await is_on(later)
    await story.blank()


async def _gives(story: Story, giver: Member) -> None:
    taker = story.other(giver)
    await giver.standby(ALL)
    await hold(story, giver, NONE, ALL)
    await taker.standby(FOREIGN)
    await story.at_rest(within=MOVED_WITHIN)
    await giver.standby(LOCAL)
    await hold(story, giver, NONE, ALL)
    await taker.standby(LOCAL)
    await hold(story, giver, FOREIGN, FOREIGN)  # each has the other one's groups
    await giver.standby(FOREIGN)
    await hold(story, giver, NONE, ALL)
    await taker.standby(FAILBACK)
    await story.at_rest(within=MOVED_WITHIN)


async def _fetches(story: Story, asker: Member) -> None:
    other = story.other(asker)
    await asker.takeover(ALL)
    await hold(story, asker, ALL, NONE)
    await other.takeover(LOCAL)
    await story.at_rest(within=MOVED_WITHIN)
    await asker.takeover(FOREIGN)
    await hold(story, asker, ALL, NONE)
    await other.takeover(FAILBACK)
    if asker.kind is other.kind is Kind.HEARTBEAT:  # which takes it for `all`; hbd does as it says
        await hold(story, asker, NONE, ALL)
        await asker.takeover(LOCAL)
    await story.at_rest(within=MOVED_WITHIN)


async def _loses_power(story: Story, member: Member) -> None:
    story.expects(*PEER_LEAVES)
    await story.pair.power_off(member)
    await story.alone(story.other(member), within=DEAD_WITHIN)
    await story.pair.power_on(member)
    await member.start()
    await story.at_rest()


async def _stop_both(story: Story) -> None:
    for member in story.pair.members:
        await member.node.run(["systemctl", "stop", "--no-block", member.kind])
    for member in story.pair.members:
        await member.stop()


async def _fails_to_start(story: Story, member: Member) -> None:
    story.expects(*PEER_LEAVES, r"Return code 1 from|ResourceManager|CRIT: Giving up")
    group, other = story.own_group(member), story.other(member)
    member.refuse(group)
    await story.start_both()
    wanted = {(other.name, story.own_group(other))}
    if member.kind is Kind.HBD:
        wanted.add((other.name, group))  # hbd sends away what it cannot start
    else:  # and heartbeat asks, 30 s later, for the wrong exchange: nobody has the group
        await story.until(
            lambda: bool(story.tap.sent(member.name, story.began, "ask_resources")),
            "an exchange is asked for",
            GIVES_UP_WITHIN,
        )
    await story.held_as(wanted, within=MOVED_WITHIN)
