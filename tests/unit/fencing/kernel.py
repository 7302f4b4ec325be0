"""One node's kernel in front of a model disk: `Kernel` at the ioctl boundary, byte for byte.

The drivers are modelled as read in Linux 6.1 and 6.12: which argument goes where, what comes back,
that dm-multipath registers on every path and sends the rest down one. sysfs is a small real tree.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hbd.fencing import ioctl, nvme, scsi
from hbd.fencing.disk import DiskKind
from tests.unit.fencing.disk import CHECK_CONDITION, CONFLICT, GOOD, ReservationDisk

SPC_TYPES = {1: 1, 2: 3, 3: 5, 4: 6, 5: 7, 6: 8}
ILLEGAL_REQUEST, UNIT_ATTENTION = 0x5, 0x6


def sense(key: int) -> bytes:
    """Fixed form."""
    return bytes((0x70, 0, key, 0, 0, 0, 0, 10)) + bytes(10)


@dataclass(slots=True)
class Device:
    """A device of one node: its `paths` are its nexuses with the disk."""

    disk: ReservationDisk
    kind: DiskKind
    paths: tuple[str, ...]
    capabilities: bytes = bytes((0, 8, 0x01, 0x80, 0xEA, 0x01, 0, 0))
    rescap: int = 0xFF
    knows_reservations: bool = True
    long_host_id: bool = True


@dataclass(slots=True)
class ModelKernel:
    """`devices` by path. `conflict` is how this kernel's SCSI driver reports one.

    `before` runs before each ioctl, in the thread that makes it: it may wait or raise.
    """

    sys: Path
    devices: dict[str, Device] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    conflict: int = 0x118
    before: Callable[[int], None] = field(default=lambda request: None)
    requests: list[int] = field(default_factory=list)
    opened: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, device: Device, wwid: str = "naa.6001405aaaa", minor: int = 0) -> str:
        """The disk stands at /dev/NAME, as sysfs has it."""
        block = self.sys / "devices" / name / "block" / name
        place = "wwid" if device.kind is DiskKind.NVME else "device/wwid"
        subsystem = "nvme" if device.kind is DiskKind.NVME else "scsi"
        (block / "device").mkdir(parents=True)
        (block / "holders").mkdir()
        (block / place).write_text(f"{wwid}\n")
        (block / "device/subsystem").symlink_to(self.sys / "bus" / subsystem)
        self.enter(f"/dev/{name}", f"8:{minor}", block)
        self.devices[f"/dev/{name}"] = device
        return f"/dev/{name}"

    def add_map(self, name: str, device: Device, slaves: list[str], uuid: str, minor: int) -> str:
        """A device-mapper device on top of others."""
        block = self.sys / "devices/virtual/block" / name
        (block / "slaves").mkdir(parents=True)
        (block / "dm").mkdir()
        (block / "dm/uuid").write_text(f"{uuid}\n")
        (block / "dm/name").write_text(f"map-{name}\n")
        for slave in slaves:
            below = Path(os.path.realpath(self.sys / "class/block" / slave))
            (block / "slaves" / slave).symlink_to(below)
            if (below / "holders").is_dir():
                (below / "holders" / name).symlink_to(block)
        self.enter(f"/dev/{name}", f"253:{minor}", block)
        self.devices[f"/dev/{name}"] = device
        return f"/dev/{name}"

    def enter(self, path: str, number: str, block: Path) -> None:
        """The kernel knows the device `number` at `path`, its directory is `block`."""
        for directory, link in (("dev/block", number), ("class/block", block.name)):
            (self.sys / directory).mkdir(parents=True, exist_ok=True)
            (self.sys / directory / link).symlink_to(block)
        self.numbers[path] = number

    def number(self, path: str) -> str | None:
        """Absent unless entered."""
        if path not in self.numbers:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        return self.numbers[path] or None

    def open(self, path: str) -> int:
        """A new number each time."""
        if path not in self.devices:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        with self._lock:
            descriptor = max(self.opened, default=2) + 1
            self.opened[descriptor] = path
        return descriptor

    def close(self, descriptor: int) -> None:
        """EBADF for one that is not open."""
        if self.opened.pop(descriptor, None) is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def ioctl(self, descriptor: int, request: int, argument: bytearray | int) -> int:
        """As the driver of the device does it."""
        self.requests.append(request)
        self.before(request)
        device = self.devices[self.opened[descriptor]]
        if request == nvme.NVME_IOCTL_ID:
            return 1
        assert isinstance(argument, bytearray), "with bytes the status would be lost"
        if request in (nvme.NVME_IOCTL_ADMIN_CMD, nvme.NVME_IOCTL_IO_CMD):
            return _nvme(device, request, argument)
        if request == scsi.SG_IO:
            return _sg_io(device, argument)
        if not device.knows_reservations:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        status = _change(device, request, argument)
        if status == CONFLICT:
            return 0x4083 if device.kind is DiskKind.NVME else self.conflict
        return status


def _change(device: Device, request: int, argument: bytearray) -> int:
    """The kernel's own calls: which field is which is drivers/scsi/sd.c's and nvme/host/pr.c's."""
    disk, first = device.disk, device.paths[0]
    if request == ioctl.IOC_PR_REGISTER:
        old, new, flags, _ = ioctl.REGISTRATION.unpack(argument)
        return _register(device, old, new, ignore=bool(flags & ioctl.PR_FL_IGNORE_KEY))
    if request == ioctl.IOC_PR_RESERVE:
        key, kind, flags = ioctl.RESERVATION.unpack(argument)
        if flags and device.kind is not DiskKind.NVME:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return disk.reserve(first, key, kind)
    if request == ioctl.IOC_PR_PREEMPT_ABORT:
        own, victim, kind, _ = ioctl.PREEMPTION.unpack(argument)
        return disk.preempt(first, own, victim, kind, abort=True)
    raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def _register(device: Device, old: int, new: int, *, ignore: bool) -> int:
    disk = device.disk
    if device.kind is DiskKind.NVME and not old:  # "register": who is registered may not again
        now = disk.keys.get(device.paths[0], 0)
        if now not in (0, new):
            return CONFLICT
    for path in device.paths:
        status = disk.register(path, old, new, ignore=ignore)
        if status != GOOD:
            for each in device.paths if new else ():  # dm: a path failed, so none shall have it
                disk.register(each, new, 0)
            return status
    return GOOD


def _sg_io(device: Device, argument: bytearray) -> int:
    """PERSISTENT RESERVE IN, the answer put where the header says."""
    fields = list(scsi.HEADER.unpack(argument))
    data_at, cdb_at, sense_at, length = fields[6], fields[7], fields[8], fields[5]
    cdb = ctypes.string_at(cdb_at, fields[2])
    assert cdb[0] == scsi.PERSISTENT_RESERVE_IN
    assert int.from_bytes(cdb[7:9], "big") == length
    status, said, data = _reserve_in(device, cdb[1])
    ctypes.memmove(sense_at, said, len(said))
    ctypes.memmove(data_at, data, min(len(data), length))
    fields[13], fields[16] = status, len(said)
    fields[19] = length - min(len(data), length)
    argument[:] = scsi.HEADER.pack(*fields)
    return 0


def _reserve_in(device: Device, action: int) -> tuple[int, bytes, bytes]:
    disk = device.disk
    if disk.tell_attention(device.paths[0]):
        return CHECK_CONDITION, sense(UNIT_ATTENTION), b""
    known = device.knows_reservations and (action != 2 or device.capabilities)
    if not known:
        return CHECK_CONDITION, sense(ILLEGAL_REQUEST), b""
    if action == scsi.REPORT_CAPABILITIES:
        return GOOD, b"", device.capabilities
    if action == scsi.READ_KEYS:
        keys = b"".join(struct.pack(">Q", key) for key in disk.keys.values())
        return GOOD, b"", struct.pack(">II", disk.generation, len(keys)) + keys
    if disk.holder is None:
        return GOOD, b"", struct.pack(">II", disk.generation, 0)
    key = disk.keys.get(disk.holder, 0)
    held = struct.pack(">Q5xB2x", key, SPC_TYPES[disk.type])
    return GOOD, b"", struct.pack(">II", disk.generation, len(held)) + held


def _nvme(device: Device, request: int, argument: bytearray) -> int:
    """Identify, Reservation Report, Reservation Register."""
    opcode, _, _, _, _, _, _, at, _, length, cdw10, cdw11, *_ = nvme.COMMAND.unpack(argument)
    disk = device.disk
    if request == nvme.NVME_IOCTL_ADMIN_CMD:
        assert opcode == nvme.IDENTIFY
        answer = bytearray(nvme.IDENTIFY_BYTES)
        answer[nvme.RESCAP_AT] = device.rescap
        ctypes.memmove(at, bytes(answer), length)
        return 0
    if opcode == nvme.RESERVATION_REPORT:
        if bool(cdw11 & 1) != device.long_host_id:
            return nvme.HOST_ID_INCONSISTENT
        answer = _report(device)[: (cdw10 + 1) * 4]
        ctypes.memmove(at, bytes(answer), len(answer))
        return 0
    assert opcode == nvme.RESERVATION_REGISTER
    assert cdw10 == nvme.UNREGISTER | nvme.IGNORE_KEY
    if device.paths[0] not in disk.keys:
        return 0x4083
    return disk.register(device.paths[0], 0, 0, ignore=True)


def _report(device: Device) -> bytearray:
    disk, form = device.disk, nvme.LONG if device.long_host_id else nvme.SHORT
    answer = bytearray(form.header + form.record * len(disk.keys))
    nvme.HEADER.pack_into(answer, 0, disk.generation, disk.type, len(disk.keys))
    for number, (nexus, key) in enumerate(disk.keys.items()):
        start = form.header + number * form.record
        answer[start + 2] = disk.holder == nexus
        struct.pack_into("<Q", answer, start + form.key_at, key)
    return answer
