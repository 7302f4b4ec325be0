"""The claims of all groups: which disks are claimed at all, and the work of renewing them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from hbd.cluster.event import DiskFound, Event
from hbd.cluster.node import RESERVING
from hbd.cluster.terms import SECOND, Fencing, GroupName
from hbd.config.model import Config, FilesystemResource, GroupConfig, ResourceConfig
from hbd.errors import AdapterError
from hbd.fencing import key as keys
from hbd.fencing.ioctl import Kernel
from hbd.runtime.build import NO_PEER
from hbd.runtime.claims import Claim
from hbd.runtime.protected import ProtectedMount
from hbd.runtime.resources import Runnable
from hbd.systemd import unitname

RETRY_SECONDS: Final = 5.0  # until a disk is there: iSCSI may log in late


class Disks:
    """The shared disks of this machine's groups."""

    def __init__(
        self, config: Config, post: Callable[[Event], None], *, kernel: Kernel | None = None
    ) -> None:
        """`kernel` is whose disks they are, this machine's if not said."""
        self._kernel = kernel
        self._local = config.local
        self._peer = config.peer or NO_PEER
        self._keepalive_usec = config.timing.keepalive_usec
        self._fencing = config.fencing
        self._post = post
        self._devices: dict[GroupName, tuple[tuple[str, str], ...]] = {}
        self._claims: dict[GroupName, Claim] = {}
        self._keepers: dict[GroupName, asyncio.Task[None]] = {}
        self._is_met = False
        self._peer_claims = True

    # --- which there are ------------------------------------------------------------------------

    def meet_group(self, config: GroupConfig) -> None:
        """This is what the group is made of from now on."""
        devices = _devices(config)
        if config.name not in self._devices or devices != self._devices[config.name]:
            self.forget(config.name)
            self._devices[config.name] = devices
            if devices and self._fencing in RESERVING:
                claim = Claim(
                    config.name,
                    devices,
                    self._local,
                    self._peer,
                    self._post,
                    kernel=self._kernel,
                )
                claim.peer_claims = self._peer_claims
                self._claims[config.name] = claim
                if self._is_met:
                    self._keep(claim)
        if self._is_met:
            self._tell(config.name)

    def meet_peer(self, *, claims: bool) -> None:
        """Whether the other node's program claims disks, too.

        heartbeat does not know of reservations: what is handed over to it must be free, and nothing
        may be left for it to remove.
        """
        self._peer_claims = claims
        for claim in self._claims.values():
            claim.peer_claims = claims

    def has_others(self, config: GroupConfig) -> bool:
        """Whether the group is to have other disks than it has: none of its mounts may stay then.

        A claim is for all disks of a group; one that was replaced under a mount would let go of it.
        """
        return self._devices.get(config.name, ()) != _devices(config)

    def _tell(self, name: GroupName) -> None:
        """What is known of the group's disks; a claim tells by itself what it finds out later."""
        claim = self._claims.get(name)
        if claim is not None:
            claim.tell()
        else:  # none, or ha.cf does not want them claimed
            self._post(DiskFound(name, reserved=False, has_disk=bool(self._devices[name])))

    def forget(self, name: GroupName) -> None:
        """Nothing of the group is mounted any more, and its disks were let go of."""
        self._devices.pop(name, None)
        self._claims.pop(name, None)
        keeper = self._keepers.pop(name, None)
        if keeper is not None:
            keeper.cancel()

    async def meet(self) -> None:
        """Find out what the disks can do; from now on they are renewed and watched."""
        await asyncio.gather(*(claim.resolve() for claim in self._claims.values()))
        await self._refuse_unfit()
        self._is_met = True
        for name in self._devices:
            if name not in self._claims:
                self._tell(name)
        for claim in self._claims.values():
            self._keep(claim)

    async def _refuse_unfit(self) -> None:
        """Claims that could not keep the other node out, or only it."""
        claims = tuple(self._claims.values())
        for claim in claims:
            why = self._why_unfit(claim, claims)
            if why and not claim.why_not:
                await claim.forgo(why)

    def _why_unfit(self, claim: Claim, claims: Iterable[Claim]) -> str:
        if not keys.are_distinct(self._local, self._peer):  # each would take both for its own
            return (
                f"{self._local} and {self._peer} have the same reservation keys, by a chance of "
                "their names; rename one of the nodes"
            )
        sharers = [each.group for each in claims if _share_a_disk(each, claim)]
        if len(sharers) > 1:  # they could never be served by two nodes
            return f"groups {', '.join(sharers)} are on one disk, which has one master"
        return ""

    def protected(self, group: GroupName, r: ResourceConfig, inner: Runnable) -> Runnable:
        """The resource as it is to be run: a mount of a claimed disk only under its claim."""
        claim = self._claims.get(group)
        if claim is None or not isinstance(r, FilesystemResource) or not _is_disk(r):
            return inner
        is_demanded = self._fencing is Fencing.RESERVATION
        return ProtectedMount(inner, claim, is_demanded=is_demanded)

    # --- the work -------------------------------------------------------------------------------

    def _keep(self, claim: Claim) -> None:
        keeper = asyncio.create_task(self._kept(claim), name=f"disk of {claim.group}")
        keeper.add_done_callback(_heeded)
        self._keepers[claim.group] = keeper

    async def _kept(self, claim: Claim) -> None:
        await claim.resolve()
        while not claim.is_settled:
            await asyncio.sleep(RETRY_SECONDS)
            await claim.resolve()
        await self._refuse_unfit()
        while claim.identities:  # also of one that is forgone: what it had is let go of
            await asyncio.sleep(self._keepalive_usec / SECOND)
            await claim.look()

    async def secure(self, names: Iterable[GroupName]) -> None:
        """Take the disks of these groups, in the order in which both nodes do: the first decides.

        AdapterError: this node is not the only one who may write to them, or their holder renews
        its registration and so is alive; then none is kept that was taken for this.
        """
        claims = [self._claims[name] for name in sorted(names) if name in self._claims]
        taken: list[Claim] = []
        try:
            for claim in claims:
                await claim.resolve()
                if not claim.is_held:
                    taken.append(claim)
                await claim.claim(from_silent=True)
        except AdapterError:
            for claim in taken:
                await claim.give_back()
            raise

    async def give_up(self) -> None:
        """Renew no disk any more, mounted or not: this machine is about to end."""
        await asyncio.gather(*(claim.give_up() for claim in self._claims.values()))

    async def close(self) -> None:
        """Renew nothing any more; what is held stays held."""
        keepers = tuple(self._keepers.values())
        for keeper in keepers:
            keeper.cancel()
        if keepers:
            await asyncio.wait(keepers)


def _heeded(keeper: asyncio.Task[None]) -> None:
    """A disk that nobody renews any more is a mistake of ours that must not stay unseen."""
    if keeper.cancelled() or (error := keeper.exception()) is None:
        return
    context = {"message": f"task {keeper.get_name()} failed", "exception": error}
    keeper.get_loop().call_exception_handler(context)


def _devices(config: GroupConfig) -> tuple[tuple[str, str], ...]:
    """The group's file systems that are on disks: as written, and the device's path."""
    return tuple(
        (r.text, unitname.device_node(r.device))
        for r in config.resources
        if isinstance(r, FilesystemResource) and _is_disk(r)
    )


def _is_disk(r: FilesystemResource) -> bool:
    """Not what is mounted from a server or from another folder."""
    return unitname.device_node(r.device).startswith("/dev/")


def _share_a_disk(one: Claim, other: Claim) -> bool:
    return not set(one.identities).isdisjoint(other.identities)
