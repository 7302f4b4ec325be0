"""The groups of this machine: how each is defined, what runs it, and its units.

It decides nothing: what is to be started, stopped or looked at, the core says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from hbd.bus.facts import GroupFacts
from hbd.cluster.event import DiskFound, Event
from hbd.cluster.node import RESERVING
from hbd.cluster.terms import SECOND, Fencing, GroupName, Usec
from hbd.config.model import AddressResource, Config, FilesystemResource, ResourceConfig
from hbd.errors import AdapterError, ConfigError
from hbd.journal import MessageId, fields
from hbd.net.address import SharedAddress
from hbd.runtime import definition
from hbd.runtime.build import NO_PEER
from hbd.runtime.claims import Claim
from hbd.runtime.definition import Definition, Definitions, shared_address
from hbd.runtime.executor import GroupRunner, SharedUnits
from hbd.runtime.network import Network
from hbd.runtime.protected import ProtectedMount
from hbd.runtime.resources import AddressRunnable, Runnable, UnitRunnable
from hbd.systemd import boot, hold, install, resource, unitfile, unitname
from hbd.systemd.manager import Manager
from hbd.systemd.state import UnitState

DISK_RETRY_SECONDS = 5.0  # until a disk is there: iSCSI may log in late

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
        self._local = config.local
        self._peer = config.peer or NO_PEER
        self._keepalive_usec = config.timing.keepalive_usec
        self._fencing = config.fencing
        self._claims: dict[GroupName, Claim] = {}
        self._keepers: list[asyncio.Task[None]] = []

    async def set_up(self, config: Config) -> None:
        """Find out what the groups are made of, put their units in force, and look at each.

        ConfigError for what cannot be run here; AdapterError if the machine cannot be asked.
        """
        self._defined = await definition.find(config, self._manager)
        self._runners = {name: self._runner(each) for name, each in self._defined.items()}
        await self._install_units()
        await self._refuse_boot_units()
        await self._meet_disks()
        for runner in self._runners.values():
            runner.observe()

    async def _meet_disks(self) -> None:
        """Find out which disks can refuse a writer; they are renewed and watched from now on."""
        await asyncio.gather(*(claim.resolve() for claim in self._claims.values()))
        for claim in self._claims.values():
            sharers = [c.group for c in self._claims.values() if _share_a_disk(c, claim)]
            if len(sharers) > 1:
                claim.forgo(f"it is also the disk of {', '.join(sharers)}, and has one master only")
        for name, each in self._defined.items():
            if _devices(each) and name not in self._claims:  # ha.cf does not want them claimed
                self._post(DiskFound(name, reserved=False))
        self._keepers = [
            asyncio.create_task(self._keep(claim), name=f"disk of {claim.group}")
            for claim in self._claims.values()
        ]

    async def _keep(self, claim: Claim) -> None:
        while not claim.is_settled:
            await asyncio.sleep(DISK_RETRY_SECONDS)
            await claim.resolve()
        while not claim.why_not:
            await asyncio.sleep(self._keepalive_usec / SECOND)
            await claim.look()

    async def close(self) -> None:
        """Abandon what is under way; the resources and claims stay as they are."""
        for keeper in self._keepers:
            keeper.cancel()
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

    async def secure(self, names: Iterable[GroupName]) -> None:
        """Take the disks of these groups, in the order in which both nodes do: the first decides.

        AdapterError: this node is not the only one who may write to them.
        """
        for name in sorted(names):
            if name in self._claims:
                claim = self._claims[name]
                await claim.resolve()
                if claim.why_not:
                    raise AdapterError(claim.why_not)
                await claim.claim()

    async def give_up_disks(self, name: GroupName) -> None:
        """Let go of the group's disks though it may be mounted: this machine is about to end."""
        if name in self._claims:
            await self._claims[name].release()

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
        devices = _devices(each)
        if devices and self._fencing in RESERVING:
            self._claims[each.name] = Claim(each.name, devices, self._local, self._peer, self._post)
        resources = [self._runnable(each.name, r, found) for r, found in each.parts]
        return GroupRunner(
            each.name, each.found.target, resources, self._manager, self._shared, self._post
        )

    def _runnable(
        self, group: GroupName, r: ResourceConfig, found: resource.Resource | None
    ) -> Runnable:
        if isinstance(r, AddressResource):
            network = self._network
            return AddressRunnable(r.text, shared_address(r), network.addresses, network.announcer)
        assert found is not None, "only an address has nothing of systemd's"
        unit = UnitRunnable(found, self._manager)
        if isinstance(r, FilesystemResource) and _is_disk(r) and group in self._claims:
            is_demanded = self._fencing is Fencing.RESERVATION
            return ProtectedMount(unit, self._claims[group], is_demanded=is_demanded)
        return unit


def _devices(each: Definition) -> list[tuple[str, str]]:
    """The group's file systems that are on disks: as written, and the device's path."""
    return [
        (r.text, unitname.device_node(r.device))
        for r in each.config.resources
        if isinstance(r, FilesystemResource) and _is_disk(r)
    ]


def _is_disk(r: FilesystemResource) -> bool:
    """Not what is mounted from a server or from another folder."""
    return unitname.device_node(r.device).startswith("/dev/")


def _share_a_disk(one: Claim, other: Claim) -> bool:
    return not set(one.identities).isdisjoint(other.identities)
