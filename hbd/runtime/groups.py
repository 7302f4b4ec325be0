"""The groups of this machine: how each is defined, what runs it, and its units.

It decides nothing: what is to be started, stopped or looked at, the core says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from hbd.bus.facts import GroupFacts
from hbd.cluster.event import Event
from hbd.cluster.terms import GroupName, Usec
from hbd.config.model import AddressResource, Config, ResourceConfig
from hbd.errors import ConfigError
from hbd.journal import MessageId, fields
from hbd.net.address import SharedAddress
from hbd.runtime import definition
from hbd.runtime.definition import Definition, Definitions, shared_address
from hbd.runtime.executor import GroupRunner, SharedUnits
from hbd.runtime.network import Network
from hbd.runtime.resources import AddressRunnable, Runnable, UnitRunnable
from hbd.systemd import boot, hold, install, resource, unitfile
from hbd.systemd.manager import Manager
from hbd.systemd.state import UnitState

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
        self._defined: Definitions = {}
        self._runners: dict[GroupName, GroupRunner] = {}
        self._shared = SharedUnits()

    async def set_up(self, config: Config) -> None:
        """Find out what the groups are made of, put their units in force, and look at each.

        ConfigError for what cannot be run here; AdapterError if the machine cannot be asked.
        """
        self._defined = await definition.find(config, self._manager)
        self._runners = {name: self._runner(each) for name, each in self._defined.items()}
        await self._install_units()
        await self._refuse_boot_units()
        for runner in self._runners.values():
            runner.observe()

    async def close(self) -> None:
        """Abandon what is under way; the resources stay as they are."""
        for runner in self._runners.values():
            await runner.close()

    @property
    def facts(self) -> tuple[GroupFacts, ...]:
        """What D-Bus tells of each."""
        return tuple(
            GroupFacts(name, each.found.target, tuple(unit or "" for unit in each.units))
            for name, each in self._defined.items()
        )

    # --- what the core asks -----------------------------------------------------------------------

    def observe(self, name: GroupName) -> None:
        """Look at a group; while set-up is still under way that follows by itself."""
        if name in self._runners:
            self._runners[name].observe()

    def start(self, name: GroupName, operation: int) -> None:
        """Be started; answered by an event."""
        self._runners[name].start(operation)

    def stop(self, name: GroupName, operation: int) -> None:
        """Be stopped; answered by an event."""
        self._runners[name].stop(operation)

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

    async def _install_units(self) -> None:
        found = tuple(each.found for each in self._defined.values())
        files = unitfile.files(found, self._deadtime_usec, self._environment)
        await install.install(files, self._manager)
        for runner in self._runners.values():
            await self._manager.watch(runner.units, self._unit_changed)

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

    def _runner(self, each: Definition) -> GroupRunner:
        resources: list[Runnable] = [self._runnable(r, found) for r, found in each.parts]
        return GroupRunner(
            each.name, each.found.target, resources, self._manager, self._shared, self._post
        )

    def _runnable(self, r: ResourceConfig, found: resource.Resource | None) -> Runnable:
        if isinstance(r, AddressResource):
            network = self._network
            return AddressRunnable(r.text, shared_address(r), network.addresses, network.announcer)
        assert found is not None, "only an address has nothing of systemd's"
        return UnitRunnable(found, self._manager)
