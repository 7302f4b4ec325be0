"""The cluster's shared secrets as types.

What authkeys(5) defines and the wire signs with. A secret is never part of a `repr`, so no log
line, assertion or traceback can show it. This module computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class AuthMethod(Enum):
    """How a message is signed, in the words of authkeys(5)."""

    CRC = "crc"  # a checksum: finds noise, keeps nobody out
    MD5 = "md5"  # HMAC-MD5
    SHA1 = "sha1"  # HMAC-SHA1
    SHA256 = "sha256"  # HMAC-SHA-256: hbd's own, heartbeat does not know it


@dataclass(frozen=True, slots=True)
class Key:
    """One key line. `secret` is the bytes as written in the file; empty for crc only."""

    index: int
    method: AuthMethod
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys of the cluster: each verifies, the selected one signs."""

    keys: tuple[Key, ...]
    selected: int

    def __post_init__(self) -> None:
        assert self.get(self.selected) is not None, "the selected key exists"
        assert len({key.index for key in self.keys}) == len(self.keys), "an index names one key"

    def get(self, index: int) -> Key | None:
        """The key a message names by its index, or None when we do not share it."""
        return next((key for key in self.keys if key.index == index), None)

    @property
    def signing(self) -> Key:
        """The key that everything we send is signed with."""
        key = self.get(self.selected)
        assert key is not None, "the selected key exists"
        return key
