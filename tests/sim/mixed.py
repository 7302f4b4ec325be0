"""A world in which one machine runs hbd and the other heartbeat, its faults and its excuse.

Without fencing, heartbeat takes silence for death, and so does hbd: while either has taken over
from a machine that was alive, both may run a group. Nothing else excuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hbd.cluster.event import LeaveRequested, StandbyRequested, TakeoverRequested
from hbd.cluster.terms import MILLISECOND, SECOND, GroupName, JobId, Scope
from hbd.r1.shares import ALL, FOREIGN, LOCAL
from hbd.wire.message import Hold
from tests.sim.heartbeat import Heartbeat
from tests.sim.host import Host
from tests.sim.world import DISK, MAIL, A, B, Cable, World

HOLDS = {Hold.ALL: ALL, Hold.LOCAL: LOCAL, Hold.FOREIGN: FOREIGN}


class MixedWorld(World):
    """`a` runs hbd, `b` runs heartbeat."""

    def __init__(self, seed: int = 0, **setup: object) -> None:
        setup.setdefault("homes", {DISK: A, MAIL: B})
        super().__init__(seed, **setup)  # type: ignore[arg-type]  # as World takes them
        self.heartbeat = Heartbeat(self, B, A)
        self.b = self.heartbeat

    def check(self) -> None:
        """As ever; what a killed heartbeat has left running is heartbeat's own affair.

        So is what it goes on to start for a takeover that it began in silence.
        """
        left = self.heartbeat.leftovers
        left -= {group for group in left if not self.heartbeat.resources.writes(group)}
        excused, self.excused = self.excused, self.excused or bool(left)
        super().check()
        if left and self.excused:
            self.excused = excused
        self.excused = self.excused or (excused and self.heartbeat.is_taking_over)

    def sees_peer(self, host: Host) -> bool:
        """Whether a host's daemon works and hears the other."""
        return host.is_active if isinstance(host, Heartbeat) else super().sees_peer(host)

    def is_settled(self) -> bool:
        """Whether both see each other, are at rest, and each group runs once."""
        once = all(sum(self.serves(h, group) for h in self.hosts) == 1 for group in self.homes)
        node = self.a.node
        idle = node is not None and all(group.deadline is None for group in node.groups)
        return once and idle and all(self.sees_peer(host) for host in self.hosts)

    def where(self) -> dict[GroupName, str]:
        """Which machine wholly runs each group; "" for none."""
        return {
            group: next((host.name for host in self.hosts if self.serves(host, group)), "")
            for group in self.homes
        }


class MixedFaults:
    """Breaks things in a mixed world, counted."""

    def __init__(self, world: MixedWorld) -> None:
        self.world = world
        self.random = world.random
        self.count = 0
        self._jobs = 0
        self._kinds: tuple[Callable[[], str], ...] = (
            self.cut_cable,
            self.cut_everything,
            self.spoil_cable,
            self.spoil_cable,
            self.pause,
            self.kill,
            self.cut_power,
            self.leave,
            self.standby,
            self.standby,
            self.takeover,
            self.takeover,
            self.crossing_words,
            self.break_start,
        )

    def rage(self, span: int, mean_gap: int = 4 * SECOND) -> None:
        """Strike again and again for a span of virtual time."""
        until = self.world.now + span
        while self.world.now < until:
            self.world.run_for(self.random.randrange(mean_gap // 4, 2 * mean_gap))
            what = self.random.choice(self._kinds)()
            if what:
                self.count += 1
                self.world.say(f"{'fault':8} {what}")

    def calm(self) -> None:
        """Mend all; start what does not run."""
        world = self.world
        world.say("calm")
        for key in world.cables:
            world.cables[key] = Cable()
        for host in world.hosts:
            host.resources.start_fails.clear()
            if host.paused:
                host.resume()
            if host.session is None:
                host.start_daemon()

    def _host(self) -> Host:
        return self.random.choice(self.world.hosts)

    def _mend_later(self, key: object) -> None:
        def mend() -> None:
            for cable in self.world.cables:
                if key in (cable, None):
                    self.world.cables[cable] = Cable()

        self.world.after(self.random.randrange(SECOND // 10, 20 * SECOND), mend)

    def cut_cable(self) -> str:
        """One link dead in one direction."""
        key = self.random.choice(tuple(self.world.cables))
        self.world.cables[key] = Cable(is_cut=True)
        self._mend_later(key)
        return f"{key} cut"

    def cut_everything(self) -> str:
        """A partition."""
        for key in self.world.cables:
            self.world.cables[key] = Cable(is_cut=True)
        self._mend_later(None)
        return "every cable cut"

    def spoil_cable(self) -> str:
        """Loss, repetition, delay."""
        key = self.random.choice(tuple(self.world.cables))
        loss, repeat = self.random.choice((0.1, 0.3, 0.7)), self.random.choice((0.0, 0.3))
        slowest = self.random.choice((5, 300, 900)) * MILLISECOND
        self.world.cables[key] = Cable(loss=loss, repeat=repeat, slowest_usec=slowest)
        self._mend_later(key)
        return f"{key} spoilt"

    def pause(self) -> str:
        """A machine stands still; what it would not have done, it may do when it wakes."""
        host = self._host()
        if host.paused or not host.powered:
            return ""
        host.paused = True
        self.world.excused = True
        life = host.life
        span = self.random.choice((1, 2, 3, 8, 20)) * SECOND

        def resume() -> None:
            if host.paused and host.life == life:
                host.resume()

        self.world.after(span, resume)
        return f"{host.name} pauses {span // SECOND} s"

    def _start_later(self, host: Host, soonest: int, latest: int) -> None:
        def start() -> None:
            if host.session is None and not host.paused:
                self.world.say(f"{'fault':8} {host.name} starts")
                host.start_daemon()

        self.world.after(self.random.randrange(soonest, latest), start)

    def kill(self) -> str:
        """SIGKILL to a daemon."""
        host = self._host()
        if host.session is None or host.paused:
            return ""
        if isinstance(host, Heartbeat):
            self.world.excused = True  # its groups run on and nothing stops them
        host.kill_daemon()
        self._start_later(host, SECOND // 10, 12 * SECOND)
        return f"{host.name} daemon killed"

    def cut_power(self) -> str:
        """A machine without power."""
        host = self._host()
        if not host.powered:
            return ""
        host.cut_power()
        self._start_later(host, SECOND, 30 * SECOND)
        return f"{host.name} loses power"

    def leave(self) -> str:
        """A daemon is stopped in good order."""
        host = self._host()
        if host.session is None or host.paused:
            return ""
        if isinstance(host, Heartbeat):
            host.leave()
        else:
            host.post(LeaveRequested())
        self._start_later(host, 5 * SECOND, 30 * SECOND)
        return f"{host.name} leaves"

    def _scope(self) -> Hold:
        return self.random.choice(tuple(HOLDS))

    def standby(self) -> str:
        """hb_standby on either."""
        host, scope = self._host(), self._scope()
        if host.session is None or host.paused:
            return ""
        self._jobs += 1
        if isinstance(host, Heartbeat):
            host.standby(HOLDS[scope])
        else:
            host.post(StandbyRequested(JobId(self._jobs), Scope(scope.value)))
        return f"{host.name} standby {scope.value}"

    def takeover(self) -> str:
        """hb_takeover on either."""
        host, scope = self._host(), self._scope()
        if host.session is None or host.paused:
            return ""
        self._jobs += 1
        if isinstance(host, Heartbeat):
            host.takeover(HOLDS[scope])
        else:
            host.post(TakeoverRequested(JobId(self._jobs), Scope(scope.value)))
        return f"{host.name} takeover {scope.value}"

    def crossing_words(self) -> str:
        """Two or three commands of operators, each before the one before it has come to its end."""

        def give(command: Callable[[], str]) -> None:
            self.world.say(f"{'fault':8} {command()}")

        later = 0
        for _ in range(self.random.randrange(2, 4)):
            command = self.random.choice((self.standby, self.takeover))
            self.world.after(later, partial(give, command))
            later += self.random.randrange(2 * SECOND)
        return "commands that cross each other"

    def break_start(self) -> str:
        """A group that does not start on a machine for a while."""
        host = self._host()
        group = self.random.choice(tuple(self.world.homes))
        host.resources.start_fails.add(group)
        self.world.after(15 * SECOND, lambda: host.resources.start_fails.discard(group))
        return f"{host.name} cannot start {group}"
