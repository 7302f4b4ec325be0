"""One conversation with the peer: everything between a link's bytes and the core's events.

Sans-I/O, like h11: bytes and the time go in, verdicts and bytes to send come out. It signs and
numbers what we send, keeps it for the peer to ask for again, verifies and orders what we receive,
and answers by itself what needs no decision (ACKs, retransmission, reqnodes). It knows no socket,
no clock and no policy: that silence means anything is for the core to say.

Source: heartbeat 3.0.6's header fields, node identity and reliable multicast layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from hbd.cluster.keys import Keyring
from hbd.cluster.terms import Generation, Instant, LinkName, NodeName, Report, Usec
from hbd.errors import CodecError
from hbd.wire import codec
from hbd.wire.header import Acknowledged, Header, Unavailable, Wanted, read_header
from hbd.wire.history import History
from hbd.wire.message import (
    BINARY,
    NULL_UUID,
    UUID_BYTES,
    Field,
    Message,
    MessageType,
    ns_ackmsg,
    ns_nak_rexmit,
    ns_rexmit,
    repnodes,
    text_field,
)
from hbd.wire.reason import Reason, rejection
from hbd.wire.sequence import Arrival, Incoming, Tally

ECHOES = 4  # Linux gives a broadcast back to its sender within a millisecond: known by its bytes


class Verdict(Enum):
    """What became of received bytes."""

    NEW = "new"  # to be acted on
    LATE = "late"  # fills a hole: new, but newer ones have been delivered already
    DUPLICATE = "duplicate"  # the copy from another link, usually
    CONTROL = "control"  # about messages (NS_): dealt with here
    OWN = "own"  # we said it ourselves: a broadcast heard back
    NOT_FOR_US = "not-for-us"  # numbered and counted, addressed to another
    EARLY = "early"  # from a life of the peer that no status has announced yet: ignored
    REJECTED = "rejected"  # changed nothing; counted in `Session.rejected`


class Kind(Enum):
    """How much a message matters to a line too slow for all of them."""

    STATUS = "status"  # a newer status makes it worthless
    MESSAGE = "message"  # must go, in order
    REPAIR = "repair"  # ACKs, requests and resends: if lost they are made again


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message ready for the links: `netstring` for UDP, `classic` for serial."""

    netstring: bytes
    classic: bytes
    kind: Kind

    @property
    def supersedes(self) -> bool:
        """Whether it makes any older unsent Outgoing of the same kind worthless."""
        return self.kind is Kind.STATUS


@dataclass(frozen=True, slots=True)
class Received:
    """What one datagram or serial message meant.

    `report` is the peer's newest word on its groups: None when this message carries none or an
    older one than was already handed out. `restarted`: the peer's daemon has begun a new life,
    what it held before is unknown. `healed`: the peer was lost and has the same life still.
    `replies` go out on every link at once.
    """

    verdict: Verdict
    message: Message | None = None
    generation: Generation | None = None
    restarted: bool = False
    healed: bool = False
    refreshes_link: bool = False
    report: Report | None = None
    replies: tuple[Outgoing, ...] = field(default=())


class Session:
    """The wire protocol's state between this node and its one peer.

    `rejected` counts refused inputs by link and `Reason` word; both sets are closed, so it is
    bounded. A refused input changes nothing else. A broken authentic field is refused like a
    forged one: what is handed out never raises when read.
    """

    def __init__(
        self,
        *,
        node: NodeName,
        peer: NodeName,
        uuid: bytes,
        keyring: Keyring,
        generation: Generation,
        ttl: int,
        max_rexmit_delay_usec: Usec,
        seed: int,
    ) -> None:
        assert node != peer, "a node is not its own peer"
        assert len(uuid) == UUID_BYTES, "a uuid has 16 bytes"
        assert generation > 0, "generation 0 is a node that tells none"
        assert max_rexmit_delay_usec > 0, "a request waits some time"
        self.rejected: dict[tuple[LinkName, str], int] = {}
        self._node = node
        self._peer = peer
        self._uuid = uuid
        self._peer_uuid: bytes | None = None
        self._keyring = keyring
        self._generation = generation
        self._ttl = ttl
        self._load_average = ""
        self._echoes: tuple[bytes, ...] = ()  # what was sent last
        self._incoming = Incoming(max_rexmit_delay_usec, seed)
        self._history = History(max_rexmit_delay_usec)

    @property
    def generation(self) -> Generation:
        """The life that our messages carry."""
        return self._generation

    @property
    def missing_count(self) -> int:
        """How many of the peer's messages are being asked for again."""
        return len(self._incoming.missing)

    @property
    def tallies(self) -> Mapping[LinkName, Tally]:
        """What each link brought and lost of the peer's numbered messages since the start."""
        return self._incoming.tallies

    def send(
        self, message: Message, *, now: Instant, unix_time: int, load_average: str
    ) -> Outgoing:
        """Number, sign and keep `message`; the same bytes go out on every link.

        `load_average` is the line of /proc/loadavg, `unix_time` whole seconds: heartbeat's `ld`
        and `ts`. CodecError for a message that cannot be encoded; then nothing has changed.
        """
        assert not message.is_control, "NS_ messages are this module's own affair"
        number = self._history.highest + 1
        load_average = load_average.strip()
        complete = message.extended(
            (
                *self._address(message),
                *self._origin(),
                text_field("seq", f"{number:x}"),
                *self._life(unix_time),
                text_field("ld", load_average),
                text_field("ttl", str(self._ttl)),
            )
        )
        is_status = message.known_type is MessageType.STATUS
        outgoing = self._outgoing(complete, Kind.STATUS if is_status else Kind.MESSAGE)
        self._history.keep(number, complete)
        self._load_average = load_average
        return outgoing

    def receive(self, link: LinkName, data: bytes, now: Instant, unix_time: int) -> Received:
        """Verify, order and account one datagram or one serial message. Never raises."""
        if data in self._echoes:
            return Received(Verdict.OWN)
        try:
            header = read_header(codec.decode(data, self._keyring))
            if header.source == self._node:
                self._check_own(header)
                return Received(Verdict.OWN, header.message)
            self._check_peer(header)
            if header.sequence is None:
                return self._receive_control(header, now, unix_time)
            return self._receive_numbered(link, header, header.sequence, now, unix_time)
        except CodecError as error:
            counter = (link, error.reason)
            self.rejected[counter] = self.rejected.get(counter, 0) + 1
            return Received(Verdict.REJECTED)

    def due(self, now: Instant, unix_time: int) -> tuple[Outgoing, ...]:
        """The retransmission requests whose time has come, ready to send on every link."""
        asked = [
            self._control(ns_rexmit(self._peer, number, number), unix_time)
            for number in self._incoming.requests(now)
        ]
        return (*asked, *self._acknowledgement(unix_time))

    def next_due(self) -> Instant | None:
        """When `due` must be called next, or None: nothing is missing."""
        return self._incoming.next_due()

    def peer_lost(self) -> None:
        """Forget what is missing: the peer is thought lost, and only a new status brings it back.

        Its generation is kept, so that a peer which comes back in the same life is told from one
        that restarted, and replayed messages of before are told from both.
        """
        self._incoming.lose()

    def renew(self, generation: Generation) -> None:
        """Begin a new life on the wire: what is sent from now on carries the larger generation.

        What was sent before is not sent again: it belongs to the life that has ended.
        """
        assert generation > self._generation, "a generation only grows"
        self._generation = generation
        self._history.clear()

    def replace_keyring(self, keyring: Keyring) -> None:
        """Verify and sign with other keys from now on, also messages sent again."""
        self._keyring = keyring

    def retune(self, ttl: int, max_rexmit_delay_usec: Usec) -> None:
        """Send with another `ttl`, and ask and answer in another rhythm, from now on."""
        assert max_rexmit_delay_usec > 0, "a request waits some time"
        self._ttl = ttl
        self._incoming.retune(max_rexmit_delay_usec)
        self._history.retune(max_rexmit_delay_usec)

    def _check_own(self, header: Header) -> None:
        if header.uuid not in (None, NULL_UUID, self._uuid):
            raise rejection(Reason.SAME_NAME, f"node {self._node}")

    def _check_peer(self, header: Header) -> None:
        if header.source != self._peer:
            raise rejection(Reason.UNKNOWN_NODE)
        if header.uuid == self._uuid:
            raise rejection(Reason.SAME_UUID, f"node {self._peer}")
        self._incoming.check_generation(header.generation)

    def _receive_numbered(
        self, link: LinkName, header: Header, number: int, now: Instant, unix_time: int
    ) -> Received:
        is_status = header.type is MessageType.STATUS
        entered = self._incoming.enter(link, header.generation, number, now, is_status=is_status)
        if entered.arrival is Arrival.NEW:
            self._learn(header, is_status=is_status)
        is_fresh = entered.arrival in (Arrival.NEW, Arrival.LATE)
        is_for_us = self._is_for_us(header)
        replies: list[Outgoing] = []
        if is_fresh:
            replies += self._acknowledgement(unix_time)
        if is_fresh and is_for_us and header.type is MessageType.REQNODES:
            replies.append(self._node_list(now, unix_time))
        return Received(
            Verdict.NOT_FOR_US if is_fresh and not is_for_us else _VERDICTS[entered.arrival],
            header.message,
            generation=header.generation,
            restarted=entered.restarted,
            healed=entered.healed,
            refreshes_link=entered.refreshes_link,
            report=header.report if entered.arrival is Arrival.NEW and is_for_us else None,
            replies=tuple(replies),
        )

    def _receive_control(self, header: Header, now: Instant, unix_time: int) -> Received:
        """Act on what the peer says about messages: only from a life that we follow."""
        message, generation = header.message, header.generation
        if not self._incoming.follows(generation):
            return Received(Verdict.EARLY, message, generation)
        if header.destination not in (None, self._node):
            return Received(Verdict.NOT_FOR_US, message, generation)
        replies: list[Outgoing] = []
        match header.control:
            case Acknowledged(number):
                self._history.acknowledge(number)
            case Unavailable(number):
                self._incoming.forget(number)
                replies += self._acknowledgement(unix_time)
            case Wanted(first, last):
                replies += self._resend(first, last, now, unix_time)
            case None:
                pass
        return Received(Verdict.CONTROL, message, generation, replies=tuple(replies))

    def _learn(self, header: Header, *, is_status: bool) -> None:
        """Note what an accepted message tells of its sender itself."""
        if header.uuid is not None:
            self._peer_uuid = header.uuid
        if is_status:
            self._incoming.acknowledges = header.message.speaks_acknowledgement
            if header.deadtime_usec is not None:
                self._incoming.patience_usec = header.deadtime_usec

    def _is_for_us(self, header: Header) -> bool:
        """By uuid if the sender knew one, else by name (heartbeat's order)."""
        if header.destination_uuid not in (None, NULL_UUID):
            return header.destination_uuid == self._uuid
        return header.destination in (None, self._node)

    def _acknowledgement(self, unix_time: int) -> tuple[Outgoing, ...]:
        number = self._incoming.acknowledgement()
        if number is None:
            return ()
        return (self._control(ns_ackmsg(self._peer, number), unix_time),)

    def _resend(self, first: int, last: int, now: Instant, unix_time: int) -> list[Outgoing]:
        return [
            self._control(ns_nak_rexmit(self._peer, number), unix_time)
            if message is None
            else self._outgoing(message, Kind.REPAIR)
            for number, message in self._history.answer(first, last, now)
        ]

    def _node_list(self, now: Instant, unix_time: int) -> Outgoing:
        answer = repnodes(self._peer, sorted((self._node, self._peer)))
        return self.send(answer, now=now, unix_time=unix_time, load_average=self._load_average)

    def _control(self, message: Message, unix_time: int) -> Outgoing:
        complete = message.extended(
            (
                *self._address(message),
                *self._origin(),
                *self._life(unix_time),
                text_field("ttl", str(self._ttl)),
            )
        )
        return self._outgoing(complete, Kind.REPAIR)

    def _address(self, message: Message) -> tuple[Field, ...]:
        """The destination's uuid, when there is a destination; all zero as long as unknown."""
        if message.destination is None:
            return ()
        return (Field(BINARY, "destuuid", self._peer_uuid or NULL_UUID),)

    def _origin(self) -> tuple[Field, Field]:
        return text_field("src", self._node), Field(BINARY, "srcuuid", self._uuid)

    def _life(self, unix_time: int) -> tuple[Field, Field]:
        return text_field("hg", f"{self._generation:x}"), text_field("ts", f"{unix_time:x}")

    def _outgoing(self, message: Message, kind: Kind) -> Outgoing:
        encoded = codec.encode(message, self._keyring.signing)
        self._echoes = (encoded.netstring, *self._echoes[: ECHOES - 1])
        return Outgoing(encoded.netstring, encoded.classic, kind)


_VERDICTS = {
    Arrival.NEW: Verdict.NEW,
    Arrival.LATE: Verdict.LATE,
    Arrival.DUPLICATE: Verdict.DUPLICATE,
    Arrival.EARLY: Verdict.EARLY,
}
