"""What a field may look like: the rules that both wire forms share.

Text is printable 7-bit ASCII, tab and newline: more would not survive a serial line, which clears
the eighth bit, and heartbeat itself uses control bytes there in place of newlines.
"""

from __future__ import annotations

from hbd.wire.message import BINARY, COMPRESSED, MAX_FIELDS, STRING_LIST, TEXT, Field, Message
from hbd.wire.reason import Reason, rejection

_TEXT_BYTES = bytes(range(0x20, 0x7F)) + b"\t\n"
_NAME_BYTES = bytes(byte for byte in range(0x21, 0x7F) if byte != ord("="))

AUTH = b"auth"
_FAMILIAR = (
    "t st dt protocol rsc_hold rtype isstable info hbdrep hbdfnd dest destuuid src srcuuid seq hg "
    "ts ld ttl ackseq firstseq lastseq nodelist delnodelist ipaddr weown ok node result"
)
_NAMES = {name.encode(): name for name in _FAMILIAR.split()}  # known to be well-formed


def field_name(raw: bytes) -> str:
    """A field's name; CodecError when empty, not printable, or open to another reading."""
    name = _NAMES.get(raw)
    if name is not None:
        return name
    if not raw or raw.startswith(b"(") or raw.translate(None, _NAME_BYTES):
        raise rejection(Reason.BAD_FIELD, "a field's name")
    return raw.decode("ascii")


def check_value(kind: int, value: bytes) -> None:
    """Raise CodecError unless `value` may stand in a field of this kind."""
    if kind == BINARY:
        return
    if kind in (TEXT, STRING_LIST):
        if value.translate(None, _TEXT_BYTES):
            reason = Reason.BAD_FIELD if value.isascii() else Reason.NOT_ASCII
            raise rejection(reason, "a field's text")
        return
    if not TEXT <= kind <= COMPRESSED:
        raise rejection(Reason.BAD_FIELD, "no such kind of field")


def check_message(message: Message) -> None:
    """Raise CodecError unless every field may be written to a wire."""
    check_names(message.fields)
    for kind, name, value in message.fields:
        field_name(name.encode("utf-8", "surrogatepass"))
        check_value(kind, value)


def check_names(fields: tuple[Field, ...]) -> None:
    """Raise CodecError when there are too many fields, two of one name, or a foreign signature."""
    if len(fields) > MAX_FIELDS:
        raise rejection(Reason.OVERSIZED, f"more than {MAX_FIELDS} fields")
    names = {field.name for field in fields}
    if len(names) != len(fields) or "auth" in names:
        raise rejection(Reason.BAD_FIELD, "a field twice")
