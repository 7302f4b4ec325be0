"""PERSISTENT RESERVE IN by SG_IO: what a SCSI disk says of its reservations (SPC-4 6.15).

The kernels of Debian 12 and 13 have calls to change reservations and none to read them. Reading
changes nothing on the disk. It needs CAP_SYS_RAWIO; through dm-multipath it goes down one path.
"""

from __future__ import annotations

import array
import struct
from dataclasses import dataclass
from typing import Final

from hbd.errors import AdapterError, ReservationConflict
from hbd.fencing.ioctl import Kernel

SG_IO: Final = 0x2285  # scsi/sg.h
# struct sg_io_hdr: id, direction; lengths of cdb, sense, iovec, data; data, cdb, sense; timeout ms,
# flags, id, user; status, masked, message, sense written; host, driver; residual, duration, info
HEADER: Final = struct.Struct("@iiBBHIPPPIIiPBBBBHHiII0P")
SG_DXFER_FROM_DEV: Final = -3

PERSISTENT_RESERVE_IN: Final = 0x5E
READ_KEYS, READ_RESERVATION, REPORT_CAPABILITIES = 0, 1, 2
CHECK_CONDITION, CONFLICT = 0x02, 0x18
ILLEGAL_REQUEST, UNIT_ATTENTION = 0x5, 0x6
SENSE_BYTES: Final = 64
# A unit attention is told once per cause and the command is not done: reset, capacity, preempted …
ATTENTIONS: Final = 8
COMMAND_LIMIT_MS: Final = 3_000  # below the caller's deadline, so that the kernel gives up first

FIRST_READ: Final = 8 + 8 * 64  # bytes; a cluster of two has a few keys
LARGEST_READ: Final = 0xFFF8  # what the CDB's length can say

# Types by SPC's code → the block layer's number (linux/pr.h)
TYPES: Final = {1: 1, 3: 2, 5: 3, 6: 4, 7: 5, 8: 6}
WRITE_EXCLUSIVE_REG_ONLY_MASK: Final = 0x20  # bit WR_EX_RO of the type mask's first byte


class Unsupported(Exception):
    """The disk does not know the command; never leaves hbd.fencing."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`suits`: it has the type that hbd uses; `persists`: it can keep keys over a power loss."""

    suits: bool
    persists: bool


@dataclass(frozen=True, slots=True)
class Keys:
    """Each registration's key, as often as it is registered (once per path), and the generation."""

    generation: int
    keys: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds the reservation, and its type as the block layer counts (0: one unknown to it)."""

    key: int
    type: int


def capabilities(kernel: Kernel, descriptor: int) -> Capabilities | None:
    """REPORT CAPABILITIES; None from a disk that reserves but cannot say so."""
    try:
        data = _reserve_in(kernel, descriptor, REPORT_CAPABILITIES, 8)
    except Unsupported:
        keys(kernel, descriptor)
        return None
    if len(data) < 8:
        raise AdapterError("the disk's answer to REPORT CAPABILITIES is too short")
    has_types = bool(data[3] & 0x80)
    return Capabilities(
        suits=not has_types or bool(data[4] & WRITE_EXCLUSIVE_REG_ONLY_MASK),
        persists=bool(data[2] & 0x01),
    )


def keys(kernel: Kernel, descriptor: int) -> Keys:
    """READ KEYS, as many as there are."""
    length = FIRST_READ
    while True:
        data = _reserve_in(kernel, descriptor, READ_KEYS, length)
        generation, listed = _length(data)
        if 8 + listed <= length or length == LARGEST_READ:
            break
        length = min(8 + listed, LARGEST_READ)
    return Keys(generation, tuple(key for (key,) in struct.iter_unpack(">Q", _body(data, listed))))


def held(kernel: Kernel, descriptor: int) -> Held | None:
    """READ RESERVATION; None when nobody holds one."""
    data = _reserve_in(kernel, descriptor, READ_RESERVATION, 24)
    _, listed = _length(data)
    if listed == 0:
        return None
    body = _body(data, listed)
    if len(body) < 14:
        raise AdapterError("the disk's answer to READ RESERVATION is too short")
    (key,) = struct.unpack_from(">Q", body)
    return Held(key, TYPES.get(body[13] & 0x0F, 0))


def _length(data: bytes) -> tuple[int, int]:
    if len(data) < 8:
        raise AdapterError("the disk's answer has no length")
    generation, listed = struct.unpack_from(">II", data)
    return int(generation), int(listed)


def _body(data: bytes, listed: int) -> bytes:
    """What is listed and was received, whole keys only."""
    body = data[8 : 8 + listed]
    return body[: len(body) // 8 * 8]


def _reserve_in(kernel: Kernel, descriptor: int, action: int, length: int) -> bytes:
    """One command, again after each unit attention. Unsupported, AdapterError."""
    cdb = struct.pack(">BB5xHx", PERSISTENT_RESERVE_IN, action, length)
    for _ in range(ATTENTIONS):
        status, sense, data = _command(kernel, descriptor, cdb, length)
        if status == 0:
            return data
        if status == CONFLICT:
            raise ReservationConflict("a reservation of the old kind (SCSI-2) is on the disk")
        if status != CHECK_CONDITION:
            raise AdapterError(f"the disk refused to tell its reservations (status {status:#x})")
        key = _sense_key(sense)
        if key == ILLEGAL_REQUEST:
            raise Unsupported
        if key != UNIT_ATTENTION:
            raise AdapterError(f"the disk cannot tell its reservations (sense {sense.hex()})")
    raise AdapterError("the disk had something else to say each time (unit attention)")


def _command(kernel: Kernel, descriptor: int, cdb: bytes, length: int) -> tuple[int, bytes, bytes]:
    """Status byte, sense and data. AdapterError when it did not reach the disk."""
    data, sense = (array.array("B", bytes(size)) for size in (length, SENSE_BYTES))
    command = array.array("B", cdb)
    addresses = (each.buffer_info()[0] for each in (data, command, sense))
    header = bytearray(
        HEADER.pack(
            *(ord("S"), SG_DXFER_FROM_DEV, len(cdb), SENSE_BYTES, 0, length),
            *addresses,
            *(COMMAND_LIMIT_MS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        )
    )
    kernel.ioctl(descriptor, SG_IO, header)
    status, sense_length, host, driver, left = _answer(header)
    if host:
        raise AdapterError(f"the path to the disk failed (host status {host:#x})")
    if driver & 0x0F not in (0, 0x08):  # 8: there is sense to be read
        raise AdapterError(f"the driver failed (driver status {driver:#x})")
    return status, sense.tobytes()[:sense_length], data.tobytes()[: max(length - left, 0)]


def _answer(header: bytearray) -> tuple[int, int, int, int, int]:
    fields = HEADER.unpack(header)
    status, _, _, sense_length, host, driver, left = fields[13:20]
    return status, sense_length, host, driver, left


def _sense_key(sense: bytes) -> int | None:
    """In the fixed form or with descriptors (SPC-4 4.5)."""
    if len(sense) < 3:
        return None
    form = sense[0] & 0x7F
    if form in (0x70, 0x71):
        return sense[2] & 0x0F
    return sense[1] & 0x0F if form in (0x72, 0x73) else None
