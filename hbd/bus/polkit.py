"""Who may: the question put to polkit (polkit(8), interface org.freedesktop.PolicyKit1.Authority).

The endpoint knows only the Protocol `Authority`. Nothing here blocks: every question has a
deadline of its own, and whatever is not a clear yes is a no.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from hbd.bus.connection import Connection
from hbd.bus.exported import Caller
from hbd.bus.names import Permission


class Verdict(Enum):
    """What the authority answered."""

    ALLOWED = "allowed"
    DENIED = "denied"
    CHALLENGE = "challenge"  # perhaps, if the caller lets a person be asked for a password
    SILENT = "silent"  # no answer in time
    ABSENT = "absent"  # there is nobody to ask: only root may


class Authority(Protocol):
    """Whoever decides about permissions."""

    async def check(
        self,
        bus: Connection,
        caller: Caller,
        permission: Permission,
        details: Mapping[str, str],
        *,
        interactive: bool,
    ) -> Verdict:
        """Whether `caller` has `permission`. Never raises for the world's faults, only Verdicts."""
        ...
