"""What systemd says of a unit, in types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Self


class _Word(Enum):
    """systemd's words; one that a newer systemd invents becomes `unknown`."""

    @classmethod
    def parse(cls, word: object) -> Self:
        """The member for systemd's word."""
        try:
            return cls(word)
        except ValueError:
            return cls("unknown")


class LoadState(_Word):
    """Whether there is such a unit (systemd.unit(5))."""

    LOADED = "loaded"
    NOT_FOUND = "not-found"
    MASKED = "masked"
    BAD_SETTING = "bad-setting"
    ERROR = "error"
    MERGED = "merged"
    STUB = "stub"
    UNKNOWN = "unknown"


class ActiveState(_Word):
    """What the unit is doing."""

    ACTIVE = "active"
    RELOADING = "reloading"
    REFRESHING = "refreshing"
    INACTIVE = "inactive"
    FAILED = "failed"
    ACTIVATING = "activating"
    DEACTIVATING = "deactivating"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"

    @property
    def is_running(self) -> bool:
        """Started and usable."""
        return self in (ActiveState.ACTIVE, ActiveState.RELOADING, ActiveState.REFRESHING)

    @property
    def is_stopped(self) -> bool:
        """Nothing of it runs. `failed` is stopped too: its processes are gone."""
        return self in (ActiveState.INACTIVE, ActiveState.FAILED)


class FileState(_Word):
    """Whether the unit starts by itself at boot (systemctl(1), is-enabled)."""

    ENABLED = "enabled"
    ENABLED_RUNTIME = "enabled-runtime"
    LINKED = "linked"
    LINKED_RUNTIME = "linked-runtime"
    ALIAS = "alias"
    MASKED = "masked"
    MASKED_RUNTIME = "masked-runtime"
    STATIC = "static"
    INDIRECT = "indirect"
    DISABLED = "disabled"
    GENERATED = "generated"
    TRANSIENT = "transient"
    BAD = "bad"
    NONE = ""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UnitState:
    """One unit as of now.

    `unit` is the canonical name. `sub` and `result` are systemd's words, for people; `result` is
    "success" for a unit whose type has none.
    """

    unit: str
    load: LoadState
    active: ActiveState
    sub: str
    file_state: FileState
    result: str
