"""A stand-in for hbd in the lab: one group, no peer, no policy, but the real adapter and unit file.

It holds the group while the file TAKE exists at its first start, goes on with what runs at a later
one, and releases on SIGTERM, as hbd does. It is copied to a node as /usr/sbin/hbd.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from hbd.cluster.terms import GroupName, Usec
from hbd.errors import AdapterError
from hbd.systemd import device, hold, install, unitfile
from hbd.systemd.limits import watchdog_usec
from hbd.systemd.manager import Manager
from hbd.systemd.naming import Naming
from hbd.systemd.notify import SystemdNotifier
from hbd.systemd.resource import Filesystem, Group, Kind, Resolver, Service

TAKE = Path("/etc/standin-take")
BROKEN = Path("/etc/standin-broken")  # exists: hbd does not start any more
GROUP = GroupName("192.0.2.1")
DEVICE = "/dev/ttidisk0"
DIRECTORY = "/ttidisk"
DEADTIME_USEC = Usec(5_000_000)
SPECS = (
    Filesystem(f"Filesystem::{DEVICE}::{DIRECTORY}::ext4", DEVICE, DIRECTORY, "ext4", None),
    Service("smb", "smb", ()),
)


def address(verb: str) -> None:
    """The shared address, by ip(8): netlink is another layer's."""
    subprocess.run(["ip", "address", verb, f"{GROUP}/32", "dev", "lo"], check=False)


async def take(group: Group, manager: Manager) -> None:
    """Left to right; the address stands first in haresources."""
    hold.hold(GROUP)
    hold.note_address(GROUP, 32, "lo")
    address("add")
    for resource in group.resources:
        if resource.unit is not None:
            await manager.start(resource.unit, resource.start_limit_usec)
    await manager.start(group.target, resource.start_limit_usec)


async def release(group: Group, manager: Manager) -> None:
    """Right to left, with proof."""
    for resource in reversed(group.resources):
        if resource.unit is not None:
            await manager.stop(resource.unit, resource.stop_limit_usec)
        if resource.filesystem is not None:
            spec, who = resource.filesystem, Naming(manager).who
            await device.prove_gone(spec.device, spec.directory, who)
    address("del")
    hold.forget_address(GROUP)
    await manager.stop(group.target, resource.stop_limit_usec)
    hold.let_go(GROUP)


async def main(*, wants_group: bool) -> None:
    """One life."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    notifier = SystemdNotifier()
    manager = Manager()
    await manager.connect()
    group = await Resolver(manager.loaded_name).group(GROUP, SPECS)
    await install.install(unitfile.files([group], DEADTIME_USEC), manager)
    assert group.resources[0].kind is Kind.MOUNT, "the file system comes first"
    states = [await manager.state(unit) for unit in group.units]
    if not all(state.active.is_running for state in states) and wants_group:
        await take(group, manager)
    await manager.stop(unitfile.DEADMAN_TIMER, Usec(1_000_000))
    notifier.set_watchdog(watchdog_usec(DEADTIME_USEC))  # counts at once: as late as hbd's own
    notifier.status(f"holds {GROUP}")
    notifier.ready()
    while not told.is_set():
        notifier.alive()
        try:
            async with asyncio.timeout(0.2):
                await told.wait()
        except TimeoutError:
            continue
    notifier.stopping()
    try:
        await release(group, manager)
        print("released", flush=True)
    except AdapterError as error:
        print(f"not released: {error}", flush=True)
    await manager.close()


if __name__ == "__main__":
    if BROKEN.exists():
        sys.exit(1)
    asyncio.run(main(wants_group=TAKE.exists()))
