"""What the three files mean, as a few digits that both nodes can compare.

The meaning is hashed, not the text: comments, blanks, the order of node lines and heartbeat's many
spellings make no difference. Left out is what belongs to one machine: the names of interfaces and
serial devices, the peer's address of a ucast line, watchdog, scheduling and debugging. The order of
the links does count, because the nodes speak of links by their place.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import assert_never

from hbd.cluster.keys import Keyring
from hbd.cluster.terms import ConfigDigest
from hbd.config.model import (
    Broadcast,
    Config,
    Medium,
    Multicast,
    Ping,
    Serial,
    Unicast,
)

_DIGITS = 8  # of each file


def digest(config: Config) -> ConfigDigest:
    """24 hexadecimal digits: ha.cf, haresources and authkeys, 8 each."""
    return ConfigDigest(_ha_cf(config) + _haresources(config) + _authkeys(config.keys))


def _ha_cf(config: Config) -> str:
    timing = config.timing
    return _hash(
        [
            sorted(config.nodes),
            [timing.keepalive_usec, timing.warntime_usec],
            [timing.deadtime_usec, timing.initdead_usec, config.deadping_usec],
            config.auto_failback.value,
            [_medium(medium) for medium in config.media],
            config.hopfudge,
            sorted(config.env),
        ]
    )


def _medium(medium: Medium) -> list[object]:
    match medium:
        case Broadcast():
            return ["bcast", medium.port]
        case Multicast():
            return ["mcast", medium.group, medium.port, medium.ttl]
        case Unicast():
            return ["ucast", medium.port]
        case Serial():
            return ["serial", medium.baud]
        case Ping():
            return ["ping", *medium.addresses]
        case _:
            assert_never(medium)


def _haresources(config: Config) -> str:
    return _hash([[group.preferred, [r.text for r in group.resources]] for group in config.groups])


def _authkeys(keys: Keyring) -> str:
    """Keyed with all secrets at once: nobody who lacks one of them can try out the others by it."""
    lines = [[key.index, key.method.value, key.secret.hex()] for key in keys.keys]
    secret = json.dumps(lines).encode()
    word = f"authkeys {keys.selected}".encode()
    return hmac.new(secret, word, hashlib.sha256).hexdigest()[:_DIGITS]


def _hash(meaning: list[object]) -> str:
    text = json.dumps(meaning, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]
