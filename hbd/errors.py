"""The error tree of hbd: every exception that may cross a layer's border, on one page.

An error says what was attempted, on what, why it failed and what hbd does or what the reader can
do about it. Anything a library raises is caught at the call and becomes one of these.
"""

from __future__ import annotations

from dataclasses import dataclass


class HbdError(Exception):
    """Everything hbd raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in one configuration file, as the administrator must read it.

    `file` is a path as the reader knows it, `line` counts from 1 (0: the file as a whole).
    """

    file: str
    line: int
    what: str
    why: str
    remedy: str

    def __str__(self) -> str:
        """`file:line: what, why, what to do`: the form that editors and people jump to."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.what}: {self.why}; {self.remedy}"


class ConfigError(HbdError):
    """The configuration is refused; all mistakes found are in `mistakes`. Exit status 78."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        assert mistakes, "a ConfigError names at least one mistake"
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


class CodecError(HbdError):
    """Bytes from a wire are not an acceptable message; `reason` is the word they are counted by."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Refused(HbdError):
    """An operator asked for something not allowed or not legal now; `name` is the D-Bus error."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


class AdapterError(HbdError):
    """The world outside said no: systemd, netlink, a device. The executor turns it to an event."""


class NoAnswer(AdapterError):
    """Whoever was asked could not be reached, or took too long: nothing is known, try again."""


class AddressInUse(AdapterError):
    """A shared address is not taken, because another machine on the LAN answers for it."""


class ReservationConflict(AdapterError):
    """A disk refused because another node's reservation stands: an answer, not a breakdown."""
