"""One claim against another on one disk: at no moment two writers, and nothing left behind."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hbd.cluster.event import DiskFound, DiskLost, DiskRead, ResourceLost
from hbd.cluster.terms import MILLISECOND, DiskHolder, NodeName, ResourceState, Usec
from hbd.errors import AdapterError
from hbd.fencing import ioctl
from hbd.fencing.key import given_up_of, guard_of, is_guard, key_of, node_id_of
from hbd.runtime import claims
from hbd.runtime.claims import IDLE_AFTER, LOST_AFTER
from tests.unit.fencing.disk import ReservationDisk
from tests.unit.runtime.machines import ALPHA, BETA, Gate, Machine, machine, pair
from tests.unit.runtime.parts import turns_until

WE_RO = ioctl.PR_WRITE_EXCLUSIVE_REG_ONLY
A1, B1, B2 = key_of(ALPHA, 1), key_of(BETA, 1), key_of(BETA, 2)
SOON = Usec(200 * MILLISECOND)


def registered(disk: ReservationDisk, nexus: str, key: int, *, holds: bool = True) -> None:
    """Somebody was there before."""
    disk.keys[nexus] = key
    if holds:
        disk.holder, disk.type = nexus, WE_RO


def dies(machine: Machine, request: int | None = None) -> None:
    """Its path to the disks fails, for everything or for one kind of command."""

    def fail(asked: int) -> None:
        if request in (None, asked):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    machine.kernel.before = fail


def heals(machine: Machine) -> None:
    """The path is back."""
    machine.kernel.before = lambda _: None


# --- taking it ----------------------------------------------------------------------------------


async def test_a_claim_leaves_one_writer(tmp_path: Path) -> None:
    """Goal: registered, holding, alone. Method: claim an empty disk; the other one may not."""
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await alpha.claim.claim()
    assert alpha.claim.is_held
    assert (list(disk.keys), disk.holder, disk.type) == ([ALPHA], ALPHA, WE_RO)
    assert (alpha.may_write(), beta.may_write()) == (True, False)


async def test_every_foreign_key_is_preempted(tmp_path: Path) -> None:
    """Goal: not only the holder's. Method: a holder, two strangers and a write under way."""
    disk = ReservationDisk()
    registered(disk, BETA, B1)
    registered(disk, "stranger", 77, holds=False)
    registered(disk, "old-path", key_of(ALPHA, 9), holds=False)
    disk.submit(BETA, 1, b"late")
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.claim.claim()
    disk.settle()
    assert (list(disk.keys), disk.holder, disk.written) == ([ALPHA], ALPHA, [])


async def test_a_claim_that_is_held_is_verified_and_not_done_again(tmp_path: Path) -> None:
    """Goal: a repetition is harmless. Method: claim twice; the key and the generation stay."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.claim.claim()
    before = (alpha.keys(), disk.generation)
    await alpha.claim.claim()
    assert (alpha.keys(), disk.generation) == before


async def test_what_was_lost_since_the_last_look_is_not_taken_back(tmp_path: Path) -> None:
    """Goal: no old mount becomes writable. Method: preempted while mounted; a claim, no look."""
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await alpha.start()
    await beta.claim.claim()
    with pytest.raises(AdapterError):
        await alpha.claim.claim()
    assert (alpha.may_write(), beta.may_write()) == (False, True)
    assert len(alpha.posted.of(DiskLost)) == 1


async def test_nothing_is_claimed_over_an_old_mount(tmp_path: Path) -> None:
    """Goal: the same when the loss is known, and the disk free. Method: beta comes and goes."""
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await alpha.start()
    await beta.claim.claim()
    await alpha.claim.look()
    await beta.claim.release()
    with pytest.raises(AdapterError):
        await alpha.claim.claim()
    assert not alpha.may_write()


async def test_nothing_is_claimed_before_it_was_looked_at(tmp_path: Path) -> None:
    """Goal: a mount that the daemon does not know of yet. Method: claim right after a start."""
    disk = ReservationDisk()
    registered(disk, BETA, B1)
    alpha = Machine(tmp_path, ALPHA, disk)
    alpha.mounts[0].is_mounted = True
    await alpha.claim.resolve()
    with pytest.raises(AdapterError):
        await alpha.claim.claim()
    assert disk.holder == BETA


async def test_who_is_out_for_certain_is_preempted_though_its_key_moved(tmp_path: Path) -> None:
    """Goal: proof is stronger than an old look. Method: the same, asked by a start."""
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await beta.claim.claim()
    await alpha.claim.look()
    await beta.claim.look()
    await alpha.claim.claim()
    assert alpha.may_write()
    assert not beta.may_write()


async def test_a_claim_against_a_claim_leaves_the_first_holder(tmp_path: Path) -> None:
    """Goal: the disk decides, once. Method: beta takes it between alpha's reading and register."""
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    gate = Gate(alpha.kernel)
    late = asyncio.create_task(alpha.claim.claim())
    await gate.pass_through(3)  # keys, holder, keys: nobody is there
    await beta.start()
    gate.open()
    with pytest.raises(AdapterError):
        await late
    await beta.claim.look()
    assert beta.posted.of(DiskLost) == []
    assert (list(disk.keys), disk.holder) == ([BETA], BETA)


# --- what a failure leaves ----------------------------------------------------------------------

COMMANDS = {
    "register": ioctl.IOC_PR_REGISTER,
    "reserve": ioctl.IOC_PR_RESERVE,
    "preempt": ioctl.IOC_PR_PREEMPT_ABORT,
}


@pytest.mark.parametrize("command", list(COMMANDS))
async def test_a_claim_that_fails_is_not_held_and_leaves_nothing(
    tmp_path: Path, command: str
) -> None:
    """Goal: nothing half-applied. Method: each command fails in turn; then the path is back."""
    disk = ReservationDisk()
    if command == "preempt":
        registered(disk, BETA, B1)
    alpha = await machine(tmp_path, ALPHA, disk)
    dies(alpha, COMMANDS[command])
    with pytest.raises(AdapterError):
        await alpha.claim.claim()
    assert not alpha.claim.is_held
    heals(alpha)
    await alpha.claim.look()
    assert ALPHA not in disk.keys
    await alpha.claim.claim()
    assert alpha.may_write()


async def test_a_second_disk_that_fails_gives_the_first_one_back(tmp_path: Path) -> None:
    """Goal: no half claim that is renewed for ever. Method: the second is a living peer's."""
    first, second = ReservationDisk(), ReservationDisk()
    alpha, beta = await pair(tmp_path, first, second)
    registered(second, BETA, B1)
    await alpha.claim.look()
    registered(second, BETA, B2)
    with pytest.raises(AdapterError):
        await alpha.claim.claim(from_silent=True)
    assert (first.keys, list(second.keys)) == ({}, [BETA])
    assert not alpha.claim.is_held
    assert beta.may_write(0)


async def test_a_disk_that_hangs_is_not_known_and_so_not_held(tmp_path: Path) -> None:
    """Goal: an open outcome is no success, and is cleared up. Method: register hangs, then ends."""
    disk = ReservationDisk()
    alpha = Machine(tmp_path, ALPHA, disk, limit_usec=SOON)
    await alpha.observe()
    gate = Gate(alpha.kernel)
    claim = asyncio.create_task(alpha.claim.claim())
    await gate.pass_through(3)
    with pytest.raises(AdapterError):
        await claim
    assert not alpha.claim.is_held
    with pytest.raises(AdapterError):  # still open: nothing is built on it
        await alpha.claim.claim()
    gate.open()
    await turns_until(lambda: ALPHA in disk.keys)  # now it takes effect
    await _looked(alpha, lambda: ALPHA not in disk.keys)
    assert not alpha.claim.is_held


async def _looked(machine: Machine, is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_true():
            await machine.claim.look()


async def test_a_start_that_is_abandoned_leaves_nothing_once_stopped(tmp_path: Path) -> None:
    """Goal: cancelled in the middle of it. Method: cancel after the registration; then stop."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    gate = Gate(alpha.kernel)
    start = asyncio.create_task(alpha.start())
    await gate.pass_through(4)
    await turns_until(lambda: bool(disk.keys))
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    gate.open()
    await alpha.stop()
    assert (disk.keys, alpha.claim.is_held) == ({}, False)


async def test_what_is_held_for_nothing_is_let_go_of(tmp_path: Path) -> None:
    """Goal: a takeover that is not followed by a mount blocks nobody. Method: many looks."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.claim.claim()
    for _ in range(IDLE_AFTER - 1):
        await alpha.claim.look()
    assert alpha.claim.is_held
    await alpha.claim.look()
    assert (disk.keys, alpha.claim.is_held) == ({}, False)


async def test_a_held_disk_that_falls_silent_is_told_once(tmp_path: Path) -> None:
    """Goal: the core hears of a dead path, after some looks. Method: every call fails."""
    alpha = await machine(tmp_path, ALPHA, ReservationDisk())
    await alpha.start()
    dies(alpha)
    for _ in range(LOST_AFTER - 1):
        await alpha.claim.look()
    assert alpha.posted.of(ResourceLost) == []
    for _ in range(LOST_AFTER):
        await alpha.claim.look()
    assert [event.resource for event in alpha.posted.of(ResourceLost)] == [alpha.mounts[0].text]


# --- renewing -----------------------------------------------------------------------------------


async def test_each_look_moves_the_key(tmp_path: Path) -> None:
    """Goal: the key is a heartbeat. Method: look; the disk has another key of the same node."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.start()
    seen = {alpha.keys()}
    for count in range(2, 5):
        await alpha.claim.look()
        seen.add(alpha.keys())
        assert len(seen) == count
    assert {node_id_of(key) for key in seen} == {node_id_of(A1)}
    assert [read.holder for read in alpha.posted.of(DiskRead)][-3:] == [DiskHolder.SELF] * 3


def preempt(disk: ReservationDisk) -> None:
    """The other node has taken it."""
    disk.register(BETA, 0, B1, ignore=True)
    disk.preempt(BETA, B1, disk.keys[ALPHA], WE_RO, abort=True)


def clear(disk: ReservationDisk) -> None:
    """Somebody's tool."""
    disk.clear(ALPHA, disk.keys[ALPHA])


def forget(disk: ReservationDisk) -> None:
    """A target that does not keep what it promised."""
    disk.lose_power(forgets=True)


@pytest.mark.parametrize("deed", [preempt, clear, forget])
async def test_a_lost_key_is_told_once_and_not_renewed(
    tmp_path: Path, deed: Callable[[ReservationDisk], None]
) -> None:
    """Goal: whoever did it. Method: the key goes; several looks; nothing is registered again."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.start()
    deed(disk)
    for _ in range(3):
        await alpha.claim.look()
    assert len(alpha.posted.of(DiskLost)) == 1
    assert not alpha.claim.is_held
    assert ALPHA not in disk.keys


async def test_a_group_with_one_disk_lost_keeps_none(tmp_path: Path) -> None:
    """Goal: all or nothing, told once. Method: the second of two is preempted, then a stop."""
    first, second = ReservationDisk(), ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, first, second)
    await alpha.start()
    preempt(second)
    for _ in range(3):
        await alpha.claim.look()
    assert len(alpha.posted.of(DiskLost)) == 1
    assert not alpha.claim.is_held
    await alpha.stop()
    assert ALPHA not in first.keys


async def test_company_is_sent_away_by_who_serves(tmp_path: Path) -> None:
    """Goal: a registration that somebody left cannot write. Method: one appears beside ours."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.start()
    disk.register(BETA, 0, B1)
    await alpha.claim.look()
    assert (list(disk.keys), disk.holder) == ([ALPHA], ALPHA)
    assert alpha.posted.of(DiskLost) == []


# --- watching -----------------------------------------------------------------------------------


async def test_a_watcher_sees_a_key_come_and_move_and_no_first_sight(tmp_path: Path) -> None:
    """Goal: a key says nothing, a new or moved one that its owner lives. Method: look at both.

    A watcher that has just begun has seen nobody come.
    """
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await beta.claim.look()
    await alpha.start()
    await beta.claim.look()
    await beta.claim.look()
    await alpha.claim.look()
    await beta.claim.look()
    told = [(read.holder, read.moved) for read in beta.posted.of(DiskRead)]
    peer = DiskHolder.PEER
    assert told == [(DiskHolder.NOBODY, False), (peer, True), (peer, False), (peer, True)]
    beta.live()
    await beta.observe()
    await beta.claim.look()
    assert [(read.holder, read.moved) for read in beta.posted.of(DiskRead)] == [(peer, False)]


async def test_a_guard_is_nobodys_life(tmp_path: Path) -> None:
    """Goal: who only keeps others out does not serve. Method: look at the peer's guard."""
    disk = ReservationDisk()
    registered(disk, BETA, B1)
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.claim.look()
    registered(disk, BETA, guard_of(BETA))
    await alpha.claim.look()
    assert [read.holder for read in alpha.posted.of(DiskRead)] == [
        DiskHolder.PEER,
        DiskHolder.NOBODY,
    ]


# --- letting go ---------------------------------------------------------------------------------


async def test_a_planned_move_leaves_the_disk_free(tmp_path: Path) -> None:
    """Goal: an administrator may use it when nobody serves. Method: there and back, and stop."""
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    for each in (alpha, beta, alpha):
        await each.start()
        assert each.may_write()
        await each.stop()
        assert (disk.keys, disk.holder) == ({}, None)


async def test_who_was_taken_over_from_is_kept_out_until_it_claims(tmp_path: Path) -> None:
    """Goal: a machine that wakes up much later cannot write. Method: takeover, stop, wake up."""
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await alpha.start()  # and stands still from here
    await beta.start()
    await beta.stop()
    assert not alpha.may_write()
    assert is_guard(beta.keys())
    await beta.claim.look()
    await alpha.claim.look()
    assert not alpha.may_write()
    assert len(alpha.posted.of(DiskLost)) == 1
    await alpha.stop()
    await alpha.start()
    assert (list(disk.keys), alpha.may_write()) == ([ALPHA], True)
    await alpha.stop()
    assert disk.keys == {}


async def test_a_release_that_cannot_be_said_is_said_later(tmp_path: Path) -> None:
    """Goal: no registration is left behind. Method: the path fails at the release, then heals."""
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.start()
    dies(alpha)
    await alpha.stop()
    assert not alpha.claim.is_held
    heals(alpha)
    await alpha.claim.look()
    assert disk.keys == {}


async def test_a_machine_about_to_end_renews_nothing_and_keeps_who_it_was(tmp_path: Path) -> None:
    """Goal: if it does not end, the next one must know of it. Method: give up while mounted.

    The peer takes it at once, though it has just seen the key move: that was no heartbeat.
    """
    disk = ReservationDisk()
    alpha, beta = await pair(tmp_path, disk)
    await alpha.start()
    await beta.claim.look()
    await alpha.claim.look()
    await alpha.claim.give_up()
    assert (alpha.keys(), alpha.claim.is_held) == (given_up_of(ALPHA), False)
    await alpha.claim.look()
    assert alpha.keys() == given_up_of(ALPHA)
    await beta.claim.look()
    assert not any(read.moved for read in beta.posted.of(DiskRead))
    await beta.claim.claim(from_silent=True)
    assert not alpha.may_write()
    await beta.start()
    await beta.stop()
    assert not alpha.may_write()


async def test_a_disk_that_hangs_is_not_waited_for_by_a_machine_about_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: the reboot comes. Method: no command returns while it gives up."""
    monkeypatch.setattr(claims, "GIVE_UP_SECONDS", 0.01)
    disk = ReservationDisk()
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.start()
    gate = Gate(alpha.kernel)
    await alpha.claim.give_up()
    assert not alpha.claim.is_held
    gate.open()


# --- a new life of the daemon -------------------------------------------------------------------

Before = Callable[[ReservationDisk], Awaitable[None] | None]


@pytest.mark.parametrize("guard", [False, True])
async def test_a_leftover_of_a_former_life_is_let_go_of(tmp_path: Path, *, guard: bool) -> None:
    """Goal: a key of ours that serves nothing is not taken for life. Method: unmounted; look."""
    disk = ReservationDisk()
    registered(disk, ALPHA, guard_of(ALPHA) if guard else A1)
    alpha = await machine(tmp_path, ALPHA, disk)
    for _ in range(3):
        await alpha.claim.look()
    assert alpha.keys() == guard_of(ALPHA)  # whom it had been taken from is still kept out
    beta = await machine(tmp_path, BETA, disk)
    await beta.start()
    await beta.stop()
    assert disk.keys == {}


async def test_a_registration_beside_a_holder_is_given_back(tmp_path: Path) -> None:
    """Goal: the same of a takeover that broke off. Method: ours is there, and beta holds."""
    disk = ReservationDisk()
    registered(disk, BETA, B1)
    registered(disk, ALPHA, A1, holds=False)
    alpha = await machine(tmp_path, ALPHA, disk)
    await alpha.claim.look()
    assert list(disk.keys) == [BETA]


async def test_a_leftover_under_a_mount_is_not_let_go_of_before_it_is_seen(tmp_path: Path) -> None:
    """Goal: a slow systemd costs no disk. Method: looks at the disk come before the mount's."""
    disk = ReservationDisk()
    registered(disk, ALPHA, A1)
    alpha = Machine(tmp_path, ALPHA, disk)
    alpha.mounts[0].is_mounted = True
    await alpha.claim.resolve()
    for _ in range(3):
        await alpha.claim.look()
    assert alpha.keys() == A1
    assert await alpha.observe() == [ResourceState.STARTED]
    await alpha.claim.look()
    assert alpha.claim.is_held
    assert alpha.keys() != A1
    assert alpha.posted.of(DiskLost) == []


@pytest.mark.parametrize("is_mounted", [True, False])
@pytest.mark.parametrize("whose", [ALPHA, BETA, None])
async def test_a_new_life_goes_on_with_what_is_its_own_alone(
    tmp_path: Path, whose: NodeName | None, *, is_mounted: bool
) -> None:
    """Goal: every combination of mount and registration. Method: observe; what is held, told."""
    disk = ReservationDisk()
    if whose is not None:
        registered(disk, whose, key_of(whose, 1))
    alpha = Machine(tmp_path, ALPHA, disk)
    alpha.mounts[0].is_mounted = is_mounted
    states = await alpha.observe()
    may_go_on = is_mounted and whose == ALPHA
    assert alpha.claim.is_held is may_go_on
    assert len(alpha.posted.of(DiskLost)) == (is_mounted and not may_go_on)
    expected = ResourceState.STARTED if may_go_on else ResourceState.FAILED
    assert states == [expected if is_mounted else ResourceState.STOPPED]
    again = await alpha.observe()
    assert again == states
    assert len(alpha.posted.of(DiskLost)) == (is_mounted and not may_go_on)


async def test_one_disk_of_two_is_not_enough_to_go_on(tmp_path: Path) -> None:
    """Goal: all or nothing. Method: both mounted, the second is registered by nobody."""
    first, second = ReservationDisk(), ReservationDisk()
    registered(first, ALPHA, A1)
    alpha = Machine(tmp_path, ALPHA, first, second)
    for mount in alpha.mounts:
        mount.is_mounted = True
    assert await alpha.observe() == [ResourceState.FAILED] * 2
    assert not alpha.claim.is_held
    assert len(alpha.posted.of(DiskLost)) == 1


# --- what the disks can do ----------------------------------------------------------------------


async def test_an_absent_disk_is_asked_again_and_found(tmp_path: Path) -> None:
    """Goal: absent is not incapable. Method: the device comes after the first question."""
    disk = ReservationDisk()
    alpha = Machine(tmp_path, ALPHA, disk)
    number = alpha.kernel.numbers.pop(alpha.devices[0])
    await alpha.claim.resolve()
    assert not alpha.claim.is_settled
    assert not alpha.posted.of(DiskFound)[-1].reserved
    alpha.kernel.numbers[alpha.devices[0]] = number
    await alpha.claim.resolve()
    assert (alpha.claim.is_settled, alpha.claim.why_not) == (True, "")
    assert alpha.posted.of(DiskFound)[-1].reserved


async def test_a_disk_that_cannot_settles_it(tmp_path: Path) -> None:
    """Goal: it is said once and not asked again. Method: a disk without the command."""
    alpha = Machine(tmp_path, ALPHA, ReservationDisk())
    alpha.kernel.devices[alpha.devices[0]].knows_reservations = False
    await alpha.claim.resolve()
    asked = len(alpha.kernel.requests)
    await alpha.claim.resolve()
    assert alpha.claim.is_settled
    assert alpha.claim.why_not
    assert len(alpha.kernel.requests) == asked
    with pytest.raises(AdapterError):
        await alpha.claim.claim()


@pytest.mark.parametrize("whose", [ALPHA, BETA, None])
async def test_a_disk_that_is_found_late_under_a_mount(
    tmp_path: Path, whose: NodeName | None
) -> None:
    """Goal: ours goes on, another's is lost, an unclaimed one is no protection. Method: each."""
    disk = ReservationDisk()
    if whose is not None:
        registered(disk, whose, key_of(whose, 1))
    alpha = Machine(tmp_path, ALPHA, disk)
    alpha.mounts[0].is_mounted = True
    number = alpha.kernel.numbers.pop(alpha.devices[0])
    await alpha.observe()
    alpha.kernel.numbers[alpha.devices[0]] = number
    await alpha.claim.resolve()
    assert alpha.claim.is_held is (whose == ALPHA)
    assert alpha.claim.is_settled is (whose is not None)
    assert len(alpha.posted.of(DiskLost)) == (whose == BETA)
    assert alpha.posted.of(DiskFound)[-1].reserved is (whose is not None)
    assert list(disk.keys) == ([] if whose is None else [whose])
