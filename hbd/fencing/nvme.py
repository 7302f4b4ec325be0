"""What an NVMe namespace says of its reservations, and leaving it (NVMe Base 2.0 7.2 … 7.6).

The kernel's own calls register, reserve and preempt; the commands here read, which they cannot, and
unregister, which they code as "replace by key 0" up to kernels of today. NVMe registers hosts, not
paths: all controllers of one host share a key. CAP_SYS_ADMIN.

No NVMe device with reservations was at hand when this was written: it is tested against a model.
"""

from __future__ import annotations

import array
import struct
from dataclasses import dataclass
from typing import Final

from hbd.errors import AdapterError
from hbd.fencing.ioctl import NVME_CONFLICT, Kernel

# linux/nvme_ioctl.h; struct nvme_passthru_cmd: opcode, flags, nsid, cdw2-3, metadata, data, their
# lengths, cdw10-15, timeout ms, result
NVME_IOCTL_ID: Final = 0x4E40
NVME_IOCTL_ADMIN_CMD: Final = 0xC0484E41
NVME_IOCTL_IO_CMD: Final = 0xC0484E43
COMMAND: Final = struct.Struct("=BBHIIIQQII6III")

IDENTIFY: Final = 0x06
RESERVATION_REGISTER, RESERVATION_REPORT = 0x0D, 0x0E
UNREGISTER: Final = 1  # RREGA
IGNORE_KEY: Final = 1 << 3  # IEKEY
EXTENDED: Final = 1  # EDS: host identifiers of 128 bits, as fabrics have
HOST_ID_INCONSISTENT: Final = 0x18
STATUS: Final = 0x7FF

IDENTIFY_BYTES: Final = 4096
RESCAP_AT: Final = 31
RESCAP_PERSISTS, RESCAP_WRITE_EXCLUSIVE_REG_ONLY = 0x01, 0x08

FIRST_REPORT: Final = 4096  # bytes; 63 controllers
LARGEST_REPORT: Final = 1 << 20
HEADER: Final = struct.Struct("<IBH")  # generation, type, registered controllers
HOLDS: Final = 0x01  # bit of a registration's status
COMMAND_LIMIT_MS: Final = 3_000  # below the caller's deadline, so that the kernel gives up first


@dataclass(frozen=True, slots=True)
class Form:
    """Where the report's parts lie: a long header and records, or the older short ones."""

    extended: int
    header: int
    record: int
    key_at: int


LONG: Final = Form(EXTENDED, 64, 64, 8)
SHORT: Final = Form(0, 24, 24, 16)


@dataclass(frozen=True, slots=True)
class Report:
    """`keys` once per registered controller; `holders` those that hold; `type` 0 if nobody does."""

    generation: int
    keys: tuple[int, ...]
    holders: tuple[int, ...]
    type: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`suits`: it has the type that hbd uses; `persists`: it can keep keys over a power loss."""

    suits: bool
    persists: bool


def capabilities(kernel: Kernel, descriptor: int) -> Capabilities:
    """Identify Namespace, RESCAP."""
    data = array.array("B", bytes(IDENTIFY_BYTES))
    status = _send(kernel, descriptor, NVME_IOCTL_ADMIN_CMD, IDENTIFY, data)
    _check(status, "identify namespace")
    rescap = data[RESCAP_AT]
    return Capabilities(
        suits=bool(rescap & RESCAP_WRITE_EXCLUSIVE_REG_ONLY),
        persists=bool(rescap & RESCAP_PERSISTS),
    )


def report(kernel: Kernel, descriptor: int) -> Report:
    """Reservation Report, in the long form if the host's identifier is long, else the short one."""
    status, found = _report(kernel, descriptor, LONG)
    if status & STATUS == HOST_ID_INCONSISTENT:
        status, found = _report(kernel, descriptor, SHORT)
    _check(status, "reservation report")
    assert found is not None, "a command that succeeded has an answer"
    return found


def unregister(kernel: Kernel, descriptor: int, failed: str) -> None:
    """Reservation Register, action unregister, whatever the key; what this host held is released.

    A host that is not registered is told "conflict", and is what it was to become.
    """
    data = array.array("B", bytes(16))
    status = _send(
        kernel, descriptor, NVME_IOCTL_IO_CMD, RESERVATION_REGISTER, data,
        cdw10=UNREGISTER | IGNORE_KEY,
    )  # fmt: skip
    if status & STATUS not in (0, NVME_CONFLICT):
        raise AdapterError(f"{failed}: the disk refused (NVMe status {status & STATUS:#x})")


def _report(kernel: Kernel, descriptor: int, form: Form) -> tuple[int, Report | None]:
    length = FIRST_REPORT
    while True:
        data = array.array("B", bytes(length))
        dwords = length // 4 - 1  # counted from zero
        status = _send(
            kernel, descriptor, NVME_IOCTL_IO_CMD, RESERVATION_REPORT, data,
            cdw10=dwords, cdw11=form.extended,
        )  # fmt: skip
        if status:
            return status, None
        generation, kind, count = HEADER.unpack_from(data)
        needed = form.header + count * form.record
        if needed <= length:
            return 0, _read(data.tobytes(), form, generation, kind, count)
        if needed > LARGEST_REPORT:
            raise AdapterError(f"the report of {count} registrations is too long to be true")
        length = (needed + 3) // 4 * 4


def _read(data: bytes, form: Form, generation: int, kind: int, count: int) -> Report:
    keys, holders = [], []
    for number in range(count):
        start = form.header + number * form.record
        (key,) = struct.unpack_from("<Q", data, start + form.key_at)
        keys.append(key)
        if data[start + 2] & HOLDS:
            holders.append(key)
    return Report(generation, tuple(keys), tuple(holders), kind if holders else 0)


def _send(
    kernel: Kernel,
    descriptor: int,
    request: int,
    opcode: int,
    data: array.array[int],
    *,
    cdw10: int = 0,
    cdw11: int = 0,
) -> int:
    """One command with its data; the NVMe status, 0 if done. OSError from the driver."""
    namespace = kernel.ioctl(descriptor, NVME_IOCTL_ID, 0)
    address, length = data.buffer_info()
    command = bytearray(
        COMMAND.pack(
            *(opcode, 0, 0, namespace, 0, 0, 0, address, 0, length),
            *(cdw10, cdw11, 0, 0, 0, 0, COMMAND_LIMIT_MS, 0),
        )
    )
    return kernel.ioctl(descriptor, request, command)


def _check(status: int, what: str) -> None:
    """For commands that only look: no reservation refuses those."""
    if status:
        raise AdapterError(f"the disk refused '{what}' (NVMe status {status & STATUS:#x})")
