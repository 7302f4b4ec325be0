"""Persistent reservations: the disk itself refuses every writer but the registered one.

Only the node that serves is registered, so nothing else writes, neither the peer nor a person's
mount. To take the disk over is to register, to preempt and abort the other's key, and to read back.
That needs no clock and no network: a node that was paused for an hour finds its next write refused.
What is done when, and what a reading permits, is for the core; here is one disk and its words
(SPC-4 5.13, NVMe Base 2.0 8.19, linux/pr.h).

The type is Write Exclusive - Registrants Only. Exclusive Access would refuse reads too, and with
that the standby could not even look at the disk: no partition table at boot, no UUID= link from
udev, so nothing to take over. It would not stop a former holder from serving old data either, which
comes from its page cache; that the shared address leaves it does.

SCSI and dm-multipath were tried on LIO over iSCSI, with every path there; NVMe only against a model
of such a disk. On dm-multipath a path that appears later is unregistered: writes on it fail, and
the next rotation fails and leaves the map unregistered, as a rotation while a path is down may.
That is safe and ends the service.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError, ReservationConflict
from hbd.fencing import disk, ioctl, nvme, scsi
from hbd.fencing.disk import Disk, DiskKind, NotCapable
from hbd.fencing.ioctl import Kernel, ThisKernel
from hbd.fencing.worker import Worker

LIMIT_USEC: Final = Usec(5 * SECOND)  # a healthy disk answers in ms
# A unit attention refuses the kernel's call once for each thing that happened on the disk
# (preempted, reset, …) and is then told; kernels before 6.9 hand it up.
ATTEMPTS: Final = 4

# ENOTTY, EOPNOTSUPP: the driver has no such call.
NOT_KNOWN: Final = (errno.ENOTTY, errno.EOPNOTSUPP)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Capability:
    """What a device's disk can do. `why` says why not, "" if it can.

    `device` is as it was asked for; `disk` the whole disk now (/dev/sda), "" when there is none;
    `identity` is the disk's own, the same on both nodes.
    """

    device: str
    disk: str
    identity: str
    kind: DiskKind | None
    why: str

    @property
    def is_capable(self) -> bool:
        """Whether the disk can refuse the other node's writes."""
        return not self.why


@dataclass(frozen=True, slots=True)
class ReservationState:
    """What the disk says. `keys` are the distinct ones, in order of number.

    `registrations` counts them as the disk does, once for each path of each node. `type` is the
    block layer's number, 0 without a holder. `generation` counts changes of registrations; LIO does
    not count an unregistration.
    """

    keys: tuple[int, ...]
    holder: int | None
    type: int
    generation: int
    registrations: int

    def is_only(self, key: int) -> bool:
        """Whether `key` alone may write: registered, holding, of our type, and no other there."""
        return (
            self.keys == (key,)
            and self.holder == key
            and self.type == ioctl.PR_WRITE_EXCLUSIVE_REG_ONLY
        )


async def probe(
    device: str, *, kernel: Kernel | None = None, limit_usec: Usec = LIMIT_USEC
) -> Capability:
    """Say what the disk under `device` (a path) can do; changes nothing on it.

    Raises AdapterError when that cannot be found out now: an absent or silent disk is not an
    incapable one.
    """
    known = kernel or ThisKernel()
    return await Worker(device, limit_usec).look("probe", lambda: _probed(known, device))


def _probed(kernel: Kernel, device: str) -> Capability:
    found: Disk | None = None
    try:
        found = disk.find(kernel, device)
        _with(kernel, found, lambda descriptor: _ask_capability(kernel, descriptor, found.kind))
    except NotCapable as error:
        if found is None:
            return Capability(device, "", "", None, str(error))
        return Capability(device, found.node, found.identity, found.kind, str(error))
    return Capability(device, found.node, found.identity, found.kind, "")


def _ask_capability(kernel: Kernel, descriptor: int, kind: DiskKind) -> None:
    """NotCapable with the reason, or nothing."""
    try:
        can: scsi.Capabilities | nvme.Capabilities | None
        if kind is DiskKind.NVME:
            can = nvme.capabilities(kernel, descriptor)
        else:
            can = scsi.capabilities(kernel, descriptor)
    except scsi.Unsupported as error:
        raise NotCapable("the disk does not know persistent reservations") from error
    if can is None:
        return
    if not can.suits:
        raise NotCapable("the disk does not know the type Write Exclusive - Registrants Only")
    if not can.persists:
        raise NotCapable("the disk forgets reservations when it loses power (no APTPL)")


class Reservation:
    """One disk's reservation. Every call is one command; AdapterError if it was not done.

    After a call that took too long the outcome is open: `unsettled` names it until it is known,
    and what `read` says meanwhile may be changed by it. The caller gives keys and reads back;
    nothing is remembered here but which disk it is.
    """

    def __init__(
        self,
        capability: Capability,
        *,
        kernel: Kernel | None = None,
        limit_usec: Usec = LIMIT_USEC,
    ) -> None:
        assert capability.is_capable, f"{capability.device}: {capability.why}"
        self.device = capability.device
        self.identity = capability.identity
        self._kernel = kernel or ThisKernel()
        self._worker = Worker(capability.device, limit_usec)

    @property
    def unsettled(self) -> str | None:
        """The change without an answer yet, which may still take effect; None if there is none."""
        return self._worker.unsettled

    async def read(self) -> ReservationState:
        """Who is registered and who holds; changes nothing."""
        return await self._worker.look("read the reservation", lambda: self._on_disk(self._state))

    async def register(self, key: int) -> None:
        """This node may write under `key`, whatever it was registered with before."""

        def request(kind: DiskKind) -> bytearray:
            # NVMe's "register" refuses who is registered; its "replace" with the key ignored,
            # which the driver asks for when there is an old key, takes everybody.
            return ioctl.registration(key if kind is DiskKind.NVME else 0, key, ignore=True)

        await self._change("register", ioctl.IOC_PR_REGISTER, request)

    async def reserve(self, key: int) -> None:
        """Nobody unregistered may write; `key` is one's own, registered.

        ReservationConflict when another holds. Done again by the holder it changes nothing.
        """
        await self._change("reserve", ioctl.IOC_PR_RESERVE, lambda _: ioctl.reservation(key))

    async def preempt_and_abort(self, own: int, victim: int) -> None:
        """Remove `victim`, end its writes under way, and hold what it held; `own` is registered.

        When it returns no write of the victim is under way or will be taken. ReservationConflict
        when the victim's key is not registered (any more) or one's own is not.
        """
        await self._change(
            "preempt and abort",
            ioctl.IOC_PR_PREEMPT_ABORT,
            lambda _: ioctl.preemption(own, victim),
        )

    async def rotate(self, old: int, new: int) -> None:
        """Replace one's key in one step, with all that is held under it (SPC-4 5.13.7).

        ReservationConflict when `old` is not registered here: this node was preempted.
        """
        await self._change(
            "rotate the key", ioctl.IOC_PR_REGISTER, lambda _: ioctl.registration(old, new)
        )

    async def unregister(self) -> None:
        """This node may not write any more, on none of its paths; what it held is released.

        Whatever its key is: for the one who must let go it is no time to be asked for it. If it
        was not registered, nothing changes.
        """
        await self._worker.change("unregister", lambda: self._on_disk(self._unregister))

    async def _change(
        self, what: str, request: int, argument: Callable[[DiskKind], bytearray]
    ) -> None:
        def send(found: Disk, descriptor: int) -> None:
            self._send(what, found, descriptor, request, argument(found.kind))

        await self._worker.change(what, lambda: self._on_disk(send))

    def _unregister(self, found: Disk, descriptor: int) -> None:
        if found.kind is DiskKind.NVME:
            nvme.unregister(self._kernel, descriptor, f"Failed to unregister on '{found.node}'")
            return
        # With the key ignored a second attempt may begin with paths that are done already.
        argument = ioctl.registration(0, 0, ignore=True)
        self._send("unregister", found, descriptor, ioctl.IOC_PR_REGISTER, argument)

    def _send(
        self, what: str, found: Disk, descriptor: int, request: int, argument: bytearray
    ) -> None:
        """The kernel's call, again when the disk had something else to say first."""
        status = 0
        for _ in range(ATTEMPTS):
            status = self._kernel.ioctl(descriptor, request, bytearray(argument))
            if not ioctl.is_check_condition(status):
                break
        ioctl.check(status, f"Failed to {what} on '{found.node}'")

    def _state(self, found: Disk, descriptor: int) -> ReservationState:
        if found.kind is DiskKind.NVME:
            return _nvme_state(nvme.report(self._kernel, descriptor))
        return _scsi_state(self._kernel, descriptor)

    def _on_disk(self, work: Callable[[Disk, int], T]) -> T:
        """`work` on the disk, found anew: it may have come back under another name."""
        found = disk.find(self._kernel, self.device)
        if found.identity != self.identity:
            raise AdapterError(
                f"Failed to use '{self.device}': it is another disk now, '{found.identity}' "
                f"instead of '{self.identity}'"
            )
        return _with(self._kernel, found, lambda descriptor: work(found, descriptor))


def _nvme_state(report: nvme.Report) -> ReservationState:
    """Several controllers of the holding host may be marked: they share its key."""
    holders = set(report.holders)
    if len(holders) > 1:
        raise AdapterError(f"the disk names {len(holders)} holders; that is not of our type")
    return ReservationState(
        keys=tuple(sorted(set(report.keys))),
        holder=holders.pop() if holders else None,
        type=report.type,
        generation=report.generation,
        registrations=len(report.keys),
    )


def _scsi_state(kernel: Kernel, descriptor: int) -> ReservationState:
    """Keys, holder, keys again until nothing changed between: two commands are no snapshot."""
    for _ in range(ATTEMPTS):
        before = scsi.keys(kernel, descriptor)
        held = scsi.held(kernel, descriptor)
        after = scsi.keys(kernel, descriptor)
        if before == after:
            return ReservationState(
                keys=tuple(sorted(set(after.keys))),
                holder=held.key if held else None,
                type=held.type if held else 0,
                generation=after.generation,
                registrations=len(after.keys),
            )
    raise AdapterError("the disk's reservation changes all the time")


def _with(kernel: Kernel, found: Disk, work: Callable[[int], T]) -> T:
    """`work` on the open disk; whatever goes wrong is an AdapterError that names the disk."""
    try:
        descriptor = kernel.open(found.node)
        try:
            return work(descriptor)
        finally:
            kernel.close(descriptor)
    except OSError as error:
        if error.errno in NOT_KNOWN:
            raise NotCapable("its driver does not know reservations") from error
        raise AdapterError(f"Failed to use '{found.node}': {error.strerror}") from error
    except scsi.Unsupported as error:
        raise AdapterError(f"'{found.node}' does not know reservations any more") from error
    except (ReservationConflict, NotCapable):
        raise
    except AdapterError as error:
        if found.node in str(error):
            raise
        raise AdapterError(f"Failed to use '{found.node}': {error}") from error
