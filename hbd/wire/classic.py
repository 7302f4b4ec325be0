"""The form of serial lines: one field a line, all of it 7-bit text.

    >>>\\n  { [ "(" kind ")" ] name "=" value "\\n" }  auth=signature\\n  <<<\\n

Text has no kind prefix, binary is base64, a newline inside a value is byte 0x13. The signature
covers the lines of the fields, in order, without the marks and without its own line. Over UDP a
NUL may follow. Decoding is total: a Message or a CodecError; the signature is verified before any
field is looked at.
"""

from __future__ import annotations

import base64
import binascii

from hbd.cluster.keys import Key, Keyring
from hbd.wire import auth
from hbd.wire.fields import check_message, check_names, check_value, field_name
from hbd.wire.message import BINARY, MAX_MESSAGE_BYTES, STRING_LIST, TEXT, Field, Message
from hbd.wire.reason import Reason, rejection

HEAD = b">>>\n"
TAIL = b"<<<\n"

_AUTH_LINE = b"auth="
_NEWLINE_IN_TEXT = b"\x13"
_KINDS = {b"(%d)" % kind: kind for kind in (BINARY, STRING_LIST)}


def encode(message: Message, key: Key) -> bytes:
    """The message as one piece of text; CodecError for what the form cannot carry."""
    lines = body(message)
    return wrap(lines, auth.sign(key, lines))


def wrap(lines: bytes, signature: bytes) -> bytes:
    """The whole text from what `body` gave and its signature."""
    data = b"%s%s%s%s\n%s" % (HEAD, lines, _AUTH_LINE, signature, TAIL)
    if len(data) > MAX_MESSAGE_BYTES:
        raise rejection(Reason.OVERSIZED, f"{len(data)} bytes")
    return data


def body(message: Message) -> bytes:
    """The lines that the classic and the inner signature cover; CodecError as `encode`."""
    check_message(message)
    return b"".join([_line(field) for field in message.fields])


def decode(data: bytes, keyring: Keyring) -> Message:
    """The message of one piece of text, or CodecError."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise rejection(Reason.OVERSIZED, f"{len(data)} bytes")
    text = data.removesuffix(b"\0")
    if not text.startswith(HEAD):
        raise rejection(Reason.TRUNCATED if HEAD.startswith(text) else Reason.GARBAGE)
    if not text.endswith(b"\n" + TAIL):
        raise rejection(Reason.TRUNCATED, "no end mark")
    lines = [line for line in text[len(HEAD) : -len(TAIL)].split(b"\n") if line]
    signatures = [line for line in lines if line.startswith(_AUTH_LINE)]
    if len(signatures) != 1:
        raise rejection(Reason.UNSIGNED, f"{len(signatures)} signatures")
    lines.remove(signatures[0])
    covered = b"".join([line + b"\n" for line in lines])
    auth.verify(keyring, signatures[0][len(_AUTH_LINE) :], covered)
    fields = tuple([_field(line) for line in lines])
    check_names(fields)
    return Message(fields)


def _line(field: Field) -> bytes:
    kind, name, value = field
    if kind == TEXT:
        return b"%s=%s\n" % (name.encode("ascii"), value.replace(b"\n", _NEWLINE_IN_TEXT))
    if kind == BINARY:
        return b"(1)%s=%s\n" % (name.encode("ascii"), base64.b64encode(value))
    if kind == STRING_LIST and b"\n" not in value:
        return b"(3)%s=%s\n" % (name.encode("ascii"), value)
    raise rejection(Reason.BAD_FIELD, f"kind {kind} has no classic form")


def _field(line: bytes) -> Field:
    kind = TEXT
    if line.startswith(b"("):
        kind = _KINDS.get(line[:3], -1)
        if kind < 0:
            raise rejection(Reason.BAD_FIELD, "a field's kind")
        line = line[3:]
    name, equals, value = line.partition(b"=")
    if not equals:
        raise rejection(Reason.BAD_FIELD, "a line without `=`")
    if kind == TEXT:
        value = value.replace(_NEWLINE_IN_TEXT, b"\n")
    elif kind == BINARY:
        value = _binary(value)
    check_value(kind, value)
    return Field(kind, field_name(name), value)


def _binary(text: bytes) -> bytes:
    """Base64 in its one canonical spelling: heartbeat signs what it would write itself."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise rejection(Reason.BAD_FIELD, "no base64") from error
    if base64.b64encode(value) != text:
        raise rejection(Reason.BAD_FIELD, "base64 of another spelling")
    return value
