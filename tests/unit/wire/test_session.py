"""A session and its peer: what is answered, what is refused, and that refusals change nothing."""

from __future__ import annotations

import copy
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.cluster.terms import (
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
from hbd.errors import CodecError
from hbd.wire import codec, netstring
from hbd.wire.message import (
    BINARY,
    MAX_MESSAGE_BYTES,
    TEXT,
    Exchange,
    Field,
    Hold,
    Message,
    NodeState,
    ask_resources,
    hb_takeover,
    ns_nak_rexmit,
    reqnodes,
    resource,
    shutdone,
    starting,
    status,
)
from hbd.wire.reason import Reason
from hbd.wire.session import Kind, Outgoing, Received, Session, Verdict

ALPHA, BETA = NodeName("alpha"), NodeName("beta")
ETH, TTY = LinkName("eth1"), LinkName("/dev/ttyS0")
UUIDS = {ALPHA: b"A" * 16, BETA: b"B" * 16}
OLD, NEW = Key(1, AuthMethod.SHA1, b"old"), Key(2, AuthMethod.SHA256, b"new")
KEYRING = Keyring((OLD, NEW), selected=2)
UNIX_TIME = 1_700_000_000
LOAD = "0.00 0.01 0.05 1/138 97\n"
REPORT = Report(
    Phase.ACTIVE,
    Usec(5 * SECOND),
    (GroupReport(GroupName("192.168.0.100"), Epoch(3), ALPHA, GroupState.STARTED),),
)


def make_session(
    node: NodeName, *, generation: int = 100, keyring: Keyring = KEYRING, seed: int = 1
) -> Session:
    return Session(
        node=node,
        peer=BETA if node == ALPHA else ALPHA,
        uuid=UUIDS[node],
        keyring=keyring,
        generation=Generation(generation),
        ttl=3,
        max_rexmit_delay_usec=Usec(250_000),
        seed=seed,
    )


def said(session: Session, message: Message, now: int = 0) -> Outgoing:
    return session.send(message, now=Instant(now), unix_time=UNIX_TIME, load_average=LOAD)


def heard(session: Session, data: bytes, now: int = 0, link: LinkName = ETH) -> Received:
    return session.receive(link, data, Instant(now), UNIX_TIME)


def heartbeat(report: Report | None = REPORT) -> Message:
    return status(NodeState.ACTIVE, deadtime_usec=Usec(5 * SECOND), report=report)


@pytest.fixture
def alpha() -> Session:
    return make_session(ALPHA)


@pytest.fixture
def beta() -> Session:
    return make_session(BETA)


def forged(**changes: bytes | None) -> bytes:
    """A datagram that is signed with the real key; fields of a good status, some changed."""
    values = {
        "t": b"status",
        "st": b"active",
        "dt": b"1388",
        "src": b"alpha",
        "srcuuid": UUIDS[ALPHA],
        "seq": b"1",
        "hg": b"64",
        "ts": b"6b02e061",
        **changes,
    }
    fields = tuple(
        Field(BINARY if name.endswith("uuid") else TEXT, name, value)
        for name, value in values.items()
        if value is not None
    )
    return netstring.encode(Message(fields), OLD)


def of_another_kind(name: str, kind: int, value: bytes) -> bytes:
    """A good status, signed, with one more field of a kind that it never has."""
    good = codec.decode(forged(seq=b"8", **{name: None}), KEYRING)
    return netstring.encode(good.extended((Field(kind, name, value),)), OLD)


def state_of(session: Session) -> dict[str, object]:
    """All that a session is, but for its counters of refusals."""
    return copy.deepcopy({name: v for name, v in vars(session).items() if name != "rejected"})


def test_a_heartbeat_arrives_in_either_form_with_its_report(alpha: Session, beta: Session) -> None:
    """Goal: the normal case. Method: one status on UDP, its copy on serial."""
    sent = said(alpha, heartbeat())
    assert (sent.kind, sent.supersedes) == (Kind.STATUS, True)
    first = heard(beta, sent.netstring)
    assert first.verdict is Verdict.NEW
    assert first.report == REPORT
    assert first.generation == 100
    assert first.refreshes_link
    assert not first.restarted
    copied = heard(beta, sent.classic, link=TTY)
    assert (copied.verdict, copied.report) == (Verdict.DUPLICATE, None)
    assert copied.refreshes_link
    assert first.message == copied.message


@pytest.mark.parametrize(
    "message",
    [
        heartbeat(),
        status(NodeState.INIT, deadtime_usec=Usec(7 * SECOND)),
        starting(report=REPORT),
        resource(Hold.LOCAL, is_stable=True, report=REPORT),
        resource(Hold.NONE, is_stable=False, info="shutdown"),
        ask_resources(Hold.FOREIGN, Exchange.ME),
        hb_takeover(Hold.FAILBACK),
        shutdone(report=REPORT),
        reqnodes(BETA),
    ],
)
def test_what_is_said_is_read_as_it_was_meant(
    alpha: Session, beta: Session, message: Message
) -> None:
    """Goal: constructors and accessors agree. Method: every type there and back."""
    heard(beta, said(alpha, heartbeat(None)).netstring)
    sent = said(alpha, message)
    assert sent.supersedes == (message.type == "status")
    received = heard(beta, sent.netstring)
    assert received.verdict is Verdict.NEW
    assert received.message is not None
    assert received.message.fields[: len(message.fields)] == message.fields
    assert received.report == message.report
    for name in ("type", "state", "deadtime_usec", "hold", "is_stable", "is_full"):
        assert getattr(received.message, name) == getattr(message, name)


REJECTIONS = [
    (b"", Reason.TRUNCATED),
    (b"\0" * 50, Reason.GARBAGE),
    (b"no message at all", Reason.GARBAGE),
    (b"###\n" + b"9" * MAX_MESSAGE_BYTES, Reason.OVERSIZED),
    (forged()[:-1], Reason.TRUNCATED),
    (forged()[:100], Reason.TRUNCATED),
    (forged().replace(b"active", b"passiv"), Reason.BAD_SIGNATURE),
    (codec.encode(heartbeat(), Key(3, AuthMethod.CRC, b"")).netstring, Reason.NO_KEY),
    (codec.encode(heartbeat(), Key(1, AuthMethod.CRC, b"")).netstring, Reason.BAD_SIGNATURE),
    (codec.encode(heartbeat(), Key(1, AuthMethod.SHA1, b"x")).classic, Reason.BAD_SIGNATURE),
    (forged(t=None), Reason.MISSING_FIELD),
    (forged(src=None), Reason.MISSING_FIELD),
    (forged(ts=None), Reason.MISSING_FIELD),
    (forged(ts=b"0"), Reason.MISSING_FIELD),
    (forged(seq=None), Reason.MISSING_FIELD),
    (forged(st=None), Reason.MISSING_FIELD),
    (forged(seq=b"0"), Reason.BAD_FIELD),
    (forged(seq=b"-1"), Reason.BAD_FIELD),
    (forged(seq=b"0x1"), Reason.BAD_FIELD),
    (forged(seq=b"1_0"), Reason.BAD_FIELD),
    (forged(seq=b" 1"), Reason.BAD_FIELD),
    (forged(seq=b""), Reason.BAD_FIELD),
    (forged(seq=b"1" * 17), Reason.BAD_FIELD),
    (forged(hg=b"g"), Reason.BAD_FIELD),
    (forged(ts=b"now"), Reason.BAD_FIELD),
    (forged(dt=b"0"), Reason.BAD_FIELD),
    (forged(st=b"sleeping"), Reason.BAD_FIELD),
    (forged(srcuuid=b"short"), Reason.BAD_FIELD),
    (forged(destuuid=b"short"), Reason.BAD_FIELD),
    (forged(hbdrep=b"nonsense"), Reason.BAD_REPORT),
    (forged(t=b"resource", rsc_hold=b"everything"), Reason.BAD_FIELD),
    (forged(t=b"resource"), Reason.MISSING_FIELD),
    (forged(t=b"resource", rsc_hold=b"all", isstable=b"2"), Reason.BAD_FIELD),
    (forged(t=b"ask_resources", rsc_hold=b"all", info=b"they"), Reason.BAD_FIELD),
    (forged(t=b"NS_ackmsg", seq=None), Reason.MISSING_FIELD),
    (forged(t=b"NS_ackmsg", seq=None, ackseq=b"0"), Reason.BAD_FIELD),
    (forged(t=b"NS_rexmit", seq=None, firstseq=b"a", lastseq=b"b"), Reason.BAD_FIELD),
    (forged(t=b"NS_rexmit", seq=None, firstseq=b"5", lastseq=b"4"), Reason.BAD_FIELD),
    (of_another_kind("dest", BINARY, b"\xff"), Reason.BAD_FIELD),
    (of_another_kind("info", BINARY, b"\xff"), Reason.BAD_FIELD),
    (of_another_kind("src", BINARY, b"alpha"), Reason.BAD_FIELD),
    (of_another_kind("protocol", BINARY, b"1"), Reason.BAD_FIELD),
    (of_another_kind("srcuuid", TEXT, b"A" * 16), Reason.BAD_FIELD),
    (forged(src=b"gamma"), Reason.UNKNOWN_NODE),
    (forged(srcuuid=UUIDS[BETA]), Reason.SAME_UUID),
    (forged(src=b"beta", srcuuid=b"C" * 16), Reason.SAME_NAME),
    (forged(hg=b"63"), Reason.REPLAYED),
    (forged(hg=None), Reason.REPLAYED),
    (forged(t=b"NS_ackmsg", seq=None, ackseq=b"1", hg=b"63"), Reason.REPLAYED),
]


@pytest.mark.parametrize(("data", "reason"), REJECTIONS)
def test_a_refused_input_changes_nothing_but_its_counter(data: bytes, reason: Reason) -> None:
    """Goal: forged, replayed, truncated, oversized, wrong-key and garbage input is only counted.

    Method: a session in the middle of a conversation; compare all of its state.
    """
    alpha, beta = make_session(ALPHA), make_session(BETA)
    for _ in range(5):
        heard(beta, said(alpha, heartbeat()).netstring)
        said(beta, heartbeat())
    lost = said(alpha, heartbeat())
    heard(beta, said(alpha, heartbeat()).netstring)
    before = state_of(beta)
    for count in (1, 2, 3):
        assert heard(beta, data, now=10 * SECOND) == Received(Verdict.REJECTED)
        assert beta.rejected == {(ETH, reason.value): count}
    assert state_of(beta) == before
    assert heard(beta, lost.netstring).verdict is Verdict.LATE


def test_a_recording_of_an_earlier_life_changes_nothing(alpha: Session, beta: Session) -> None:
    """Goal: a replay attack is only counted. Method: record a life, let it restart, play it."""
    recorded = [said(alpha, heartbeat()) for _ in range(10)]
    recorded.append(said(alpha, shutdone(report=REPORT)))
    for outgoing in recorded:
        heard(beta, outgoing.netstring)
    again = make_session(ALPHA, generation=101)
    assert heard(beta, said(again, heartbeat()).netstring).restarted
    before = state_of(beta)
    for outgoing in recorded:
        assert heard(beta, outgoing.netstring).verdict is Verdict.REJECTED
        assert heard(beta, outgoing.classic, link=TTY).verdict is Verdict.REJECTED
    assert state_of(beta) == before
    assert beta.rejected == {(ETH, "replayed"): 11, (TTY, "replayed"): 11}


@settings(max_examples=200)
@given(st.binary(max_size=300), st.sampled_from([ETH, TTY]))
def test_any_bytes_are_received_without_an_exception(data: bytes, link: LinkName) -> None:
    """Goal: never raises. Method: fuzz, with the reason always one of the closed set."""
    beta = make_session(BETA)
    assert heard(beta, data, link=link).verdict is Verdict.REJECTED
    assert {Reason(reason) for _, reason in beta.rejected}


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(
            re.findall(
                r"\w+", "t st dt src seq hg ts dest firstseq lastseq ackseq rsc_hold info hbdrep"
            )
        ),
        st.sampled_from(
            b"status,NS_rexmit,NS_ackmsg,NS_nak_rexmit,reqnodes,resource,alpha,beta,1,2,64,65,"
            b"ffffffffffffffff,active,all,me,1;a;0;0,,x".split(b",")
        ),
        max_size=10,
    )
)
def test_any_authentic_fields_are_received_without_an_exception(
    changes: dict[str, bytes | None],
) -> None:
    """Goal: a peer gone mad cannot stop us. Method: random words in all known fields."""
    beta = make_session(BETA)
    said(beta, heartbeat())
    heard(beta, forged())
    received = heard(beta, forged(**changes))
    if received.verdict is Verdict.REJECTED:
        assert received == Received(Verdict.REJECTED)
    elif received.message is not None:
        assert (received.message.known_type, received.message.report) is not None
    beta.due(Instant(SECOND), UNIX_TIME)


def test_our_own_broadcast_heard_back_is_ignored(alpha: Session) -> None:
    """Goal: Linux gives a broadcast back to its sender. Method: hear oneself; compare state."""
    sent = said(alpha, heartbeat())
    before = state_of(alpha)
    received = heard(alpha, sent.netstring)
    assert (received.verdict, received.refreshes_link) == (Verdict.OWN, False)
    assert state_of(alpha) == before
    assert not alpha.rejected


def test_our_own_broadcast_heard_late_is_ignored_too(alpha: Session) -> None:
    """Goal: how soon an echo comes decides nothing. Method: the first of twenty, heard back."""
    first, *_ = [said(alpha, heartbeat()) for _ in range(20)]
    assert heard(alpha, first.netstring).verdict is Verdict.OWN
    assert not alpha.rejected


@pytest.mark.parametrize(
    ("dest", "uuid", "verdict"),
    [
        (None, None, Verdict.NEW),
        (b"beta", None, Verdict.NEW),
        (b"BETA", None, Verdict.NEW),
        (b"beta", bytes(16), Verdict.NEW),
        (b"beta", UUIDS[BETA], Verdict.NEW),
        (b"other", UUIDS[BETA], Verdict.NEW),
        (b"beta", b"C" * 16, Verdict.NOT_FOR_US),
        (b"alpha", None, Verdict.NOT_FOR_US),
        (b"alpha", bytes(16), Verdict.NOT_FOR_US),
    ],
)
def test_the_destination_is_read_by_uuid_then_by_name(
    beta: Session, dest: bytes | None, uuid: bytes | None, verdict: Verdict
) -> None:
    """Goal: heartbeat's order. Method: a table; whoever it is for, it counts as heard."""
    received = heard(beta, forged(dest=dest, destuuid=uuid, hbdrep=b"1;a;0;0"))
    assert received.verdict is verdict
    assert received.refreshes_link
    assert (received.report is not None) == (verdict is Verdict.NEW)
    assert heard(beta, forged(seq=b"2")).verdict is Verdict.NEW


def test_an_older_report_is_never_handed_out_after_a_newer_one(
    alpha: Session, beta: Session
) -> None:
    """Goal: a report that arrives late does not turn time back. Method: swap two."""
    first, second, third = (said(alpha, heartbeat()) for _ in range(3))
    assert heard(beta, first.netstring).report is not None
    assert heard(beta, third.netstring).report is not None
    late = heard(beta, second.netstring)
    assert (late.verdict, late.report) == (Verdict.LATE, None)


def test_a_report_of_a_later_version_keeps_its_sender_alive(beta: Session) -> None:
    """Goal: nodes are upgraded one by one. Method: version 2; heard, but with no report."""
    received = heard(beta, forged(hbdrep=b"2;something else"))
    assert (received.verdict, received.report) == (Verdict.NEW, None)
    assert received.refreshes_link


def test_a_real_node_asking_for_the_nodes_is_answered_at_once(
    alpha: Session, beta: Session
) -> None:
    """Goal: without `repnodes` heartbeat stays `up` for ever. Method: ask; read the answer."""
    first = said(beta, heartbeat())
    heard(beta, said(alpha, heartbeat()).netstring)
    asked = heard(beta, said(alpha, reqnodes(BETA)).netstring)
    assert len(asked.replies) >= 1
    answer = codec.decode(asked.replies[-1].netstring, KEYRING)
    assert " ".join(field.name for field in answer.fields) == (
        "dest t nodelist delnodelist destuuid src srcuuid seq hg ts ld ttl"
    )
    assert answer.get("nodelist") == "alpha beta "
    assert answer.get("delnodelist") == " "
    assert answer.get("ld") == LOAD.strip()
    assert answer.value("destuuid") == UUIDS[ALPHA]
    assert answer.sequence == 2
    heard(alpha, first.netstring)
    assert heard(alpha, asked.replies[-1].netstring).verdict is Verdict.NEW


def test_a_link_is_refreshed_once_by_each_message(alpha: Session, beta: Session) -> None:
    """Goal: copies and replays on the same link prove nothing. Method: three times the same."""
    sent = said(alpha, heartbeat())
    assert [heard(beta, sent.netstring).refreshes_link for _ in range(3)] == [True, False, False]


def test_messages_about_messages_refresh_no_link(alpha: Session, beta: Session) -> None:
    """Goal: NS_ messages have no number, so a replay could not be told. Method: every ACK."""
    replies: list[Outgoing] = []
    for _ in range(40):
        replies += heard(beta, said(alpha, heartbeat()).netstring).replies
    assert len(replies) == 4
    assert heard(alpha, said(beta, heartbeat()).netstring).refreshes_link
    for reply in replies:
        received = heard(alpha, reply.netstring)
        assert (received.verdict, received.refreshes_link) == (Verdict.CONTROL, False)
    assert len(alpha._history) < 40


def test_what_is_lost_is_asked_for_and_sent_again_as_it_was(alpha: Session, beta: Session) -> None:
    """Goal: retransmission end to end. Method: lose one of ours; carry the request and answer."""
    heard(alpha, said(beta, heartbeat()).netstring)
    heard(beta, said(alpha, heartbeat()).netstring)
    lost = said(alpha, resource(Hold.LOCAL, is_stable=True, report=REPORT))
    heard(beta, said(alpha, heartbeat()).netstring)
    due = beta.next_due()
    assert due is not None
    assert 50_000 <= due <= 250_000
    assert beta.due(Instant(due - 1), UNIX_TIME) == ()
    (request,) = beta.due(due, UNIX_TIME)
    assert request.kind is Kind.REPAIR
    asked = heard(alpha, request.netstring, now=due)
    assert asked.verdict is Verdict.CONTROL
    (answer,) = asked.replies
    assert (answer.netstring, answer.classic) == (lost.netstring, lost.classic)
    assert (answer.kind, answer.supersedes) == (Kind.REPAIR, False)
    assert heard(alpha, request.classic, now=due, link=TTY).replies == ()
    filled = heard(beta, answer.netstring, now=due)
    assert filled.verdict is Verdict.LATE
    assert filled.message is not None
    assert filled.message.hold is Hold.LOCAL
    assert beta.next_due() is None
    assert beta.missing_count == 0


def test_what_is_gone_is_said_to_be_gone_and_given_up(alpha: Session, beta: Session) -> None:
    """Goal: NAK. Method: a new life of the sender on the same numbers keeps nothing of before."""
    heard(alpha, said(beta, heartbeat()).netstring)
    said(alpha, heartbeat())
    alpha.renew(Generation(101))
    assert alpha.generation == 101
    heard(beta, forged(hg=b"65", seq=b"1"))
    said(alpha, heartbeat())
    heard(beta, said(alpha, heartbeat()).netstring)
    assert beta.missing_count == 1
    due = beta.next_due()
    assert due is not None
    request = beta.due(due, UNIX_TIME)[0]
    alpha.renew(Generation(102))
    (refusal,) = heard(alpha, request.netstring).replies
    message = codec.decode(refusal.netstring, KEYRING)
    assert (message.type, message.hexadecimal("firstseq")) == ("NS_nak_rexmit", 2)


def test_a_nak_ends_the_asking(alpha: Session, beta: Session) -> None:
    """Goal: the receiver gives the number up. Method: a hole, then its NAK."""
    heard(beta, said(alpha, heartbeat()).netstring)
    said(alpha, heartbeat())
    heard(beta, said(alpha, heartbeat()).netstring)
    assert beta.missing_count == 1
    refusal = alpha._control(ns_nak_rexmit(BETA, 2), UNIX_TIME)
    assert heard(beta, refusal.netstring).verdict is Verdict.CONTROL
    assert beta.next_due() is None


def test_control_messages_of_an_unannounced_life_are_ignored(alpha: Session, beta: Session) -> None:
    """Goal: a real node ACKs before its first status; that is no error. Method: state, counter."""
    before = state_of(beta)
    received = heard(beta, alpha._control(ns_nak_rexmit(BETA, 2), UNIX_TIME).netstring)
    assert received.verdict is Verdict.EARLY
    assert state_of(beta) == before
    assert not beta.rejected


def test_a_lost_peer_in_the_same_life_is_healed_and_in_a_new_one_restarted(
    alpha: Session, beta: Session
) -> None:
    """Goal: the caller sees which. Method: lose it twice; it returns in both ways."""
    heard(beta, said(alpha, heartbeat()).netstring)
    beta.peer_lost()
    healed = heard(beta, said(alpha, heartbeat()).netstring)
    assert (healed.healed, healed.restarted) == (True, False)
    beta.peer_lost()
    alpha.renew(Generation(101))
    restarted = heard(beta, said(alpha, heartbeat()).netstring)
    assert (restarted.healed, restarted.restarted) == (False, True)


def test_keys_are_rotated_without_losing_a_message(alpha: Session, beta: Session) -> None:
    """Goal: two keys in the file, changed on one node after the other. Method: at every step
    both directions work, and what is sent again is signed with the key of now.
    """
    only_old, select_old = Keyring((OLD,), 1), Keyring((OLD, NEW), 1)
    select_new, only_new = Keyring((OLD, NEW), 2), Keyring((NEW,), 2)
    steps = [
        (only_old, only_old),
        (select_old, only_old),
        (select_old, select_old),
        (select_new, select_old),
        (select_new, select_new),
        (only_new, select_new),
        (only_new, only_new),
    ]
    for ours, theirs in steps:
        alpha.replace_keyring(ours)
        beta.replace_keyring(theirs)
        assert heard(beta, said(alpha, heartbeat()).netstring).verdict is Verdict.NEW
        assert heard(alpha, said(beta, heartbeat()).classic).verdict is Verdict.NEW
    assert not alpha.rejected
    assert not beta.rejected


def test_a_message_that_cannot_be_encoded_uses_no_number(alpha: Session) -> None:
    """Goal: a mistake of ours makes no hole. Method: impossible text; then the next message."""
    before = state_of(alpha)
    with pytest.raises(CodecError):
        said(alpha, Message((Field(TEXT, "t", b"x"), Field(TEXT, "info", b"\xff"))))
    assert state_of(alpha) == before
    assert codec.decode(said(alpha, heartbeat()).netstring, KEYRING).sequence == 1


@pytest.mark.parametrize("seed", range(8))
def test_over_a_bad_line_every_message_arrives_exactly_once(seed: int) -> None:
    """Goal: the layer keeps its promise. Method: two sessions over two links that lose, repeat and
    reorder, carrying requests and answers too; then the loss stops. The seed is in the test's name.
    """
    chance = random.Random(seed)
    sessions = {ALPHA: make_session(ALPHA, seed=seed), BETA: make_session(BETA, seed=seed + 1)}
    other = {ALPHA: BETA, BETA: ALPHA}
    delivered: dict[NodeName, list[int]] = {ALPHA: [], BETA: []}
    in_flight: list[tuple[int, int, NodeName, LinkName, bytes]] = []

    def carry(sender: NodeName, outgoing: Outgoing, now: int, loss: float) -> None:
        for link, data in ((ETH, outgoing.netstring), (TTY, outgoing.classic)):
            while chance.random() >= loss:
                arrives = now + chance.randrange(100_000)
                in_flight.append((arrives, len(in_flight), other[sender], link, data))
                loss = max(loss, 0.8)

    for millisecond in range(0, 120_000, 10):
        now = millisecond * 1000
        loss = 0.6 if millisecond < 100_000 else 0.0
        for node, session in sessions.items():
            if millisecond % 200 == 0:
                carry(node, said(session, heartbeat(), now), now, loss)
            for outgoing in session.due(Instant(now), UNIX_TIME):
                carry(node, outgoing, now, loss)
        arrived = sorted(item for item in in_flight if item[0] <= now)
        in_flight = [item for item in in_flight if item[0] > now]
        for _, _, node, link, data in arrived:
            received = heard(sessions[node], data, now, link)
            if received.verdict in (Verdict.NEW, Verdict.LATE):
                assert received.message is not None
                delivered[node].append(received.message.sequence or 0)
            for reply in received.replies:
                carry(node, reply, now, loss)
    for node, session in sessions.items():
        numbers = delivered[node]
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) >= set(range(min(numbers), 590))
        assert session.missing_count == 0
        assert not session.rejected
