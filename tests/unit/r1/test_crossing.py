"""Words that cross each other: two commands of operators before the first has come to its end."""

from __future__ import annotations

import pytest

from hbd.cluster.event import StandbyRequested
from hbd.cluster.terms import GroupName, JobId, Scope
from hbd.r1.exchange import GIVE_WAY_LIMIT
from hbd.r1.translator import Heard
from hbd.wire import message
from hbd.wire.message import Exchange, Hold, Message
from hbd.wire.session import Received, Verdict
from tests.unit.r1.replayed import Replayed
from tests.unit.wire.captures import ALPHA, BETA, load

ONE, TWO = GroupName("Dummy1::argone"), GroupName("Dummy2")
LATER = 1 + GIVE_WAY_LIMIT / 1_000_000  # s


@pytest.fixture
def replayed() -> Replayed:
    """BETA's place in a captured pair, at rest: each serves its own."""
    pair = Replayed(load("ucast-sha1-2groups"), BETA, {ONE: ALPHA, TWO: BETA}, begins=17.1)
    pair.until(30)
    assert pair.running == {TWO}
    pair.said.clear()
    pair.ends_here(lives_on=60)
    return pair


def hear(replayed: Replayed, number: int, *words: Message) -> None:
    """The peer's messages arrive one after another, numbered from `number` on."""
    for position, each in enumerate(words):
        numbered = Message((*each.fields, message.text_field("seq", f"{number + position:x}")))
        received = Received(Verdict.NEW, numbered, replayed.node.peer.generation)
        event = replayed.translator.hear(Heard(replayed.node.links[0].name, received), replayed.now)
        if event is not None:
            replayed.post(event)


def step(hold: Hold, word: Exchange) -> Message:
    """A step of a hand-over."""
    return message.ask_resources(hold, word)


def agreed(replayed: Replayed) -> list[Hold | None]:
    """What this node has agreed to take, in the giver's words."""
    return [each.hold for each in replayed.said if each.exchange is Exchange.OTHER]


STANDBY = message.resource(Hold.NONE, is_stable=False, info="standby")


def test_of_two_offers_the_first_one_counts(replayed: Replayed) -> None:
    """Goal: the same one as at heartbeat, which refuses the second. Method: two in one moment."""
    hear(replayed, 0x100, step(Hold.FOREIGN, Exchange.ME), step(Hold.LOCAL, Exchange.ME))
    assert agreed(replayed) == [Hold.FOREIGN]


def test_what_was_not_released_is_not_started(replayed: Replayed) -> None:
    """Goal: never two servers. Method: two offers in one moment, and the end of the first.

    It is heartbeat's group that the second one offers, and that heartbeat goes on serving.
    """
    hear(
        replayed,
        0x100,
        step(Hold.FOREIGN, Exchange.ME),
        step(Hold.LOCAL, Exchange.ME),
        message.resource(Hold.LOCAL, is_stable=False, info="standby"),
        step(Hold.FOREIGN, Exchange.DONE),
    )
    replayed.until(32)
    assert replayed.running == {TWO}


def test_the_end_of_the_hand_over_before_is_none(replayed: Replayed) -> None:
    """Goal: never two servers. Method: an older `done` of the same words follows the offer."""
    hear(replayed, 0x100, step(Hold.LOCAL, Exchange.ME))
    hear(replayed, 0x0F0, step(Hold.LOCAL, Exchange.DONE))
    replayed.until(32)
    assert replayed.running == {TWO}


def test_what_is_released_is_taken_whatever_was_offered_in_between(replayed: Replayed) -> None:
    """Goal: no group is nobody's. Method: the first of two offers arrives after the second."""
    hear(replayed, 0x101, step(Hold.FOREIGN, Exchange.ME))
    hear(replayed, 0x100, step(Hold.LOCAL, Exchange.ME))
    hear(replayed, 0x102, STANDBY, step(Hold.LOCAL, Exchange.DONE))
    replayed.until(32)
    assert replayed.running == {ONE, TWO}


def test_an_offer_that_its_giver_has_refused_itself_is_forgotten(replayed: Replayed) -> None:
    """Goal: no waiting for what will not come. Method: `me`, and no word of giving way after it.

    Our own operator's command is then followed.
    """
    hear(replayed, 0x100, step(Hold.LOCAL, Exchange.ME))
    replayed.until(30 + LATER)
    assert begins(replayed)


def test_an_older_word_of_giving_way_is_none(replayed: Replayed) -> None:
    """Goal: as before. Method: a late one, of the hand-over before, follows the offer."""
    hear(replayed, 0x100, step(Hold.LOCAL, Exchange.ME))
    hear(replayed, 0x0F0, STANDBY)
    hear(replayed, 0x101, message.resource(Hold.LOCAL, is_stable=True))
    replayed.until(30 + LATER)
    assert begins(replayed)


def begins(replayed: Replayed) -> bool:
    """Whether this node offers its group at its operator's word."""
    replayed.post(StandbyRequested(JobId(1), Scope.LOCAL))
    return any(each.exchange is Exchange.ME for each in replayed.said)


def test_a_giver_that_gives_way_has_all_the_time_it_needs(replayed: Replayed) -> None:
    """Goal: a slow unmount is no refusal. Method: it gives way, and is done much later."""
    hear(replayed, 0x100, step(Hold.LOCAL, Exchange.ME), STANDBY)
    replayed.until(30 + LATER)
    hear(replayed, 0x110, step(Hold.LOCAL, Exchange.DONE))
    replayed.until(32 + LATER)
    assert ONE in replayed.running


def test_what_the_peer_asks_for_while_it_gives_waits_for_the_end(replayed: Replayed) -> None:
    """Goal: what comes is started, and then goes back. Method: hb_takeover between the steps."""
    hear(replayed, 0x100, step(Hold.LOCAL, Exchange.ME), STANDBY, message.hb_takeover(Hold.ALL))
    hear(replayed, 0x103, step(Hold.LOCAL, Exchange.DONE))
    replayed.until(31)
    assert replayed.running == {ONE, TWO}
    hear(replayed, 0x104, message.resource(Hold.NONE, is_stable=True))
    asked = [each.hold for each in replayed.said if each.exchange is Exchange.ME]
    assert asked == [Hold.ALL]
