"""The shared disks of the groups: claimed before a mount, renewed while held, watched otherwise.

One claim is one group's disks. Its key is renewed once a heartbeat, so that a node that cannot be
heard on any link is still seen to live; and looked at first, so that a node that was preempted
finds out within a heartbeat. What follows from that is the core's to say (`DiskRead`, `DiskLost`).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Final

from hbd.cluster.event import DiskFound, DiskLost, DiskRead, Event, ResourceLost
from hbd.cluster.terms import DiskHolder, GroupName, LinkName, NodeName
from hbd.errors import AdapterError, ReservationConflict
from hbd.fencing import key as keys
from hbd.fencing.reservation import Capability, Reservation, ReservationState, probe
from hbd.journal import NOTICE, MessageId, fields

LOST_AFTER: Final = 3  # looks in a row without an answer, of a disk that is held

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
    ) -> None:
        """`resources` are (resource as written, device path) of each file system of the group."""
        self.group = group
        self._resources = tuple(resources)
        self._local = local
        self._peer_id = keys.node_id(peer)
        self._post = post
        self._counter = secrets.randbits(32)  # unlike any of a former life's
        self._disks: dict[str, Reservation] = {}  # by identity, in their order
        self._links: dict[str, LinkName] = {}
        self._keys: dict[str, int] = {}  # of the disks that are held
        self._seen: dict[str, int] = {}  # the peer's key at the last look
        self._silent_looks = 0
        self._mounted: set[str] = set()  # resources
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
        if self.is_settled:
            return
        found: list[Capability] = []
        try:
            for _, device in self._resources:
                found.append(await probe(device))
        except AdapterError as error:
            self._cannot(str(error))
            return
        self.is_settled = True
        weak = next((each for each in found if not each.is_capable), None)
        if weak is not None:
            self._cannot(f"{weak.device}: {weak.why}")
            return
        self.why_not = ""
        for each in found:
            self._disks.setdefault(each.identity, Reservation(each))
            self._links.setdefault(each.identity, LinkName(each.device))
        _log.log(
            NOTICE,
            "The disk of group %s carries reservations: it refuses every node but the one that "
            "serves",
            self.group,
            extra=fields(group=self.group, protection="reservation"),
        )
        self.tell()

    def tell(self) -> None:
        """Say again what was found out; nothing while that is not settled."""
        if self.is_settled and self.why_not:
            self._post(DiskFound(self.group, reserved=False))
        elif self.is_settled:
            for link in self._links.values():
                self._post(DiskFound(self.group, reserved=True, link=link))

    def forgo(self, why: str) -> None:
        """These disks are not to be claimed, whatever they can do."""
        self._disks.clear()
        self._links.clear()
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

    async def claim(self) -> None:
        """Be the only one who may write, preempting whoever else is registered.

        AdapterError: it is not so, and nothing may be mounted. Above all not while something is
        mounted here that was mounted under another claim: what that has in memory is old.
        """
        async with self._one_at_a_time:
            if self._mounted and not self.is_held:
                names = ", ".join(sorted(self._mounted))
                raise AdapterError(f"{names} is still mounted from before the disk was lost")
            for identity, disk in self._disks.items():
                self._keys[identity] = await self._take(identity, disk)

    async def _take(self, identity: str, disk: Reservation) -> int:
        state = await disk.read()
        held = self._keys.get(identity)
        if held is not None and state.is_only(held):
            return held
        own = self._next_key()
        await disk.register(own)
        for victim in _others(await disk.read(), own):
            await self._preempt(disk, own, victim)
        state = await disk.read()
        if state.holder is None:
            await disk.reserve(own)
            state = await disk.read()
        if not state.is_only(own):
            raise AdapterError(f"{disk.device}: another node took the disk at the same time")
        return own

    async def _preempt(self, disk: Reservation, own: int, victim: int) -> None:
        whose = "the peer" if keys.node_id_of(victim) == self._peer_id else f"key {victim:#x}"
        if keys.node_id_of(victim) == keys.node_id(self._local):
            whose = "a former life of this node"
        _log.warning(
            "Taking the disk of group %s from %s: from now on its writes are refused",
            self.group,
            whose,
            extra=fields(MessageId.PREEMPTING, group=self.group, protection="reservation"),
        )
        try:
            await disk.preempt_and_abort(own, victim)
        except ReservationConflict:
            return  # it has let go meanwhile, or we were preempted: the reading afterwards tells

    def _next_key(self) -> int:
        self._counter = keys.next_counter(self._counter)
        return keys.key_of(self._local, self._counter)

    # --- mounts ---------------------------------------------------------------------------------

    def mounted(self, text: str) -> None:
        """A file system of the group is mounted here."""
        self._mounted.add(text)

    def undone(self, text: str) -> None:
        """What was mounted under another claim is proven unmounted."""
        self._mounted.discard(text)

    async def unmounted(self, text: str) -> None:
        """It is proven unmounted; after the last one the disks are let go of."""
        self._mounted.discard(text)
        if not self._mounted:
            await self.release()

    async def release(self) -> None:
        """Unregister; a disk that cannot be told so is told later, or is preempted by the peer."""
        async with self._one_at_a_time:
            self._keys.clear()
            for disk in self._disks.values():
                try:
                    await disk.unregister()
                except AdapterError as error:
                    _log.warning("Failed to let go of %s: %s, trying again", disk.device, error)

    async def recover(self, text: str, *, is_mounted: bool) -> bool:
        """After a start of the daemon: whether the mount may go on, by what the disks say now.

        AdapterError if they do not say.
        """
        async with self._one_at_a_time:
            if is_mounted:
                self._mounted.add(text)
            if self.is_held:
                return True
            for identity, disk in self._disks.items():
                state = await disk.read()
                if self._is_ours(state):
                    assert state.holder is not None, "ours is held"
                    self._keys[identity] = state.holder
        if is_mounted and not self.is_held:
            self._lost("another node is registered")
            return False
        return True

    def _is_ours(self, state: ReservationState) -> bool:
        """Whether this node alone is registered, under whatever key of its own."""
        own = keys.node_id(self._local)
        holder = state.holder
        return holder is not None and keys.node_id_of(holder) == own and state.is_only(holder)

    # --- once a heartbeat -----------------------------------------------------------------------

    async def look(self) -> None:
        """Renew what is held, see whether it still is; otherwise see who else lives."""
        if self._one_at_a_time.locked() or not self._disks:
            return
        async with self._one_at_a_time:
            try:
                for identity, disk in self._disks.items():
                    await self._look(identity, disk)
            except AdapterError as error:
                self._silent(error)
            else:
                self._silent_looks = 0

    async def _look(self, identity: str, disk: Reservation) -> None:
        state = await disk.read()
        if identity in self._keys:
            await self._renew(identity, disk, state)
        elif self._is_ours(state) and not self._mounted:
            await disk.unregister()  # what could not be said before
        else:
            self._watch(identity, state)

    async def _renew(self, identity: str, disk: Reservation, state: ReservationState) -> None:
        link = self._links[identity]
        if not self._is_ours(state):
            # Also when nobody is registered: whoever it was may have come, written and gone.
            who = "another node is" if state.keys else "this node is no longer"
            self._lost(f"{who} registered on its disk")
            return
        assert state.holder is not None, "ours is held"
        renewed = self._next_key()
        try:
            await disk.rotate(state.holder, renewed)
        except ReservationConflict:
            self._lost("another node has just taken its disk")
            return
        self._keys[identity] = renewed
        self._post(DiskRead(link, DiskHolder.SELF))

    def _watch(self, identity: str, state: ReservationState) -> None:
        link = self._links[identity]
        peers = [key for key in state.keys if keys.node_id_of(key) == self._peer_id]
        if not peers:
            holder = DiskHolder.SELF if self._is_ours(state) else DiskHolder.NOBODY
            self._post(DiskRead(link, holder))
            return
        before = self._seen.get(identity)
        self._seen[identity] = peers[0]
        moved = before is not None and before != peers[0]
        self._post(DiskRead(link, DiskHolder.PEER, moved=moved))

    def _lost(self, why: str) -> None:
        self._keys.clear()
        self._post(DiskLost(self.group, why))

    def _silent(self, error: AdapterError) -> None:
        self._silent_looks += 1
        if self._silent_looks == LOST_AFTER and self.is_held and self._mounted:
            text = sorted(self._mounted)[0]
            self._post(ResourceLost(self.group, text, f"its disk does not answer: {error}"))


def _others(state: ReservationState, own: int) -> list[int]:
    """Every other key, the holder's first: with it goes the reservation."""
    others = [key for key in state.keys if key != own]
    return sorted(others, key=lambda key: key != state.holder)
