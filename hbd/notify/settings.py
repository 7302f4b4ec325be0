"""hbd-notify's settings file: `notify.conf`, in the user's configuration or the machine's.

The places are those of the XDG Base Directory Specification; the user's file hides the machine's.
The form is ha.cf's: a word and what it is set to, `#` begins a comment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hbd.errors import ConfigError, Mistake

NAME = Path("hbd/notify.conf")
PAGE = "https://localhost:9090/hbd"  # Cockpit on this machine, and hbd's page in it
SCHEMES = ("https", "http")
SYSTEM = "/etc/xdg"
_COMMENT = re.compile(r"(?:^|\s)#")  # within an address it is a part of it


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set."""

    page: str = PAGE


def read(environment: Mapping[str, str]) -> Settings:
    """The first file that is there, or the defaults. ConfigError with all mistakes of a bad one."""
    for path in places(environment):
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            mistake = Mistake(str(path), 0, "unreadable", str(why), "mend it or remove it")
            raise ConfigError((mistake,)) from error
        return parse(str(path), text)
    return Settings()


def places(environment: Mapping[str, str]) -> list[Path]:
    """Where the file may be, the most particular first; a folder must be named absolutely."""
    home = environment.get("HOME", "")
    own = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    shared = (environment.get("XDG_CONFIG_DIRS") or SYSTEM).split(":")
    return [Path(folder) / NAME for folder in (own, *shared) if os.path.isabs(folder)]


def parse(file: str, text: str) -> Settings:
    """What the text says. ConfigError with a line for each mistake."""
    page = ""
    mistakes: list[Mistake] = []
    for number, line in enumerate(text.splitlines(), start=1):
        word, value = (*_COMMENT.split(line, 1)[0].split(None, 1), "", "")[:2]
        value = value.strip()
        if word == "page" and not page and is_page(value):
            page = value
        elif word:
            mistakes.append(_mistake(file, number, word, value, is_second=bool(page)))
    if mistakes:
        raise ConfigError(tuple(mistakes))
    return Settings(page or PAGE)


def is_page(address: str) -> bool:
    """Whether a browser can be sent there: a whole web address, and nothing else."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return (
        parts.scheme in SCHEMES
        and bool(parts.hostname)
        and address.isprintable()
        and " " not in address
    )


def _mistake(file: str, line: int, word: str, value: str, *, is_second: bool) -> Mistake:
    if word != "page":
        return Mistake(file, line, f"'{word}'", "there is no such setting", "only page is known")
    if is_second:
        return Mistake(file, line, "page", "it is set above already", "remove one of the two")
    what = f"page '{value}'"
    return Mistake(file, line, what, "not a web address", f"write it whole, as in page {PAGE}")
