"""The two wire forms: one spelling each, and a reason for every other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.errors import CodecError
from hbd.wire import auth, classic, codec, netstring
from hbd.wire.message import (
    BINARY,
    COMPRESSED,
    MAX_FIELDS,
    MAX_MESSAGE_BYTES,
    NESTED,
    STRING_LIST,
    TEXT,
    Field,
    Message,
)
from hbd.wire.reason import Reason

KEY = Key(1, AuthMethod.SHA1, b"TestKeySha1")
KEYRING = Keyring((KEY,), 1)
TEXT_CHARACTERS = [chr(code) for code in range(0x20, 0x7F)] + ["\t", "\n"]
NAME_CHARACTERS = [chr(code) for code in range(0x21, 0x7F) if chr(code) != "="]

names = st.text(NAME_CHARACTERS, min_size=1, max_size=12).filter(
    lambda name: name != "auth" and not name.startswith("(")
)
text_values = st.text(TEXT_CHARACTERS, max_size=60).map(str.encode)
fields = st.one_of(
    st.builds(Field, st.just(TEXT), names, text_values),
    st.builds(Field, st.just(BINARY), names, st.binary(max_size=40)),
)
messages = st.builds(
    lambda found: Message(tuple(found)),
    st.lists(fields, max_size=12, unique_by=lambda field: field.name),
)


def netstring_of(*items: bytes) -> bytes:
    """A correctly signed datagram of items that need not be fields."""
    covered = b"###\n" + b"".join(b"%d:%s," % (len(item), item) for item in items) + b"%%%\n"
    signature = auth.sign(KEY, covered)
    return covered + b"%d:%s," % (len(signature), signature)


def classic_of(*lines: bytes) -> bytes:
    """A correctly signed text of lines that need not be fields."""
    covered = b"".join(line + b"\n" for line in lines)
    return b">>>\n" + covered + b"auth=" + auth.sign(KEY, covered) + b"\n<<<\n"


def reason_of(data: bytes) -> str:
    with pytest.raises(CodecError) as refused:
        codec.decode(data, KEYRING)
    return refused.value.reason


def outcome(data: bytes) -> Message | Reason:
    """The only two things that decoding may end in."""
    try:
        return codec.decode(data, KEYRING)
    except CodecError as error:
        return Reason(error.reason)


@given(messages)
def test_what_is_encoded_decodes_to_itself_in_both_forms(message: Message) -> None:
    """Goal: nothing a message may contain is lost or changed. Method: there and back."""
    encoded = codec.encode(message, KEY)
    assert codec.decode(encoded.netstring, KEYRING) == message
    assert codec.decode(encoded.classic, KEYRING) == message
    assert encoded.netstring == netstring.encode(message, KEY)
    assert encoded.classic == classic.encode(message, KEY)


@given(messages)
def test_text_for_a_serial_line_has_seven_bits(message: Message) -> None:
    """Goal: ISTRIP and a terminal's control bytes change nothing. Method: look at every byte."""
    data = codec.encode(message, KEY).classic
    assert data.isascii()
    assert not set(data) & (set(range(0x20)) - {0x09, 0x0A, 0x13})


@settings(max_examples=300)
@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda b: b"###\n" + b))
def test_any_bytes_are_a_message_or_a_codec_error(data: bytes) -> None:
    """Goal: total. Method: fuzz; any other exception fails the test."""
    for variant in (data, b">>>\n" + data, b">>>\n" + data + b"\n<<<\n"):
        outcome(variant)


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=40), max_size=6))
def test_signed_nonsense_is_a_message_or_a_codec_error(items: list[bytes]) -> None:
    """Goal: a peer gone mad, but with the key, breaks nothing. Method: sign fuzzed fields."""
    for data in (netstring_of(*items), classic_of(*items)):
        found = outcome(data)
        if isinstance(found, Message):
            again = netstring.encode(found, KEY, inner_auth=False)
            assert netstring.decode(again, KEYRING) == found


@settings(max_examples=300)
@given(messages, st.data())
def test_a_changed_byte_is_noticed(message: Message, draw: st.DataObject) -> None:
    """Goal: no bit of a message can be altered. Method: flip bits anywhere in either form."""
    for data in codec.encode(message, KEY):
        position = draw.draw(st.integers(0, len(data) - 1))
        change = draw.draw(st.integers(1, 255))
        altered = bytearray(data)
        altered[position] ^= change
        with pytest.raises(CodecError):
            codec.decode(bytes(altered), KEYRING)


@given(messages, st.data())
def test_a_cut_message_is_refused(message: Message, draw: st.DataObject) -> None:
    """Goal: no prefix of a message is one. Method: cut anywhere; netstrings say `truncated`.

    Or `garbage`, where the cut falls into a binary value that looks like the end of the fields.
    """
    encoded = codec.encode(message, KEY)
    cut = draw.draw(st.integers(0, len(encoded.netstring) - 1))
    looks_whole = b"%%%\n" in encoded.netstring[:cut]
    expected = {Reason.TRUNCATED.value} | ({Reason.GARBAGE.value} if looks_whole else set())
    assert reason_of(encoded.netstring[:cut]) in expected
    cut = draw.draw(st.integers(0, len(encoded.classic) - 1))
    assert reason_of(encoded.classic[:cut]) == Reason.TRUNCATED.value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", Reason.GARBAGE),
        (b"\0" * 100, Reason.GARBAGE),
        (b">>>\n" + b"x" * MAX_MESSAGE_BYTES, Reason.OVERSIZED),
        (b"###\n" + b"x" * MAX_MESSAGE_BYTES, Reason.OVERSIZED),
        (netstring_of(b"(0)t=status") + b"\0", Reason.GARBAGE),
        (netstring_of(b"(0)t=status") * 2, Reason.BAD_SIGNATURE),
        (classic_of(b"t=status") + b"more", Reason.TRUNCATED),
        (b">>>\nt=status\n<<<\n", Reason.UNSIGNED),
        (b">>>\nt=status\nauth=1 00\nauth=1 00\n<<<\n", Reason.UNSIGNED),
        (b">>>\nt=status\nauth=9 00\n<<<\n", Reason.NO_KEY),
        (netstring_of(b"(0)t=status", b"(0)t=status"), Reason.BAD_FIELD),
        (netstring_of(b"(5)t=status"), Reason.BAD_FIELD),
        (netstring_of(b"(9)t=status"), Reason.BAD_FIELD),
        (netstring_of(b"t=status"), Reason.BAD_FIELD),
        (netstring_of(b"(0)status"), Reason.BAD_FIELD),
        (netstring_of(b"(0)=status"), Reason.BAD_FIELD),
        (netstring_of(b"(0)(1)t=status"), Reason.BAD_FIELD),
        (netstring_of(b"(0)info=a\x13b"), Reason.BAD_FIELD),
        (netstring_of(b"(0)info=a\0b"), Reason.BAD_FIELD),
        (netstring_of(b""), Reason.BAD_FIELD),
        (netstring_of("(0)info=µ".encode()), Reason.NOT_ASCII),
        (netstring_of("(3)list=µ".encode()), Reason.NOT_ASCII),
        (netstring_of(*(b"(0)f%d=" % n for n in range(MAX_FIELDS + 1))), Reason.OVERSIZED),
        (classic_of(b"(0)t=status"), Reason.BAD_FIELD),
        (classic_of(b"(2)t=status"), Reason.BAD_FIELD),
        (classic_of(b"(1)srcuuid=QQ"), Reason.BAD_FIELD),
        (classic_of(b"(1)srcuuid=QR=="), Reason.BAD_FIELD),
        (classic_of(b"(1)srcuuid=Q Q=="), Reason.BAD_FIELD),
        (classic_of(b"no equals sign"), Reason.BAD_FIELD),
        (classic_of(b"<<<"), Reason.BAD_FIELD),
        (classic_of(b"info=\x01"), Reason.BAD_FIELD),
        (classic_of(b"info=\xff"), Reason.NOT_ASCII),
    ],
)
def test_each_refusal_has_its_reason(data: bytes, reason: Reason) -> None:
    """Goal: the counters tell what is wrong. Method: one input for each way to be wrong."""
    assert reason_of(data) == reason.value


def test_the_length_of_a_field_has_one_spelling() -> None:
    """Goal: no second reading of the same bytes. Method: leading zeros, signed correctly."""
    covered = b"###\n011:(0)t=status,%%%\n"
    signature = auth.sign(KEY, covered)
    data = covered + b"%d:%s," % (len(signature), signature)
    assert reason_of(data) == Reason.BAD_FIELD.value


def test_a_trailing_nul_and_blank_lines_are_accepted_in_text() -> None:
    """Goal: classic text over UDP, as heartbeat sends and reads it. Method: add them."""
    message = Message((Field(TEXT, "t", b"status"),))
    data = classic.encode(message, KEY)
    assert codec.decode(data + b"\0", KEYRING) == message
    assert codec.decode(data.replace(b"t=", b"\n\nt="), KEYRING) == message


def test_a_newline_in_text_travels_as_one_byte() -> None:
    """Goal: a value of two lines stays one field. Method: look at the text."""
    message = Message((Field(TEXT, "info", b"one\ntwo"),))
    assert b"info=one\x13two\n" in classic.encode(message, KEY)
    assert codec.decode(classic.encode(message, KEY), KEYRING) == message


def test_an_inner_signature_is_optional_and_never_a_field() -> None:
    """Goal: peers with `msgfmt netstring` are understood. Method: with, without, wrong."""
    message = Message((Field(TEXT, "t", b"status"),))
    for data in (
        netstring.encode(message, KEY),
        netstring.encode(message, KEY, inner_auth=False),
        netstring_of(b"(0)t=status", b"(0)auth=1 000"),
    ):
        assert codec.decode(data, KEYRING) == message


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (Field(TEXT, "", b""), Reason.BAD_FIELD),
        (Field(TEXT, "a=b", b""), Reason.BAD_FIELD),
        (Field(TEXT, "(1)a", b""), Reason.BAD_FIELD),
        (Field(TEXT, "a b", b""), Reason.BAD_FIELD),
        (Field(TEXT, "a\n", b""), Reason.BAD_FIELD),
        (Field(TEXT, "µ", b""), Reason.BAD_FIELD),
        (Field(TEXT, "\ud800", b""), Reason.BAD_FIELD),
        (Field(TEXT, "auth", b"1 00"), Reason.BAD_FIELD),
        (Field(TEXT, "info", b"\x13"), Reason.BAD_FIELD),
        (Field(TEXT, "info", b"\xff"), Reason.NOT_ASCII),
        (Field(NESTED, "inner", b"###"), Reason.BAD_FIELD),
        (Field(COMPRESSED, "packed", b"x"), Reason.BAD_FIELD),
        (Field(STRING_LIST, "list", b"1:\n,"), Reason.BAD_FIELD),
        (Field(5, "x", b""), Reason.BAD_FIELD),
        (Field(TEXT, "info", b"x" * MAX_MESSAGE_BYTES), Reason.OVERSIZED),
    ],
)
def test_what_no_serial_line_could_carry_is_not_encoded(field: Field, reason: Reason) -> None:
    """Goal: a mistake of ours stops at our own door. Method: a table of impossible fields."""
    with pytest.raises(CodecError) as refused:
        codec.encode(Message((field,)), KEY)
    assert refused.value.reason == reason.value


def test_kinds_that_only_heartbeat_s_clients_use_pass_through_netstrings() -> None:
    """Goal: an opaque field is no reason to lose a message. Method: kinds 2, 3 and 4."""
    message = Message(
        (
            Field(NESTED, "inner", b"###\n%%%\n"),
            Field(STRING_LIST, "list", b"1:a,"),
            Field(COMPRESSED, "packed", b"\x00\xff"),
        )
    )
    data = netstring.encode(message, KEY, inner_auth=False)
    assert netstring.decode(data, KEYRING) == message
