"""Two network namespaces without names: they vanish with the test that made them.

The test's thread lives in `here`, so that links opened, and opened again later, are in it; sockets
of the other node are made during a visit to `there`. Needs root.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000  # linux/sched.h
_LIBC = ctypes.CDLL(None, use_errno=True)


class TwoNodes:
    """A node `here` and one `there`, to be joined by `cable`."""

    def __init__(self) -> None:
        """Make both and move this thread to `here`; OSError without root."""
        self._home = _own_namespace()
        self._there = _new_namespace()
        self.ip("link set lo up")
        self._here = _new_namespace()
        self.ip("link set lo up")

    def cable(self, number: int) -> None:
        """Join hbd<number> here with hbd<number> there: 10.77.<number>.1 and .2, and IPv6 alike."""
        name = f"hbd{number}"
        peer = f"/proc/{os.getpid()}/fd/{self._there}"
        self.ip(f"link add {name} type veth peer name {name} netns {peer}")
        self.address(name, f"10.77.{number}.1/24", f"fd77:{number}::1/64")
        with self.visit_there():
            self.address(name, f"10.77.{number}.2/24", f"fd77:{number}::2/64")

    def address(self, name: str, *addresses: str) -> None:
        """Give addresses, without the second that IPv6 takes to look for doubles, and set up."""
        for address in addresses:
            self.ip(f"address add {address} dev {name} {'nodad' if ':' in address else ''}")
        self.ip(f"link set {name} up")

    def ip(self, words: str) -> None:
        """Run ip(8) in the namespace that this thread is in."""
        subprocess.run(["ip", *words.split()], check=True, timeout=10)

    def sysctl(self, name: str, value: str) -> None:
        """Set a kernel parameter of the namespace that this thread is in."""
        Path("/proc/sys", *name.split(".")).write_text(value)

    @contextmanager
    def visit_there(self) -> Iterator[None]:
        """Be in the other node; what is opened stays there."""
        _enter(self._there)
        try:
            yield
        finally:
            _enter(self._here)

    def close(self) -> None:
        """Go home; both namespaces end with their last socket."""
        _enter(self._home)
        for each in (self._home, self._there, self._here):
            os.close(each)


def _own_namespace() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _new_namespace() -> int:
    if _LIBC.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    return _own_namespace()


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
