"""Why an input was refused: the closed set of words that rejected bytes are counted by.

The words are the keys of the counters that the bus shows per link, so a word, once published,
keeps its meaning.
"""

from __future__ import annotations

from enum import Enum

from hbd.errors import CodecError


class Reason(Enum):
    """One word per way in which bytes fail to be an acceptable message."""

    GARBAGE = "garbage"  # neither heartbeat's netstring form nor its classic text
    TRUNCATED = "truncated"  # begins as a message and ends too early
    OVERSIZED = "oversized"  # larger, or more fields, than anything a node sends
    UNSIGNED = "unsigned"  # no readable signature
    NO_KEY = "no-key"  # signed with a key index that our authkeys does not have
    BAD_SIGNATURE = "bad-signature"  # not made with the key it names
    BAD_FIELD = "bad-field"  # authentic, but a field is malformed, doubled or of no known type
    NOT_ASCII = "not-ascii"  # text that no serial line could carry
    MISSING_FIELD = "missing-field"  # lacks a field that every message needs
    BAD_REPORT = "bad-report"  # the report of the sender's groups is malformed
    UNKNOWN_NODE = "unknown-node"  # authentic, from a node that is neither our peer nor we
    SAME_UUID = "same-uuid"  # the peer has our uuid: a copied disk image
    SAME_NAME = "same-name"  # another machine, with another uuid, uses our name
    REPLAYED = "replayed"  # from an earlier life of the peer, or from before it was lost


def rejection(reason: Reason, detail: str = "") -> CodecError:
    """The error to raise for `reason`; `detail` is for people and never holds message content."""
    return CodecError(reason.value, detail)
