"""Text for a terminal: spans with a role, boxes and columns, and what a terminal can show of it.

Pure. Widths are counted in characters; nothing unprintable leaves this module, and on a terminal
that is not UTF-8 nothing beyond ASCII.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What a piece of text means; the value is how a terminal shows it (ECMA-48 SGR)."""

    PLAIN = ""
    TITLE = "1"
    DIM = "2"
    GOOD = "32"
    WARNING = "33"
    BAD = "1;31"
    COMMAND = "36"


@dataclass(frozen=True, slots=True)
class Style:
    """What the terminal can do. `width` is in columns."""

    width: int
    utf8: bool
    colour: bool


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line."""

    text: str
    role: Role = Role.PLAIN


Line = Sequence[Span]

_ASCII = str.maketrans("─│┌┐└┘●✗▲○▶→…", "-|++++*x!o>>~")
_RESET = "\x1b[0m"


def printable(text: str) -> str:
    """The text with every control character shown as `?`."""
    return "".join(character if character.isprintable() else "?" for character in text)


def length(line: Line) -> int:
    """How many columns the line takes."""
    return sum(len(span.text) for span in line)


def fit(line: Line, width: int) -> list[Span]:
    """The line cut to `width`, the last column then being `…`."""
    if length(line) <= width:
        return list(line)
    kept: list[Span] = []
    room = max(0, width - 1)
    for span in line:
        kept.append(Span(span.text[:room], span.role))
        room -= len(kept[-1].text)
    return [*(span for span in kept if span.text), Span("…" if width else "")]


def padded(line: Line, width: int) -> list[Span]:
    """The line cut or filled up to exactly `width`."""
    cut = fit(line, width)
    return [*cut, Span(" " * (width - length(cut)))]


def box(title: Line, lines: Iterable[Line], width: int) -> list[list[Span]]:
    """The lines in a frame of `width` columns with a title in its upper edge."""
    inner = width - 4
    head = fit(title, inner - 2)
    rule = "─" * (inner - length(head) - 1)
    rows = [[Span("│ "), *padded(line, inner), Span(" │")] for line in lines]
    return [
        [Span("┌─ "), *head, Span(f" {rule}┐")],
        *rows,
        [Span("└" + "─" * (width - 2) + "┘")],
    ]


def beside(left: Sequence[Line], right: Sequence[Line], gap: int) -> list[list[Span]]:
    """Two blocks of equal height side by side."""
    return [[*one, Span(" " * gap), *other] for one, other in zip(left, right, strict=True)]


def columns(rows: Sequence[Sequence[Span]], *, gap: int = 2) -> list[list[Span]]:
    """Cells below each other as wide as the widest; the last cell of a row is left as it is."""
    if not rows:
        return []
    widths = [max(len(row[at].text) for row in rows) for at in range(len(rows[0]))]
    return [
        [
            Span(cell.text.ljust(width) + " " * gap, cell.role) if at < len(row) - 1 else cell
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]


def wrapped(mark: Span, text: str, width: int, role: Role = Role.PLAIN) -> list[list[Span]]:
    """A text after a mark, on as many lines as it needs; later lines begin below the text."""
    indent = len(mark.text) + 1
    parts = textwrap.wrap(printable(text), max(10, width - indent), break_on_hyphens=False) or [""]
    first = [mark, Span(" "), Span(parts[0], role)]
    return [first, *([Span(" " * indent), Span(part, role)] for part in parts[1:])]


def drawn(lines: Iterable[Line], style: Style) -> str:
    """The lines as characters for this terminal, none longer than it is wide."""
    return "\n".join(_drawn(fit(line, style.width), style) for line in lines)


def _drawn(line: Line, style: Style) -> str:
    pieces = [(_shown(span.text, style), span.role) for span in line]
    while pieces and not pieces[-1][0].rstrip():
        pieces.pop()
    if pieces:
        pieces[-1] = (pieces[-1][0].rstrip(), pieces[-1][1])
    return "".join(
        f"\x1b[{role.value}m{text}{_RESET}" if style.colour and role.value and text else text
        for text, role in pieces
    )


def _shown(text: str, style: Style) -> str:
    text = printable(text)
    if style.utf8:
        return text
    return text.translate(_ASCII).encode("ascii", "replace").decode()
