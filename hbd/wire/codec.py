"""Both wire forms at one door: the first bytes tell which one was received.

Source: heartbeat 3.0.6 decides by `>>>` or `###` on UDP; on a serial line only `>>>` occurs.
"""

from __future__ import annotations

from typing import NamedTuple

from hbd.cluster.keys import Key, Keyring
from hbd.wire import auth, classic, netstring
from hbd.wire.message import Message


class Encoded(NamedTuple):
    """One message in the form for UDP and in the form for serial lines."""

    netstring: bytes
    classic: bytes


def encode(message: Message, key: Key) -> Encoded:
    """Both forms at the price of one inner signature; CodecError for what they cannot carry."""
    lines = classic.body(message)
    inner = auth.sign(key, lines)
    return Encoded(netstring.encode_with(message, key, inner), classic.wrap(lines, inner))


def decode(data: bytes, keyring: Keyring) -> Message:
    """The message in either form, or CodecError; any bytes at all may be passed."""
    if data.startswith(b">"):
        return classic.decode(data, keyring)
    return netstring.decode(data, keyring)
