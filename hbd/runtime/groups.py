"""The groups of this machine: how each is defined, what runs it, and its units.

It decides nothing: what is to be started, stopped or looked at, and when a new definition takes the
place of an old one, the core says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from hbd.bus.facts import GroupFacts
from hbd.cluster.event import Event, GroupDefinition
from hbd.cluster.terms import GroupName, Usec
from hbd.config.model import AddressResource, Config, ResourceConfig
from hbd.errors import AdapterError, ConfigError, Mistake
from hbd.journal import MessageId, fields
from hbd.net.address import SharedAddress
from hbd.runtime import definition, orphans
from hbd.runtime.definition import Definition, Definitions, shared_address
from hbd.runtime.disks import Disks
from hbd.runtime.executor import GroupRunner, SharedUnits
from hbd.runtime.network import Network
from hbd.runtime.resources import AddressRunnable, Runnable, UnitRunnable
from hbd.systemd import boot, hold, install, resource, unitfile
from hbd.systemd.manager import Manager
from hbd.systemd.state import UnitState

RETRY_SECONDS: Final = 2.0  # until systemd is given units again that it could not be given

_log = logging.getLogger("hbd.group")


class Groups:
    """Every group that haresources has, from when systemd and the kernel are met."""

    def __init__(
        self, config: Config, manager: Manager, network: Network, post: Callable[[Event], None]
    ) -> None:
        self._manager = manager
        self._network = network
        self._post = post
        self._deadtime_usec: Usec = config.timing.deadtime_usec
        self._environment = config.env
        self._newest: Definitions = {}  # what the files say
        self._defined: dict[GroupName, Definition] = {}  # what each is run by: in force
        self._runners: dict[GroupName, GroupRunner] = {}
        self._shared = SharedUnits()
        self.disks = Disks(config, post)
        self._installing = asyncio.Lock()
        self._unready: set[GroupName] = set()  # revised, and its units not yet in force
        self._left: frozenset[str] = frozenset()  # units of no group that could not be stopped
        self._retired: list[GroupRunner] = []
        self._is_behind = False  # the units say something else than `_defined`
        self._task: asyncio.Task[None] | None = None

    async def set_up(self, config: Config) -> None:
        """Find out what the groups are made of, put their units in force, and look at each.

        ConfigError for what cannot be run here; AdapterError if the machine cannot be asked.
        """
        self._newest = await definition.find(config, self._manager)
        self._defined = dict(self._newest)
        for each in self._newest.values():
            self._runners[each.name] = self._runner(each, self._runnables(each))
        parts = [r for group in config.groups for r in group.resources]
        addresses = {r.address for r in parts if isinstance(r, AddressResource)}
        network = self._network.addresses
        names = self._newest.keys()
        here, manager = config.local, self._manager
        self._left = await orphans.release(here, names, addresses, manager, network)
        await self._install_units()
        await self._refuse_boot_units()
        await self.disks.meet()
        for runner in self._runners.values():
            runner.observe()

    async def close(self) -> None:
        """Abandon what is under way; the resources and claims stay as they are."""
        await self.disks.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        for runner in (*self._retired, *self._runners.values()):
            await runner.close()

    @property
    def facts(self) -> tuple[GroupFacts, ...]:
        """What D-Bus tells of each: by what is in force, if anything is already or still."""
        known = dict(self._newest) | self._defined
        return tuple(
            GroupFacts(name, each.found.target, tuple(unit or "" for unit in each.units))
            for name, each in known.items()
        )

    @property
    def newest(self) -> Definitions:
        """What the files say."""
        return self._newest

    @property
    def found(self) -> tuple[resource.Group, ...]:
        """What systemd has of each, in haresources' order, by what the files say."""
        return tuple(each.found for each in self._newest.values())

    # --- a new configuration ----------------------------------------------------------------------

    async def prepare(self, config: Config) -> Definitions:
        """All that can fail of putting a configuration in force; nothing of the cluster changes.

        ConfigError for what cannot be run here; AdapterError if the machine cannot be asked.
        """
        found = await definition.find(config, self._manager)
        self._check_files(config, found)
        known = {unit for each in self._defined.values() for unit in each.units}
        units = {unit for each in found.values() for unit in each.units if unit} - known
        starting = await boot.enabled_at_boot(units, self._manager)
        if starting:
            raise ConfigError(definition.boot_mistakes(tuple(found.values()), starting))
        if config.timing.deadtime_usec < self._deadtime_usec:  # the dead man hurries before we do
            await self._install_units(config.timing.deadtime_usec)
        return found

    def commit(self, config: Config, newest: Definitions) -> tuple[GroupDefinition, ...]:
        """This is what the files say now; the answer is the same in the core's words.

        What is in force changes group by group, when the core says so (`revise`, `forget`).
        """
        self._newest = newest
        told = tuple(
            GroupDefinition(name, each.config.preferred, each.texts, self._kept(each))
            for name, each in newest.items()
        )
        for name, each in newest.items():  # lines may have moved in the file
            if name in self._defined and self._defined[name].parts == each.parts:
                self._defined[name] = each
        times = (config.timing.deadtime_usec, config.env)
        if times != (self._deadtime_usec, self._environment):
            self._deadtime_usec, self._environment = times
            self._bring_in_line()
        return told

    def revise(self, name: GroupName, number: int) -> None:
        """Run the group by its newest definition from now on, and look at it."""
        each = self._newest[name]
        kept = self._kept(each)  # before its disks become the new ones
        resources = self._runnables(each)
        if name in self._runners:
            old = self._runners.pop(name)
            resources[:kept] = old.resources[:kept]  # they may run: what is known of them stays
            self._retire(old)
        self._defined[name] = each
        self._runners[name] = self._runner(each, resources, number)
        self._unready.add(name)
        self._bring_in_line()

    def forget(self, name: GroupName) -> None:
        """The group is gone, from haresources and from here."""
        self._defined.pop(name, None)
        self.disks.forget(name)
        self._unready.discard(name)
        if name in self._runners:
            self._retire(self._runners.pop(name))
            self._bring_in_line()

    def _kept(self, each: Definition) -> int:
        """How many resources of the newest definition are the same in the one in force."""
        known = self._defined.get(each.name)
        if known is None or self.disks.has_others(each.config):
            return 0
        return known.kept_by(each)

    def _retire(self, runner: GroupRunner) -> None:
        runner.abandon()
        self._retired.append(runner)

    def _bring_in_line(self) -> None:
        self._is_behind = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._catch_up(), name="units")

    async def _catch_up(self) -> None:
        """Let the units follow what is in force; then look at the groups that have new ones."""
        told = ""
        while self._is_behind:
            self._is_behind = False
            try:
                while self._retired:
                    await self._retired[-1].close()
                    self._retired.pop()
                await self._install_units()
            except AdapterError as error:
                if str(error) != told:
                    told = str(error)
                    _log.error("%s; trying again", told)
                self._is_behind = True
                await asyncio.sleep(RETRY_SECONDS)
        unready, self._unready = self._unready, set()
        for name in unready & self._runners.keys():
            self._runners[name].observe()

    # --- what the core asks -----------------------------------------------------------------------

    def observe(self, name: GroupName) -> None:
        """Look at a group; while its units are not yet in force that follows by itself."""
        if name in self._runners and name not in self._unready:
            self._runners[name].observe()

    def start(self, name: GroupName, operation: int) -> None:
        """Be started; answered by an event."""
        self._runners[name].start(operation)

    def stop(self, name: GroupName, operation: int, leave: int) -> None:
        """Be stopped, but for the first `leave` resources; answered by an event."""
        self._runners[name].stop(operation, leave)

    def addresses(self, names: Iterable[GroupName]) -> list[SharedAddress]:
        """The shared addresses of these groups."""
        return [
            shared_address(r)
            for name in names
            if name in self._defined
            for r in self._defined[name].config.resources
            if isinstance(r, AddressResource)
        ]

    # --- what the adapters tell -------------------------------------------------------------------

    def address_lost(self, shared: SharedAddress, why: str) -> None:
        """Netlink says that a shared address is gone."""
        for name, each in self._defined.items():
            for r in each.config.resources:
                if isinstance(r, AddressResource) and r.address == shared.address:
                    self._runners[name].lost(r.text, why)

    def _unit_changed(self, state: UnitState) -> None:
        for runner in self._runners.values():
            if state.unit in runner.units:
                runner.unit_changed(state)

    # --- units ------------------------------------------------------------------------------------

    async def _install_units(self, deadtime_usec: Usec | None = None) -> None:
        """`deadtime_usec` is another one than is in force."""
        async with self._installing:
            found = tuple(each.found for each in self._defined.values())
            deadtime_usec = self._deadtime_usec if deadtime_usec is None else deadtime_usec
            files = unitfile.files(found, deadtime_usec, self._environment)
            files = install.present(self._left) | files
            await install.install(files, self._manager)
            for runner in tuple(self._runners.values()):
                await self._manager.watch(runner.units, self._unit_changed)
            used = {unit for runner in self._runners.values() for unit in runner.units}
            await self._manager.watch_only(used)  # others were a reload's to remove

    def _check_files(self, config: Config, newest: Definitions) -> None:
        """The units must make sense in the end, and while old groups are let go of."""
        stages = (newest, dict(newest) | self._defined)
        try:
            for stage in stages:
                found = tuple(each.found for each in stage.values())
                files = unitfile.files(found, config.timing.deadtime_usec, config.env)
                install.check(files)
        except AdapterError as error:
            place = next(iter(newest.values())).config.file if newest else "haresources"
            why, remedy = str(error), "if it is in use now, remove it first, reload, then go on"
            raise ConfigError((Mistake(place, 0, "the units", why, remedy),)) from error

    async def _refuse_boot_units(self) -> None:
        """A unit that starts by itself at boot would write to a disk that is not ours then."""
        units = {unit for runner in self._runners.values() for unit in runner.units}
        found = await boot.enabled_at_boot(units, self._manager)
        if not found:
            return
        mistakes = definition.boot_mistakes(tuple(self._defined.values()), found)
        if not hold.held_groups():
            raise ConfigError(mistakes)
        for mistake in mistakes:  # what runs now goes on; the next boot is the danger
            _log.error("%s", mistake, extra=fields(MessageId.CONFIG_REFUSED))

    # --- building ---------------------------------------------------------------------------------

    def _runner(self, each: Definition, resources: list[Runnable], number: int = 0) -> GroupRunner:
        return GroupRunner(
            each.name,
            each.found.target,
            resources,
            self._manager,
            self._shared,
            self._post,
            definition=number,
        )

    def _runnables(self, each: Definition) -> list[Runnable]:
        self.disks.meet_group(each.config)
        return [self._runnable(each.name, r, found) for r, found in each.parts]

    def _runnable(
        self, group: GroupName, r: ResourceConfig, found: resource.Resource | None
    ) -> Runnable:
        if isinstance(r, AddressResource):
            network = self._network
            return AddressRunnable(r.text, shared_address(r), network.addresses, network.announcer)
        assert found is not None, "only an address has nothing of systemd's"
        return self.disks.protected(group, r, UnitRunnable(found, self._manager))
