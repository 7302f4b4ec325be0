"""Messages: an ordered list of named fields, exactly as heartbeat 3.0.6 has them.

Order and bytes are kept, so that a message that was read can be signed and written again to the
same bytes. Header fields (who, when, which number) are added by `session`; the functions at the
end make the fields that a message's creator writes, in the order seen on the wire. The signature
is not a field here: decoding verifies and removes it, encoding adds it.

Source: heartbeat 3.0.6 as observed (message model and field order per type). hbd's own additions
are the text field `hbdrep` (`report`), which a real heartbeat node ignores like any unknown field,
and the types `hbd_check` and `hbd_found`, which are only sent to a peer that reports as hbd does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeVar

from hbd.cluster.terms import MILLISECOND, Generation, NodeName, Report, Usec
from hbd.wire.reason import Reason, rejection
from hbd.wire.report import decode_report, encode_report, is_of_later_version

TEXT = 0  # field kinds, as numbered on the wire
BINARY = 1
NESTED = 2
STRING_LIST = 3
COMPRESSED = 4

MAX_MESSAGE_BYTES = 65_507  # the largest UDP payload; an R1 message has 250 to 400
MAX_FIELDS = 64  # a status has 12, repnodes 13
MAX_NUMBER_DIGITS = 16  # a 64-bit number in hexadecimal

UUID_BYTES = 16
NULL_UUID = bytes(UUID_BYTES)

REPORT_FIELD = "hbdrep"
FOUND_FIELD = "hbdfnd"
MAX_FOUND = 4_096  # characters; what a serial line of 19200 baud carries in about 2 s

_HEX_DIGITS = b"0123456789abcdefABCDEF"
_DECIMAL_DIGITS = b"0123456789"


class MessageType(Enum):
    """The types hbd speaks; any other type is legal on the wire and simply not ours to act on."""

    STATUS = "status"
    STARTING = "starting"
    RESOURCE = "resource"
    ASK_RESOURCES = "ask_resources"
    HB_TAKEOVER = "hb_takeover"
    IP_REQUEST = "ip-request"
    IP_REQUEST_RESP = "ip-request-resp"
    SHUTDONE = "shutdone"
    REQNODES = "reqnodes"
    REPNODES = "repnodes"
    HBD_CHECK = "hbd_check"
    HBD_FOUND = "hbd_found"
    NS_ACKMSG = "NS_ackmsg"
    NS_REXMIT = "NS_rexmit"
    NS_NAK_REXMIT = "NS_nak_rexmit"


class NodeState(Enum):
    """The word `st` of a status: what a node says of itself (heartbeat's words)."""

    INIT = "init"
    UP = "up"
    ACTIVE = "active"
    DEAD = "dead"


class Hold(Enum):
    """The word `rsc_hold`: a set of groups, named from the sender's point of view."""

    NONE = "none"
    LOCAL = "local"
    FOREIGN = "foreign"
    ALL = "all"
    FAILBACK = "failback"  # only in hb_takeover


class Exchange(Enum):
    """The word `info` of ask_resources: the three steps of heartbeat's standby handshake."""

    ME = "me"
    OTHER = "other"
    DONE = "done"


class Field(NamedTuple):
    """One field. `value` is the raw value: text bytes for kind 0, the 16 bytes of a uuid for 1."""

    kind: int
    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One message without its signature; reading by name finds the first field of that name.

    The accessors raise CodecError for a malformed value; a message that `Session.receive` handed
    out has been checked, so there they do not.
    """

    fields: tuple[Field, ...]

    def value(self, name: str) -> bytes | None:
        """The raw value of the first field `name`, or None."""
        for field in self.fields:
            if field.name == name:
                return field.value
        return None

    def get(self, name: str) -> str | None:
        """The text of the first field `name`, or None; raises CodecError when it is no text."""
        value = self.value(name)
        if value is None:
            return None
        try:
            return value.decode("ascii")
        except UnicodeDecodeError as error:
            raise rejection(Reason.NOT_ASCII, f"field {name!r}") from error

    @property
    def type(self) -> str | None:
        """The message type as sent, known to us or not."""
        return self.get("t")

    @property
    def known_type(self) -> MessageType | None:
        """The message type if it is one that hbd speaks."""
        return _TYPES.get(self.type or "")

    @property
    def is_control(self) -> bool:
        """Whether this is an NS_ message: about messages, without a sequence number."""
        return (self.value("t") or b"").startswith(b"NS_")

    @property
    def source(self) -> NodeName | None:
        """The sending node's name."""
        name = self.get("src")
        return None if name is None else NodeName(name.lower())

    @property
    def destination(self) -> NodeName | None:
        """The node it is meant for by name; None means every node."""
        name = self.get("dest")
        return None if name is None else NodeName(name.lower())

    @property
    def sequence(self) -> int | None:
        """The sender's number of this message (hexadecimal on the wire)."""
        return self.hexadecimal("seq")

    @property
    def generation(self) -> Generation:
        """The sender's life; absent counts as 0, as heartbeat has it."""
        return Generation(self.hexadecimal("hg") or 0)

    @property
    def state(self) -> NodeState | None:
        """What a status or shutdone says of its sender."""
        return _word(NodeState, "st", self.get("st"))

    @property
    def deadtime_usec(self) -> Usec | None:
        """How long the sender of a status may be silent (`dt`, milliseconds on the wire)."""
        milliseconds = self.hexadecimal("dt")
        return None if milliseconds is None else Usec(milliseconds * MILLISECOND)

    @property
    def speaks_acknowledgement(self) -> bool:
        """Whether a status announces `protocol`; its sender then gives ACKs and wants them."""
        value = self.value("protocol")
        return bool(value) and not (value or b"").strip(_DECIMAL_DIGITS)

    @property
    def hold(self) -> Hold | None:
        """The groups that a resource, ask_resources or hb_takeover names."""
        return _word(Hold, "rsc_hold", self.get("rsc_hold"))

    @property
    def is_stable(self) -> bool | None:
        """`isstable` of a resource message; None when it does not say."""
        return _flag("isstable", self.get("isstable"))

    @property
    def is_full(self) -> bool:
        """Whether a resource message replaces what its sender was known to hold."""
        return self.value("rtype") == b"full"

    @property
    def exchange(self) -> Exchange | None:
        """The step of an ask_resources."""
        return _word(Exchange, "info", self.get("info"))

    @property
    def group_key(self) -> str | None:
        """The group that an ip-request or its answer names, by its first resource."""
        return self.get("ipaddr")

    @property
    def is_ok(self) -> bool:
        """Whether an ip-request-resp says that the group may be taken (whatever `weown` says)."""
        return self.value("ok") == b"OK"

    @property
    def found(self) -> str | None:
        """What an hbd_found tells: printable text of bounded length, not looked into here."""
        text = self.get(FOUND_FIELD)
        if text is not None and len(text) > MAX_FOUND:
            raise rejection(Reason.OVERSIZED, FOUND_FIELD)
        return text

    @property
    def report(self) -> Report | None:
        """hbd's own report of the sender's groups; None when it sends none that we can read.

        A report of a later version is no mistake: while two nodes are upgraded one by one, the
        newer one must not seem dead to the older.
        """
        text = self.get(REPORT_FIELD)
        if text is None or is_of_later_version(text):
            return None
        return decode_report(text)

    def hexadecimal(self, name: str) -> int | None:
        """A field of hexadecimal digits without 0x, or None when absent."""
        return _number(name, self.value(name), _HEX_DIGITS, 16)

    def decimal(self, name: str) -> int | None:
        """A field of decimal digits, or None when absent (only NS_rexmit and ttl have them)."""
        return _number(name, self.value(name), _DECIMAL_DIGITS, 10)

    def extended(self, fields: Iterable[Field]) -> Message:
        """The same message with further fields at its end."""
        return Message((*self.fields, *fields))


_Word = TypeVar("_Word", NodeState, Hold, Exchange)
_TYPES = {word.value: word for word in MessageType}
_FLAGS = {"0": False, "1": True}


def _number(name: str, value: bytes | None, digits: bytes, base: int) -> int | None:
    if value is None:
        return None
    if not value or len(value) > MAX_NUMBER_DIGITS or value.strip(digits):
        raise rejection(Reason.BAD_FIELD, f"{name!r} is no number of base {base}")
    return int(value, base)


def _word(words: type[_Word], name: str, text: str | None) -> _Word | None:
    if text is None:
        return None
    try:
        return words(text)
    except ValueError as error:
        raise rejection(Reason.BAD_FIELD, f"{name!r} is no word of {words.__name__}") from error


def _flag(name: str, text: str | None) -> bool | None:
    if text is None:
        return None
    if text not in _FLAGS:
        raise rejection(Reason.BAD_FIELD, f"{name!r} is neither 0 nor 1")
    return _FLAGS[text]


def text_field(name: str, value: str) -> Field:
    """A text field; raises CodecError for text that a serial line could not carry."""
    try:
        return Field(TEXT, name, value.encode("ascii"))
    except UnicodeEncodeError as error:
        raise rejection(Reason.NOT_ASCII, f"field {name!r}") from error


def _message(*pairs: tuple[str, str], report: Report | None = None) -> Message:
    fields = tuple(text_field(name, value) for name, value in pairs)
    if report is None:
        return Message(fields)
    return Message((*fields, text_field(REPORT_FIELD, encode_report(report))))


def status(state: NodeState, *, deadtime_usec: Usec, report: Report | None = None) -> Message:
    """The heartbeat. `deadtime_usec` becomes the receiver's patience with us, in whole ms."""
    milliseconds = deadtime_usec // MILLISECOND
    assert milliseconds > 0, "a node may be silent for some time"
    return _message(
        ("t", MessageType.STATUS.value),
        ("st", state.value),
        ("dt", f"{milliseconds:x}"),
        ("protocol", "1"),
        report=report,
    )


def starting(*, report: Report | None = None) -> Message:
    """I am up: tell me what you hold."""
    return _message(("t", MessageType.STARTING.value), report=report)


def resource(
    hold: Hold, *, is_stable: bool, info: str | None = None, report: Report | None = None
) -> Message:
    """What I hold, replacing what you knew. `info` is heartbeat's remark, such as `standby`."""
    pairs = [
        ("t", MessageType.RESOURCE.value),
        ("rsc_hold", hold.value),
        ("rtype", "full"),
        ("isstable", "1" if is_stable else "0"),
    ]
    if info is not None:
        pairs.append(("info", info))
    return _message(*pairs, report=report)


def ask_resources(hold: Hold, step: Exchange) -> Message:
    """One step of the standby handshake; `hold` is seen from the node that gives up."""
    return _message(
        ("t", MessageType.ASK_RESOURCES.value), ("rsc_hold", hold.value), ("info", step.value)
    )


def hb_takeover(hold: Hold) -> Message:
    """Ask the other node to go standby."""
    return _message(("t", MessageType.HB_TAKEOVER.value), ("rsc_hold", hold.value))


def ip_request(group: str) -> Message:
    """Legacy: I want this group; release it."""
    return _message(("t", MessageType.IP_REQUEST.value), ("ipaddr", group))


def ip_request_resp(asker: NodeName, group: str) -> Message:
    """Legacy: nothing of the group runs here; take it."""
    return _message(
        ("t", MessageType.IP_REQUEST_RESP.value),
        ("dest", asker),
        ("ipaddr", group),
        ("weown", "yes"),
        ("ok", "OK"),
    )


def shutdone(*, report: Report | None = None) -> Message:
    """I have released everything and am leaving."""
    return _message(("t", MessageType.SHUTDONE.value), ("st", NodeState.DEAD.value), report=report)


def hbd_check(peer: NodeName) -> Message:
    """Ask the peer what its half of a check finds."""
    return _message(("t", MessageType.HBD_CHECK.value), ("dest", peer))


def hbd_found(peer: NodeName, found: str) -> Message:
    """Tell the peer what our half of a check has found."""
    assert len(found) <= MAX_FOUND, "the sender keeps within the limit"
    return _message(("t", MessageType.HBD_FOUND.value), ("dest", peer), (FOUND_FIELD, found))


def reqnodes(peer: NodeName) -> Message:
    """Ask the peer for its list of nodes; a real node answers and wants to be answered."""
    return _message(("t", MessageType.REQNODES.value), ("dest", peer))


def repnodes(asker: NodeName, nodes: Iterable[NodeName]) -> Message:
    """The list of nodes, complete: a real node forgets the nodes that it does not name."""
    nodelist = "".join(f"{node} " for node in nodes)
    return _message(
        ("dest", asker),
        ("t", MessageType.REPNODES.value),
        ("nodelist", nodelist),
        ("delnodelist", " "),
    )


def ns_ackmsg(peer: NodeName, sequence: int) -> Message:
    """Everything of the peer's up to `sequence` has arrived."""
    return _message(("t", MessageType.NS_ACKMSG.value), ("dest", peer), ("ackseq", f"{sequence:x}"))


def ns_rexmit(peer: NodeName, first: int, last: int) -> Message:
    """Ask for messages again; the only numbers on the wire that are decimal."""
    return _message(
        ("t", MessageType.NS_REXMIT.value),
        ("dest", peer),
        ("firstseq", str(first)),
        ("lastseq", str(last)),
    )


def ns_nak_rexmit(peer: NodeName, sequence: int) -> Message:
    """The message asked for is not kept any more; the number is hexadecimal here."""
    return _message(
        ("t", MessageType.NS_NAK_REXMIT.value),
        ("firstseq", f"{sequence:x}"),
        ("dest", peer),
        ("info", "seqno not found"),
    )
