"""Signatures: a key index and a digest, as text, over bytes.

Source: heartbeat 3.0.6's crc, md5 and sha1, checked against captured messages; sha256 is hbd's own,
the same HMAC (RFC 2104) with the newer hash. No function here puts a key into an error or a repr.
"""

from __future__ import annotations

import binascii
import hmac

from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.wire.reason import Reason, rejection

_HASHES = {AuthMethod.MD5: "md5", AuthMethod.SHA1: "sha1", AuthMethod.SHA256: "sha256"}
_MAX_INDEX_DIGITS = 2  # authkeys(5): 0 to 15

_MIRRORED_BYTES = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ALL_ONES = 0xFFFFFFFF


def digest(key: Key, data: bytes) -> bytes:
    """The digest of `data` as lower case hexadecimal text."""
    if key.method is AuthMethod.CRC:
        return b"%x" % crc(data)
    return hmac.digest(key.secret, data, _HASHES[key.method]).hex().encode("ascii")


def crc(data: bytes) -> int:
    """heartbeat's checksum: CRC-32 polynomial 04C11DB7, most significant bit first, initially 0.

    zlib's CRC-32 is the mirror image of it, so both the input bytes and the result are mirrored
    and C does the loop; starting it from all ones undoes the initial value that it assumes.
    """
    mirrored = binascii.crc32(data.translate(_MIRRORED_BYTES), _ALL_ONES)
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED_BYTES), "big")


def sign(key: Key, data: bytes) -> bytes:
    """The signature text: key index, one blank, digest."""
    return b"%d %s" % (key.index, digest(key, data))


def verify(keyring: Keyring, signature: bytes, data: bytes) -> None:
    """Raise CodecError unless `signature` was made over `data` with a key of `keyring`.

    The key is the one that the signature names. (heartbeat 3.0.6, for netstrings, takes the bytes
    of the key it has selected itself and so rejects every other key of its own file.)
    """
    index, blank, claimed = signature.partition(b" ")
    if not blank or not index.isdigit() or len(index) > _MAX_INDEX_DIGITS:
        raise rejection(Reason.UNSIGNED, "the signature is not `index digest`")
    key = keyring.get(int(index))
    if key is None or index != b"%d" % key.index:
        raise rejection(Reason.NO_KEY, f"key {int(index)}")
    if not hmac.compare_digest(digest(key, data), claimed):
        raise rejection(Reason.BAD_SIGNATURE, f"key {int(index)}")
