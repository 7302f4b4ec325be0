"""The journal as `journalctl -o export` or `-o json` writes it, read for recorded steps.

Source: systemd's "Journal Export Formats". What is torn or strange is told with its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from hbd.errors import HbdError

FIELD = "HBD_STEPS"


class ExportError(HbdError):
    """A file is not what journalctl writes."""


@dataclass(frozen=True, slots=True)
class Found:
    """One recording's text, and where in the input it stood: a byte or a line."""

    where: str
    text: str


def recorded(name: str, data: bytes) -> Iterator[Found]:
    """The field HBD_STEPS of every entry that has one; ExportError if the input is neither form."""
    if data.lstrip()[:1] == b"{":
        yield from _of_json(name, data)
    else:
        yield from _of_export(name, data)


def _of_json(name: str, data: bytes) -> Iterator[Found]:
    for number, line in enumerate(data.splitlines(), start=1):
        where = f"{name}:{number}"
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ExportError(f"{where}: no JSON: {error}") from error
        if not isinstance(entry, dict):
            raise ExportError(f"{where}: no journal entry")
        if FIELD not in entry:
            continue
        value = entry[FIELD]
        if value is None:
            raise ExportError(
                f"{where}: journalctl left {FIELD} out because it is long; "
                "use `journalctl --all -o json` or `journalctl -o export`"
            )
        if not isinstance(value, str):
            raise ExportError(f"{where}: {FIELD} is no text")
        yield Found(where, value)


def _of_export(name: str, data: bytes) -> Iterator[Found]:
    place = 0
    while place < len(data):
        where = f"{name}: byte {place}"
        end = data.find(b"\n", place)
        end = len(data) if end < 0 else end
        line = data[place:end]
        place = end + 1
        key, is_short, value = line.partition(b"=")
        if not line:
            continue
        if not is_short:
            size = int.from_bytes(data[place : place + 8], "little")
            value = data[place + 8 : place + 8 + size]
            place += 8 + size + 1
            if len(value) < size:
                raise ExportError(f"{where}: field {key[:40]!r} is cut off")
        if not _is_key(key):
            raise ExportError(
                f"{where}: not written by journalctl -o export (or -o json): {key[:40]!r}"
            )
        if key == FIELD.encode():
            yield Found(where, value.decode("utf-8", "replace"))


def _is_key(key: bytes) -> bool:
    return 0 < len(key) <= 64 and key.replace(b"_", b"").isalnum() and key.upper() == key
