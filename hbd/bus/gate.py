"""The gate before every method: who calls, may they, and how many may be waiting for the answer.

A caller waits here while polkit asks a person and while long work is done, so the waiting is
bounded: in all, and for each connection and user, that nobody can fill the gate alone. Refusals
are counted and make at most one journal line a minute, however often somebody tries.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from hbd.bus.connection import DBUS, DBUS_PATH, Connection
from hbd.bus.exported import Caller
from hbd.bus.names import Error, Permission
from hbd.bus.polkit import Authority, Verdict
from hbd.bus.quiet import Quiet
from hbd.errors import AdapterError, Refused

LOG = logging.getLogger(__name__)

# A person answers one dialogue at a time; a script seldom has more than a few calls under way.
MAX_WAITING_OF_ONE = 4
MAX_WAITING = 32


class Gate:
    """Admits a caller or raises Refused."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._places = _Places()
        self._quiet = Quiet()
        self.denied_count = 0  # calls refused for want of permission

    @asynccontextmanager
    async def admit(
        self,
        bus: Connection,
        sender: str,
        permission: Permission | None,
        details: Mapping[str, str],
        *,
        interactive: bool,
    ) -> AsyncIterator[Caller]:
        """Hold a place for the caller, if permitted (None: everyone is), while it is served.

        Raise Refused: AccessDenied, InteractiveAuthorizationRequired, or Busy when too many wait
        already.
        """
        with self._places.take(sender):
            caller = Caller(sender, await _uid_of(bus, sender))
            with self._places.take_another(str(caller)):
                if permission is not None:
                    await self._ask(bus, caller, permission, details, interactive=interactive)
                yield caller

    async def _ask(
        self,
        bus: Connection,
        caller: Caller,
        permission: Permission,
        details: Mapping[str, str],
        *,
        interactive: bool,
    ) -> None:
        verdict = await self._authority.check(
            bus, caller, permission, details, interactive=interactive
        )
        if verdict is not Verdict.ALLOWED:
            self._note(permission, caller, verdict)
            raise _refused(verdict, permission, interactive=interactive)

    def _note(self, permission: Permission, caller: Caller, verdict: Verdict) -> None:
        self.denied_count += 1
        unsaid = self._quiet.may_say()
        if unsaid is not None:
            LOG.info(
                "denied %s to %s (%s); %d other refusals were not logged",
                permission,
                caller,
                verdict.value,
                unsaid,
            )


class _Places:
    """How many calls wait: in all, and for each connection and each user."""

    def __init__(self) -> None:
        self._in_all = 0
        self._waiting: Counter[str] = Counter()

    @contextmanager
    def take(self, who: str) -> Iterator[None]:
        """Hold a place while the call waits; raise Refused(Busy) if there is none."""
        if self._in_all >= MAX_WAITING:
            raise Refused(Error.BUSY, "too many calls are under way; try again later")
        self._in_all += 1
        try:
            with self.take_another(who):
                yield
        finally:
            self._in_all -= 1

    @contextmanager
    def take_another(self, who: str) -> Iterator[None]:
        """The same call counted under another name."""
        if self._waiting[who] >= MAX_WAITING_OF_ONE:
            raise Refused(Error.BUSY, "calls of yours are under way already; let them end first")
        self._waiting[who] += 1
        try:
            yield
        finally:
            self._waiting[who] -= 1
            self._waiting += Counter()  # drops the names nobody waits under


async def _uid_of(bus: Connection, sender: str) -> int:
    try:
        [uid] = await bus.call(DBUS, DBUS_PATH, DBUS, "GetConnectionUnixUser", "s", [sender])
    except AdapterError as error:
        raise Refused(Error.ACCESS_DENIED, "the bus does not say who calls") from error
    assert isinstance(uid, int), "the bus answers in its own signature"
    return uid


def _refused(verdict: Verdict, permission: Permission, *, interactive: bool) -> Refused:
    if verdict is Verdict.CHALLENGE:
        asked = (
            "nobody could be asked: run a polkit agent (pkttyagent)"
            if interactive
            else ("the call does not allow to ask for a password: allow it")
        )
        why = f"{permission} needs an administrator, and {asked}, or be root or in haclient"
        return Refused(Error.INTERACTION_REQUIRED, why)
    why = {
        Verdict.DENIED: f"polkit does not permit {permission} to you",
        Verdict.SILENT: f"polkit did not answer in time about {permission}; root may go on",
        Verdict.ABSENT: f"polkit is not running, so only root has {permission}",
    }[verdict]
    return Refused(Error.ACCESS_DENIED, why)
