"""The shared disks of the groups: claimed before a mount, renewed while held, watched otherwise.

One claim is one group's disks. Its key is renewed once a heartbeat, so that a node that cannot be
heard on any link is still seen to live; and looked at first, so that a node that was preempted
finds out within a heartbeat. What follows from that is the core's to say (`DiskRead`, `DiskLost`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from hbd.cluster.event import DiskFound, DiskLost, Event, ResourceLost
from hbd.cluster.terms import GroupName, NodeName, Usec
from hbd.errors import AdapterError
from hbd.fencing import key as keys
from hbd.fencing.ioctl import Kernel
from hbd.fencing.reservation import (
    LIMIT_USEC,
    Capability,
    Reservation,
    ReservationState,
    probe,
)
from hbd.journal import NOTICE, MessageId, fields
from hbd.runtime.claimed import ClaimedDisk, TakenError

LOST_AFTER: Final = 3  # looks in a row without an answer, of a disk that is held
GIVE_UP_SECONDS: Final = 1.0  # a healthy disk answers in ms; a dead one must not keep us here
IDLE_AFTER: Final = 60  # looks at a disk that was taken, and on which nothing is mounted

_log = logging.getLogger("hbd.disk")


class Claim:
    """One group's disks, left to right in haresources; the first of them decides for all."""

    def __init__(
        self,
        group: GroupName,
        resources: Sequence[tuple[str, str]],
        local: NodeName,
        peer: NodeName,
        post: Callable[[Event], None],
        *,
        kernel: Kernel | None = None,
        limit_usec: Usec = LIMIT_USEC,
    ) -> None:
        """`resources` are (resource as written, device path) of each file system of the group.

        `kernel` is whose disks they are, this machine's if not said; `limit_usec` is how long one
        command may take.
        """
        self.group = group
        self._resources = tuple(resources)
        self._local = local
        self._peer = peer
        self._post = post
        self._kernel = kernel
        self._limit_usec = limit_usec
        self._counter = secrets.randbits(32)  # unlike any of a former life's
        self._disks: dict[str, ClaimedDisk] = {}  # by identity, in their order
        self._silent_looks = 0
        self._idle_looks = 0
        self._mounted: set[str] = set()  # resources that are mounted here, or may be
        self._unlooked = {text for text, _ in self._resources}  # nobody knows yet if they are
        self._is_lost = False  # and told so; until nothing is mounted any more
        self._one_at_a_time = asyncio.Lock()
        self.peer_claims = True  # as an hbd does; heartbeat would never remove what is left there
        self.why_not = "not looked at yet"  # why the disks cannot be claimed; "" when they can
        self.is_settled = False  # the reason, or its absence, stands for good

    @property
    def is_held(self) -> bool:
        """Whether this node alone may write to every disk of the group, as far as it knows."""
        return bool(self._disks) and all(disk.key for disk in self._disks.values())

    @property
    def _leaves_guards(self) -> bool:
        """Whether who was kept out stays kept out: not who could do nothing about it."""
        return self.peer_claims and not self.why_not

    @property
    def identities(self) -> tuple[str, ...]:
        """The disks' own names, the same on both nodes."""
        return tuple(self._disks)

    # --- what the disks can do ------------------------------------------------------------------

    async def resolve(self) -> None:
        """Find out what the disks can do, and tell it; a disk that is not there yet is asked again.

        What was found out once stands: a disk does not lose the ability.
        """
        async with self._one_at_a_time:
            if self.is_settled:
                return
            try:
                await self._resolve()
            except AdapterError as error:
                self._cannot(str(error))

    async def _resolve(self) -> None:
        found = [
            await probe(device, kernel=self._kernel, limit_usec=self._limit_usec)
            for _, device in self._resources
        ]
        weak = next((each for each in found if not each.is_capable), None)
        if weak is not None:
            self.is_settled = True
            self._cannot(f"{weak.device}: {weak.why}")
            return
        disks: dict[str, ClaimedDisk] = {}
        for each in found:
            if each.identity not in disks:
                disks[each.identity] = self._claimed(each)
        states = [(disk, await disk.read()) for disk in disks.values()]
        if self._mounted and not any(state.keys for _, state in states):
            raise AdapterError("it was mounted while that could not be asked")
        self._disks = disks
        self.is_settled, self.why_not = True, ""
        _log.log(
            NOTICE,
            "The disk of group %s carries reservations: it refuses every node but the one that "
            "serves",
            self.group,
            extra=fields(group=self.group, protection="reservation"),
        )
        self.tell()
        if self._mounted:
            self._adopt(states)

    def _claimed(self, found: Capability) -> ClaimedDisk:
        reservation = Reservation(found, kernel=self._kernel, limit_usec=self._limit_usec)
        return ClaimedDisk(reservation, self._local, self._peer, self._post, self._tell_victim)

    def tell(self) -> None:
        """Say again what was found out; nothing while that is not settled."""
        if self.is_settled and self.why_not:
            self._post(DiskFound(self.group, reserved=False))
        elif self.is_settled:
            for disk in self._disks.values():
                self._post(DiskFound(self.group, reserved=True, link=disk.link))

    async def forgo(self, why: str) -> None:
        """These disks are not to be claimed, whatever they can do."""
        async with self._one_at_a_time:
            self._forget_keys()
            self.is_settled = True
            self._cannot(why)

    def _cannot(self, why: str) -> None:
        if why != self.why_not:
            _log.log(
                NOTICE,
                "The disk of group %s cannot refuse a second writer: %s",
                self.group,
                why,
                extra=fields(group=self.group, protection="none"),
            )
            self.why_not = why
        self._post(DiskFound(self.group, reserved=False))

    # --- claiming -------------------------------------------------------------------------------

    async def claim(self, *, from_silent: bool = False) -> None:
        """Be the only one who may write, preempting whoever else is registered.

        `from_silent`: only from a peer that renews nothing. AdapterError: it is not so, nothing
        may be mounted, and nothing that was taken for this is kept. Above all not while something
        is mounted here that was mounted under another claim: what that has in memory is old.
        """
        async with self._one_at_a_time:
            self._refuse_old_mounts()
            taken: list[ClaimedDisk] = []
            try:
                for disk in self._disks.values():
                    if disk.key is not None:
                        await self._confirm(disk)
                    else:
                        taken.append(disk)
                        await disk.take(self._next_key(), from_silent=from_silent)
            except AdapterError:
                await self._give_back(taken)
                raise
            except asyncio.CancelledError:
                for disk in taken:  # a look lets go of them
                    disk.key = None
                raise
            self._is_lost = False

    def _refuse_old_mounts(self) -> None:
        if self.why_not:
            raise AdapterError(self.why_not)
        if self._unlooked:
            names = ", ".join(sorted(self._unlooked))
            raise AdapterError(f"nobody has looked yet whether {names} is still mounted")
        if self._mounted and not self.is_held:
            names = ", ".join(sorted(self._mounted))
            raise AdapterError(f"{names} is still mounted from before the disk was lost")

    async def _confirm(self, disk: ClaimedDisk) -> None:
        """Held it was; who took it meanwhile is alive, and it is not taken back."""
        try:
            disk.adopt(await disk.read())
        except TakenError as error:
            self._lost(str(error))
            raise AdapterError(f"{disk.device}: {error}") from error

    async def _give_back(self, taken: Sequence[ClaimedDisk]) -> None:
        """What was taken for a claim that failed; where that fails, the next looks try again."""
        for disk in taken:
            disk.key = None
        for disk in taken:
            await disk.give_back(is_guarded=self._leaves_guards)

    def _tell_victim(self, victim: int) -> None:
        owner = keys.node_id_of(victim)
        whose = "the peer" if owner == keys.node_id(self._peer) else f"key {victim:#x}"
        if owner == keys.node_id(self._local):
            whose = "a former life of this node"
        if keys.is_guard(victim):
            _log.info("Taking the disk of group %s, which %s only guarded", self.group, whose)
            return
        _log.warning(
            "Taking the disk of group %s from %s: from now on its writes are refused",
            self.group,
            whose,
            extra=fields(MessageId.PREEMPTING, group=self.group, protection="reservation"),
        )

    def _next_key(self) -> int:
        self._counter = keys.next_counter(self._counter)
        return keys.key_of(self._local, self._counter)

    # --- mounts ---------------------------------------------------------------------------------

    def mounted(self, text: str) -> None:
        """A file system of the group is about to be mounted here."""
        self._unlooked.discard(text)
        self._mounted.add(text)

    def undone(self, text: str) -> None:
        """What may have been mounted under another claim is proven unmounted."""
        self._unlooked.discard(text)
        self._mounted.discard(text)
        if not self._mounted:
            self._is_lost = False

    async def unmounted(self, text: str) -> None:
        """It is proven unmounted; after the last one the disks are let go of."""
        self.undone(text)
        if not self._mounted:
            await self.release()

    async def release(self) -> None:
        """Let go; a disk that cannot be told so is told at a look, or the peer claims it."""
        async with self._one_at_a_time:
            self._forget_keys()
            for disk in self._disks.values():
                try:
                    await disk.let_go(is_guarded=self._leaves_guards)
                except AdapterError as error:
                    _log.warning("Failed to let go of %s: %s, trying again", disk.device, error)

    async def give_back(self) -> None:
        """Let go of what was taken for nothing; what is mounted stays held."""
        if not self._mounted:
            await self.release()

    async def give_up(self) -> None:
        """This machine is about to end: renew nothing any more, and say so to the disks.

        What is mounted keeps a registration, marked as given up. Without it the next one on the
        disk would not know that there is somebody to be kept out, should this machine not end. A
        disk that does not answer within GIVE_UP_SECONDS is not waited for.
        """
        self._forget_keys()
        is_mounted = bool(self._mounted or self._unlooked)
        self._is_lost = is_mounted
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GIVE_UP_SECONDS):
                await (self._mark_given_up() if is_mounted else self.release())

    async def _mark_given_up(self) -> None:
        async with self._one_at_a_time:
            for disk in self._disks.values():
                try:
                    await disk.give_up()
                except AdapterError as error:
                    _log.warning("Failed to give up %s: %s", disk.device, error)

    def _forget_keys(self) -> None:
        for disk in self._disks.values():
            disk.key = None

    async def recover(self, text: str, *, is_mounted: bool) -> bool:
        """It was looked at: whether the mount may go on, by what the disks say now.

        AdapterError if they do not say.
        """
        async with self._one_at_a_time:
            if not is_mounted:
                self.undone(text)
                return True
            self.mounted(text)
            if self.why_not or self.is_held:
                return True
            if self._is_lost:
                return False
            return self._adopt([(disk, await disk.read()) for disk in self._disks.values()])

    def _adopt(self, states: Iterable[tuple[ClaimedDisk, ReservationState]]) -> bool:
        """Go on with what is mounted, if every disk is this node's; else it is lost."""
        try:
            for disk, state in states:
                disk.adopt(state)
        except TakenError as error:
            self._lost(str(error))
            return False
        return True

    # --- once a heartbeat -----------------------------------------------------------------------

    async def look(self) -> None:
        """Renew what is held, see whether it still is; otherwise see who else lives."""
        if self._one_at_a_time.locked() or not self._disks:
            return
        async with self._one_at_a_time:
            self._count_idle()
            try:
                for disk in tuple(self._disks.values()):
                    await self._look(disk)
            except AdapterError as error:
                self._silent(error)
            else:
                self._silent_looks = 0

    def _count_idle(self) -> None:
        """Nobody keeps a disk for a mount that never comes: the other node would wait for ever."""
        is_idle = not self._mounted and any(disk.key for disk in self._disks.values())
        self._idle_looks = self._idle_looks + 1 if is_idle else 0
        if self._idle_looks >= IDLE_AFTER:
            self._forget_keys()

    async def _look(self, disk: ClaimedDisk) -> None:
        state = await disk.read()
        if disk.key is not None:
            try:
                await disk.renew(state, self._next_key())
            except TakenError as error:
                self._lost(str(error))
        elif self._is_over(disk, state) and not self._mounted and not self._unlooked:
            await disk.let_go(is_guarded=self._leaves_guards)
        elif not self.why_not:
            disk.watch(state)

    def _is_over(self, disk: ClaimedDisk, state: ReservationState) -> bool:
        """Whether what is registered of this node serves nothing and nobody any more."""
        return disk.has_leftover(state) or (not self.peer_claims and disk.has_guard(state))

    def _lost(self, why: str) -> None:
        self._forget_keys()
        self._is_lost = bool(self._mounted)
        self._post(DiskLost(self.group, why))

    def _silent(self, error: AdapterError) -> None:
        self._silent_looks += 1
        if self._silent_looks == LOST_AFTER and self.is_held and self._mounted:
            text = sorted(self._mounted)[0]
            self._post(ResourceLost(self.group, text, f"its disk does not answer: {error}"))
