"""A node's findings as one bounded piece of text for the wire, and back. Pure.

JSON, deflated, in base64: about 900 bytes for a healthy node, half a second of a serial line. What
is longer than the bound loses first its good lines, then its last ones, and says so.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib

from hbd.check.finding import CheckId, Level, Report, warning
from hbd.check.order import report_of

MAX_TEXT = 3_000  # characters of base64: 1.6 s of a line of 19200 baud
MAX_BYTES = 32_768  # what they may unfold to; our own do to a few thousand
MAX_LINES = 200


def packed(report: Report) -> str:
    """The text; as much of the report as fits."""
    lines = [[f.check.value, f.level.value, f.text, f.remedy] for f in report.findings]
    text = _text(lines, dict(report.facts))
    if len(text) <= MAX_TEXT:
        return text
    lines = [line for line in lines if line[1] != Level.OK.value]
    more = warning(CheckId.EXAMINED, "there is more than fits on the wire", "hbctl check, there")
    last = [more.check.value, more.level.value, more.text, more.remedy]
    while True:
        text = _text([*lines, last], {})
        if len(text) <= MAX_TEXT or not lines:
            return text
        lines = lines[: len(lines) * 3 // 4]


def unpacked(text: str) -> Report | None:
    """The report; None for a text that is none."""
    if len(text) > MAX_TEXT:
        return None
    try:
        unfold = zlib.decompressobj()
        raw = unfold.decompress(base64.b64decode(text, validate=True), MAX_BYTES)
        if not unfold.eof:
            return None
        said = json.loads(raw)
        lines, facts = said["f"], said["t"]
        return report_of(lines, facts) if len(lines) <= MAX_LINES else None
    except (binascii.Error, zlib.error, ValueError, TypeError, KeyError, RecursionError):
        return None


def _text(lines: list[list[str]], facts: dict[str, str]) -> str:
    raw = json.dumps({"f": lines, "t": facts}, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(raw, 9)).decode()
