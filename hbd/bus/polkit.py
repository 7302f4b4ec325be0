"""Who may: the question put to polkit (polkit(8), interface org.freedesktop.PolicyKit1.Authority).

The endpoint knows only the Protocol `Authority`. Nothing here blocks: every question has a
deadline of its own, and whatever is not a clear yes is a no.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from dbus_next.signature import Variant

from hbd.bus.connection import CallFailed, CallTimedOut, Connection
from hbd.bus.exported import Caller
from hbd.bus.names import Permission
from hbd.bus.properties import sendable
from hbd.errors import AdapterError

POLKIT = "org.freedesktop.PolicyKit1"
POLKIT_PATH = "/org/freedesktop/PolicyKit1/Authority"
POLKIT_INTERFACE = "org.freedesktop.PolicyKit1.Authority"

# A rule is judged in milliseconds; on a machine under load, in a second or two.
RULE_SECONDS = 10.0
# A person types a password: two minutes, as agents and sudo(8) have it to within a factor of two.
PERSON_SECONDS = 120.0

_ALLOW_USER_INTERACTION = 1
_ITS_ERRORS = "org.freedesktop.PolicyKit1.Error."


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


class PolkitAuthority:
    """polkitd decides; root needs not ask."""

    def __init__(
        self,
        *,
        trusted_uids: frozenset[int] = frozenset({0}),
        rule_seconds: float = RULE_SECONDS,
        person_seconds: float = PERSON_SECONDS,
    ) -> None:
        self._trusted_uids = trusted_uids
        self._rule_seconds = rule_seconds
        self._person_seconds = person_seconds
        self._asked = 0

    async def check(
        self,
        bus: Connection,
        caller: Caller,
        permission: Permission,
        details: Mapping[str, str],
        *,
        interactive: bool,
    ) -> Verdict:
        """Ask polkit about the caller's connection, and a person only if the call allowed that."""
        if caller.uid in self._trusted_uids:
            return Verdict.ALLOWED
        self._asked += 1
        cancellation = f"hbd-{self._asked}"
        subject = ["system-bus-name", {"name": Variant("s", caller.sender)}]
        shown = {key: sendable(value) for key, value in details.items()}
        flags = _ALLOW_USER_INTERACTION if interactive else 0
        body: list[object] = [subject, str(permission), shown, flags, cancellation]
        deadline = self._person_seconds if interactive else self._rule_seconds
        try:
            answer = await bus.call(
                POLKIT,
                POLKIT_PATH,
                POLKIT_INTERFACE,
                "CheckAuthorization",
                "(sa{sv})sa{ss}us",
                body,
                deadline,
                autostart=True,  # on a server nothing else may have needed polkit yet
            )
        except CallTimedOut:
            # The dialogue may still be open on somebody's screen.
            bus.tell(
                POLKIT,
                POLKIT_PATH,
                POLKIT_INTERFACE,
                "CancelCheckAuthorization",
                "s",
                cancellation,
            )
            return Verdict.SILENT
        except CallFailed as error:
            # Any other error is the bus's or systemd's: there is no polkit and none can start.
            return Verdict.DENIED if error.name.startswith(_ITS_ERRORS) else Verdict.ABSENT
        except AdapterError:
            return Verdict.SILENT
        return _verdict(answer)


def _verdict(answer: list[object]) -> Verdict:
    """polkit's (authorized, challenge, details); anything else is a no."""
    match answer:
        case [[True, _, _]]:
            return Verdict.ALLOWED
        case [[False, True, _]]:
            return Verdict.CHALLENGE
        case _:
            return Verdict.DENIED
