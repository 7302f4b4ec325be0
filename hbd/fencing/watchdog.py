"""/dev/watchdog: the machine resets itself when hbd no longer proves that it works.

systemd watches hbd's process; this watches the machine, from outside its kernel if the driver is a
real one. It is fed by the same proof (the core's ProveAlive). Linux's watchdog API
(Documentation/watchdog/watchdog-api.rst): the time is whole seconds, drivers round it, the device
is for one opener, opening it starts it, and closing it without the magic letter does not stop it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError

# linux/watchdog.h
WDIOC_GETSUPPORT: Final = 0x80285700
WDIOC_KEEPALIVE: Final = 0x80045705
WDIOC_SETTIMEOUT: Final = 0xC0045706
WDIOC_GETTIMEOUT: Final = 0x80045707
WDIOF_SETTIMEOUT, WDIOF_MAGICCLOSE, WDIOF_ALARMONLY = 0x0080, 0x0100, 0x0400
SUPPORT: Final = struct.Struct("=II32s")  # options, firmware, identity
SECONDS: Final = struct.Struct("=i")
MAGIC: Final = b"V"

SYSFS: Final = Path("/sys/class/watchdog")

# Of deadtime: the machine must be down before the peer, whose clock began with our last heartbeat
# up to one keepalive earlier, may act. The rest is for that and for the reset itself.
DEADTIME_PART: Final = 2


class Driver(Protocol):
    """The device, call by call; OSError."""

    def open(self, path: str) -> int:
        """For writing; from now on the watchdog runs."""

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> int:
        """ioctl(2), the buffer changed in place."""

    def write(self, descriptor: int, data: bytes) -> int:
        """write(2): anything feeds it, the magic letter last permits to stop it."""

    def close(self, descriptor: int) -> None:
        """close(2): stops it if that was permitted and the driver can."""

    def nowayout(self, path: str) -> bool | None:
        """Whether it can never be stopped again; None if the kernel does not say."""


class KernelDriver:
    """The real one."""

    def open(self, path: str) -> int:
        """open(2)."""
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> int:
        """ioctl(2)."""
        return int(fcntl.ioctl(descriptor, request, argument))

    def write(self, descriptor: int, data: bytes) -> int:
        """write(2)."""
        return os.write(descriptor, data)

    def close(self, descriptor: int) -> None:
        """close(2)."""
        os.close(descriptor)

    def nowayout(self, path: str) -> bool | None:
        """From sysfs, which knows the device by its number in the name; /dev/watchdog is the 0."""
        name = Path(os.path.realpath(path)).name
        place = SYSFS / ("watchdog0" if name == "watchdog" else name) / "nowayout"
        with contextlib.suppress(OSError):
            return place.read_text(encoding="ascii").strip() == "1"
        return None


@dataclass(frozen=True, slots=True)
class Armed:
    """What was armed: the driver's own name, when it will reset, whether it can be stopped.

    `remarks` are for the journal: what an administrator should know of this device.
    """

    identity: str
    timeout_usec: Usec
    can_stop: bool
    remarks: tuple[str, ...]


class Watchdog:
    """Owns the device from `arm` to `disarm`. Nothing here blocks for longer than a register."""

    def __init__(self, path: str, *, driver: Driver | None = None) -> None:
        self._path = path
        self._driver = driver or KernelDriver()
        self._descriptor: int | None = None

    @property
    def is_armed(self) -> bool:
        """Whether the machine is reset when it is not fed."""
        return self._descriptor is not None

    def arm(self, deadtime_usec: Usec) -> Armed:
        """Open it and have it reset the machine after the half of deadtime without `feed`.

        The driver's own value counts. AdapterError when it is not to be had, or when it cannot
        expire before the peer may act: then it is stopped again as far as it lets itself.
        """
        assert self._descriptor is None, "it is armed once"
        descriptor = self._open()
        try:
            armed = self._configure(descriptor, deadtime_usec)
        except BaseException:
            self._stop(descriptor)
            raise
        self._descriptor = descriptor
        return armed

    def feed(self) -> None:
        """The machine is not reset for another timeout. Only the core's ProveAlive may lead here.

        AdapterError when the device is gone; it may still reset the machine then.
        """
        if self._descriptor is None:
            return
        try:
            self._driver.ioctl(self._descriptor, WDIOC_KEEPALIVE, bytearray(SECONDS.size))
        except OSError as error:
            raise AdapterError(f"Failed to feed '{self._path}': {error.strerror}") from error

    def disarm(self) -> None:
        """Stop it, for hbd ends and nothing here needs a reset any more. May be repeated.

        AdapterError when it would not hear of it. A driver with nowayout resets the machine all
        the same, unless somebody else feeds it (RuntimeWatchdogSec= takes it over).
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None and (why := self._stop(descriptor)):
            raise AdapterError(f"Failed to stop '{self._path}': {why}; it may reset this machine")

    def _open(self) -> int:
        try:
            return self._driver.open(self._path)
        except OSError as error:
            raise AdapterError(f"Failed to open '{self._path}': {_why_closed(error)}") from error

    def _configure(self, descriptor: int, deadtime_usec: Usec) -> Armed:
        options, identity = self._support(descriptor)
        if options & WDIOF_ALARMONLY:
            raise AdapterError(
                f"Failed to use '{self._path}' ({identity}): it raises an alarm and resets nothing"
            )
        wanted = deadtime_usec // DEADTIME_PART // SECOND
        if wanted < 1:
            raise AdapterError(
                f"Failed to use '{self._path}': a watchdog counts whole seconds, so deadtime must "
                f"be at least {DEADTIME_PART} s"
            )
        timeout = self._set(descriptor, wanted, can_set=bool(options & WDIOF_SETTIMEOUT))
        if timeout * SECOND * DEADTIME_PART > deadtime_usec:
            raise AdapterError(
                f"Failed to use '{self._path}' ({identity}): it resets after {timeout} s at the "
                f"earliest, later than half of deadtime ({deadtime_usec / SECOND:g} s): the peer "
                f"would act before; raise deadtime to {timeout * DEADTIME_PART} or more"
            )
        return self._armed(options, identity, timeout)

    def _armed(self, options: int, identity: str, timeout: int) -> Armed:
        nowayout = self._driver.nowayout(self._path)
        can_stop = bool(options & WDIOF_MAGICCLOSE) and nowayout is not True
        remarks = []
        if not can_stop:
            remarks.append(
                f"'{self._path}' cannot be stopped (nowayout): when hbd ends, even in good order, "
                f"the machine is reset after {timeout} s unless something else feeds it"
            )
        if identity == "Software Watchdog":
            remarks.append(
                f"'{self._path}' is softdog, a timer of this kernel: it does not help when the "
                "kernel itself stands still"
            )
        return Armed(identity, Usec(timeout * SECOND), can_stop, tuple(remarks))

    def _support(self, descriptor: int) -> tuple[int, str]:
        buffer = bytearray(SUPPORT.size)
        try:
            self._driver.ioctl(descriptor, WDIOC_GETSUPPORT, buffer)
        except OSError as error:
            raise AdapterError(f"'{self._path}' is no watchdog: {error.strerror}") from error
        options, _, identity = SUPPORT.unpack(buffer)
        return options, identity.partition(b"\0")[0].decode(errors="replace")

    def _set(self, descriptor: int, seconds: int, *, can_set: bool) -> int:
        """Ask for `seconds`; what the driver made of it, or has always, is read back."""
        buffer = bytearray(SECONDS.pack(seconds))
        try:
            if can_set:
                with contextlib.suppress(OSError):  # out of its range: what it has now is judged
                    self._driver.ioctl(descriptor, WDIOC_SETTIMEOUT, buffer)
            self._driver.ioctl(descriptor, WDIOC_GETTIMEOUT, buffer)
        except OSError as error:
            raise AdapterError(
                f"Failed to ask '{self._path}' for its timeout: {error.strerror}"
            ) from error
        return int(SECONDS.unpack(buffer)[0])

    def _stop(self, descriptor: int) -> str:
        """The magic letter and close; why not, "" if both were taken."""
        why = ""
        try:
            self._driver.write(descriptor, MAGIC)
        except OSError as error:
            why = error.strerror or str(error)
        try:
            self._driver.close(descriptor)
        except OSError as error:
            why = why or error.strerror or str(error)
        return why


def _why_closed(error: OSError) -> str:
    """The error, and what is behind it as a rule."""
    if error.errno == errno.EBUSY:
        return (
            "somebody else has it, often systemd: set RuntimeWatchdogSec=0 in "
            "/etc/systemd/system.conf, or leave watchdog out of ha.cf"
        )
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return "there is no watchdog: load the driver of the hardware, or softdog for a weaker one"
    if error.errno in (errno.EPERM, errno.EACCES):
        return f"{error.strerror}; hbd.service must allow the device (DeviceAllow=)"
    return error.strerror or str(error)
