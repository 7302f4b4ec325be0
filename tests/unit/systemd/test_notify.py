"""What systemd hears of hbd, on a real notify socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hbd.cluster.terms import Usec
from hbd.systemd.notify import SystemdNotifier


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


@pytest.fixture
def notifier(systemd: socket.socket) -> Iterator[SystemdNotifier]:
    """Our side of it."""
    assert systemd.getsockname(), "systemd listens first"
    speaking = SystemdNotifier()
    yield speaking
    speaking.close()


def test_every_word_is_said_as_systemd_knows_it(
    systemd: socket.socket, notifier: SystemdNotifier
) -> None:
    """Goal: sd_notify(3)'s words. Method: say each once and listen."""
    notifier.ready()
    notifier.alive()
    notifier.set_watchdog(Usec(1_250_000))
    notifier.extend_timeout(Usec(5_000_000))
    notifier.stopping()
    assert [systemd.recv(4096) for _ in range(5)] == [
        b"READY=1",
        b"WATCHDOG=1",
        b"WATCHDOG_USEC=1250000",
        b"EXTEND_TIMEOUT_USEC=5000000",
        b"STOPPING=1",
    ]


def test_a_reload_is_said_with_its_moment(
    systemd: socket.socket, notifier: SystemdNotifier
) -> None:
    """Goal: systemd tells late words from new ones. Method: both words in one message."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier.reloading()
    word, moment = systemd.recv(4096).decode().splitlines()
    assert word == "RELOADING=1"
    assert int(moment.removeprefix("MONOTONIC_USEC=")) >= before


def test_a_status_is_one_line_of_any_language(
    systemd: socket.socket, notifier: SystemdNotifier
) -> None:
    """Goal: no text fakes another word. Method: a line break, and letters beyond Latin-1."""
    notifier.status("holds µ → web\nWATCHDOG=trigger")
    assert systemd.recv(4096) == "STATUS=holds µ → web WATCHDOG=trigger".encode()


def test_a_deaf_systemd_does_not_stop_the_heartbeat(notifier: SystemdNotifier) -> None:
    """Goal: a full queue loses messages, never time. Method: more than any queue holds."""
    for _ in range(2000):
        notifier.alive()
    assert notifier.is_heard


def test_without_systemd_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: a start by hand. Method: no NOTIFY_SOCKET."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notifier = SystemdNotifier()
    notifier.ready()
    assert not notifier.is_heard
