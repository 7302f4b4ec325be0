"""What hbd tells systemd of itself, in sd_notify(3)'s words.

sdnotify 0.3.2 encodes as Latin-1, swallows every error and sends on a blocking socket. Here text
goes out as UTF-8 on one line, and a full queue loses a message instead of stopping the heartbeat.
"""

from __future__ import annotations

import os
import time
from typing import Protocol

import sdnotify

from hbd.cluster.terms import Usec


class Notifier(Protocol):
    """The manager of this process, as far as hbd speaks to it."""

    def ready(self) -> None:
        """Start-up is complete: `systemctl start hbd` returns."""

    def status(self, text: str) -> None:
        """One human line for `systemctl status hbd`."""

    def alive(self) -> None:
        """The watchdog is fed; only the core's ProveAlive may lead here."""

    def reloading(self) -> None:
        """The configuration is being read anew; `ready` says that this is over."""

    def stopping(self) -> None:
        """Shutting down, by request or by own decision."""

    def extend_timeout(self, usec: Usec) -> None:
        """Starting or stopping goes on and is at most `usec` from its end."""

    def set_watchdog(self, usec: Usec) -> None:
        """From now on be fed at least every `usec`, or kill and restart hbd."""


class SystemdNotifier:
    """The real one; without NOTIFY_SOCKET (a start by hand) it says nothing."""

    def __init__(self) -> None:
        # Without an address the library would open a socket and forget it.
        self._sender = sdnotify.SystemdNotifier() if os.environ.get("NOTIFY_SOCKET") else None
        if self._sender is not None and self._sender.socket is not None:
            self._sender.socket.settimeout(0)

    @property
    def is_heard(self) -> bool:
        """Whether systemd listens."""
        return self._sender is not None and self._sender.socket is not None

    def ready(self) -> None:
        """See Notifier."""
        self._say("READY", "1")

    def status(self, text: str) -> None:
        """See Notifier."""
        self._say("STATUS", text)

    def alive(self) -> None:
        """See Notifier."""
        self._say("WATCHDOG", "1")

    def reloading(self) -> None:
        """See Notifier. The moment lets systemd tell a late message from a new one."""
        moment = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={moment}")

    def stopping(self) -> None:
        """See Notifier."""
        self._say("STOPPING", "1")

    def extend_timeout(self, usec: Usec) -> None:
        """See Notifier."""
        self._say("EXTEND_TIMEOUT_USEC", str(usec))

    def set_watchdog(self, usec: Usec) -> None:
        """See Notifier."""
        self._say("WATCHDOG_USEC", str(usec))

    def close(self) -> None:
        """Let go of the socket; from now on nothing is said."""
        if self._sender is not None and self._sender.socket is not None:
            self._sender.socket.close()
        self._sender = None

    def _say(self, name: str, value: str) -> None:
        self._send(f"{name}={' '.join(value.split())}")

    def _send(self, text: str) -> None:
        if self._sender is not None:
            self._sender.notify(text.encode("utf-8", "replace").decode("latin-1"))
