"""authkeys(5): bytes to a keyring, and what the file itself must be.

Grammar of heartbeat 3.0.6 with its order rule, and the method sha256 besides. No message of this
module repeats anything of the file but key numbers: any word in it may be the secret.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass

from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.config.findings import Findings

HIGHEST_INDEX = 15
REQUIRED_MODE = 0o600

_BLANKS = " \t\f\v\r"
_AUTH = re.compile(r"auth[ \t\f\v]+([0-9]{1,9})(?:[ \t\f\v\r].*)?")
_KEY = re.compile(r"([0-9]{1,9})[ \t\f\v]+([^ \t\f\v\r]+)(?:[ \t\f\v]+([^ \t\f\v\r]+)(.*))?")
_METHODS = {method.value: method for method in AuthMethod}
_METHOD_WORDS = ", ".join(_METHODS)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What fstat(2) said of the opened file."""

    is_regular: bool
    owner: int
    mode: int  # permission bits, the upper three included

    @classmethod
    def of(cls, st_mode: int, st_uid: int) -> FileFacts:
        """From the fields of a stat result."""
        return cls(stat.S_ISREG(st_mode), st_uid, stat.S_IMODE(st_mode))


def check_file(facts: FileFacts, findings: Findings, owner: int = 0) -> None:
    """A regular file of its owner's alone, mode 0600; heartbeat looks at two of the bits only."""
    remedy = f"chown root:root {findings.file} && chmod 600 {findings.file}"
    if not facts.is_regular:
        findings.mistake(0, "the file", "it is not a regular file", "write the keys into a file")
        return
    if facts.owner != owner:
        why = f"it belongs to uid {facts.owner}, who could change the keys"
        findings.mistake(0, "the file", why, remedy)
    if facts.mode != REQUIRED_MODE:
        why = f"its mode is {facts.mode:04o}, only root may read and write the keys (0600)"
        findings.mistake(0, "the file", why, f"chmod 600 {findings.file}")


def parse(content: bytes, findings: Findings) -> Keyring | None:
    """The keys, or None when there is none to sign with (and `findings` says why)."""
    reader = _Reader(findings)
    for number, raw in enumerate(content.decode("latin-1").split("\n"), start=1):
        line = raw.strip(_BLANKS)
        if line and not line.startswith("#"):
            reader.read(number, line)
    return reader.keyring()


class _Reader:
    """One pass over the lines; `auth N` selects the key line N that comes after it."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._keys: dict[int, Key] = {}
        self._lines: dict[int, int] = {}
        self._wanted: tuple[int, int] | None = None  # index, line of the last auth line
        self._selected: int | None = None
        self._refused: set[int] = set()

    def read(self, number: int, line: str) -> None:
        if line.startswith("a"):
            self._read_auth(number, line)
        else:
            self._read_key(number, line)

    def keyring(self) -> Keyring | None:
        found = self._findings
        if self._wanted is None:
            if not found.mistakes:
                why = "no line says which key signs"
                found.mistake(0, "no auth line", why, "write auth 1 before key line 1")
            return None
        wanted, line = self._wanted
        if self._selected == wanted:
            return Keyring(tuple(self._keys[index] for index in sorted(self._keys)), wanted)
        if wanted in self._refused:
            return None
        if wanted in self._keys:
            why = f"key line {wanted} stands before it, in line {self._lines[wanted]}"
            remedy = f"move auth {wanted} before key line {wanted}"
        else:
            why = f"there is no key line {wanted}"
            remedy = f"write a line {wanted} METHOD KEY after it"
        if self._selected is None:
            found.mistake(line, f"auth {wanted}", why, remedy)
            return None
        # heartbeat keeps the last selection that worked
        found.warning(line, f"auth {wanted}: {why}: key {self._selected} signs")
        return Keyring(tuple(self._keys[index] for index in sorted(self._keys)), self._selected)

    def _read_auth(self, number: int, line: str) -> None:
        match = _AUTH.fullmatch(line)
        if match is None:
            why = "the line begins like auth and is not auth NUMBER"
            self._findings.mistake(number, "auth line", why, "write auth and the key's number")
            return
        index = int(match.group(1))
        if index > HIGHEST_INDEX:
            self._out_of_range(number, index)
            self._refused.add(index)
        self._wanted = (index, number)

    def _read_key(self, number: int, line: str) -> None:
        match = _KEY.fullmatch(line)
        if match is None:
            why = "it is neither auth NUMBER nor NUMBER METHOD KEY"
            self._findings.mistake(number, "key line", why, "mend the line or put # before it")
            return
        index = int(match.group(1))
        key = self._key(number, index, match.group(2), match.group(3))
        if key is None:
            self._refused.add(index)
            return
        if match.group(4) and match.group(4).strip(_BLANKS):
            text = f"key {index}: the key ends at the first blank, what follows is ignored"
            self._findings.warning(number, text)
        if index in self._keys:
            text = f"key {index}: replaces the key of line {self._lines[index]}"
            self._findings.warning(number, text)
        self._keys[index] = key
        self._lines[index] = number
        if self._wanted is not None and self._wanted[0] == index:
            self._selected = index

    def _key(self, number: int, index: int, word: str, secret: str | None) -> Key | None:
        found = self._findings
        if index > HIGHEST_INDEX:
            if index not in self._refused:
                self._out_of_range(number, index)
            return None
        method = _METHODS.get(word)
        if method is None:
            why = f"the method is none of {_METHOD_WORDS}"
            found.mistake(number, f"key {index}", why, f"write {index} sha1 KEY, in small letters")
            return None
        if method is AuthMethod.CRC:
            if secret is not None:
                why = "crc takes no key"
                remedy = "delete the key, or write sha1 for crc"
                found.mistake(number, f"key {index}", why, remedy)
                return None
            found.warning(number, f"key {index}: crc keeps nobody out, use it on closed lines only")
            return Key(index, method, b"")
        if secret is None:
            why = f"{method.value} needs a key"
            found.mistake(number, f"key {index}", why, f"write {index} {method.value} KEY")
            return None
        return Key(index, method, secret.encode("latin-1"))

    def _out_of_range(self, number: int, index: int) -> None:
        why = f"a key's number is from 0 to {HIGHEST_INDEX}"
        self._findings.mistake(number, f"key {index}", why, "give it a smaller number")
