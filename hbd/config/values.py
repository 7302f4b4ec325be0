"""The small grammars of ha.cf(5): times, booleans, whole numbers, names.

Each function takes the word as it stands and returns the value or raises BadValue. The forms are
heartbeat 3.0.6's as tried on the real daemon, with one difference: where it reads the beginning
of a word as a number and drops the rest (`udpport 694x`, `keepalive 1.2.3`), the word is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal

from hbd.cluster.terms import MILLISECOND, NodeName, Usec
from hbd.config.findings import BadValue, quoted

LONGEST_TIME = Usec((2**31 - 1) * MILLISECOND)  # 24.8 days: what a 32-bit count of ms can say
LONGEST_NUMBER = 20  # digits; more than any value that means something
NODE_NAME_BYTES = 99  # heartbeat's limit for a name in a message
INTERFACE_NAME_BYTES = 15  # IFNAMSIZ less the terminator

_TIME = re.compile(r"([0-9]*\.?[0-9]*)(.*)", re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\f\v]+")
_BLANKS_AND_COMMAS = re.compile(r"[ \t\r\f\v,]+")
_WHOLE = re.compile(r"-?[0-9]+")
_NODE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_INTERFACE = re.compile(r"[!-~]+")

_TRUE = frozenset(("true", "on", "yes", "y", "1"))
_FALSE = frozenset(("false", "off", "no", "n", "0"))


def words(text: str, *, commas: bool = False) -> list[str]:
    """The words of a line: only ASCII blanks separate, and commas where asked."""
    pattern = _BLANKS_AND_COMMAS if commas else _BLANKS
    return [word for word in pattern.split(text) if word]


def time(word: str) -> Usec:
    """A span: `2`, `.5` seconds, `500ms`, `500000us`; rounded half up to whole milliseconds.

    As in heartbeat the unit is recognised by how it begins, in any case: `ms`, `msec`, `US`.
    """
    match = _TIME.match(word[: LONGEST_NUMBER + 10])
    assert match is not None, "the pattern matches anything"
    digits, unit = match.group(1), match.group(2).lower()
    remedy = "write seconds like 2 or 1.5, or 500ms, or 500000us, without a blank"
    if not any(character.isdigit() for character in digits):
        raise BadValue("it is no time", remedy)
    if unit.startswith("ms"):
        factor = Decimal(1)
    elif unit.startswith("us"):
        factor = Decimal("0.001")
    elif unit == "":
        factor = Decimal(1000)
    else:
        raise BadValue(f"{quoted(unit)} is no unit of time", remedy)
    if len(digits) > LONGEST_NUMBER:
        raise BadValue("the number is too long", remedy)
    milliseconds = int(Decimal(digits) * factor + Decimal("0.5"))
    if milliseconds * MILLISECOND > LONGEST_TIME:
        raise BadValue("it is longer than 24 days", remedy)
    return Usec(milliseconds * MILLISECOND)


def in_words(span: Usec) -> str:
    """A span as ha.cf would say it: `5`, `1.5`, `0.25` (seconds)."""
    return f"{Decimal(span) / 1_000_000:f}"


def flag(word: str) -> bool:
    """`true on yes y 1` or `false off no n 0`, in any case."""
    lower = word.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE:
        return False
    raise BadValue("it is neither yes nor no", "write on or off")


def number(word: str, low: int, high: int, unit: str = "") -> int:
    """A whole number from `low` to `high`; `unit` may stand behind it and changes nothing."""
    bare = word.removesuffix(unit) if unit else word
    remedy = f"write a whole number from {low} to {high}"
    if not _WHOLE.fullmatch(bare) or len(bare) > LONGEST_NUMBER:
        raise BadValue("it is not a whole number", remedy)
    value = int(bare)
    if not low <= value <= high:
        raise BadValue(f"{value} is out of range", remedy)
    return value


def choice(word: str, known: tuple[str, ...]) -> str:
    """One of `known`, exactly as they are written."""
    if word not in known:
        raise BadValue("it is not one of the known words", f"write one of: {' '.join(known)}")
    return word


def node_name(word: str) -> NodeName:
    """A node as `uname -n` prints it, lower-cased as heartbeat does."""
    lower = word.lower()
    remedy = "write the name that uname -n prints there"
    if len(lower) > NODE_NAME_BYTES:
        raise BadValue(f"a node name has at most {NODE_NAME_BYTES} characters", remedy)
    if not _NODE_NAME.fullmatch(lower):
        raise BadValue("a node name has only letters, digits, dots, dashes, underscores", remedy)
    return NodeName(lower)


def interface_name(word: str) -> str:
    """What the kernel accepts as a network interface's name; whether it exists is not asked."""
    remedy = "write a name that ip link shows, like eth1"
    if len(word.encode()) > INTERFACE_NAME_BYTES:
        why = f"an interface name has at most {INTERFACE_NAME_BYTES} characters"
        raise BadValue(why, remedy)
    if not _INTERFACE.fullmatch(word) or "/" in word or ":" in word or word in (".", ".."):
        raise BadValue("it cannot be an interface name", remedy)
    return word
