"""Proof and holders, as far as they can be tried without a disk; the rest is in the lab."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hbd.cluster.terms import Usec
from hbd.errors import AdapterError
from hbd.systemd import device, holders, mountinfo, naming

INFO = """\
22 28 0:21 / /proc rw,nosuid - proc proc rw
97 28 8:1 / /srv/my\\040disk rw,relatime shared:5 master:1 - ext4 /dev/sda1 rw
98 28 8:1 /sub /other rw - ext4 /dev/sda1 rw
broken line
"""


def test_the_mount_table_is_read_with_its_escapes() -> None:
    """Goal: what the kernel writes. Method: optional fields, a blank in a path, a broken line."""
    mounts = list(mountinfo.parse(INFO))
    assert [mount.mount_point for mount in mounts] == ["/proc", "/srv/my disk", "/other"]
    assert mounts[1] == mountinfo.Mount(97, "8:1", "/srv/my disk", "ext4")


async def nobody(number: str) -> str:
    """No holder is asked for where a device is not held."""
    pytest.fail(f"asked who holds {number}")


def process(proc: Path, pid: int, *, cwd: str, namespace: str, info: str = INFO) -> Path:
    """A process in a made-up /proc."""
    place = proc / str(pid)
    (place / "ns").mkdir(parents=True)
    (place / "fdinfo").mkdir()
    (place / "ns/mnt").symlink_to(f"mnt:[{namespace}]")
    (place / "cwd").symlink_to(cwd)
    (place / "comm").write_text(f"p{pid}\n")
    (place / "mountinfo").write_text(info)
    return place


def test_holders_are_found_by_cwd_open_file_and_mapping(tmp_path: Path) -> None:
    """Goal: the administrator learns whom to stop. Method: one process for each way to hold."""
    process(tmp_path, 1, cwd="/", namespace="1")
    process(tmp_path, 2, cwd="/srv/my disk/x", namespace="1")
    (process(tmp_path, 3, cwd="/", namespace="1") / "fdinfo/7").write_text("pos:\t0\nmnt_id:\t98\n")
    maps = "7f0 r-xp 0 08:01 12 /srv/my disk/lib\n"
    (process(tmp_path, 4, cwd="/", namespace="1") / "maps").write_text(maps)
    process(tmp_path, 5, cwd="/srv/my diskette", namespace="1")
    found = holders.find("8:1", tmp_path)
    assert [(holder.pid, holder.how) for holder in found] == [
        (2, "cwd"),
        (3, "file 7"),
        (4, "mapping"),
    ]


def test_a_container_that_keeps_the_mount_is_named_once(tmp_path: Path) -> None:
    """Goal: the hidden holder. Method: two processes in another namespace that has the mount."""
    process(tmp_path, 1, cwd="/", namespace="1", info="")
    process(tmp_path, 8, cwd="/", namespace="2")
    process(tmp_path, 9, cwd="/", namespace="2")
    assert [holder.pid for holder in holders.find("8:1", tmp_path)] == [8]


def test_a_mount_that_the_machine_itself_has_is_kept_by_no_sandbox(tmp_path: Path) -> None:
    """Goal: nobody innocent is named. Method: nobody uses it, and a sandboxed service sees it."""
    process(tmp_path, 1, cwd="/", namespace="1")
    process(tmp_path, 8, cwd="/", namespace="2")
    assert holders.find("8:1", tmp_path) == ()
    assert "NFS server" in holders.describe(())


def test_many_holders_are_counted_not_listed() -> None:
    """Goal: one readable line. Method: more than are named."""
    many = tuple(holders.Holder(pid, "x", "cwd") for pid in range(20))
    assert "and 12 more" in holders.describe(many)


class Asked:
    """systemd as far as naming needs it: it runs `work` as the unit, or refuses."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.units: list[str] = []
        self._work = work

    async def start(self, unit: str, timeout_usec: Usec) -> None:
        """See UnitStarter."""
        assert timeout_usec == naming.LIMIT_USEC
        self.units.append(unit)
        self._work()


async def test_the_unit_answers_who_holds_a_device(tmp_path: Path) -> None:
    """Goal: both halves understand each other. Method: the unit's own work, on a made-up /proc."""
    directory, proc = tmp_path / "run", tmp_path / "proc"
    process(proc, 2, cwd="/srv/my disk", namespace="1")
    asked = Asked(lambda: naming.leave_answer("8:1", directory, proc))
    assert await naming.Naming(asked, directory).who("8:1") == "held by p2[2] (cwd)"
    assert asked.units == ["hbd-holders@8:1.service"]
    assert list(directory.iterdir()) == []


async def test_an_answer_of_before_is_no_answer(tmp_path: Path) -> None:
    """Goal: nobody is accused of what he did an hour ago. Method: an old answer, a silent unit."""
    (tmp_path / "8:1").write_text("held by ghost[1] (cwd)")
    said = await naming.Naming(Asked(lambda: None), tmp_path).who("8:1")
    assert "ghost" not in said


async def test_a_unit_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    """Goal: the proof's own error is told all the same. Method: systemd refuses."""

    def refuse() -> None:
        raise AdapterError("masked")

    assert "masked" in await naming.Naming(Asked(refuse), tmp_path).who("8:1")


async def test_whatever_a_process_is_called_the_answer_is_a_short_line(tmp_path: Path) -> None:
    """Goal: no forged journal line, no flood. Method: control characters, broken UTF-8, 1 MB."""
    told = b"held by \n\x1b[31mroot\xff" + b"x" * 1_000_000

    def flood() -> None:
        (tmp_path / "8:1").write_bytes(told)

    said = await naming.Naming(Asked(flood), tmp_path).who("8:1")
    assert said.isprintable()
    assert len(said) <= naming.ANSWER_BYTES


async def test_a_device_that_is_not_there_cannot_be_mounted() -> None:
    """Goal: say so before systemd waits for it. Method: a path without a device."""
    with pytest.raises(AdapterError):
        await device.check_mountable("/dev/no-such-disk", "/nowhere", nobody)


async def test_a_file_is_no_device(tmp_path: Path) -> None:
    """Goal: no proof from a plain file. Method: /dev/null is no block device."""
    with pytest.raises(AdapterError):
        await device.check_mountable("/dev/null", str(tmp_path), nobody)


async def test_a_lost_device_is_gone_if_nothing_is_mounted_there(tmp_path: Path) -> None:
    """Goal: an unplugged disk does not block the release. Method: no device, no mount."""
    await device.prove_gone("/dev/no-such-disk", str(tmp_path), nobody)


async def test_a_lost_device_that_is_still_mounted_is_not_gone() -> None:
    """Goal: the mount point decides without a device. Method: / is always mounted."""
    with pytest.raises(AdapterError):
        await device.prove_gone("/dev/no-such-disk", "/", nobody)


async def test_a_disk_of_the_other_node_is_gone_from_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Goal: a DRBD secondary can be released, not mounted. Method: its EMEDIUMTYPE on open."""

    def refuse(_: str) -> None:
        raise OSError(errno.EMEDIUMTYPE, os.strerror(errno.EMEDIUMTYPE))

    monkeypatch.setattr(device, "_number", lambda _: "147:0")
    monkeypatch.setattr(device, "_open_exclusively", refuse)
    await device.prove_gone("/dev/drbd0", str(tmp_path), nobody)
    with pytest.raises(AdapterError):
        await device.check_mountable("/dev/drbd0", str(tmp_path), nobody)


async def test_a_disk_that_hangs_does_not_hang_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: heartbeats go on. Method: a question that never comes back, under a short limit."""
    monkeypatch.setattr(device, "DEVICE_LIMIT_USEC", Usec(50_000))
    release = threading.Event()
    monkeypatch.setattr(device, "_number", lambda _: release.wait(10))
    try:
        for _ in range(2):  # the second does not start another thread
            with pytest.raises(AdapterError):
                await device.check_mountable("/dev/hung", "/x", nobody)
        waiting = [thread for thread in threading.enumerate() if thread.name == "device /dev/hung"]
        assert len(waiting) == 1
    finally:
        release.set()
        await asyncio.to_thread(waiting[0].join, 5)
        await asyncio.sleep(0)
