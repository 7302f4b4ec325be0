"""Signatures: against published test cases, and that a key never shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.errors import CodecError
from hbd.wire import auth
from hbd.wire.reason import Reason

SECRET = b"a secret nobody may read"
SHA1 = Key(1, AuthMethod.SHA1, SECRET)
CRC = Key(2, AuthMethod.CRC, b"")
KEYRING = Keyring((SHA1, CRC), selected=1)


@pytest.mark.parametrize(
    ("method", "secret", "data", "expected"),
    [
        # RFC 2202, test cases 1, 2 and 6 (a key longer than a block); RFC 4231 for SHA-256
        (AuthMethod.MD5, b"\x0b" * 16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
        (
            AuthMethod.MD5,
            b"\xaa" * 80,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
        ),
        (AuthMethod.SHA1, b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        (
            AuthMethod.SHA1,
            b"Jefe",
            b"what do ya want for nothing?",
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        ),
        (
            AuthMethod.SHA1,
            b"\xaa" * 80,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112",
        ),
        (
            AuthMethod.SHA256,
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
    ],
)
def test_keyed_digests_are_the_published_ones(
    method: AuthMethod, secret: bytes, data: bytes, expected: str
) -> None:
    """Goal: HMAC as everyone has it. Method: the test cases of RFC 2202 and RFC 4231."""
    assert auth.digest(Key(1, method, secret), data) == expected.encode()


@given(st.binary(max_size=600))
def test_the_checksum_is_the_slow_one_made_fast(data: bytes) -> None:
    """Goal: mirroring through zlib changes nothing. Method: compare with one bit at a time."""
    register = 0
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register <<= 1
            if register > 0xFFFFFFFF:
                register ^= 0x104C11DB7
    assert auth.crc(data) == register ^ 0xFFFFFFFF


def test_the_checksum_of_nothing_is_written_without_leading_zeros() -> None:
    """Goal: `%x` as heartbeat prints it. Method: data whose checksum begins with a zero digit."""
    short = next(b"%d" % n for n in range(1000) if auth.crc(b"%d" % n) < 0x1000_0000)
    assert len(auth.digest(CRC, short)) < 8
    auth.verify(KEYRING, auth.sign(CRC, short), short)


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", Reason.UNSIGNED),
        (b"1", Reason.UNSIGNED),
        (b"one 00", Reason.UNSIGNED),
        (b"-1 00", Reason.UNSIGNED),
        (b"123 00", Reason.UNSIGNED),
        (b"3 00", Reason.NO_KEY),
        (b"01 " + auth.digest(SHA1, b"data"), Reason.NO_KEY),
        (b"1 ", Reason.BAD_SIGNATURE),
        (b"1 " + auth.digest(SHA1, b"data").upper(), Reason.BAD_SIGNATURE),
        (b"1 " + auth.digest(SHA1, b"data") + b" ", Reason.BAD_SIGNATURE),
        (b"1 " + auth.digest(SHA1, b"Data"), Reason.BAD_SIGNATURE),
        (b"1 " + auth.digest(CRC, b"data"), Reason.BAD_SIGNATURE),
        (b"1 \xff\xfe", Reason.BAD_SIGNATURE),
    ],
)
def test_a_signature_that_is_not_exactly_right_is_refused(signature: bytes, reason: Reason) -> None:
    """Goal: one accepted spelling, one reason each. Method: a table of near misses."""
    with pytest.raises(CodecError) as refused:
        auth.verify(KEYRING, signature, b"data")
    assert refused.value.reason == reason.value


def test_every_key_of_the_file_verifies_whichever_is_selected() -> None:
    """Goal: keys can be rotated, unlike with 3.0.6. Method: sign with the other one."""
    for selected in (1, 2):
        keyring = Keyring((SHA1, CRC), selected)
        auth.verify(keyring, auth.sign(SHA1, b"data"), b"data")
        auth.verify(keyring, auth.sign(CRC, b"data"), b"data")


def test_a_key_is_in_no_error_and_no_repr() -> None:
    """Goal: no log can show a key. Method: look at every text that mentions one."""
    with pytest.raises(CodecError) as refused:
        auth.verify(KEYRING, b"1 00", b"data")
    for text in (repr(SHA1), repr(KEYRING), repr(refused.value), str(refused.value)):
        assert "nobody may read" not in text
