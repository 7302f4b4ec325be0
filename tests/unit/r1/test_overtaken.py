"""Words that come late: a newer one has said otherwise meanwhile."""

from __future__ import annotations

from hbd.cluster.terms import GroupName
from hbd.r1.translator import Heard
from hbd.wire import message
from hbd.wire.message import Exchange, Hold, Message
from hbd.wire.session import Received, Verdict
from tests.unit.r1.replayed import Replayed
from tests.unit.wire.captures import ALPHA, BETA, load

ONE, TWO = GroupName("Dummy1::argone"), GroupName("Dummy2")


def told(replayed: Replayed, number: int, words: Message) -> None:
    """The peer's message of that number arrives now, whatever came before it."""
    numbered = Message((*words.fields, message.text_field("seq", f"{number:x}")))
    received = Received(Verdict.LATE, numbered, replayed.node.peer.generation)
    event = replayed.translator.hear(Heard(replayed.node.links[0].name, received), replayed.now)
    if event is not None:
        replayed.post(event)


def giving(replayed: Replayed) -> None:
    """Both serve their own; then the peer offers its group, and has agreed to release it."""
    replayed.until(30)
    assert replayed.running == {TWO}
    told(replayed, 0x100, message.ask_resources(Hold.LOCAL, Exchange.ME))
    told(replayed, 0x101, message.resource(Hold.NONE, is_stable=False, info="standby"))


def test_the_release_of_what_was_taken_back_is_void() -> None:
    """Goal: never two servers. Method: `done` is repeated after its sender thought us dead.

    It has claimed everything since, in a word that came first.
    """
    replayed = Replayed(load("ucast-sha1-2groups"), BETA, {ONE: ALPHA, TWO: BETA}, begins=17.1)
    giving(replayed)
    told(replayed, 0x103, message.resource(Hold.ALL, is_stable=True, info="req_our_resources()"))
    told(replayed, 0x102, message.ask_resources(Hold.LOCAL, Exchange.DONE))
    replayed.until(32)
    assert ONE not in replayed.running


def test_a_late_release_counts_if_nothing_was_claimed_since() -> None:
    """Goal: loss costs only time. Method: `done` arrives after a claim that was older."""
    replayed = Replayed(load("ucast-sha1-2groups"), BETA, {ONE: ALPHA, TWO: BETA}, begins=17.1)
    giving(replayed)
    told(replayed, 0x0FF, message.resource(Hold.LOCAL, is_stable=True))
    told(replayed, 0x102, message.ask_resources(Hold.LOCAL, Exchange.DONE))
    replayed.until(32)
    assert replayed.running == {ONE, TWO}
