"""One disk is taken, and let go of: which commands, in which order, and what a failure leaves.

Only one node may come out of it as the one that writes. Whoever was registered before is removed,
with what it had under way. Whoever appears meanwhile is alive and wants the same: then the disk
itself decides, since a reservation has one holder, and the other one goes away again.

A disk from which somebody had to be removed is not left open afterwards: it would take the writes
of a mount that the removed one still has. It is left guarded (`hbd.fencing.key`) until that one
claims it itself, which it only does without such a mount.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Final

from hbd.cluster.terms import NodeName
from hbd.errors import AdapterError, ReservationConflict
from hbd.fencing import ioctl
from hbd.fencing import key as keys
from hbd.fencing.reservation import Reservation, ReservationState

# Looks after the reservation was given: who registers that late goes away by itself, or is removed.
# Were it not removed, each of the two would give way to the other.
LATECOMERS: Final = 3

# Told each key before it is removed.
OnVictim = Callable[[int], None]


def is_held_by(state: ReservationState, node: NodeName) -> bool:
    """Whether `node` holds the reservation, under whatever key of its own.

    It may have company: who is about to take the disk, or failed to. Nobody becomes the holder but
    by claiming, and nobody who was removed is.
    """
    holder = state.holder
    return (
        holder is not None
        and keys.node_id_of(holder) == keys.node_id(node)
        and state.type == ioctl.PR_WRITE_EXCLUSIVE_REG_ONLY
    )


def keys_of(state: ReservationState, node: NodeName) -> tuple[int, ...]:
    """Every key of `node` that is registered."""
    own = keys.node_id(node)
    return tuple(key for key in state.keys if keys.node_id_of(key) == own)


async def seize(disk: Reservation, own: int, before: ReservationState, told: OnVictim) -> None:
    """Be the only one who may write, under the key `own`; `before` is what was read just now.

    Whoever is in `before` is removed. AdapterError: it is not so; what was begun is to be let go of
    at once, or whoever was faster finds itself in company.
    """
    if disk.unsettled:
        raise AdapterError(f"{disk.device}: '{disk.unsettled}' may still take effect on it")
    await disk.register(own)
    state = await disk.read()
    await remove(disk, own, (key for key in others(state, own) if key in before.keys), told)
    state = await disk.read()
    if state.holder is None:
        with contextlib.suppress(ReservationConflict):  # another was faster: the reading tells
            await disk.reserve(own)
        state = await disk.read()
    if state.holder != own:
        raise AdapterError(f"{disk.device}: another node is alive and took it at the same time")
    for _ in range(LATECOMERS):
        await remove(disk, own, others(state, own), told)  # too late for it, and it will see that
        state = await disk.read()
        if state.is_only(own):
            return
        if state.holder != own:
            break
    raise AdapterError(f"{disk.device}: another node took it at the same time")


def others(state: ReservationState, own: int) -> list[int]:
    """Every other key, the holder's first: with it goes the reservation."""
    found = [key for key in state.keys if key != own]
    return sorted(found, key=lambda key: key != state.holder)


async def remove(disk: Reservation, own: int, victims: Iterable[int], told: OnVictim) -> None:
    """Unregister others and end their writes. Who is no longer there is no failure."""
    for victim in victims:
        told(victim)
        with contextlib.suppress(ReservationConflict):  # it is gone, or we are: a reading tells
            await disk.preempt_and_abort(own, victim)


async def let_go(disk: Reservation, node: NodeName, *, is_guarded: bool) -> None:
    """Have no key there under which `node`, this one, seems to serve.

    `is_guarded`: if it holds the disk, it goes on keeping others out. AdapterError: not told.
    """
    state = await disk.read()
    if not keys_of(state, node):
        return
    if not is_guarded or not is_held_by(state, node):
        await disk.unregister()
    elif state.holder is not None and not keys.is_guard(state.holder):
        with contextlib.suppress(ReservationConflict):  # taken from us meanwhile
            await disk.rotate(state.holder, keys.guard_of(node))
