"""File systems on a real disk: proven gone, refused when in use, checked when they need it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from hbd.errors import AdapterError
from hbd.systemd import boot, device, filesystem
from hbd.systemd.manager import Manager
from tests.lab.harness.host import run
from tests.lab.systemd.machine import MOUNT, SMB, SOON, Machine

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

UNIT = "ttidisk.mount"


@asynccontextmanager
async def program(shared: Machine, script: str) -> AsyncIterator[None]:
    """A shell script that runs on the machine, from its word `ready` until its input ends."""
    process = await asyncio.create_subprocess_exec(
        *shared.node.enter(), "sh", "-c", script,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None, "asked for a pipe"
        async with asyncio.timeout(5):
            assert await process.stdout.readline() == b"ready\n"
        yield
    finally:
        async with asyncio.timeout(5):
            await process.communicate(b"\n")


async def test_a_stopped_mount_is_proven_gone(shared: Machine, systemd: Manager) -> None:
    """Goal: the proof is right and quick. Method: before a mount, during it, after it."""
    await shared.prepare(systemd, MOUNT)
    await device.prove_gone(shared.device, "/ttidisk", shared.who(systemd))
    await systemd.start(UNIT, SOON)
    with pytest.raises(AdapterError):
        await device.prove_gone(shared.device, "/ttidisk", shared.who(systemd))
    await systemd.stop(UNIT, SOON)
    async with asyncio.timeout(0.2):
        await device.prove_gone(shared.device, "/ttidisk", shared.who(systemd))


async def test_a_busy_file_system_does_not_stop_and_its_user_is_named(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: the administrator learns whom to ask. Method: a shell that stands in the directory."""
    await shared.prepare(systemd, MOUNT)
    await systemd.start(UNIT, SOON)
    async with program(shared, "cd /ttidisk && echo ready && read _"):
        with pytest.raises(AdapterError):
            await systemd.stop(UNIT, SOON)
        with pytest.raises(AdapterError, match=r"sh\[\d+\] \(cwd\)"):
            await device.prove_gone(shared.device, "/ttidisk", shared.who(systemd))
    await systemd.stop(UNIT, SOON)


async def test_a_mount_kept_by_another_namespace_is_not_gone(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: an unmount that returned is no proof. Method: a copy of the mount in a namespace."""
    await shared.prepare(systemd, MOUNT)
    await systemd.start(UNIT, SOON)
    async with program(shared, "exec unshare --mount sh -c 'echo ready; read _'"):
        await systemd.stop(UNIT, SOON)
        with pytest.raises(AdapterError, match=r"sh\[\d+\]"):
            await device.prove_gone(shared.device, "/ttidisk", shared.who(systemd))
    await device.prove_gone(shared.device, "/ttidisk", shared.who(systemd))


@pytest.mark.parametrize(
    "script",
    [
        "cd /ttidisk && echo ready && read _",
        "exec 9>/ttidisk/file && echo ready && read _",
        "trap '' TERM HUP; cd /ttidisk && echo ready && read _",
    ],
)
async def test_a_release_ends_what_keeps_the_file_system_busy(
    script: str, shared: Machine, systemd: Manager
) -> None:
    """Goal: a forgotten shell is no outage. Method: cwd, an open file, and a stubborn process."""
    group = await shared.prepare(systemd, MOUNT)
    await systemd.start(UNIT, SOON)
    spec, who = replace(MOUNT, device=shared.device), shared.who(systemd)
    async with program(shared, script):
        await filesystem.release(replace(group.resources[0], filesystem=spec), systemd, who)
    assert (await systemd.state(UNIT)).active.is_stopped


async def test_a_release_leaves_other_namespaces_alone_and_fails(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: a container is not killed, and the peer not misled. Method: a copy of the mount."""
    group = await shared.prepare(systemd, MOUNT)
    await systemd.start(UNIT, SOON)
    resource = replace(group.resources[0], filesystem=replace(MOUNT, device=shared.device))
    async with program(shared, "exec unshare --mount sh -c 'echo ready; read _'"):
        with pytest.raises(AdapterError):
            await filesystem.release(resource, systemd, shared.who(systemd))
    await filesystem.release(resource, systemd, shared.who(systemd))


async def test_a_disk_in_use_elsewhere_on_this_machine_is_refused(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: no second mount of one disk. Method: mounted by hand at another place."""
    await shared.prepare(systemd, MOUNT)
    await device.check_mountable(shared.device, "/ttidisk", shared.who(systemd))
    await shared.node.run(["mount", MOUNT.device, "/mnt"])
    with pytest.raises(AdapterError):
        await device.check_mountable(shared.device, "/ttidisk", shared.who(systemd))
    await shared.node.run(["umount", "/mnt"])
    await device.check_mountable(shared.device, "/ttidisk", shared.who(systemd))


async def test_a_failed_mount_is_told_with_its_exit_status(
    shared: Machine, systemd: Manager
) -> None:
    """Goal: why, not only that. Method: a file system of another type."""
    await shared.prepare(systemd, replace(MOUNT, fstype="iso9660"))
    with pytest.raises(AdapterError, match="exit status 32"):
        await systemd.start(UNIT, SOON)


async def test_what_starts_at_boot_is_found(shared: Machine, systemd: Manager) -> None:
    """Goal: no unit of the cluster starts by itself. Method: enable smbd; require the mount.

    The link is the one that systemd-fstab-generator makes; in a container it leaves devices out.
    """
    group = await shared.prepare(systemd, MOUNT, SMB)
    assert await boot.enabled_at_boot(group.units, systemd) == ()
    required = shared.units / "local-fs.target.requires" / UNIT
    required.parent.mkdir()
    required.symlink_to(f"../{UNIT}")
    await shared.node.run(["systemctl", "enable", "smbd.service"])
    try:
        found = await boot.enabled_at_boot(group.units, systemd)
        assert [entry.unit for entry in found] == ["smbd.service", UNIT]
        assert found[0].fix == "systemctl disable 'smbd.service'"
        assert "/etc/fstab" in found[1].fix
    finally:
        required.unlink()
        required.parent.rmdir()
        await shared.node.run(["systemctl", "disable", "smbd.service"])


async def test_ext2_is_checked_before_every_mount(shared: Machine, systemd: Manager) -> None:
    """Goal: a file system without a journal is repaired first. Method: spoil it, mount it twice.

    Last in this file: it gives the disk another file system.
    """
    await run(["mke2fs", "-q", "-F", "-t", "ext2", shared.device])
    await shared.prepare(systemd, replace(MOUNT, fstype="ext2"))
    runs = []
    for _ in range(2):
        await run(["debugfs", "-w", "-R", "set_super_value state 0", shared.device])
        await systemd.start(UNIT, SOON)
        check = "hbd-fsck-ttidisk.service"
        runs.append(await systemd.properties(check, "Service", "ExecMainStatus", "ExecMainPID"))
        await systemd.stop(UNIT, SOON)
    assert [status for status, _ in runs] == [0, 0] or [status for status, _ in runs] == [1, 1]
    assert runs[0][1] != runs[1][1]
