"""What every message says of itself, read once and checked as a whole.

Reading is the last step that can refuse a message for what it contains: it happens before any
state changes, and afterwards no accessor of the message raises.

Source: the minimum that heartbeat 3.0.6 needs of a message: `t`, `src`, `ts` not zero, `seq`
unless the type begins with NS_; and the fields of the types that hbd speaks.
"""

from __future__ import annotations

from dataclasses import dataclass

from hbd.cluster.terms import Generation, NodeName, Report, Usec
from hbd.wire.message import BINARY, TEXT, UUID_BYTES, Message, MessageType
from hbd.wire.reason import Reason, rejection

_TEXTS = frozenset(
    {"t", "st", "dt", "protocol", "rsc_hold", "rtype", "isstable", "info", "hbdrep", "dest", "src"}
    | {"hbdfnd", "ipaddr", "weown", "ok", "seq", "hg", "ts", "ackseq", "firstseq", "lastseq"}
)
_UUIDS = frozenset({"srcuuid", "destuuid"})


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """NS_ackmsg: its sender has all our messages up to `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class Unavailable:
    """NS_nak_rexmit: its sender cannot send `number` again."""

    number: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """NS_rexmit: its sender misses our messages `first` to `last`."""

    first: int
    last: int


Control = Acknowledged | Unavailable | Wanted


@dataclass(frozen=True, slots=True)
class Header:
    """`sequence` is None for an NS_ message; `control` is what a known NS_ message says."""

    message: Message
    type: MessageType | None
    source: NodeName
    uuid: bytes | None
    destination: NodeName | None
    destination_uuid: bytes | None
    generation: Generation
    sequence: int | None
    deadtime_usec: Usec | None
    report: Report | None
    control: Control | None


def read_header(message: Message) -> Header:
    """The checked header; CodecError when a field is missing or malformed."""
    _check_kinds(message)
    if not message.type:
        raise rejection(Reason.MISSING_FIELD, "t")
    source = message.source
    if not source:
        raise rejection(Reason.MISSING_FIELD, "src")
    if not message.hexadecimal("ts"):
        raise rejection(Reason.MISSING_FIELD, "ts")
    known_type = message.known_type
    _check_words(message, known_type)
    return Header(
        message,
        known_type,
        source,
        uuid=_uuid(message, "srcuuid"),
        destination=message.destination,
        destination_uuid=_uuid(message, "destuuid"),
        generation=message.generation,
        sequence=None if message.is_control else _positive(message.sequence, "seq"),
        deadtime_usec=_deadtime(message) if known_type is MessageType.STATUS else None,
        report=message.report,
        control=_control(message, known_type),
    )


def _check_kinds(message: Message) -> None:
    """What is read as text must have been checked as text, and a uuid is never text."""
    for field in message.fields:
        if (field.name in _TEXTS and field.kind != TEXT) or (
            field.name in _UUIDS and field.kind != BINARY
        ):
            raise rejection(Reason.BAD_FIELD, f"{field.name!r} is of another kind")


def _check_words(message: Message, known_type: MessageType | None) -> None:
    """Touch every closed word that a type of ours has: reading a foreign one raises."""
    match known_type:
        case MessageType.STATUS:
            _present(message.state, "st")
        case MessageType.SHUTDONE:
            _ = message.state
        case MessageType.RESOURCE:
            _present(message.hold, "rsc_hold")
            _ = message.is_stable
        case MessageType.ASK_RESOURCES:
            _present(message.hold, "rsc_hold")
            _present(message.exchange, "info")
        case MessageType.HB_TAKEOVER:
            _present(message.hold, "rsc_hold")
        case MessageType.IP_REQUEST | MessageType.IP_REQUEST_RESP:
            _present(message.group_key, "ipaddr")
        case MessageType.HBD_FOUND:
            _present(message.found, "hbdfnd")
        case _:
            pass


def _control(message: Message, known_type: MessageType | None) -> Control | None:
    match known_type:
        case MessageType.NS_ACKMSG:
            return Acknowledged(_positive(message.hexadecimal("ackseq"), "ackseq"))
        case MessageType.NS_NAK_REXMIT:
            return Unavailable(_positive(message.hexadecimal("firstseq"), "firstseq"))
        case MessageType.NS_REXMIT:
            first = _positive(message.decimal("firstseq"), "firstseq")
            last = _positive(message.decimal("lastseq"), "lastseq")
            if last < first:
                raise rejection(Reason.BAD_FIELD, "lastseq below firstseq")
            return Wanted(first, last)
        case _:
            return None


def _uuid(message: Message, name: str) -> bytes | None:
    value = message.value(name)
    if value is not None and len(value) != UUID_BYTES:
        raise rejection(Reason.BAD_FIELD, name)
    return value


def _deadtime(message: Message) -> Usec | None:
    deadtime_usec = message.deadtime_usec
    if deadtime_usec == 0:
        raise rejection(Reason.BAD_FIELD, "dt")
    return deadtime_usec


def _positive(number: int | None, name: str) -> int:
    if number is None:
        raise rejection(Reason.MISSING_FIELD, name)
    if number < 1:
        raise rejection(Reason.BAD_FIELD, name)
    return number


def _present(word: object, name: str) -> None:
    if word is None:
        raise rejection(Reason.MISSING_FIELD, name)
