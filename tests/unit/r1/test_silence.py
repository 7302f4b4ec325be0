"""When hbd owes a heartbeat a word, and when it must not say one."""

from __future__ import annotations

from dataclasses import replace

from hbd.cluster.action import Announce, SendHeartbeat
from hbd.cluster.node import Node, report_of
from hbd.cluster.terms import GroupName, GroupState, Phase
from hbd.link.speech import Speech
from hbd.r1.negotiation import Negotiation
from hbd.r1.translator import Translator
from hbd.wire.message import Hold, Message, MessageType
from tests.unit.r1.replayed import Replayed
from tests.unit.wire.captures import ALPHA, BETA, load

ONE, TWO = GroupName("Dummy1::argone"), GroupName("Dummy2")
AT_REST = 30.0  # s of the capture: both are active and hold their own


def at_rest() -> Replayed:
    """BETA's place in a captured pair, at rest."""
    replayed = Replayed(load("ucast-sha1-2groups"), BETA, {ONE: ALPHA, TWO: BETA}, begins=17.1)
    replayed.until(AT_REST)
    return replayed


def said_by(node: Node, replayed: Replayed) -> list[MessageType | None]:
    """What a node says that knows its peer and owes it a word."""
    negotiation = Negotiation()
    negotiation._is_acquainted = negotiation._owes_word = True
    words: tuple[Message, ...] = negotiation.heed(node, replayed.now)
    return [word.known_type for word in words]


def test_a_node_that_is_at_rest_answers() -> None:
    """Goal: the other two are silent for their reason. Method: the same without it."""
    replayed = at_rest()
    assert said_by(replayed.node, replayed) == [MessageType.RESOURCE]


def test_a_node_that_has_left_says_once_that_it_is_at_rest() -> None:
    """Goal: heartbeat's own stop comes to its end. Method: a word is owed after `shutdone`.

    A `resource isstable=0` from who has left makes heartbeat wait for the rest of an exchange, and
    one that was told to stop does not learn from `shutdone` that it is over.
    """
    replayed = at_rest()
    negotiation = Negotiation()
    negotiation._is_acquainted = True
    leaving = replace(replayed.node, phase=Phase.LEAVING)
    left = replace(leaving, phase=Phase.LEFT)
    nodes = [replace(leaving, goodbyes=number) for number in (1, 2, 2)]
    negotiation._owes_word = False
    words = [negotiation.heed(node, replayed.now) for node in (*nodes, left)]
    assert [len(each) for each in words] == [0, 1, 0, 0]
    assert (words[1][0].hold, words[1][0].is_stable) == (Hold.NONE, True)
    negotiation._owes_word = True  # `starting` of who has just come
    assert len(negotiation.heed(nodes[0], replayed.now)) == 1


def test_nothing_is_claimed_before_it_was_looked_at() -> None:
    """Goal: no false alarm of two owners. Method: one group whose state is not known yet."""
    replayed = at_rest()
    first, *others = replayed.node.groups
    unknown = replace(first, state=GroupState.UNKNOWN)
    node = replace(replayed.node, phase=Phase.STARTING, groups=(unknown, *others))
    assert said_by(node, replayed) == []


def test_nothing_is_announced_to_who_was_not_heard_yet() -> None:
    """Goal: a heartbeat hears of groups in the negotiation only. Method: a node that knows nobody.

    Its heartbeat goes out all the same: somebody has to begin.
    """
    node = at_rest().node
    translator = Translator(node)
    natively = Speech(node.name, {group.name: group.preferred for group in node.groups}).message
    assert translator.message(Announce(report_of(node)), natively) is None
    status = translator.message(SendHeartbeat(report_of(node)), natively)
    assert status is not None
    assert status.known_type is MessageType.STATUS
