"""The objects that have methods: Manager and Group. Their contract is dbus/*.xml.

Methods only translate: D-Bus words in, one request out, one job back. Whether a takeover is legal
now is for the core to say, and it says so through the job.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from hbd.bus import history as transitions
from hbd.bus import names
from hbd.bus.exported import Caller, Deed, exported, methods_of
from hbd.bus.history import HistoryReadings
from hbd.bus.jobs import Request
from hbd.bus.names import Error, Interface, Permission, Verb
from hbd.bus.properties import sendable
from hbd.cluster.terms import GroupName, Scope
from hbd.errors import AdapterError, ConfigError, Refused

Submit = Callable[[Verb, Scope, GroupName | None, str], Request]

# Who asks -> a line for each thing that differs; ConfigError or AdapterError: nothing has changed.
Reload = Callable[[str], Awaitable[Sequence[str]]]

# Node, check, level (ok, warning, error), text and remedy of each line.
CheckLine = tuple[str, str, str, str, str]
Check = Callable[[], Awaitable[Sequence[CheckLine]]]


async def nothing_checked() -> Sequence[CheckLine]:
    """The check of a daemon that has none."""
    return ()


class ManagerObject:
    """The interface Manager: requests for all groups of a scope, or for one group by its name."""

    def __init__(
        self,
        submit: Submit,
        groups: frozenset[GroupName],
        history: HistoryReadings,
        reload: Reload,
        check: Check,
    ) -> None:
        self._submit = submit
        self._groups = groups
        self._history = history
        self._reload = reload
        self._check = check

    @exported(Interface.MANAGER, "Check", takes="", returns="a(sssss)", permission=None)
    def check(self) -> Deed:
        """Say of both nodes what the next failover needs; nothing is changed. It takes 10 s."""

        async def do(_caller: Caller) -> list[object]:
            return [[[sendable(word) for word in line] for line in await self._check()]]

        return Deed(do)

    @exported(Interface.MANAGER, "Takeover", takes="s", returns="o", permission=Permission.TAKEOVER)
    def takeover(self, scope: str) -> Deed:
        """Ask for the groups of a scope to come to this node. Refuses: NoSuchScope."""
        return _job(self._submit, Verb.TAKEOVER, _scope(scope), None)

    @exported(Interface.MANAGER, "Standby", takes="s", returns="o", permission=Permission.STANDBY)
    def standby(self, scope: str) -> Deed:
        """Ask for the groups of a scope to go to the peer. Refuses: NoSuchScope."""
        return _job(self._submit, Verb.STANDBY, _scope(scope), None)

    @exported(
        Interface.MANAGER, "TakeoverGroup", takes="s", returns="o", permission=Permission.TAKEOVER
    )
    def takeover_group(self, group: str) -> Deed:
        """Ask for one group to come to this node. Refuses: NoSuchGroup."""
        return _job(self._submit, Verb.TAKEOVER, Scope.ALL, self._group(group))

    @exported(
        Interface.MANAGER, "StandbyGroup", takes="s", returns="o", permission=Permission.STANDBY
    )
    def standby_group(self, group: str) -> Deed:
        """Ask for one group to go to the peer. Refuses: NoSuchGroup."""
        return _job(self._submit, Verb.STANDBY, Scope.ALL, self._group(group))

    @exported(
        Interface.MANAGER,
        "SetMaintenance",
        takes="b",
        returns="o",
        permission=Permission.MAINTENANCE,
    )
    def set_maintenance(self, on: bool) -> Deed:  # noqa: FBT001  # D-Bus has no named arguments
        """Let this node move nothing from now on, or go on as ever."""
        verb = Verb.MAINTENANCE_ON if on else Verb.MAINTENANCE_OFF
        return _job(self._submit, verb, Scope.ALL, None)

    @exported(
        Interface.MANAGER,
        "ConfirmPeerDown",
        takes="",
        returns="o",
        permission=Permission.CONFIRM_PEER_DOWN,
    )
    def confirm_peer_down(self) -> Deed:
        """Take the caller's own word that the peer is off."""
        return _job(self._submit, Verb.CONFIRM_PEER_DOWN, Scope.ALL, None)

    @exported(
        Interface.MANAGER,
        "ClearFailure",
        takes="s",
        returns="o",
        permission=Permission.CLEAR_FAILURE,
    )
    def clear_failure(self, group: str) -> Deed:
        """Try again what failed here: one group, or all with "". Refuses: NoSuchGroup."""
        name = self._group(group) if group else None
        return _job(self._submit, Verb.CLEAR_FAILURE, Scope.ALL, name)

    @exported(Interface.MANAGER, "Reload", takes="", returns="as", permission=Permission.RELOAD)
    def reload(self) -> Deed:
        """Read the configuration anew. Refuses: InvalidConfiguration, NotReloaded."""

        async def do(caller: Caller) -> list[object]:
            try:
                return [[sendable(line) for line in await self._reload(str(caller))]]
            except ConfigError as error:
                raise Refused(Error.INVALID_CONFIGURATION, str(error)) from error
            except AdapterError as error:
                raise Refused(Error.NOT_RELOADED, str(error)) from error

        return Deed(do)

    @exported(Interface.MANAGER, "History", takes="u", returns="aa{sv}", permission=None)
    def history(self, limit: int) -> Deed:
        """Tell the last transitions, newest first, at most `limit` of them; 0: all there are."""

        def do(_caller: Caller) -> list[object]:
            kept = self._history.newest_first()
            return [[transitions.told(each) for each in (kept[:limit] if limit else kept)]]

        return Deed(do)

    @exported(Interface.MANAGER, "Journal", takes="s", returns="a(ts)", permission=None)
    def journal(self, transition: str) -> Deed:
        """Tell what the journal has of a transition that is kept; of any other nothing."""

        async def do(_caller: Caller) -> list[object]:
            if all(each.id != transition for each in self._history.newest_first()):
                return [[]]
            lines = await self._history.journal(transition)
            return [[[at_usec, sendable(text)] for at_usec, text in lines]]

        return Deed(do)

    def _group(self, word: str) -> GroupName:
        name = GroupName(word)
        if name not in self._groups:
            known = ", ".join(f"'{group}'" for group in sorted(self._groups)) or "none"
            raise Refused(Error.NO_SUCH_GROUP, f"no group '{word}' in haresources; known: {known}")
        return name


class GroupObject:
    """The interface Group: the same requests for the group that the object is."""

    def __init__(self, submit: Submit, group: GroupName) -> None:
        self._submit = submit
        self._group = group

    @exported(Interface.GROUP, "Takeover", takes="", returns="o", permission=Permission.TAKEOVER)
    def takeover(self) -> Deed:
        """Ask for this group to come to this node."""
        return _job(self._submit, Verb.TAKEOVER, Scope.ALL, self._group)

    @exported(Interface.GROUP, "Standby", takes="", returns="o", permission=Permission.STANDBY)
    def standby(self) -> Deed:
        """Ask for this group to go to the peer."""
        return _job(self._submit, Verb.STANDBY, Scope.ALL, self._group)


METHODS = {
    Interface.MANAGER: methods_of(ManagerObject),
    Interface.GROUP: methods_of(GroupObject),
}


def _scope(word: str) -> Scope:
    try:
        return Scope(word)
    except ValueError:
        known = ", ".join(scope.value for scope in Scope)
        raise Refused(Error.NO_SUCH_SCOPE, f"no scope '{word}'; known: {known}") from None


def _job(submit: Submit, verb: Verb, scope: Scope, group: GroupName | None) -> Deed:
    def do(caller: Caller) -> list[object]:
        return [names.job_path(submit(verb, scope, group, str(caller)).id)]

    return Deed(do, {"scope": scope.value} if group is None else {"group": group})
