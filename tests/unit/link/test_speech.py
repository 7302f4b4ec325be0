"""The core's words as heartbeat's messages, and back: what one node means the other hears."""

from __future__ import annotations

import pytest

from hbd.cluster.action import Announce, SayGoodbye, SendHeartbeat
from hbd.cluster.event import GoodbyeHeard, HeartbeatHeard, LinkHeard
from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.cluster.terms import (
    MILLISECOND,
    SECOND,
    Epoch,
    Generation,
    GroupName,
    GroupReport,
    GroupState,
    Instant,
    LinkName,
    NodeName,
    Phase,
    Report,
    Usec,
)
from hbd.link.speech import Speech, event_of
from hbd.wire.message import Message, MessageType
from hbd.wire.session import Outgoing, Received, Session, Verdict

HERE, THERE = NodeName("ttisrv1"), NodeName("ttisrv2")
DISK, MAIL = GroupName("disk"), GroupName("mail")
ETHERNET, SERIAL = LinkName("eth1"), LinkName("/dev/ttyS0")
NOW, UNIX_TIME = Instant(1_000 * SECOND), 1_700_000_000
SPEECH = Speech(HERE, {DISK: HERE, MAIL: THERE})


def report(*groups: tuple[GroupName, NodeName, GroupState], phase: Phase = Phase.ACTIVE) -> Report:
    """What a node would tell."""
    words = tuple(GroupReport(name, Epoch(3), owner, state) for name, owner, state in groups)
    return Report(phase, Usec(5 * SECOND), words, heard=Generation(4))


class Wire:
    """Two sessions and the way between them."""

    def __init__(self) -> None:
        self._here, self._there = self._session(HERE, THERE), self._session(THERE, HERE)

    def _session(self, node: NodeName, peer: NodeName) -> Session:
        return Session(
            node=node,
            peer=peer,
            uuid=node.encode().ljust(16, b"."),
            keyring=Keyring((Key(1, AuthMethod.SHA1, b"secret"),), 1),
            generation=Generation(7),
            ttl=3,
            max_rexmit_delay_usec=Usec(250 * MILLISECOND),
            seed=1,
        )

    def says(self, action: SendHeartbeat | Announce | SayGoodbye) -> Outgoing:
        """What this node sends for an action."""
        message = SPEECH.message(action)
        load = "0.00 0.00 0.00 1/1 1"
        return self._here.send(message, now=NOW, unix_time=UNIX_TIME, load_average=load)

    def hears(self, data: bytes, link: LinkName = ETHERNET) -> Received:
        """What the other node makes of it."""
        return self._there.receive(link, data, NOW, UNIX_TIME)


def text(message: Message, name: str) -> str | None:
    """One field of a message, as heartbeat would read it."""
    value = message.value(name)
    return None if value is None else value.decode()


# --- out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "state"),
    [(Phase.STARTING, "up"), (Phase.ACTIVE, "active"), (Phase.LEAVING, "active")],
)
def test_a_heartbeat_is_a_status_in_heartbeats_words(phase: Phase, state: str) -> None:
    """Goal: an old node understands whether we are there. Method: type, `st` and `dt`."""
    message = SPEECH.message(SendHeartbeat(report(phase=phase)))
    assert message.known_type is MessageType.STATUS
    assert text(message, "st") == state
    assert text(message, "dt") == f"{5000:x}"


@pytest.mark.parametrize(
    ("groups", "held"),
    [
        ((), "none"),
        (((DISK, HERE, GroupState.STARTED),), "local"),
        (((MAIL, HERE, GroupState.STARTED),), "foreign"),
        (((DISK, HERE, GroupState.STARTED), (MAIL, HERE, GroupState.STARTED)), "all"),
        (((DISK, HERE, GroupState.STARTED), (MAIL, THERE, GroupState.STOPPED)), "local"),
        (((DISK, HERE, GroupState.STOPPED),), "none"),
        (((DISK, HERE, GroupState.START_FAILED),), "none"),
        (((DISK, HERE, GroupState.STOP_FAILED),), "local"),
        (((DISK, THERE, GroupState.STOPPING),), "none"),
    ],
)
def test_news_say_what_is_held_in_heartbeats_words(
    groups: tuple[tuple[GroupName, NodeName, GroupState], ...], held: str
) -> None:
    """Goal: `rsc_hold` means what it meant. Method: owned and held here, by preferred node."""
    message = SPEECH.message(Announce(report(*groups)))
    assert message.known_type is MessageType.RESOURCE
    assert text(message, "rsc_hold") == held


@pytest.mark.parametrize("state", GroupState)
def test_news_are_stable_when_nothing_moves(state: GroupState) -> None:
    """Goal: `isstable` means what it meant. Method: every state of one group."""
    settled = (GroupState.STOPPED, GroupState.STARTED, GroupState.START_FAILED)
    message = SPEECH.message(Announce(report((DISK, HERE, state))))
    assert text(message, "isstable") == ("1" if state in settled else "0")


def test_a_goodbye_is_heartbeats_shutdone() -> None:
    """Goal: an old node understands that we are gone. Method: the type."""
    message = SPEECH.message(SayGoodbye(report()))
    assert message.known_type is MessageType.SHUTDONE


# --- and in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [SendHeartbeat, Announce, SayGoodbye])
@pytest.mark.parametrize("is_serial", [False, True])
def test_what_one_node_means_the_other_hears(
    action: type[SendHeartbeat | Announce | SayGoodbye], is_serial: bool
) -> None:
    """Goal: nothing is lost on the way. Method: every kind, in both forms of the wire."""
    wire = Wire()
    meant = report((DISK, HERE, GroupState.STARTED), (MAIL, THERE, GroupState.STOPPED))
    wire.hears(wire.says(SendHeartbeat(report())).netstring)  # a life begins with a status
    outgoing = wire.says(action(meant))
    event = event_of(SERIAL, wire.hears(outgoing.classic if is_serial else outgoing.netstring))
    kind = GoodbyeHeard if action is SayGoodbye else HeartbeatHeard
    assert event == kind(SERIAL, Generation(7), 2, meant)


def test_a_repetition_on_a_second_link_proves_that_link_only() -> None:
    """Goal: each message is news once. Method: the same bytes on two links, and once more."""
    wire = Wire()
    outgoing = wire.says(SendHeartbeat(report()))
    assert isinstance(event_of(ETHERNET, wire.hears(outgoing.netstring)), HeartbeatHeard)
    second = wire.hears(outgoing.classic, SERIAL)
    assert event_of(SERIAL, second) == LinkHeard(SERIAL)
    third = wire.hears(outgoing.classic, SERIAL)
    assert event_of(SERIAL, third) is None, "a replay proves nothing"


def test_an_older_message_that_comes_late_is_no_news() -> None:
    """Goal: no old word undoes a new one. Method: two messages, overtaken on the way."""
    wire = Wire()
    wire.hears(wire.says(SendHeartbeat(report())).netstring)
    slow, quick = wire.says(Announce(report())), wire.says(Announce(report()))
    assert isinstance(event_of(ETHERNET, wire.hears(quick.netstring)), HeartbeatHeard)
    late = event_of(ETHERNET, wire.hears(slow.netstring))
    assert not isinstance(late, HeartbeatHeard)


@pytest.mark.parametrize("verdict", Verdict)
def test_what_carries_no_report_moves_nothing(verdict: Verdict) -> None:
    """Goal: only a report is news. Method: every verdict, with and without a link proven."""
    assert event_of(ETHERNET, Received(verdict)) is None
    proven = Received(verdict, refreshes_link=True)
    assert event_of(ETHERNET, proven) == LinkHeard(ETHERNET)
