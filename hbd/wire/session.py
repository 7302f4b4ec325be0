"""One conversation with the peer: everything between a link's bytes and the core's events.

Sans-I/O, like h11: bytes and the time go in, verdicts and bytes to send come out. It signs and
numbers what we send, keeps it for the peer to ask for again, verifies and orders what we receive,
and answers by itself what needs no decision (ACKs, retransmission, reqnodes). It knows no socket,
no clock and no policy: that silence means anything is for the core to say.

Source: heartbeat 3.0.6's header fields, node identity and reliable multicast layer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from hbd.cluster.keys import Keyring
from hbd.cluster.terms import Generation, Instant, LinkName, NodeName, Report, Usec
from hbd.wire.message import Message


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
        self.rejected: dict[tuple[LinkName, str], int] = {}
        raise NotImplementedError

    def send(
        self, message: Message, *, now: Instant, unix_time: int, load_average: str
    ) -> Outgoing:
        """Number, sign and keep `message`; the same bytes go out on every link.

        `load_average` is the line of /proc/loadavg, `unix_time` whole seconds: heartbeat's `ld`
        and `ts`. CodecError for a message that cannot be encoded.
        """
        raise NotImplementedError

    def receive(self, link: LinkName, data: bytes, now: Instant, unix_time: int) -> Received:
        """Verify, order and account one datagram or one serial message. Never raises."""
        raise NotImplementedError

    def due(self, now: Instant, unix_time: int) -> tuple[Outgoing, ...]:
        """The retransmission requests whose time has come, ready to send on every link."""
        raise NotImplementedError

    def next_due(self) -> Instant | None:
        """When `due` must be called next, or None: nothing is missing."""
        raise NotImplementedError

    def peer_lost(self) -> None:
        """Forget what is missing: the peer is thought lost, and only a new status brings it back.

        Its generation is kept, so that a peer which comes back in the same life is told from one
        that restarted, and replayed messages of before are told from both.
        """
        raise NotImplementedError

    def renew(self, generation: Generation) -> None:
        """Begin a new life on the wire: what is sent from now on carries the larger generation."""
        raise NotImplementedError

    def replace_keyring(self, keyring: Keyring) -> None:
        """Verify and sign with other keys from now on, also messages sent again."""
        raise NotImplementedError
