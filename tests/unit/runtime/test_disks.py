"""Which disks are claimed at all, in which order, and who renews them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hbd.cluster.event import DiskFound, DiskRead
from hbd.cluster.terms import DiskHolder, GroupName, NodeName
from hbd.config.model import Config
from hbd.errors import AdapterError
from hbd.fencing.disk import DiskKind
from hbd.fencing.ioctl import PR_WRITE_EXCLUSIVE_REG_ONLY
from hbd.fencing.key import are_distinct, given_up_of, key_of
from hbd.runtime import disks as module
from hbd.runtime.claimed import WATCHED
from hbd.runtime.disks import Disks
from hbd.runtime.protected import ProtectedMount
from tests.unit.config.files import Files
from tests.unit.fencing.disk import ReservationDisk
from tests.unit.fencing.kernel import Device, ModelKernel
from tests.unit.runtime.machines import Mount
from tests.unit.runtime.parts import WITHIN_S, Posted

LOCAL, PEER = NodeName("hpb"), NodeName("hpa")
ONE, TWO, BARE = (GroupName(f"192.168.0.{last}/24") for last in (100, 101, 102))
LINES = (
    "hpa 192.168.0.100/24 Filesystem::/dev/sda::/srv/x::ext4\n"
    "hpb 192.168.0.101/24 Filesystem::/dev/sdb::/srv/y::ext4\n"
    "hpa 192.168.0.102/24\n"
)


class Scene:
    """hpb with two disks that hpa shares."""

    def __init__(
        self,
        directory: Path,
        *,
        fencing: str = "auto",
        same: bool = False,
        peer: NodeName = PEER,
        local: NodeName = LOCAL,
    ) -> None:
        (directory / "ha.d").mkdir()
        files = Files(haresources=LINES).with_line(f"fencing {fencing}")
        files = files.with_line("keepalive 100ms") if fencing != "none" else files
        config = files.accepted(directory / "ha.d")
        self.config: Config = replace(config, local=local, peer=peer)
        self.kernel = ModelKernel(directory / "sys")
        self.one, self.two = ReservationDisk(), ReservationDisk()
        for name, disk, minor in (("sda", self.one, 0), ("sdb", self.two, 16)):
            device = Device(disk, DiskKind.SCSI, (self.config.local,))
            self.kernel.add(name, device, "naa.same" if same else f"naa.{name}", minor)
        self.posted = Posted()
        self.disks = Disks(self.config, self.posted, kernel=self.kernel)
        self.mounts: list[Mount] = []
        self.runs: list[ProtectedMount] = []
        for group in self.config.groups:
            self.disks.meet_group(group)
            for r in group.resources:
                mount = Mount(r.text)
                run = self.disks.protected(group.name, r, mount)
                if isinstance(run, ProtectedMount):
                    self.mounts.append(mount)
                    self.runs.append(run)

    async def observe(self) -> None:
        """As the groups do once the disks are met."""
        for run in self.runs:
            await run.look()

    def found(self, group: GroupName) -> list[bool]:
        """What was told of its disk: whether it carries reservations, in order."""
        return [e.reserved for e in self.posted.of(DiskFound) if e.group == group]

    def peer_serves(self, disk: ReservationDisk, counter: int) -> None:
        """The peer is registered there, with its next key."""
        disk.keys[PEER], disk.holder = key_of(PEER, counter), PEER
        disk.type = PR_WRITE_EXCLUSIVE_REG_ONLY


@asynccontextmanager
async def scene(directory: Path, **how: Any) -> AsyncIterator[Scene]:  # noqa: ANN401 - Scene's own
    """Met and observed; and closed, whatever happens."""
    here = Scene(directory, **how)
    try:
        await here.disks.meet()
        await here.observe()
        yield here
    finally:
        await here.disks.close()


async def until(posted: Posted, holder: DiskHolder, number: int) -> None:
    """So many looks have told that."""
    await posted.until(lambda: sum(r.holder is holder for r in posted.of(DiskRead)) >= number)


async def test_each_group_is_told_what_its_disk_can_do(tmp_path: Path) -> None:
    """Goal: the core knows of every group. Method: two capable disks, a group without one."""
    async with scene(tmp_path) as here:
        assert (here.found(ONE), here.found(TWO), here.found(BARE)) == ([True], [True], [False])
        bare = next(e for e in here.posted.of(DiskFound) if e.group == BARE)
        assert not bare.has_disk


async def test_without_fencing_by_reservation_nothing_is_claimed(tmp_path: Path) -> None:
    """Goal: `fencing none` leaves the disks alone. Method: meet; no command, no wrapped mount."""
    async with scene(tmp_path, fencing="none") as here:
        assert here.found(ONE) == [False]
        assert (here.mounts, here.kernel.requests) == ([], [])


async def test_what_is_held_is_renewed_by_itself(tmp_path: Path) -> None:
    """Goal: a heartbeat on the disk, and none after the end. Method: mount; wait for looks."""
    async with scene(tmp_path) as here:
        await here.runs[0].start()
        before = here.one.keys[here.config.local]
        await until(here.posted, DiskHolder.SELF, 2)
        assert here.one.keys[here.config.local] != before
    asked = len(here.kernel.requests)
    await asyncio.sleep(0)
    assert len(here.kernel.requests) == asked
    assert here.one.holder == here.config.local  # close lets go of nothing


async def test_two_groups_on_one_disk_are_both_refused(tmp_path: Path) -> None:
    """Goal: a disk has one master. Method: two devices that say the same identity."""
    async with scene(tmp_path, same=True) as here:
        assert (here.found(ONE)[-1], here.found(TWO)[-1]) == (False, False)
        with pytest.raises(AdapterError):
            await here.disks.secure([ONE])
        with pytest.raises(AdapterError):
            await here.disks.secure([TWO])
        assert here.one.keys == {}


async def test_nodes_that_a_disk_cannot_tell_apart_claim_nothing(tmp_path: Path) -> None:
    """Goal: nobody takes the other's key for its own. Method: names whose keys are the same.

    It counts as a disk without reservations: unprotected, and refused where one is demanded.
    """
    one, other = NodeName("nas9516"), NodeName("nas306589")
    assert not are_distinct(one, other)
    here = Scene(tmp_path, peer=one, local=other, fencing="reservation")
    try:
        await here.disks.meet()
        await here.observe()
        assert (here.found(ONE)[-1], here.found(TWO)[-1]) == (False, False)
        with pytest.raises(AdapterError):
            await here.disks.secure([ONE])
        with pytest.raises(AdapterError):
            await here.runs[0].start()
        assert (here.one.keys, here.mounts[0].is_mounted) == ({}, False)
    finally:
        await here.disks.close()


async def test_an_absent_disk_is_found_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: iSCSI that logs in late. Method: no such device at first; then looks at it come."""
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    here = Scene(tmp_path)
    number = here.kernel.numbers.pop("/dev/sda")
    try:
        await here.disks.meet()
        assert here.found(ONE) == [False]
        here.kernel.numbers["/dev/sda"] = number
        await here.posted.until(lambda: here.found(ONE)[-1])
        await here.observe()
        await here.disks.secure([ONE])
        await until(here.posted, DiskHolder.SELF, 1)
    finally:
        await here.disks.close()


async def test_securing_takes_every_disk_or_keeps_none(tmp_path: Path) -> None:
    """Goal: no half. Method: the peer renews on the second disk while it is asked for."""
    async with scene(tmp_path) as here:
        here.peer_serves(here.one, 1)
        here.peer_serves(here.two, 1)
        await until(here.posted, DiskHolder.PEER, 2 * WATCHED)
        here.peer_serves(here.two, 2)
        with pytest.raises(AdapterError):
            await here.disks.secure([TWO, ONE])
        assert here.two.holder == PEER
        claims = [run._claim for run in here.runs]
        assert [claim.is_held for claim in claims] == [False, False]
        assert here.one.holder == here.config.local  # guarded: the peer was preempted there
        assert key_of(here.config.local, 0) == here.one.keys[here.config.local]


async def test_securing_takes_both_from_a_silent_peer(tmp_path: Path) -> None:
    """Goal: the peer's writes are refused on every disk. Method: two that it renews no more."""
    async with scene(tmp_path) as here:
        here.peer_serves(here.one, 1)
        here.peer_serves(here.two, 1)
        await until(here.posted, DiskHolder.PEER, 2 * WATCHED)
        await here.disks.secure([ONE, TWO, BARE])
        assert not here.one.may_write(PEER)
        assert not here.two.may_write(PEER)


async def test_giving_up_stops_the_heartbeat_at_once(tmp_path: Path) -> None:
    """Goal: a machine that ends is not taken for one that lives. Method: mounted; give up."""
    async with scene(tmp_path) as here:
        local = here.config.local
        await here.runs[0].start()
        await here.disks.secure([TWO])
        await here.disks.give_up()
        assert here.one.keys == {local: given_up_of(local)}
        assert here.two.keys == {}  # nothing was mounted of it
        await until(here.posted, DiskHolder.NOBODY, 2)
        assert here.one.keys == {local: given_up_of(local)}


async def test_a_group_that_is_gone_is_renewed_no_more(tmp_path: Path) -> None:
    """Goal: forgotten is forgotten. Method: forget; it is protected and secured no longer."""
    async with scene(tmp_path) as here:
        here.disks.forget(ONE)
        await here.disks.secure([ONE])
        assert here.one.keys == {}


async def test_a_mistake_in_the_work_is_not_hidden(tmp_path: Path) -> None:
    """Goal: a disk that nobody renews ends hbd. Method: the work breaks; the loop is told."""
    told: list[str] = []
    ended = asyncio.Event()

    def note(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        told.append(context["message"])
        ended.set()

    asyncio.get_running_loop().set_exception_handler(note)
    async with scene(tmp_path) as here:

        def fail(_: int) -> None:
            raise ZeroDivisionError

        here.kernel.before = fail
        async with asyncio.timeout(WITHIN_S):
            await ended.wait()
    assert told


def test_a_group_that_is_to_have_other_disks_keeps_no_mount(tmp_path: Path) -> None:
    """Goal: no claim is replaced under a mount. Method: the same files, and one disk more."""
    scene = Scene(tmp_path)
    one = scene.config.groups[0]
    assert not scene.disks.has_others(one)
    more = replace(one, resources=(*one.resources, *scene.config.groups[1].resources[1:]))
    assert scene.disks.has_others(more)
    assert scene.disks.has_others(replace(one, resources=one.resources[:1]))
