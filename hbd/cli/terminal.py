"""The terminal behind a file: whether it is one, what it can show, and a screen to redraw on.

Sources: console_codes(4) for the sequences, locale(7) for the character set, no-color.org.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import TextIO

from hbd.cli.ink import Style

_ENTER = "\x1b[?1049h\x1b[?25l"  # the alternate screen, without a cursor
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME, _LINE_END, _SCREEN_END = "\x1b[H", "\x1b[K", "\x1b[J"


def is_terminal(file: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a person looks at it, on something that understands more than lines."""
    return file.isatty() and environment.get("TERM", "dumb") not in ("", "dumb")


def style_of(file: TextIO, environment: Mapping[str, str] = os.environ) -> Style:
    """What can be shown there now. Python has taken the character set from the locale."""
    return Style(
        width=_size(file).columns,
        utf8=(file.encoding or "").lower().replace("-", "") == "utf8" and _is_utf8(environment),
        colour=not environment.get("NO_COLOR"),
    )


class Screen:
    """The whole terminal while something is redrawn there; `leave` gives it back as it was."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._entered = False

    def enter(self) -> None:
        """Take the terminal. Idempotent."""
        if not self._entered:
            self._entered = True
            self._write(_ENTER)

    def leave(self) -> None:
        """Give it back: the text that was there before, and the cursor. Idempotent."""
        if self._entered:
            self._entered = False
            self._write(_LEAVE)

    def draw(self, text: str) -> None:
        """Show this text from the top, over what was there, without flicker."""
        rows = max(1, _size(self._file).lines - 1)
        lines = text.splitlines()
        if len(lines) > rows:
            lines = [*lines[: rows - 1], f"({len(lines) - rows + 1} more lines)"]
        self._write(_HOME + "".join(f"{line}{_LINE_END}\r\n" for line in lines) + _SCREEN_END)

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()


def _is_utf8(environment: Mapping[str, str]) -> bool:
    """What the locale says. Python itself takes C and POSIX for UTF-8 (PEP 538, PEP 540)."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if environment.get(name):
            return environment[name].lower().replace("-", "").rpartition(".")[2][:4] == "utf8"
    return False


def _size(file: TextIO) -> os.terminal_size:
    try:
        size = os.get_terminal_size(file.fileno())
    except OSError:
        return shutil.get_terminal_size()
    # A serial console tells no size: 0 columns and 0 lines.
    return os.terminal_size((size.columns or 80, size.lines or 24))
