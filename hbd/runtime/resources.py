"""The resources of a group as things to start, stop and look at, whatever they are made of.

An address is `net`'s, everything else a unit of `systemd`'s. No order and no policy here: the
executor goes through them left to right or right to left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from hbd.cluster.terms import ResourceState
from hbd.errors import AddressInUse
from hbd.net.address import Addresses, SharedAddress, in_use
from hbd.net.announce import Announcer
from hbd.systemd import device, filesystem, hold, script
from hbd.systemd.manager import Manager
from hbd.systemd.naming import Naming
from hbd.systemd.resource import Kind, Resource

OnGone = Callable[[str, str], None]  # (resource as written, why)


class Runnable(Protocol):
    """One resource. `text` is what haresources says; `unit` its systemd unit, if it has one."""

    @property
    def text(self) -> str: ...
    @property
    def unit(self) -> str | None: ...

    def prepare(self) -> None:
        """A start is coming: begin what may be done beside the resources to the left."""
        ...

    async def start(self) -> None:
        """Be started; AdapterError says why not. Repeating is harmless."""
        ...

    async def stop(self) -> None:
        """Be stopped, and proven so; AdapterError: it may still run."""
        ...

    async def look(self) -> ResourceState | None:
        """What is true of it: STOPPED, STARTED, or FAILED for anything in between.

        None: it is nothing on this machine, and says nothing about its group.
        """
        ...

    async def adopt(self) -> None:
        """It was found running: go on with it as if it had been started here."""
        ...


class AddressRunnable:
    """A shared address: asked for on the LAN, put on its interface, announced."""

    unit: str | None = None

    def __init__(
        self, text: str, shared: SharedAddress, addresses: Addresses, announcer: Announcer
    ) -> None:
        self.text = text
        self._shared = shared
        self._addresses = addresses
        self._announcer = announcer
        self._probe: asyncio.Task[str | None] | None = None
        self._held = False  # started or adopted here: nobody else is asked again

    def prepare(self) -> None:
        """Ask the LAN who else has the address: that takes a moment when nobody answers."""
        self._forget_probe()
        if not self._held:
            probe = self._addresses.probe(self._shared)
            self._probe = asyncio.create_task(probe, name=f"probe {self._shared}")
            self._probe.add_done_callback(_heeded)

    async def start(self) -> None:
        """See Runnable."""
        if self._probe is not None:
            owner = await self._probe
            if owner is not None:
                raise AddressInUse(in_use(self._shared, owner))
        self._forget_probe()
        placement = await self._addresses.locate(self._shared)
        hold.note_address(self._shared.address, placement.prefix, placement.interface)
        placement = await self._addresses.add(self._shared, probed=True)
        self._held = True
        self._announcer.start(placement, self._shared.address)

    async def stop(self) -> None:
        """See Runnable."""
        self._forget_probe()
        self._announcer.stop(self._shared.address)
        await self._addresses.remove(self._shared)
        self._held = False
        hold.forget_address(self._shared.address)

    async def look(self) -> ResourceState:
        """See Runnable."""
        present = await self._addresses.is_present(self._shared)
        return ResourceState.STARTED if present else ResourceState.STOPPED

    async def adopt(self) -> None:
        """See Runnable."""
        placement = await self._addresses.adopt(self._shared)
        if placement is not None:
            self._held = True
            hold.note_address(self._shared.address, placement.prefix, placement.interface)
            self._announcer.start(placement, self._shared.address)

    def _forget_probe(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None


def _heeded(probe: asyncio.Task[str | None]) -> None:
    """A probe that failed is of no interest when a resource to the left failed before it."""
    if not probe.cancelled():
        probe.exception()


class UnitRunnable:
    """A systemd unit, or a word that means nothing on this machine."""

    def __init__(self, resource: Resource, manager: Manager) -> None:
        self.text = resource.text
        self.unit = resource.unit
        self._resource = resource
        self._manager = manager

    def prepare(self) -> None:
        """Nothing: a unit is started when it is its turn."""

    async def start(self) -> None:
        """See Runnable."""
        if self.unit is None:
            return
        spec = self._resource.filesystem
        if spec is not None:
            await device.check_mountable(spec.device, spec.directory, Naming(self._manager).who)
        await self._manager.start(self.unit, self._resource.start_limit_usec)

    async def stop(self) -> None:
        """See Runnable. A mount is stopped when its device can be opened exclusively."""
        if self.unit is None:
            return
        if self._resource.filesystem is not None:
            await filesystem.release(self._resource, self._manager)
            return
        if self._resource.kind is Kind.SCRIPT:
            await script.release(self._resource, self._manager)
            return
        await self._manager.stop(self.unit, self._resource.stop_limit_usec)

    async def look(self) -> ResourceState | None:
        """See Runnable. A script that was not started here is asked for its own opinion."""
        if self.unit is None:
            return None
        state = await self._manager.state(self.unit)
        if state.active.is_running:
            return ResourceState.STARTED
        if not state.active.is_stopped:
            return ResourceState.FAILED
        if self._resource.kind is Kind.SCRIPT:
            running = await script.is_running(self._resource, self._manager)
            return ResourceState.FAILED if running else ResourceState.STOPPED
        return ResourceState.STOPPED

    async def adopt(self) -> None:
        """Nothing: systemd has it already."""
