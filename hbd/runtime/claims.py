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
from collections.abc import Callable, Sequence
from typing import Final

from hbd.cluster.event import DiskFound, DiskLost, DiskRead, Event, ResourceLost
from hbd.cluster.terms import DiskHolder, GroupName, LinkName, NodeName, Usec
from hbd.errors import AdapterError, ReservationConflict
from hbd.fencing import key as keys
from hbd.fencing.ioctl import Kernel
from hbd.fencing.reservation import LIMIT_USEC, Reservation, ReservationState, probe
from hbd.journal import NOTICE, MessageId, fields
from hbd.runtime import seizure

LOST_AFTER: Final = 3  # looks in a row without an answer, of a disk that is held
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
        self._disks: dict[str, Reservation] = {}  # by identity, in their order
        self._links: dict[str, LinkName] = {}
        self._keys: dict[str, int] = {}  # of the disks that are held
        self._free: set[str] = set()  # disks that need no guard when they are let go of
        self._seen: dict[str, int] = {}  # the peer's key at the last look
        self._silent_looks = 0
        self._idle_looks = 0
        self._mounted: set[str] = set()  # resources that are mounted here, or may be
        self._unlooked = {text for text, _ in self._resources}  # nobody knows yet if they are
        self._is_lost = False  # and told so; until nothing is mounted any more
        self._one_at_a_time = asyncio.Lock()
        self.why_not = "not looked at yet"  # why the disks cannot be claimed; "" when they can
        self.is_settled = False  # the reason, or its absence, stands for good

    @property
    def is_held(self) -> bool:
        """Whether this node alone may write to every disk of the group, as far as it knows."""
        return bool(self._disks) and self._keys.keys() == self._disks.keys()

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
        disks: dict[str, Reservation] = {}
        links: dict[str, LinkName] = {}
        for each in found:
            if each.identity not in disks:
                disks[each.identity] = Reservation(
                    each, kernel=self._kernel, limit_usec=self._limit_usec
                )
                links[each.identity] = LinkName(each.device)
        states = {identity: await disk.read() for identity, disk in disks.items()}
        if self._mounted and not any(state.keys for state in states.values()):
            raise AdapterError("it was mounted while that could not be asked")
        self._disks, self._links = disks, links
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

    def tell(self) -> None:
        """Say again what was found out; nothing while that is not settled."""
        if self.is_settled and self.why_not:
            self._post(DiskFound(self.group, reserved=False))
        elif self.is_settled:
            for link in self._links.values():
                self._post(DiskFound(self.group, reserved=True, link=link))

    async def forgo(self, why: str) -> None:
        """These disks are not to be claimed, whatever they can do."""
        async with self._one_at_a_time:
            self._keys.clear()
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
            taken: list[str] = []
            try:
                for identity, disk in self._disks.items():
                    if identity in self._keys:
                        await self._confirm(identity, disk)
                    else:
                        taken.append(identity)
                        await self._take(identity, disk, from_silent=from_silent)
            except AdapterError:
                await self._give_back(taken)
                raise
            except asyncio.CancelledError:
                for identity in taken:  # a look lets go of them
                    self._keys.pop(identity, None)
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

    async def _confirm(self, identity: str, disk: Reservation) -> None:
        """Held it was; who took it meanwhile is alive, and it is not taken back."""
        state = await disk.read()
        if not seizure.is_held_by(state, self._local):
            self._lost(_who_has_it(state))
            raise AdapterError(f"{disk.device}: {_who_has_it(state)}")
        assert state.holder is not None, "it is held"
        self._keys[identity] = state.holder

    async def _take(self, identity: str, disk: Reservation, *, from_silent: bool) -> None:
        state = await disk.read()
        alive = self._alive(identity, state)
        if from_silent and alive:
            self._watch(identity, state)
            raise AdapterError(
                f"{disk.device}: the peer is alive, it has just renewed its registration"
            )
        own = self._next_key()
        guard = keys.guard_of(self._peer)
        self._free.discard(identity)
        await seizure.seize(disk, own, state, self._tell_victim)
        if all(key == guard for key in state.keys):
            self._free.add(identity)  # nobody had it, or who had it says that nothing is mounted
        self._keys[identity] = own

    def _alive(self, identity: str, state: ReservationState) -> bool:
        """Whether the peer has done something to the disk since the last look."""
        seen = self._seen.get(identity)
        serving = self._peers_key(state)
        return seen is not None and serving is not None and serving != seen

    async def _give_back(self, taken: Sequence[str]) -> None:
        """What was taken for a claim that failed; where that fails, the next looks try again."""
        for identity in taken:
            self._keys.pop(identity, None)
        for identity in taken:
            if not self._disks[identity].unsettled:
                with contextlib.suppress(AdapterError):
                    await self._let_go(identity, self._disks[identity])

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
            self._keys.clear()
            for identity, disk in self._disks.items():
                try:
                    await self._let_go(identity, disk)
                except AdapterError as error:
                    _log.warning("Failed to let go of %s: %s, trying again", disk.device, error)

    async def give_back(self) -> None:
        """Let go of what was taken for nothing; what is mounted stays held."""
        if not self._mounted:
            await self.release()

    async def abandon(self) -> None:
        """This machine is about to end: renew nothing any more.

        What is mounted keeps its registration. Without it the next one on the disk would not know
        that there is somebody to be kept out, should this machine not end.
        """
        self._keys.clear()
        if self._mounted or self._unlooked:
            self._is_lost = True
        else:
            await self.release()

    async def _let_go(self, identity: str, disk: Reservation) -> None:
        is_guarded = not self.why_not and identity not in self._free
        await seizure.let_go(disk, self._local, is_guarded=is_guarded)

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
            return self._adopt({name: await disk.read() for name, disk in self._disks.items()})

    def _adopt(self, states: dict[str, ReservationState]) -> bool:
        """Go on with what is mounted, if every disk is this node's; else it is lost."""
        for state in states.values():
            if not seizure.is_held_by(state, self._local):
                self._lost(_who_has_it(state))
                return False
        self._keys = {name: state.holder for name, state in states.items() if state.holder}
        return True

    # --- once a heartbeat -----------------------------------------------------------------------

    async def look(self) -> None:
        """Renew what is held, see whether it still is; otherwise see who else lives."""
        if self._one_at_a_time.locked() or not self._disks:
            return
        async with self._one_at_a_time:
            self._count_idle()
            try:
                for identity, disk in tuple(self._disks.items()):
                    await self._look(identity, disk)
            except AdapterError as error:
                self._silent(error)
            else:
                self._silent_looks = 0

    def _count_idle(self) -> None:
        """Nobody keeps a disk for a mount that never comes: the other node would wait for ever."""
        self._idle_looks = self._idle_looks + 1 if self._keys and not self._mounted else 0
        if self._idle_looks >= IDLE_AFTER:
            self._keys.clear()

    async def _look(self, identity: str, disk: Reservation) -> None:
        state = await disk.read()
        if identity in self._keys:
            await self._renew(identity, disk, state)
            return
        mine = [key for key in seizure.keys_of(state, self._local) if not keys.is_guard(key)]
        if mine and not self._mounted and not self._unlooked:
            await self._let_go(identity, disk)  # of a former life, or could not be said before
        elif not self.why_not:
            self._watch(identity, state)

    async def _renew(self, identity: str, disk: Reservation, state: ReservationState) -> None:
        holder = state.holder
        if holder is None or not seizure.is_held_by(state, self._local):
            # Also when nobody is registered: whoever it was may have come, written and gone.
            self._lost(_who_has_it(state))
            return
        renewed = self._next_key()
        try:
            await seizure.remove(disk, holder, seizure.others(state, holder), self._tell_victim)
            await disk.rotate(holder, renewed)
        except ReservationConflict:
            self._lost("another node has just taken its disk")
            return
        if identity in self._keys:  # and not abandoned meanwhile
            self._keys[identity] = renewed
            self._post(DiskRead(self._links[identity], DiskHolder.SELF))

    def _watch(self, identity: str, state: ReservationState) -> None:
        link = self._links[identity]
        serving = self._peers_key(state)
        if serving is None:
            is_own = bool(seizure.keys_of(state, self._local))
            self._post(DiskRead(link, DiskHolder.SELF if is_own else DiskHolder.NOBODY))
            return
        moved = self._alive(identity, state)
        self._seen[identity] = serving
        self._post(DiskRead(link, DiskHolder.PEER, moved=moved))

    def _peers_key(self, state: ReservationState) -> int | None:
        """Under which the peer serves, None if it does not."""
        found = seizure.keys_of(state, self._peer)
        return next((key for key in found if not keys.is_guard(key)), None)

    def _lost(self, why: str) -> None:
        self._keys.clear()
        self._is_lost = bool(self._mounted)
        self._post(DiskLost(self.group, why))

    def _silent(self, error: AdapterError) -> None:
        self._silent_looks += 1
        if self._silent_looks == LOST_AFTER and self.is_held and self._mounted:
            text = sorted(self._mounted)[0]
            self._post(ResourceLost(self.group, text, f"its disk does not answer: {error}"))


def _who_has_it(state: ReservationState) -> str:
    if state.keys:
        return "another node is registered on its disk"
    return "this node is no longer registered on its disk"
