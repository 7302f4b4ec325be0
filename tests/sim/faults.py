"""The faults a seed can bring, and the calm afterwards in which everything must come right.

Each fault is one line of the story: what breaks, and that it mends itself after a while or only
when calm returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hbd.cluster.event import (
    FailureCleared,
    LeaveRequested,
    MaintenanceSet,
    PeerConfirmedDown,
    ResourceLost,
    StandbyRequested,
    TakeoverRequested,
)
from hbd.cluster.terms import MILLISECOND, SECOND, GroupState, JobId, LinkName, Scope, Usec
from tests.sim.host import Host
from tests.sim.world import Cable, Fencing, World


class Faults:
    """Breaks things in a world, counted."""

    def __init__(
        self, world: World, *, shortest: int = SECOND // 10, longest: int = 20 * SECOND
    ) -> None:
        """A fault that mends itself lasts from `shortest` to `longest`."""
        self.world = world
        self.random = world.random
        self.count = 0
        self._shortest, self._longest = shortest, longest
        self._job = 0
        self._kinds: tuple[Callable[[Host], str], ...] = (
            self.cut_cable,
            self.cut_cable,
            self.cut_both_ways,
            self.spoil_cable,
            self.spoil_cable,
            self.pause,
            self.kill_daemon,
            self.cut_power,
            self.break_start,
            self.break_stop,
            self.hang,
            self.lose_resource,
            self.takeover,
            self.standby,
            self.maintain,
            self.switch_off,
            self.clear_failure,
            self.leave,
            self.break_fence,
            self.cut_disk,
            self.cut_disk,
            self.cut_lan,
            self.cut_everything,
            self.reload,
            self.reload,
        )

    def strike(self) -> None:
        """Let one fault happen to one host, if it can."""
        host = self.random.choice(self.world.hosts)
        fault = self.random.choice(self._kinds)
        what = fault(host)
        if what:
            self.count += 1
            self.world.say(f"{'fault':8} {host.name} {what}")

    def rage(self, span: int, mean_gap: int = 2 * SECOND) -> None:
        """Strike again and again for a span of virtual time."""
        until = self.world.now + span
        while self.world.now < until:
            self.world.run_for(self.random.randrange(mean_gap // 4, 2 * mean_gap))
            self.strike()

    def calm(self) -> None:
        """Mend everything that does not mend itself, as an administrator would."""
        world = self.world
        world.say("calm")
        world.fence_works = True
        for key in world.cables:
            world.cables[key] = Cable()
        for host in world.hosts:
            host.resources.start_fails.clear()
            host.resources.stop_fails.clear()
            host.resources.hangs.clear()
            host.lan_cut = False
            for view in host.disks.views.values():
                view.is_cut = False
            if host.paused:
                host.resume()
            if host.node is None:
                host.start_daemon()
            host.post(MaintenanceSet(self._next_job(), on=False))
            if host.node is not None:
                host.reload(world.lines(), world.timing)
            host.maintenance = False

    def retry_failed(self) -> None:
        """What an administrator does about a start that failed: ask for it again."""
        for host in self.world.hosts:
            if host.node is None:
                host.start_daemon()
            assert host.node is not None, "it has just been started"
            failed = [
                group
                for group in host.node.groups
                if group.state is GroupState.START_FAILED and host.node.owns(group)
            ]
            if failed:
                names = tuple(group.name for group in failed)
                host.post(TakeoverRequested(self._next_job(), Scope.ALL, names))

    def _next_job(self) -> JobId:
        self._job += 1
        return JobId(self._job)

    def _mend_later(self, mend: Callable[[], None]) -> None:
        self.world.after(self.random.randrange(self._shortest, self._longest), mend)

    # --- cables -----------------------------------------------------------------------------

    def cut_cable(self, host: Host, link: LinkName | None = None) -> str:
        """One link dead in one direction."""
        link = link or self.random.choice(self.world.links)
        key = (host.name, link)
        self.world.cables[key] = Cable(is_cut=True)
        self._mend_later(lambda: self.world.cables.update({key: Cable()}))
        return f"cannot be heard on {link}"

    def cut_both_ways(self, host: Host, link: LinkName | None = None) -> str:
        """One link unplugged."""
        link = link or self.random.choice(self.world.links)
        for end in self.world.hosts:
            key = (end.name, link)
            self.world.cables[key] = Cable(is_cut=True)
            self._mend_later(lambda key=key: self.world.cables.update({key: Cable()}))  # type: ignore[misc]  # a default binds the loop's value
        return f"unplugged {link}"

    def spoil_cable(self, host: Host, link: LinkName | None = None) -> str:
        """Loss, repetition and delay beyond the order of sending."""
        link = link or self.random.choice(self.world.links)
        key = (host.name, link)
        self.world.cables[key] = Cable(
            loss=self.random.choice((0.1, 0.3, 0.7, 0.95)),
            repeat=self.random.choice((0.0, 0.3)),
            slowest_usec=self.random.choice((5, 300, 1500)) * MILLISECOND,
        )
        self._mend_later(lambda: self.world.cables.update({key: Cable()}))
        return f"is heard badly on {link}"

    # --- machines ---------------------------------------------------------------------------

    def pause(self, host: Host) -> str:
        """The whole machine stands still."""
        if host.paused or not host.powered:
            return ""
        host.paused = True
        span = self.random.choice((SECOND, 2 * SECOND, 3 * SECOND, 8 * SECOND, 20 * SECOND))
        life = host.life

        def resume() -> None:
            if host.paused and host.life == life:
                self.world.say(f"{'fault':8} {host.name} resumes")
                host.resume()

        self.world.after(span, resume)
        return f"pauses for {span // SECOND} s"

    def kill_daemon(self, host: Host) -> str:
        """SIGKILL, and systemd's restart sooner or later."""
        if host.paused or host.node is None:
            return ""
        host.kill_daemon()
        self._restart_later(host, SECOND // 10, 4 * SECOND)
        return "daemon killed"

    def cut_power(self, host: Host) -> str:
        """The machine loses power, and is switched on again."""
        if not host.powered:
            return ""
        host.cut_power()
        self._restart_later(host, SECOND, 30 * SECOND)
        return "loses power"

    def leave(self, host: Host) -> str:
        """`systemctl stop`, and a start later."""
        if host.paused or host.node is None or host.leaving:
            return ""
        host.leaving = True
        host.post(LeaveRequested())
        self._restart_later(host, 5 * SECOND, 30 * SECOND)
        return "leaves"

    def _restart_later(self, host: Host, soonest: int, latest: int) -> None:
        def restart() -> None:
            if host.node is None and not host.paused:
                self.world.say(f"{'fault':8} {host.name} starts")
                host.start_daemon()

        self.world.after(self.random.randrange(soonest, latest), restart)

    # --- resources --------------------------------------------------------------------------

    def break_start(self, host: Host) -> str:
        """A group that will not start here for a while."""
        group = self.random.choice(tuple(self.world.homes))
        host.resources.start_fails.add(group)
        self._mend_later(lambda: host.resources.start_fails.discard(group))
        return f"cannot start {group}"

    def break_stop(self, host: Host) -> str:
        """A group that will not stop here for a while."""
        group = self.random.choice(tuple(self.world.homes))
        host.resources.stop_fails.add(group)
        self._mend_later(lambda: host.resources.stop_fails.discard(group))
        return f"cannot stop {group}"

    def hang(self, host: Host) -> str:
        """Starts and stops that never answer, for a while."""
        group = self.random.choice(tuple(self.world.homes))
        host.resources.hangs.add(group)
        self._mend_later(lambda: host.resources.hangs.discard(group))
        return f"hangs with {group}"

    def lose_resource(self, host: Host) -> str:
        """A running resource dies by itself."""
        group = self.random.choice(tuple(self.world.homes))
        if host.node is None or host.paused or not self.world.serves(host, group):
            return ""
        host.resources.running[group] = GroupState.PARTIAL
        host.post(ResourceLost(group, f"{group}", "died"))
        return f"loses a resource of {group}"

    # --- the operator and the switch ----------------------------------------------------------

    def takeover(self, host: Host) -> str:
        """An operator asks for groups."""
        if host.node is None or host.paused:
            return ""
        scope = self.random.choice(tuple(Scope))
        host.post(TakeoverRequested(self._next_job(), scope))
        return f"is asked to take over {scope.value}"

    def standby(self, host: Host) -> str:
        """An operator sends groups away."""
        if host.node is None or host.paused:
            return ""
        scope = self.random.choice(tuple(Scope))
        host.post(StandbyRequested(self._next_job(), scope))
        return f"is asked to give {scope.value}"

    def maintain(self, host: Host) -> str:
        """Somebody works on a machine, and says so for a while."""
        if host.node is None or host.paused or host.maintenance:
            return ""
        host.post(MaintenanceSet(self._next_job(), on=True))

        def end() -> None:
            self.world.say(f"{'fault':8} {host.name} is to end its maintenance")
            host.post(MaintenanceSet(self._next_job(), on=False))

        self._mend_later(end)
        return "is in maintenance"

    def switch_off(self, host: Host) -> str:
        """An operator cuts the other machine's power by hand and says so here, if it is lost."""
        other = self.world.other(host)
        if host.node is None or host.paused or host.node.peer.is_heard:
            return ""
        if other.powered:
            other.cut_power()
            self._restart_later(other, SECOND, 30 * SECOND)
        host.post(PeerConfirmedDown(self._next_job()))
        return f"is told that {other.name} is off"

    def clear_failure(self, host: Host) -> str:
        """An operator believes to have mended what failed."""
        if host.node is None or host.paused:
            return ""
        host.post(FailureCleared(self._next_job()))
        return "is to try again what failed"

    def cut_disk(self, host: Host) -> str:
        """The path to a disk is gone for a while."""
        if host.node is None or not host.disks.views:
            return ""
        group, view = self.random.choice(tuple(host.disks.views.items()))
        view.is_cut = True

        def mend() -> None:
            view.is_cut = False

        self._mend_later(mend)
        return f"has no way to the disk of {group}"

    def cut_lan(self, host: Host) -> str:
        """The machine reaches no ping node, and nobody the addresses on it, for a while."""
        if self.world.fencing is not Fencing.NONE:
            return ""
        host.lan_cut = True

        def mend() -> None:
            host.lan_cut = False

        self._mend_later(mend)
        return "is cut off from the LAN"

    def cut_everything(self, host: Host) -> str:
        """Every cable between the machines is pulled at once, for a while."""
        for key in self.world.cables:
            self.world.cables[key] = Cable(is_cut=True)

        def mend() -> None:
            for key in self.world.cables:
                self.world.cables[key] = Cable()

        self._mend_later(mend)
        return "and the other are cut off from each other"

    def reload(self, host: Host) -> str:
        """Somebody edits the files of one machine, and has them read: lines come, go and change.

        The other machine's files are another day's work, if anybody thinks of it.
        """
        if host.node is None or host.paused:
            return ""
        choose = self.random.choice
        lines = {
            group: texts + choose(((), (), ("more",))) if choose((True, False)) else texts[:1]
            for group, texts in self.world.lines().items()
            if choose((True, True, True, False))
        }
        if choose((True, False)):
            lines = {group: (*texts[:-1], "other") for group, texts in lines.items()}
        slower = replace(
            self.world.timing,
            deadtime_usec=Usec(self.world.timing.deadtime_usec + SECOND),
            keepalive_usec=choose((SECOND, Usec(SECOND // 2))),
        )
        host.reload(lines, choose((self.world.timing, slower)))
        return f"reloads {' '.join(f'{g}={len(t)}' for g, t in lines.items()) or 'nothing'}"

    def break_fence(self, host: Host) -> str:
        """The power switch does not answer for a while."""
        if not self.world.has_switch or not self.world.fence_works:
            return ""
        self.world.fence_works = False

        def mend() -> None:
            self.world.fence_works = True

        self._mend_later(mend)
        return "cannot reach the power switch"
