"""ha.cf's `watchdog`: the device that resets this machine when hbd makes no progress.

A machine whose watchdog cannot be used still serves: the line in the journal says what is missing.
"""

from __future__ import annotations

import logging

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError
from hbd.fencing.watchdog import Driver, Watchdog
from hbd.journal import MessageId, fields

_log = logging.getLogger("hbd.watchdog")


class Guard:
    """The machine's watchdog, or none."""

    def __init__(self, path: str | None, *, driver: Driver | None = None) -> None:
        """`path` is as in ha.cf; None where it names no watchdog. `driver`: if not the kernel's."""
        self._driver = driver
        self._watchdog = None if path is None else Watchdog(path, driver=driver)
        self._is_failing = False
        self._agreed = (path, Usec(0))

    def adopt(self, path: str | None, deadtime_usec: Usec) -> None:
        """Go on by a new configuration: another device, or another time, from now on.

        The timer of one that cannot be stopped runs on while it is opened anew.
        """
        if (path, deadtime_usec) == self._agreed:
            return
        self.disarm()
        self._watchdog = None if path is None else Watchdog(path, driver=self._driver)
        self._agreed = (path, deadtime_usec)
        self.arm(deadtime_usec)

    def arm(self, deadtime_usec: Usec) -> None:
        """From now on a reset follows half of deadtime without `feed`."""
        self._agreed = (self._agreed[0], deadtime_usec)
        if self._watchdog is None:
            return
        try:
            armed = self._watchdog.arm(deadtime_usec)
        except AdapterError as error:
            self._watchdog = None
            _log.error("%s; a frozen machine is not reset", error, extra=fields(MessageId.WATCHDOG))
            return
        _log.info(
            "Watchdog armed (%s): it resets this machine after %.0f s without progress",
            armed.identity,
            armed.timeout_usec / SECOND,
            extra=fields(MessageId.WATCHDOG, usec=armed.timeout_usec),
        )
        for remark in armed.remarks:
            _log.warning("%s", remark, extra=fields(MessageId.WATCHDOG))

    def feed(self) -> None:
        """Progress was made. A watchdog that was not fed once is fed again: it runs."""
        if self._watchdog is None:
            return
        try:
            self._watchdog.feed()
        except AdapterError as error:
            if not self._is_failing:
                _log.error("%s", error, extra=fields(MessageId.WATCHDOG))
            self._is_failing = True
        else:
            self._is_failing = False

    def disarm(self) -> None:
        """hbd ends in good order. A crash leaves it armed, for the next life to take up in time."""
        if self._watchdog is None or not self._watchdog.is_armed:
            return
        try:
            self._watchdog.disarm()
        except AdapterError as error:
            _log.error("%s", error, extra=fields(MessageId.WATCHDOG))
