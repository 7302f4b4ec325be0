"""A shared disk with a persistent reservation, and one machine's view of it.

The disk is the truth: it knows one registered machine at most and refuses the writes of every
other, whatever that one believes or has mounted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hbd.cluster.event import DiskLost, DiskRead, ResourceLost
from hbd.cluster.terms import SECOND, DiskHolder, GroupName, GroupState, Instant, LinkName, NodeName
from hbd.runtime.claimed import WATCHED

if TYPE_CHECKING:
    from tests.sim.host import Host

LOOK_EVERY = SECOND
SLOWEST_LOOK = 30_000  # µs from the disk's answer to the daemon's having it
GIVEN_UP_AFTER = 3  # looks without an answer
LET_GO_WITHIN = 60 * SECOND  # of a machine that is awake and has lost its disk


@dataclass
class SharedDisk:
    """One disk between both machines."""

    holder: NodeName | None = None
    key: int = 0
    renewed_at: Instant | None = None  # by its present holder
    renewing_since: Instant | None = None  # without a gap
    is_given_up: bool = False  # by its present holder, who reboots
    preempted: int = 0  # how often it was taken from a machine that had it mounted

    def claim(self, name: NodeName) -> None:
        """Register, preempting whoever else was registered."""
        self.holder = name
        self.key += 1
        self.renewed_at = None
        self.is_given_up = False

    def renew(self, now: Instant) -> None:
        """The holder's heartbeat."""
        if self.renewed_at is None or now - self.renewed_at > 2 * LOOK_EVERY:
            self.renewing_since = now
        self.key += 1
        self.renewed_at = now
        self.is_given_up = False

    def release(self, name: NodeName) -> None:
        """Unregister; nothing happens to another's registration."""
        if self.holder == name:
            self.holder = None


@dataclass
class DiskView:
    """What one machine does with one disk."""

    link: LinkName
    is_cut: bool = False  # the path from this machine to the disk
    seen: int | None = None  # the peer's key at the last look, None for none
    looks: int = 0
    just_moved: bool = False  # the peer's key, between the last look and the one before
    silent_looks: int = 0
    stale_since: Instant | None = None  # mounted here, and preempted since


@dataclass
class Disks:
    """One machine's views, by group."""

    host: Host
    views: dict[GroupName, DiskView] = field(default_factory=dict)

    def disk(self, group: GroupName) -> SharedDisk | None:
        """The group's disk, None if it carries no reservations."""
        return self.host.world.disks.get(group)

    def is_cut(self, group: GroupName) -> bool:
        """Whether this machine reaches the group's disk no more."""
        return group in self.views and self.views[group].is_cut

    def holds(self, group: GroupName) -> bool:
        """Whether the disk takes this machine's writes."""
        disk = self.disk(group)
        return disk is None or disk.holder == self.host.name

    def admits(self, group: GroupName) -> bool:
        """Whether a machine that claims nothing could write to the disk."""
        disk = self.disk(group)
        return disk is None or disk.holder is None

    def claim(self, group: GroupName) -> bool:
        """Take the disk; whatever the other machine has mounted of it is yesterday's now."""
        disk = self.disk(group)
        if disk is None:
            return True
        if self.is_cut(group):
            return False
        disk.claim(self.host.name)
        self.host.world.other(self.host).disks.overtaken(group)
        return True

    def secure(self, group: GroupName) -> bool:
        """Take the disk from a peer that is silent: watched, and not seen to do anything.

        Not at the last look either: what that has shown may not have been told yet.
        """
        disk = self.disk(group)
        if disk is None or (disk.holder == self.host.name and not self.is_cut(group)):
            return True
        view = self.views[group]
        if disk.holder is not None and not disk.is_given_up and not view.is_cut:
            if view.looks and view.seen != disk.key:
                self._look(group, view)
                return False
            if view.just_moved or view.looks < WATCHED:
                return False
        return self.claim(group)

    def overtaken(self, group: GroupName) -> None:
        """Another machine has taken the disk."""
        if group in self.views and self.host.resources.writes(group):
            self.views[group].stale_since = self.host.world.now
            self.host.world.disks[group].preempted += 1

    def forget(self, group: GroupName) -> None:
        """The group is unmounted here."""
        if group in self.views:
            self.views[group].stale_since = None

    def release(self, group: GroupName) -> None:
        """Unregister, if that can be said to the disk."""
        disk = self.disk(group)
        if disk is not None and not self.is_cut(group):
            disk.release(self.host.name)

    def give_up(self, group: GroupName) -> None:
        """Say to the disk that this machine ends: what is registered is nobody's heartbeat."""
        disk = self.disk(group)
        if disk is not None and disk.holder == self.host.name and not self.is_cut(group):
            disk.is_given_up = True

    def look(self) -> None:
        """What the daemon does once a second: renew what is held, watch what is not."""
        for group, view in self.views.items():
            if view.is_cut:
                view.silent_looks += 1
                serves = self.host.resources.running[group] is GroupState.STARTED
                if view.silent_looks == GIVEN_UP_AFTER and serves:
                    self.host.post(ResourceLost(group, f"{group}", "the disk does not answer"))
                continue
            view.silent_looks = 0
            self._look(group, view)

    def _look(self, group: GroupName, view: DiskView) -> None:
        disk = self.disk(group)
        assert disk is not None, "only disks with reservations are looked at"
        if self.host.resources.writes(group) and not self.holds(group):
            self._tell(DiskLost(group, "another machine is registered"))
        if disk.holder is None or disk.is_given_up:
            view.looks, view.seen, view.just_moved = view.looks + 1, None, False
            self._tell(DiskRead(view.link, DiskHolder.NOBODY))
        elif disk.holder == self.host.name:
            disk.renew(self.host.world.now)
            view.seen, view.just_moved = None, False
            self._tell(DiskRead(view.link, DiskHolder.SELF))
        else:
            moved = view.looks > 0 and view.seen != disk.key
            view.looks, view.seen, view.just_moved = view.looks + 1, disk.key, moved
            self._tell(DiskRead(view.link, DiskHolder.PEER, moved=moved))

    def _tell(self, event: DiskRead | DiskLost) -> None:
        host, life = self.host, self.host.life

        def deliver() -> None:
            if host.life == life:
                host.post(event)

        host.world.after(host.world.random.randrange(SLOWEST_LOOK), deliver)

    def check(self) -> None:
        """What must never be true of a mount and its disk."""
        host = self.host
        for group, view in self.views.items():
            if not host.resources.writes(group):
                continue
            holds = self.holds(group)
            if holds and view.stale_since is not None:
                host.world.fail(f"{host.name} writes through a mount of yesterday on {group}")
            if not holds and view.stale_since is None:
                host.world.fail(f"{host.name} has mounted {group} without a registration")
            awake = host.node is not None and not host.paused and not view.is_cut
            late = view.stale_since is not None and (
                host.world.now - max(view.stale_since, host.awake_since) > LET_GO_WITHIN
            )
            if awake and late and group not in host.resources.hangs:
                host.world.fail(f"{host.name} does not let go of {group}")
