"""One disk of a group's claim: taken, renewed, watched, let go of; and what is known of it here.

Which disks a group has, what of them is mounted, and what is to be done when is the claim's to know
(`hbd.runtime.claims`); which commands that takes, and in which order, is `hbd.runtime.seizure`'s.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from hbd.cluster.event import DiskRead
from hbd.cluster.terms import DiskHolder, LinkName, NodeName
from hbd.errors import AdapterError, ReservationConflict
from hbd.fencing import key as keys
from hbd.fencing.reservation import Reservation, ReservationState
from hbd.runtime import seizure
from hbd.runtime.seizure import OnVictim

# Looks at a disk before its holder may be thought silent. It renews once a heartbeat, and this node
# looks as often: three looks span two renewals.
WATCHED: Final = 3


class TakenError(AdapterError):
    """The disk is not this node's any more: the message says whose it seems to be."""


class ClaimedDisk:
    """A disk that carries reservations, as one group of this node claims it."""

    def __init__(
        self,
        reservation: Reservation,
        local: NodeName,
        peer: NodeName,
        post: Callable[[DiskRead], None],
        tell_victim: OnVictim,
    ) -> None:
        """`post` is given what is read, `tell_victim` each key before it is removed."""
        self._reservation = reservation
        self._local = local
        self._peer = peer
        self._post = post
        self._tell_victim = tell_victim
        self._needs_guard = True  # who had it before may still have a mount of it
        self._looks = 0
        self._just_moved = False  # the peer's key, between the last look and the one before
        self._seen: int | None = None  # the peer's key at the last look, None for none
        self.key: int | None = None  # under which this node holds it, as far as it knows

    @property
    def device(self) -> str:
        """Its path."""
        return self._reservation.device

    @property
    def link(self) -> LinkName:
        """Its name among the links: what it says of the peer is a heartbeat."""
        return LinkName(self.device)

    async def read(self) -> ReservationState:
        """What the disk says now. AdapterError: nothing."""
        return await self._reservation.read()

    # --- held -----------------------------------------------------------------------------------

    async def take(self, own: int, *, from_silent: bool) -> None:
        """Be the only one who may write, under the key `own`; whoever is registered is removed.

        `from_silent`: not from a peer that has done something to the disk since the last look, nor
        from one that was not watched for long enough to be seen doing it; two nodes that begin
        together decide by this, since only one of them finds the disk as it last saw it. What the
        last look itself has shown counts, too: it may be younger than the wish to take the disk.
        AdapterError: it is not so; what was begun is to be let go of (`settle`).
        """
        state = await self.read()
        if from_silent:
            self._refuse_living(state)
        self._needs_guard = True
        self._seen = None  # whatever the peer has there after this is news
        await seizure.seize(self._reservation, own, state, self._tell_victim)
        guard = keys.guard_of(self._peer)
        if all(key == guard for key in state.keys):
            self._needs_guard = False  # nobody had it, or who had it says: nothing is mounted
        self.key = own

    def _refuse_living(self, state: ReservationState) -> None:
        serving = self._peers_key(state)
        if serving is None:
            return
        if self._has_moved(serving):
            self.watch(state)
        if self._just_moved:
            raise AdapterError(
                f"{self.device}: the peer is alive, it has just renewed its registration"
            )
        if self._looks < WATCHED:
            raise AdapterError(
                f"{self.device}: the peer is registered, and was not watched for long enough to "
                "know whether it is alive"
            )

    def adopt(self, state: ReservationState) -> None:
        """It is held, by what was read just now. TakenError: it is not; who took it is alive."""
        if not seizure.is_held_by(state, self._local):
            raise TakenError(_who_has_it(state))
        self.key = state.holder

    async def renew(self, state: ReservationState, renewed: int) -> None:
        """The heartbeat of a holder, after a look at it (`state`): a new key, `renewed`.

        TakenError: another node has it.
        """
        holder = state.holder
        if holder is None or not seizure.is_held_by(state, self._local):
            # Also when nobody is registered: whoever it was may have come, written and gone.
            raise TakenError(_who_has_it(state))
        disk = self._reservation
        try:
            await seizure.remove(disk, holder, seizure.others(state, holder), self._tell_victim)
            await disk.rotate(holder, renewed)
        except ReservationConflict as error:
            raise TakenError("another node has just taken its disk") from error
        if self.key is not None:  # and it was not let go of meanwhile
            self.key = renewed
            self._post(DiskRead(self.link, DiskHolder.SELF))

    # --- not held -------------------------------------------------------------------------------

    def watch(self, state: ReservationState) -> None:
        """Note and tell what a look has shown of the peer."""
        serving = self._peers_key(state)
        moved = serving is not None and self._has_moved(serving)
        self._looks += 1
        self._seen, self._just_moved = serving, moved
        if serving is not None:
            self._post(DiskRead(self.link, DiskHolder.PEER, moved=moved))
            return
        is_own = bool(seizure.keys_of(state, self._local))
        self._post(DiskRead(self.link, DiskHolder.SELF if is_own else DiskHolder.NOBODY))

    def has_leftover(self, state: ReservationState) -> bool:
        """Whether this node seems to serve: a key of a former life, or one not yet let go of."""
        return any(not keys.is_guard(key) for key in seizure.keys_of(state, self._local))

    def has_guard(self, state: ReservationState) -> bool:
        """Whether this node keeps others out and has nothing mounted."""
        return any(keys.is_guard(key) for key in seizure.keys_of(state, self._local))

    async def let_go(self, *, is_guarded: bool) -> None:
        """Have no key there under which this node seems to serve. AdapterError: not told.

        Where somebody had to be removed it stays guarded, if `is_guarded`.
        """
        is_guarded = is_guarded and self._needs_guard
        await seizure.let_go(self._reservation, self._local, is_guarded=is_guarded)

    async def give_up(self) -> None:
        """Say that the peer may have it at once, and is to remove this node with what it writes.

        Unregistering would say less: without a holder the disk takes everybody's writes, and what
        is under way from here would be ended by nobody. AdapterError: not told.
        """
        self.key = None
        state = await self.read()
        if state.holder is not None and seizure.is_held_by(state, self._local):
            with contextlib.suppress(ReservationConflict):  # it has been taken meanwhile
                await self._reservation.rotate(state.holder, keys.given_up_of(self._local))

    async def give_back(self, *, is_guarded: bool) -> None:
        """What was taken in vain. Where that fails, or cannot be done now, a look tries again."""
        if not self._reservation.unsettled:
            with contextlib.suppress(AdapterError):
                await self.let_go(is_guarded=is_guarded)

    def _has_moved(self, serving: int) -> bool:
        """Whether the peer has done something to the disk since the last look."""
        return self._looks > 0 and serving != self._seen

    def _peers_key(self, state: ReservationState) -> int | None:
        """Under which the peer serves, None if it does not."""
        found = seizure.keys_of(state, self._peer)
        return next((key for key in found if keys.is_serving(key)), None)


def _who_has_it(state: ReservationState) -> str:
    if state.keys:
        return "another node is registered on its disk"
    return "this node is no longer registered on its disk"
