"""One booted machine for the lab of `hbd/systemd`: real systemd, real disk, real Samba, no peer.

hbd's code talks to that systemd from outside, over the machine's own sockets as they stand below
/proc/LEADER/root; nothing is simulated in between. What hbd ships is laid down by `make install`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from hbd.cluster.terms import GroupName, Usec
from hbd.systemd import hold, install, unitfile
from hbd.systemd.connection import Endpoint
from hbd.systemd.device import Who
from hbd.systemd.manager import Manager
from hbd.systemd.naming import Naming
from hbd.systemd.resource import Filesystem, Group, Resolver, Resource, Service
from tests.lab.harness import image
from tests.lab.harness.disk import SharedDisk
from tests.lab.harness.host import run
from tests.lab.harness.ledger import RUN, Ledger, sweep_orphans
from tests.lab.harness.network import Network
from tests.lab.harness.node import Hardware, Node
from tests.lab.harness.serial import NullModem

SOURCE = Path(__file__).parents[3]
SUITE = os.environ.get("SUITE", "bookworm")
SECOND = Usec(1_000_000)
SOON = Usec(5 * SECOND)  # far more than anything here takes when it works
DEADTIME_USEC = Usec(5 * SECOND)
GROUP = GroupName("192.0.2.1")
MOUNT = Filesystem("disk", "/dev/ttidisk0", "/ttidisk", "ext4", None)
SMB = Service("smb", "smb", ())


@dataclass
class Machine:
    """A node that is on. `device` is its disk as this side sees it."""

    node: Node
    device: str
    managers: list[Manager] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """The running machine's file system, with what it has mounted."""
        return Path(f"/proc/{self.node.leader}/root")

    @property
    def units(self) -> Path:
        """Its /run/systemd/system."""
        return self.root / "run/systemd/system"

    @property
    def held(self) -> Path:
        """Its /run/hbd."""
        return self.root / "run/hbd"

    @property
    def bus(self) -> Endpoint:
        """Its system bus."""
        return Endpoint(str(self.root / "run/dbus/system_bus_socket"), is_bus=True)

    @property
    def private(self) -> Endpoint:
        """Its systemd's own socket."""
        return Endpoint(str(self.root / "run/systemd/private"), is_bus=False)

    async def manager(self, *endpoints: Endpoint) -> Manager:
        """A connected Manager; it is closed with the machine."""
        manager = Manager(endpoints or (self.bus,))
        await manager.connect()
        self.managers.append(manager)
        return manager

    def who(self, manager: Manager) -> Who:
        """Who keeps a device busy, asked on this machine."""
        return Naming(manager, self.held / "holders").who

    def resolver(self, manager: Manager) -> Resolver:
        """What words mean on this machine."""
        return Resolver(
            manager.loaded_name, self.root / "etc/ha.d/resource.d", self.root / "etc/init.d"
        )

    async def prepare(self, manager: Manager, *specs: Filesystem | Service) -> Group:
        """A group of `specs`, its unit files in force, and held."""
        found = await self.resolver(manager).group(GROUP, specs or (MOUNT, SMB))
        group = Group(GROUP, tuple(self._inside(resource) for resource in found.resources))
        await self.install(unitfile.files([group], DEADTIME_USEC), manager)
        hold.hold(GROUP, self.held)
        return group

    def _inside(self, resource: Resource) -> Resource:
        """The same resource with its script's path as the machine knows it."""
        if resource.script is None:
            return resource
        return replace(resource, script=Path("/") / resource.script.relative_to(self.root))

    async def install(self, files: Mapping[PurePosixPath, str], manager: Manager) -> bool:
        """`install` on this machine, whose paths do not begin with /proc."""
        return await install.install(files, Inside(manager, str(self.root)), self.units)

    async def unit(self, manager: Manager, name: str, text: str) -> None:
        """A unit of the test's own, loaded."""
        (self.units / name).write_text(text)
        await manager.reload()

    async def say(self, *words: str) -> str:
        """What a command on the machine prints; its exit status does not matter."""
        return (await self.node.run(words, check=False)).out.strip()

    async def main_pid(self, unit: str) -> int:
        """The unit's main process as the machine counts."""
        return int(await self.say("systemctl", "show", "-p", "MainPID", "--value", unit))

    async def close(self) -> None:
        """Let go of the machine's systemd."""
        for manager in self.managers:
            await manager.close()


@dataclass(frozen=True)
class Inside:
    """A Manager whose answers name paths as the test sees them, from outside the machine."""

    manager: Manager
    root: str

    async def reload(self) -> None:
        await self.manager.reload()

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        values = await self.manager.properties(unit, interface, *names)
        return tuple(self._outside(value) for value in values)

    def _outside(self, value: object) -> object:
        if isinstance(value, list):
            return [self._outside(entry) for entry in value]
        return self.root + value if isinstance(value, str) and value else value


@asynccontextmanager
async def machine(prepare: Callable[[Path], None] = lambda _: None) -> AsyncIterator[Machine]:
    """Build and boot one; `prepare` may change its root before. Nothing of it stays."""
    sweep_orphans()
    base = await image.base(SUITE)
    ledger = Ledger.open_new()
    serial = NullModem()
    booted: Machine | None = None
    try:
        node, device = await _build(ledger, serial, base)
        prepare(node.root)
        await node.boot()
        booted = Machine(node, device)
        yield booted
    finally:
        if booted is not None:
            await booted.close()
        troubles = await asyncio.to_thread(ledger.sweep)
        serial.close()
        assert not troubles, "; ".join(troubles)


async def _build(ledger: Ledger, serial: NullModem, base: Path) -> tuple[Node, str]:
    folder = RUN / ledger.lab_id
    ledger.note("folder", str(folder))
    await run(["mkdir", folder])
    ledger.note("mount", str(folder))
    await run(["mount", "-t", "tmpfs", "-o", "mode=755,size=1G", "hbdlab", folder])
    network = Network(ledger)
    await network.build()
    disk = SharedDisk(ledger, folder)
    await disk.build()
    serial.start()
    hardware = Hardware(cables=[], tty=serial.paths[0], device=disk.devices[0])
    node = Node("machine", ledger, network, folder / "machine", hardware)
    await node.create(base, "127.0.0.1 localhost machine\n")
    node.write("/etc/samba/smb.conf", "[global]\n    server role = standalone server\n")
    await run(["make", "-s", "-C", SOURCE, "install", f"DESTDIR={node.root}"])
    return node, str(disk.devices[0])


def put_standin(root: Path) -> None:
    """Lay the stand-in in hbd's place, enabled, and let it take the group at its first start."""
    program = root / "usr/sbin/hbd"
    standin = Path(__file__).with_name("standin.py").read_text()
    program.write_text(f"#!/usr/bin/python3 -I\n{standin}")
    program.chmod(0o755)
    (root / "etc/ha.d/ha.cf").touch()
    (root / "etc/standin-take").touch()
    shutil.rmtree(root / "etc/ha.d/resource.d")
