"""From power on to power off: one life of a node, as one systemd-nspawn process.

nspawn tells over its notify socket which process is the node's systemd and when that has finished
booting (`--notify-ready`), so nobody polls. It does not speak to the machine's own systemd, which
need not exist (`--register=no --keep-unit`), and gets a control group of its own instead.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.harness import cgroups
from tests.lab.harness.host import LabError
from tests.lab.harness.ledger import Ledger

if TYPE_CHECKING:
    from tests.lab.harness.node import Hardware

_CONSOLE_KEPT = 4000  # characters of a console worth showing in an error


class Boot:
    """One running container. `leader` is the pid of its systemd."""

    def __init__(self, ledger: Ledger, name: str, unit: str, folder: Path) -> None:
        self._ledger = ledger
        self._name = name
        self._unit = unit
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._leader: int | None = None

    @property
    def leader(self) -> int | None:
        """The pid of the node's systemd, None before nspawn has started it."""
        return self._leader

    @property
    def console(self) -> str:
        """The end of what the node printed on its console."""
        path = self._folder / "console.log"
        return path.read_text(errors="replace")[-_CONSOLE_KEPT:] if path.exists() else ""

    async def start(self, root: Path, namespace: str, hardware: Hardware) -> None:
        """Start nspawn on `root` and return when the node's systemd has finished booting."""
        self._ledger.note("cgroup", self._unit)
        joins = cgroups.create(self._unit)
        with _notify_socket(self._folder / "notify") as notifications:
            self._process = await self._spawn(root, namespace, hardware, joins)
            self._ledger.note_process(self._process.pid)
            await self._wait_ready(notifications, hardware)

    async def _spawn(
        self, root: Path, namespace: str, hardware: Hardware, joins: list[Path]
    ) -> asyncio.subprocess.Process:
        enter_group = "".join(f"echo $$ > {join}; " for join in joins)
        nspawn = [
            # nspawn mounts /sys before it joins the network; so that /sys/class/net shows the
            # node's interfaces and not this machine's, it must be there from the beginning
            "nsenter",
            f"--net=/run/netns/{namespace}",
            "systemd-nspawn", "--quiet", f"--directory={root}", "--boot", "--register=no",
            "--keep-unit", f"--network-namespace-path=/run/netns/{namespace}", "--console=pipe",
            "--capability=all", "--link-journal=no", "--resolv-conf=off", "--timezone=off",
            "--notify-ready=yes", "--kill-signal=SIGRTMIN+4",
            # nfs-ganesha opens files by handle, which nspawn's filter forbids unless told
            "--system-call-filter=open_by_handle_at name_to_handle_at",
            f"--bind={hardware.tty}:/dev/ttyS0",
        ]  # fmt: skip
        console = os.open(self._folder / "console.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            return await asyncio.create_subprocess_exec(
                "sh", "-c", f'{enter_group}exec "$@"', "sh", *nspawn,
                stdin=asyncio.subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True,  # Ctrl-C in the terminal is for the lab, not for a node
                env=os.environ | {
                    "NOTIFY_SOCKET": str(self._folder / "notify"),
                    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",  # systemd 257 boots on nothing else
                },
            )  # fmt: skip
        finally:
            os.close(console)

    async def _wait_ready(self, notifications: socket.socket, hardware: Hardware) -> None:
        assert self._process is not None, "spawned first"
        ended = asyncio.create_task(self._process.wait())
        try:
            while True:
                heard = asyncio.ensure_future(
                    asyncio.get_running_loop().sock_recv(notifications, 4096)
                )
                await asyncio.wait([heard, ended], return_when=asyncio.FIRST_COMPLETED)
                if not heard.done():
                    heard.cancel()
                    raise LabError(f"{self._unit} ended while booting: {self.console}")
                words = heard.result().decode().splitlines()
                self._note_leader(words, hardware)
                if "READY=1" in words:
                    return
        finally:
            ended.cancel()

    def _note_leader(self, words: list[str], hardware: Hardware) -> None:
        for word in words:
            if word.startswith("X_NSPAWN_LEADER_PID="):
                self._leader = int(word.partition("=")[2])
                self._ledger.note_process(self._leader)
                self._ledger.fact(f"leader.{self._name}", str(self._leader))
                plug_disk(self._leader, hardware)

    def kill(self, sig: signal.Signals) -> None:
        """Signal the node's systemd; SIGKILL ends everything in the node at once."""
        if self._leader is not None:
            os.kill(self._leader, sig)
        elif self._process is not None:
            self._process.kill()

    async def ended(self) -> None:
        """Return when the container's last process and nspawn itself are gone."""
        if self._process is not None:
            await self._process.wait()


def plug_disk(leader: int, hardware: Hardware) -> None:
    """Make the node's device file for the shared disk. A booting container's /dev is fresh."""
    device = Path(f"/proc/{leader}/root{hardware.device_name}")
    if not device.exists():
        os.mknod(device, 0o60660, os.stat(hardware.device).st_rdev)


def _notify_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    listening.bind(str(path))
    return listening
