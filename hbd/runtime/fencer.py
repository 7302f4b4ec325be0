"""Does what the core asks about the peer: take its disks, switch it off, or look if it answers.

Every ask is answered by FenceConfirmed or FenceFailed; what that permits is the core's to say.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol, assert_never

from hbd.cluster import fence
from hbd.cluster.action import Fence
from hbd.cluster.event import Event, FenceConfirmed, FenceFailed
from hbd.cluster.node import Node
from hbd.cluster.terms import SECOND, GroupName, Means, NodeName, Usec
from hbd.config.model import Config, FenceDevice
from hbd.errors import AdapterError
from hbd.fencing.agent import SLICE, FenceAgent, outside_sandbox
from hbd.journal import MessageId, fields
from hbd.net.address import Addresses
from hbd.runtime.groups import Groups
from hbd.systemd.manager import Manager

REBOOT_UNIT: Final = "hbd-reboot.service"
# On a machine that starves too: a job that is cancelled for its slowness is no reboot at all.
REBOOT_LIMIT_USEC: Final = Usec(60 * SECOND)
STONITH_LIMIT_USEC: Final = Usec(30 * SECOND)  # a board answers in 1 to 10 s; off takes some
AGENT_STOP_USEC: Final = Usec(2 * SECOND)  # it is killed at once

_log = logging.getLogger("hbd.fence")


class Switch(Protocol):
    """A device that takes a node's power, as far as it is used here."""

    name: str

    async def off(self, target: NodeName) -> None:
        """Return when it is off for certain; AdapterError."""


def _agent(device: FenceDevice) -> FenceAgent:
    return FenceAgent(device.agent, device.parameters, STONITH_LIMIT_USEC, wrap=outside_sandbox)


class Fencer:
    """The means that this machine has against a second writer."""

    def __init__(
        self,
        config: Config,
        groups: Groups,
        addresses: Addresses,
        manager: Manager,
        post: Callable[[Event], None],
        *,
        agent_of: Callable[[FenceDevice], Switch] | None = None,
    ) -> None:
        """`agent_of` makes of a line of ha.cf what switches a node off; if None, a fence agent."""
        self._agents = [
            (agent_of or _agent)(device)
            for device in config.fence_devices
            if device.target in (None, config.peer)
        ]
        self._is_at_work = False
        self._switching: asyncio.Task[None] | None = None  # the power of the peer
        self._groups = groups
        self._addresses = addresses
        self._manager = manager
        self._post = post

    async def fence(self, action: Fence) -> None:
        """Make sure of the peer, by the means that the core chose; asked again meanwhile, once."""
        if self._is_at_work:
            return
        self._is_at_work = True
        try:
            await self._fence(action)
        except AdapterError as error:
            self._post(FenceFailed(action.target, str(error)))
        else:
            proven = action.means is not Means.NONE
            disks = action.groups if action.means is Means.RESERVATION else None
            self._post(FenceConfirmed(action.target, proven=proven, groups=disks))
        finally:
            self._is_at_work = False

    async def _fence(self, action: Fence) -> None:
        match action.means:
            case Means.RESERVATION:
                await self._groups.disks.secure(action.groups)
            case Means.STONITH:
                await self._switch_off(action.target)
            case Means.NONE:
                await self._ask_addresses(action.target, action.groups)
            case _:
                assert_never(action.means)

    def review(self, node: Node) -> None:
        """Follow what is believed of the peer: who it is, and whether it is to be switched off."""
        self._groups.disks.meet_peer(claims=not node.peer.is_heartbeat)
        self._review_switching(node)

    def _review_switching(self, node: Node) -> None:
        """Call a switching off that is under way off, if nothing depends on it any more.

        An agent waits for its device until its deadline, and would then cut the power of a peer
        that has long been heard again. What the device has been told cannot be untold.
        """
        if self._switching is None or fence.is_due(node):
            return
        _log.warning(
            "%s is not switched off any more: nothing depends on it now",
            node.peer.name,
            extra=fields(MessageId.FENCING_ENDED, peer=node.peer.name),
        )
        self._switching.cancel()
        self._switching = None

    async def _switch_off(self, peer: NodeName) -> None:
        """By the devices of ha.cf, one agent at a time, until `review` calls it off."""
        self._switching = asyncio.current_task()
        try:
            await self._end_agents()  # one that a former life of hbd has left
            await self._ask_devices(peer)
        except asyncio.CancelledError:
            await self._end_agents()
            raise
        finally:
            self._switching = None

    async def _end_agents(self) -> None:
        try:
            await self._manager.stop(SLICE, AGENT_STOP_USEC)
        except AdapterError as error:
            _log.warning(
                "%s; a fence agent may go on for %d s", error, STONITH_LIMIT_USEC // SECOND
            )

    async def _ask_devices(self, peer: NodeName) -> None:
        """The first device that makes sure is enough; AdapterError with what each one said."""
        failures: list[str] = []
        for agent in self._agents:
            _log.warning(
                "Switching %s off by %s, because nothing else proves that it is off",
                peer,
                agent.name,
                extra=fields(MessageId.FENCING, peer=peer, protection="stonith"),
            )
            try:
                await agent.off(peer)
            except AdapterError as error:
                failures.append(str(error))
            else:
                return
        raise AdapterError("; ".join(failures) or f"ha.cf has no stonith_host for {peer}")

    async def _ask_addresses(self, peer: NodeName, names: tuple[GroupName, ...]) -> None:
        """Nobody may answer for an address that is about to be taken: the dead do not."""
        for shared in self._groups.addresses(names):
            owner = await self._addresses.probe(shared)
            if owner is not None:
                raise AdapterError(
                    f"{owner} answers for {shared.address}: {peer} is silent on every link, and "
                    "alive"
                )

    async def reboot(self, group: GroupName, why: str) -> None:
        """The last rung: give up every disk and restart this machine at once, without unmounting.

        A machine that is being shut down is not restarted: systemd refuses, and goes on with that.
        """
        _log.critical(
            "Restarting this machine: %s cannot be stopped: %s",
            group,
            why,
            extra=fields(MessageId.REBOOTING, group=group),
        )
        await self._groups.disks.give_up()
        try:
            await self._manager.start(REBOOT_UNIT, REBOOT_LIMIT_USEC)
        except AdapterError as error:
            _log.critical(
                "Failed to restart this machine: %s; unless it is being shut down: restart it by "
                "hand, now",
                error,
            )
