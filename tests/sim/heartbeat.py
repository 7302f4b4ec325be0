"""A machine that runs heartbeat 3.0.6 instead of hbd: our own model of its negotiation.

Made from what was observed of the real one, for `auto_failback` on and off: it wakes up to twice a
second, claims shares before it starts them, hears its own messages, has no negative replies, and
restarts itself when a partition heals. A killed daemon leaves its groups running. The wire below
it (numbers, ACKs, retransmission) is our session: both speak the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from hbd.cluster.event import Event
from hbd.cluster.terms import (
    MILLISECOND,
    SECOND,
    AutoFailback,
    Generation,
    GroupName,
    GroupState,
    Instant,
    LinkName,
    NodeName,
    Usec,
)
from hbd.r1.shares import ALL, FOREIGN, LOCAL, NOTHING, Share, hold_of, mirrored, share_of
from hbd.wire import message
from hbd.wire.message import Exchange, Hold, Message, MessageType, NodeState
from hbd.wire.session import Received, Session, Verdict
from tests.sim.host import BUFFERED, KEYRING, Host

if TYPE_CHECKING:
    from tests.sim.world import World

SETTLES = Usec(10 * SECOND)
STANDBY_PATIENCE = Usec(10 * SECOND)
MOVE_PATIENCE = Usec(3600 * SECOND)
SLOWEST_WAKE = 500 * MILLISECOND
FAILED_STANDBY = 30 * SECOND  # after a failed start it goes standby, with the wrong word


class Phase(Enum):
    """Its word is rstate."""

    INIT = "init"
    STARTING = "starting"
    RECEIVED = "received"
    STABLE = "stable"
    SHUTDOWN = "shutdown"


class Standby(Enum):
    """Its part in a hand-over."""

    NOT = "not"
    ME = "me"
    OTHER = "other"
    DONE = "done"


@dataclass
class Job:
    """Resource scripts, one after another; then what follows from their end."""

    verb: str
    groups: list[GroupName]
    then: Callable[[], None]


@dataclass
class Belief:
    """What one life of it knows."""

    began_at: Instant
    status: NodeState = NodeState.UP
    phase: Phase = Phase.INIT
    mine: Share = NOTHING
    theirs: Share = NOTHING
    other_stable: bool = False
    takeover_running: bool = False
    standby: Standby = Standby.NOT
    standby_until: Instant | None = None
    share: Share = NOTHING  # that is on its way, in the giver's words
    needs_failback: bool = False
    failback_due: bool = False  # the other has come to rest
    comm_up: bool = False
    listed: bool = False
    peer_alive: bool | None = None
    heard_at: Instant | None = None
    received_at: Instant | None = None
    spoke_at: Instant | None = None
    asked_at: Instant | None = None
    woke_at: Instant | None = None
    leaving: bool = False
    leave_wished: bool = False
    jobs: deque[Job] = field(default_factory=deque)
    running: Job | None = None
    inbox: deque[Received] = field(default_factory=deque)
    fifo: deque[Share] = field(default_factory=deque)  # what scripts want to give


class Heartbeat(Host):
    """Stands where a `Host` stands; `node` stays None, for it runs no core."""

    def __init__(self, world: World, name: NodeName, peer: NodeName) -> None:
        super().__init__(world, name, peer)
        self.belief: Belief | None = None
        self.leftovers: set[GroupName] = set()  # run by nobody's leave since a kill
        self.unstarted: set[GroupName] = set()  # it says that it holds them, and failed to start

    # --- life -------------------------------------------------------------------------------

    def start_daemon(self) -> None:
        """A new generation, that knows nothing."""
        assert self.session is None, "it runs already"
        self.powered = True
        self.life += 1
        self.generation += 1
        self.session = Session(
            node=self.name,
            peer=self.peer_name,
            uuid=self.name.encode().ljust(16, b"."),
            keyring=KEYRING,
            generation=Generation(self.generation),
            ttl=3,
            max_rexmit_delay_usec=Usec(250 * MILLISECOND),
            seed=self.world.random.randrange(2**32),
        )
        self.belief = Belief(self.world.now)
        self.unstarted.clear()
        self._send(message.status(NodeState.INIT, deadtime_usec=self._deadtime))
        self._rise_later(self.life)

    def kill_daemon(self) -> None:
        """SIGKILL: what it started runs on, and nothing stops it."""
        self.leftovers |= {g for g in self.world.homes if self.resources.writes(g)}
        self._end_life()

    def cut_power(self) -> None:
        """The machine is gone, and all that it ran."""
        super().cut_power()
        self.belief = None

    def _end_life(self) -> None:
        self.session = self.belief = None
        self.life += 1
        self.backlog.clear()

    def leave(self) -> None:
        """SIGTERM: it waits until it is settled."""
        if self.belief is not None:
            self.belief.leave_wished = True

    def resume(self) -> None:
        """What had arrived is in its sockets."""
        self.paused = False
        backlog, self.backlog = self.backlog, []
        for item in backlog:
            if isinstance(item, tuple):
                self.receive(*item)

    def post(self, event: Event) -> None:
        """There is no core here to be told."""

    def sense(self) -> None:
        """It looks at no wire."""

    def clear_leftovers(self) -> None:
        """What an administrator does after a kill: heartbeat only complains of what it left."""
        if self.belief is None or self.belief.running is not None or self.belief.jobs:
            return
        held = self._groups(self.belief.mine)
        for group in self.world.homes:
            if group not in held:
                self.resources.running[group] = GroupState.STOPPED

    @property
    def is_active(self) -> bool:
        """Whether it works and hears the other."""
        belief = self.belief
        if belief is None or self.paused or belief.leaving:
            return False
        return belief.status is NodeState.ACTIVE and belief.peer_alive is True

    @property
    def is_taking_over(self) -> bool:
        """Whether it still starts what it has taken over."""
        return self.belief is not None and self.belief.takeover_running

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for the end of a hand-over, for an hour, whoever is there by now."""
        return self.belief is not None and self.belief.standby in (Standby.OTHER, Standby.DONE)

    @property
    def is_settled(self) -> bool:
        """Whether it would let itself be told to give, or to stop."""
        belief = self.belief
        return (
            belief is not None
            and belief.other_stable
            and not belief.takeover_running
            and belief.standby is Standby.NOT
            and belief.running is None
            and not belief.jobs
            and belief.phase in (Phase.STABLE, Phase.SHUTDOWN, Phase.INIT)
        )

    @property
    def _deadtime(self) -> Usec:
        return self.world.timing.deadtime_usec

    # --- the loop ---------------------------------------------------------------------------

    def receive(self, link: LinkName, data: bytes) -> None:
        """The wire answers at once, the rest of it when it wakes."""
        if self.paused:
            if len(self.backlog) < BUFFERED:
                self.backlog.append((link, data))
            return
        if self.session is None or self.belief is None:
            return
        received = self.session.receive(link, data, self.world.now, self.world.unix_time)
        for reply in received.replies:
            self._transmit(reply)
        if received.verdict in (Verdict.NEW, Verdict.LATE):
            self.belief.inbox.append(received)

    def _rise_later(self, life: int) -> None:
        delay = self.world.random.randrange(20 * MILLISECOND, SLOWEST_WAKE)
        self.world.after(delay, lambda: self._rise(life))

    def _rise(self, life: int) -> None:
        if life != self.life or self.session is None or self.belief is None:
            return
        self._rise_later(life)
        if self.paused:
            return
        now, belief = self.world.now, self.belief
        if belief.woke_at is not None and now - belief.woke_at > self._deadtime:
            self._restart("stood still")
        belief.woke_at = now
        for outgoing in self.session.due(now, self.world.unix_time):
            self._transmit(outgoing)
        while belief.inbox and self.life == life:
            self._hear(belief, belief.inbox.popleft())
        if self.life == life:
            while belief.fifo:
                self._say_me(belief, belief.fifo.popleft())
            self._time(belief, now)
            self._next_job(belief)

    def _time(self, belief: Belief, now: Instant) -> None:
        if belief.spoke_at is None or now - belief.spoke_at >= SECOND - 20 * MILLISECOND:
            belief.spoke_at = now
            self._send(message.status(belief.status, deadtime_usec=self._deadtime))
        since = belief.heard_at or belief.began_at
        patience = self._deadtime if belief.comm_up else self.world.timing.initdead_usec
        if belief.peer_alive is not False and now - since > patience:
            self._peer_dead(belief)
        self._come_up(belief, now)
        settles = belief.received_at is not None and now - belief.received_at >= SETTLES
        if belief.phase is Phase.RECEIVED and settles:
            belief.phase = Phase.STABLE
            self._acquire_local(belief, forced=False)
            self._tell(belief, stable=True)
        if belief.standby_until is not None and now >= belief.standby_until:
            belief.standby, belief.standby_until = Standby.NOT, None
            belief.other_stable = True
        self._fail_back(belief)
        if belief.leave_wished and not belief.leaving and belief.comm_up and self.is_settled:
            self._give_up_all(self._depart)

    def _come_up(self, belief: Belief, now: Instant) -> None:
        belief.comm_up = belief.comm_up or belief.peer_alive is not None
        if not belief.comm_up or belief.status is NodeState.ACTIVE:
            return
        if belief.peer_alive and not belief.listed:
            if belief.asked_at is None or now - belief.asked_at >= SECOND:
                belief.asked_at = now
                self._send(message.reqnodes(self.peer_name))
            return
        belief.status = NodeState.ACTIVE
        self._send(message.status(NodeState.ACTIVE, deadtime_usec=self._deadtime))
        self._send(message.starting())
        if belief.phase is Phase.INIT:
            belief.phase = Phase.STARTING
        if belief.peer_alive is False:
            self._take_over(belief)

    # --- what it hears ----------------------------------------------------------------------

    def _hear(self, belief: Belief, received: Received) -> None:
        heard = received.message
        assert heard is not None, "what is new can be read"
        if heard.known_type is MessageType.STATUS:
            self._hear_status(belief, received)
        elif heard.known_type is MessageType.REPNODES:
            belief.listed = True
        elif heard.known_type is MessageType.SHUTDONE:
            self._hear_shutdone(belief)
        elif not belief.comm_up or belief.status is not NodeState.ACTIVE or belief.leaving:
            return
        elif heard.known_type is MessageType.STARTING:
            belief.other_stable = belief.failback_due = False
            self._tell(belief, stable=belief.phase is Phase.STABLE)
        elif heard.known_type is MessageType.RESOURCE:
            self._hear_resource(belief, heard)
        elif heard.known_type is MessageType.ASK_RESOURCES:
            self._hear_step(belief, heard)
        elif heard.known_type is MessageType.HB_TAKEOVER:
            asked = share_of(heard.hold)
            share = ALL if heard.hold is Hold.FAILBACK else mirrored(asked)
            self._job("run", (), lambda: self.standby(share))

    def _hear_status(self, belief: Belief, received: Received) -> None:
        belief.heard_at = self.world.now
        if belief.peer_alive is False and received.healed:
            self._restart("healed partition")
        elif belief.peer_alive is not True or received.restarted:
            belief.peer_alive = True

    def _hear_shutdone(self, belief: Belief) -> None:
        if belief.leaving or belief.leave_wished or not belief.comm_up:
            return  # what it believes of the other's rest stays, and its own stop waits for that
        belief.theirs = NOTHING
        belief.other_stable = True
        belief.failback_due = False
        self._take_over(belief)

    def _hear_resource(self, belief: Belief, heard: Message) -> None:
        self._has_received(belief)
        told = share_of(heard.hold)
        belief.theirs = told if heard.is_full or not told else belief.theirs | told
        if heard.is_stable and not belief.other_stable:
            belief.other_stable = belief.failback_due = True
            self._tell(belief, stable=belief.phase is Phase.STABLE)
        elif heard.is_stable is False:
            belief.other_stable = False
        if belief.phase not in (Phase.STABLE, Phase.SHUTDOWN) and belief.other_stable:
            self._acquire_local(belief, forced=False)
            belief.phase = Phase.STABLE
            self._tell(belief, stable=True)

    def _has_received(self, belief: Belief) -> None:
        if belief.phase is Phase.STARTING:
            belief.phase = Phase.RECEIVED
            belief.received_at = self.world.now

    # --- hand-overs -------------------------------------------------------------------------

    def standby(self, share: Share) -> None:
        """hb_standby here: a line in its fifo, read when it wakes."""
        if self.belief is not None:
            self.belief.fifo.append(share)

    def _say_me(self, belief: Belief, share: Share) -> None:
        """A script's word goes out before it is looked at: a refusal is a line in its own log."""
        if belief.status is not NodeState.ACTIVE:
            return
        self._send(message.ask_resources(hold_of(share), Exchange.ME))
        ready = belief.other_stable and belief.phase is Phase.STABLE and not belief.leaving
        if not ready or belief.standby is not Standby.NOT:
            return
        belief.standby, belief.share = Standby.ME, share
        belief.other_stable = False
        belief.standby_until = Instant(self.world.now + STANDBY_PATIENCE)

    def takeover(self, share: Share) -> None:
        """hb_takeover here: the other node is asked to go standby."""
        if self.belief is not None and not self.paused:
            self._send(message.hb_takeover(hold_of(share)))

    def _hear_step(self, belief: Belief, heard: Message) -> None:
        share, now = share_of(heard.hold), self.world.now
        match heard.exchange, belief.standby:
            case Exchange.ME, Standby.NOT if belief.other_stable and belief.phase is Phase.STABLE:
                belief.standby, belief.share = Standby.OTHER, share
                belief.other_stable = False
                belief.standby_until = Instant(now + MOVE_PATIENCE)
                self._send(message.ask_resources(heard.hold or Hold.NONE, Exchange.OTHER))
            case Exchange.OTHER, Standby.ME:
                belief.mine -= belief.share
                belief.other_stable = False
                belief.standby_until = Instant(now + MOVE_PATIENCE)
                self._tell(belief, stable=False, info="standby")
                self._job("stop", self._groups(belief.share), lambda: self._released(belief))
            case Exchange.DONE, Standby.OTHER:
                belief.standby = Standby.DONE
                taken = mirrored(belief.share)
                self._job("start", self._groups(taken), lambda: self._acquired(belief, taken))
            case Exchange.DONE, Standby.DONE:
                self._close(belief)
            case _:
                pass  # logged and ignored

    def _released(self, belief: Belief) -> None:
        belief.standby = Standby.DONE
        self._send(message.ask_resources(hold_of(belief.share), Exchange.DONE))

    def _acquired(self, belief: Belief, taken: Share) -> None:
        belief.mine |= taken
        self._tell(belief, stable=True)
        self._send(message.ask_resources(hold_of(belief.share), Exchange.DONE))
        self._close(belief)

    def _close(self, belief: Belief) -> None:
        belief.standby, belief.standby_until = Standby.NOT, None
        belief.other_stable = True
        self._tell(belief, stable=True)

    def _fail_back(self, belief: Belief) -> None:
        on = self.world.auto_failback is AutoFailback.ON
        due = on and belief.failback_due and belief.needs_failback and Hold.FOREIGN in belief.mine
        if due and belief.phase is Phase.STABLE and belief.peer_alive and self.is_settled:
            belief.needs_failback = belief.failback_due = False
            self._say_me(belief, FOREIGN)

    # --- death ------------------------------------------------------------------------------

    def _peer_dead(self, belief: Belief) -> None:
        assert self.session is not None, "only a life that runs notices"
        self.session.peer_lost()
        self.world.say(f"{self.name:8} heartbeat: {self.peer_name} is dead")
        belief.peer_alive = False
        belief.comm_up = True
        if belief.leaving:
            return
        belief.standby, belief.standby_until = Standby.NOT, None
        belief.needs_failback = True
        belief.failback_due = False
        if belief.status is NodeState.ACTIVE:
            self._take_over(belief)

    def _take_over(self, belief: Belief) -> None:
        """Silence is death to it, and so is a goodbye; but not once it is told to stop."""
        if belief.leaving or belief.leave_wished:
            return
        other = self.world.other(self)
        if other.powered and not self._has_left(other):
            self.world.excused = True
        belief.mine |= FOREIGN
        belief.theirs = NOTHING
        belief.other_stable = True
        belief.takeover_running = True
        if belief.phase in (Phase.STARTING, Phase.RECEIVED):
            belief.phase = Phase.STABLE
        self._acquire_local(belief, forced=True)
        self._job("start", self._groups(FOREIGN), lambda: self._mach_down(belief))

    @staticmethod
    def _has_left(other: Host) -> bool:
        return not any(other.resources.writes(group) for group in other.world.homes)

    def _mach_down(self, belief: Belief) -> None:
        belief.takeover_running = False
        belief.mine |= FOREIGN
        belief.needs_failback = True
        belief.other_stable = True
        script_made = message.Message(
            tuple(
                message.text_field(name, value)
                for name, value in (
                    ("t", "resource"),
                    ("rsc_hold", "foreign"),
                    ("info", "mach_down"),
                )
            )
        )
        self._send(script_made)

    def _acquire_local(self, belief: Belief, *, forced: bool) -> None:
        taken = Hold.FOREIGN in belief.theirs or Hold.LOCAL in belief.mine
        if not forced and taken and belief.standby is Standby.NOT:
            return
        belief.mine |= LOCAL
        self._job("start", self._groups(LOCAL), lambda: None)
        self._tell(belief, stable=True, info="req_our_resources()")

    # --- leaving ----------------------------------------------------------------------------

    def _give_up_all(self, then: Callable[[], None]) -> None:
        belief = self.belief
        assert belief is not None, "only a life that runs can end"
        if belief.leaving:
            return
        belief.leaving = True
        belief.mine = NOTHING
        belief.phase = Phase.SHUTDOWN
        self._tell(belief, stable=False, info="shutdown")
        belief.jobs.clear()
        self._job("stop", list(self.world.homes), then)

    def _depart(self) -> None:
        life = self.life
        self._send(message.shutdone())

        def end() -> None:
            if self.life == life:
                self.world.say(f"{self.name:8} heartbeat has stopped")
                self._end_life()

        self.world.after(2 * SECOND, end)

    def _restart(self, why: str) -> None:
        """Give up everything and begin anew: after a healed partition, or a standstill."""
        if self.belief is None or self.belief.leaving:
            return
        self.world.say(f"{self.name:8} heartbeat: {why}, restarts itself")
        life = self.life

        def again() -> None:
            self._send(message.shutdone())
            longer = Usec(self._deadtime + 30 * SECOND)
            self._send(message.status(NodeState.ACTIVE, deadtime_usec=longer))
            self.world.after(self._deadtime + SECOND, begin)

        def begin() -> None:
            if self.life == life:
                self._end_life()
                self.start_daemon()

        self._later_in_life(2 * SECOND, lambda: self._give_up_all(again))

    def _later_in_life(self, delay: int, call: Callable[[], None]) -> None:
        life = self.life

        def do() -> None:
            if self.life == life:
                call()

        self.world.after(delay, do)

    # --- doing and saying -------------------------------------------------------------------

    def _groups(self, share: Share) -> list[GroupName]:
        sides = {True: LOCAL, False: FOREIGN}
        return [g for g, home in self.world.homes.items() if sides[home == self.name] <= share]

    def _job(self, verb: str, groups: Iterable[GroupName], then: Callable[[], None]) -> None:
        belief = self.belief
        assert belief is not None, "only a life that runs has jobs"
        belief.jobs.append(Job(verb, list(groups), then))

    def _next_job(self, belief: Belief) -> None:
        if belief.running is None and belief.jobs:
            belief.running = belief.jobs.popleft()
            life, takes = self.life, self._script_takes() if belief.running.verb == "run" else 0
            self.world.after(takes, lambda: self._work(belief, life))

    def _script_takes(self) -> int:
        return self.world.random.randrange(20 * MILLISECOND, 400 * MILLISECOND)

    def _work(self, belief: Belief, life: int) -> None:
        """One script after another; a killed daemon's scripts end with it."""
        if self.life != life or belief.running is None:
            return
        job = belief.running
        if self.paused:
            self.world.after(100 * MILLISECOND, lambda: self._work(belief, life))
            return
        if not job.groups:
            belief.running = None
            job.then()
            return
        group = job.groups.pop(0)
        running = self.resources.running
        idle = GroupState.STOPPED if job.verb == "stop" else GroupState.STARTED
        if running[group] is not idle:
            running[group] = GroupState.PARTIAL
            self.world.after(self._script_takes(), lambda: self._worked(belief, life, group, idle))
            return
        self._work(belief, life)

    def _worked(self, belief: Belief, life: int, group: GroupName, now: GroupState) -> None:
        if self.life != life or not self.powered:
            return
        fails = group in self.resources.start_fails or not self.disks.admits(group)
        if now is GroupState.STARTED and fails:
            now = GroupState.STOPPED
            self.unstarted.add(group)
            self._later_in_life(FAILED_STANDBY, lambda: self.standby(FOREIGN))
        if now is GroupState.STARTED:
            self.unstarted.discard(group)
        self.resources.running[group] = now
        self._work(belief, life)

    def _tell(self, belief: Belief, *, stable: bool, info: str | None = None) -> None:
        self._send(message.resource(hold_of(belief.mine), is_stable=stable, info=info))

    def _send(self, words: Message) -> None:
        if self.session is None or self.paused:
            return
        if words.known_type is MessageType.RESOURCE and self.belief is not None:
            self._has_received(self.belief)  # it hears itself first
        outgoing = self.session.send(
            words,
            now=self.world.now,
            unix_time=self.world.unix_time,
            load_average="0.00 0.00 0.00 1/1 1",
        )
        self._transmit(outgoing)
