"""What a node reports of its groups, as one short line of text inside heartbeat's messages.

    report = version ";" phase [ "m" ] ";" deadtime ";" heard [ ";!" aside ] { ";" group }
    aside  = digest "!" hears
    group  = name "|" epoch "|" owner "|" state [ "w" ]

Digest is 24 hexadecimal digits or nothing, hears a hexadecimal number with a bit for each link on
which the sender hears the reader; an aside that would say nothing of both is left out.

Version is `1`; phase and state are one letter (tables below), `m` says that the sender is in
maintenance, `w` that it wants the group; deadtime (µs), heard (the reader's generation) and epoch
are lower case hexadecimal; in names every byte outside a safe set is written `%XX` (of UTF-8).
Every report has exactly one text, and every other text is refused. Letters instead of words because
a serial line of 19200 baud carries 1920 bytes a second and this is in every heartbeat.
"""

from __future__ import annotations

from hbd.cluster.terms import (
    NO_DIGEST,
    ConfigDigest,
    Epoch,
    Generation,
    GroupName,
    GroupReport,
    GroupState,
    NodeName,
    Phase,
    Report,
    Usec,
)
from hbd.errors import CodecError
from hbd.wire.reason import Reason, rejection

VERSION = "1"
MAX_VERSION_DIGITS = 3
MAX_GROUPS = 64  # a two-node cluster of the classic kind has one to five
MAX_GROUP_NAME = 255  # characters; a group is named by one word of haresources
MAX_NODE_NAME = 99  # bytes, heartbeat's own limit
MAX_REPORT_BYTES = 32_768  # leaves half a datagram for the rest of the message
MAX_VALUE = 2**63 - 1  # epoch and deadtime
MAX_LINKS = 63  # a bit each
DIGEST_DIGITS = 24  # 8 for each of the three files

_ASIDE = "!"  # not safe in a name, so no group begins with it

_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:/@+=")

_PHASES = {
    Phase.STARTING: "s",
    Phase.ACTIVE: "a",
    Phase.LEAVING: "l",
    Phase.LEFT: "x",
}
_STATES = {
    GroupState.UNKNOWN: "u",
    GroupState.STOPPED: "s",
    GroupState.PARTIAL: "p",
    GroupState.STARTING: "b",  # begins
    GroupState.STARTED: "r",  # runs
    GroupState.STOPPING: "e",  # ends
    GroupState.START_FAILED: "f",
    GroupState.STOP_FAILED: "x",
}
assert len(_PHASES) == len(Phase), "every phase has its letter"
assert len(_STATES) == len(GroupState), "every state has its letter"

_WANTED = "w"  # no state has this letter
assert _WANTED not in _STATES.values(), "a state and the wish for it are told apart"

_MAINTENANCE = "m"  # no phase has this letter
assert _MAINTENANCE not in _PHASES.values(), "a phase and maintenance are told apart"

_PHASE_OF = {letter: phase for phase, letter in _PHASES.items()}
_STATE_OF = {letter: state for state, letter in _STATES.items()}


def encode_report(report: Report) -> str:
    """The report as printable ASCII without comma, blank or newline; CodecError beyond limits."""
    if len(report.groups) > MAX_GROUPS:
        raise _bad(f"more than {MAX_GROUPS} groups")
    if len({group.name for group in report.groups}) != len(report.groups):
        raise _bad("a group twice")
    phase = _PHASES[report.phase] + (_MAINTENANCE if report.maintenance else "")
    parts = [VERSION, phase, _hex(report.deadtime_usec), _hex(report.heard)]
    if report.digest or report.hears:
        parts.append(_encode_aside(report))
    parts += [_encode_group(group) for group in report.groups]
    text = ";".join(parts)
    if len(text) > MAX_REPORT_BYTES:
        raise _bad(f"more than {MAX_REPORT_BYTES} bytes")
    return text


def decode_report(text: str) -> Report:
    """The report that `text` says; CodecError for anything that `encode_report` does not write."""
    if len(text) > MAX_REPORT_BYTES:
        raise _bad(f"more than {MAX_REPORT_BYTES} bytes")
    parts = text.split(";", MAX_GROUPS + 6)
    if len(parts) < 4 or parts[0] != VERSION:
        raise _bad("not a report of version 1")
    phase = _PHASE_OF.get(parts[1].removesuffix(_MAINTENANCE))
    if phase is None:
        raise _bad("no such phase")
    has_aside = len(parts) > 4 and parts[4].startswith(_ASIDE)
    digest, hears = _decode_aside(parts[4]) if has_aside else (NO_DIGEST, frozenset())
    groups = tuple(_decode_group(part) for part in parts[4 + has_aside :])
    report = Report(
        phase,
        Usec(_number(parts[2])),
        groups,
        heard=Generation(_number(parts[3])),
        maintenance=parts[1].endswith(_MAINTENANCE),
        digest=digest,
        hears=hears,
    )
    if encode_report(report) != text:
        raise _bad("not in its one form")
    return report


def is_of_later_version(text: str) -> bool:
    """Whether `text` is a report in the form of some later hbd, which we cannot read."""
    version = text.partition(";")[0]
    if not version.isascii() or not version.isdigit() or len(version) > MAX_VERSION_DIGITS:
        return False
    return int(version) > int(VERSION)


def _encode_aside(report: Report) -> str:
    if any(not 0 <= place < MAX_LINKS for place in report.hears):
        raise _bad(f"more than {MAX_LINKS} links")
    _check_digest(report.digest)
    bits = sum(1 << place for place in report.hears)
    return f"{_ASIDE}{report.digest}{_ASIDE}{_hex(bits)}"


def _decode_aside(text: str) -> tuple[ConfigDigest, frozenset[int]]:
    parts = text.split(_ASIDE, 3)
    if len(parts) != 3:
        raise _bad("an aside has two parts")
    bits = _number(parts[2])
    hears = frozenset(place for place in range(MAX_LINKS) if bits >> place & 1)
    return ConfigDigest(parts[1]), hears


def _check_digest(text: str) -> None:
    if text and (len(text) != DIGEST_DIGITS or text.strip("0123456789abcdef")):
        raise _bad("not a digest")


def _encode_group(group: GroupReport) -> str:
    name = _escape(group.name, MAX_GROUP_NAME)
    owner = _escape(group.owner, MAX_NODE_NAME)
    wanted = _WANTED if group.wanted else ""
    return f"{name}|{_hex(group.epoch)}|{owner}|{_STATES[group.state]}{wanted}"


def _decode_group(text: str) -> GroupReport:
    parts = text.split("|", 4)
    if len(parts) != 4:
        raise _bad("a group has four parts")
    name, epoch, owner, letter = parts
    state = _STATE_OF.get(letter.removesuffix(_WANTED))
    if state is None:
        raise _bad("no such group state")
    return GroupReport(
        GroupName(_unescape(name)),
        Epoch(_number(epoch)),
        NodeName(_unescape(owner)),
        state,
        wanted=letter.endswith(_WANTED),
    )


def _hex(value: int) -> str:
    if not 0 <= value <= MAX_VALUE:
        raise _bad("number out of range")
    return f"{value:x}"


def _number(text: str) -> int:
    if not text or len(text) > 16 or text.strip("0123456789abcdef"):
        raise _bad("not a number")
    return int(text, 16)


def _escape(name: str, limit: int) -> str:
    if not name or len(name) > limit or not name.isprintable():
        raise _bad("a name is empty, too long or not printable")
    return "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in name.encode())


def _unescape(text: str) -> str:
    head, *rest = text.split("%")
    try:
        raw = head.encode("ascii") + b"".join(
            bytes.fromhex(part[:2]) + part[2:].encode("ascii") for part in rest
        )
        return raw.decode("utf-8")
    except ValueError as error:
        raise _bad("a name is wrongly escaped") from error


def _bad(detail: str) -> CodecError:
    return rejection(Reason.BAD_REPORT, detail)
