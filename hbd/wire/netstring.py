"""The form of UDP: length-prefixed fields between two marks, then the outer signature.

    ###\\n  { length ":" "(" kind ")" name "=" value "," }  %%%\\n  length ":" signature ","

The outer signature covers all from the first `#` to the newline of `%%%`. Inside, as the last
field, heartbeat repeats the signature of the classic text (`auth`); it is written for heartbeat's
sake and, being covered by the outer one, not checked. Decoding is total: a Message or a
CodecError. The signature is verified before any field is looked at.
"""

from __future__ import annotations

from hbd.cluster.keys import Key, Keyring
from hbd.wire import auth, classic
from hbd.wire.fields import AUTH, check_message, check_names, check_value, field_name
from hbd.wire.message import MAX_MESSAGE_BYTES, Field, Message
from hbd.wire.reason import Reason, rejection

HEAD = b"###\n"
TAIL = b"%%%\n"

_MAX_LENGTH_DIGITS = 6  # heartbeat's largest message is 262144 bytes
_PREFIX_BYTES = len(b"(0)")
_COMMA = ord(",")


def encode(message: Message, key: Key, *, inner_auth: bool = True) -> bytes:
    """One datagram. Without `inner_auth` it is what heartbeat sends under `msgfmt netstring`.

    CodecError for a message that the form, or with `inner_auth` the classic form, cannot carry.
    """
    if inner_auth:
        return encode_with(message, key, auth.sign(key, classic.body(message)))
    check_message(message)
    return encode_with(message, key, None)


def encode_with(message: Message, key: Key, inner: bytes | None) -> bytes:
    """One datagram with `inner` as its inner signature; the caller has checked the message."""
    items = [b"(%d)%s=%s" % (kind, name.encode("ascii"), raw) for kind, name, raw in message.fields]
    if inner is not None:
        items.append(b"(0)auth=" + inner)
    covered = HEAD + b"".join([b"%d:%s," % (len(item), item) for item in items]) + TAIL
    signature = auth.sign(key, covered)
    data = b"%s%d:%s," % (covered, len(signature), signature)
    if len(data) > MAX_MESSAGE_BYTES:
        raise rejection(Reason.OVERSIZED, f"{len(data)} bytes")
    return data


def decode(data: bytes, keyring: Keyring) -> Message:
    """The message of one datagram, or CodecError; `inner auth` may be absent."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise rejection(Reason.OVERSIZED, f"{len(data)} bytes")
    if not data.startswith(HEAD):
        raise rejection(Reason.TRUNCATED if HEAD.startswith(data) else Reason.GARBAGE)
    end = data.rfind(TAIL)
    if end < len(HEAD):
        raise rejection(Reason.TRUNCATED, "no end of the fields")
    covered = data[: end + len(TAIL)]
    auth.verify(keyring, _outer_signature(data[len(covered) :]), covered)
    return Message(_fields(data, len(HEAD), end))


def _outer_signature(tail: bytes) -> bytes:
    length, colon, rest = tail.partition(b":")
    if not tail or (length.isdigit() and not colon and len(length) <= _MAX_LENGTH_DIGITS):
        raise rejection(Reason.TRUNCATED, "no signature")
    if not length.isdigit() or len(length) > _MAX_LENGTH_DIGITS or length.startswith(b"0"):
        raise rejection(Reason.GARBAGE, "behind the fields")
    size = int(length)
    if len(rest) <= size:
        raise rejection(Reason.TRUNCATED, "in the signature")
    if len(rest) != size + 1 or rest[size] != _COMMA:
        raise rejection(Reason.GARBAGE, "behind the signature")
    return rest[:size]


def _fields(data: bytes, position: int, end: int) -> tuple[Field, ...]:
    fields = []
    while position < end:
        colon = data.find(b":", position, position + _MAX_LENGTH_DIGITS + 1)
        length = data[position:colon] if colon > 0 else b""
        if not length.isdigit() or length.startswith(b"0"):
            raise rejection(Reason.BAD_FIELD, "a field's length")
        start = colon + 1
        position = start + int(length)
        if position >= end or data[position] != _COMMA:
            raise rejection(Reason.BAD_FIELD, "a field's end")
        field = _field(data[start:position])
        if field is not None:
            fields.append(field)
        position += 1
    found = tuple(fields)
    check_names(found)
    return found


def _field(item: bytes) -> Field | None:
    """The field of one item, None for the inner signature."""
    prefix = item[:_PREFIX_BYTES]
    if not (prefix.startswith(b"(") and prefix.endswith(b")") and prefix[1:2].isdigit()):
        raise rejection(Reason.BAD_FIELD, "a field's kind")
    kind = prefix[1] - ord("0")
    name, equals, value = item[_PREFIX_BYTES:].partition(b"=")
    if not equals:
        raise rejection(Reason.BAD_FIELD, "a field without a value")
    if name == AUTH:
        return None
    check_value(kind, value)
    return Field(kind, field_name(name), value)
