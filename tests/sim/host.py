"""One simulated machine: the real core and the real wire protocol over a modelled world.

What a machine runs (`runs`) is the truth the checkers look at; what its daemon believes is the
core's affair. Starts and stops take time, fail and hang as the world's dice say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from hbd.cluster.action import (
    Action,
    Announce,
    Fence,
    FinishJob,
    ForgetGroup,
    ForgetPeerSequence,
    KeepMaintenance,
    ObserveGroup,
    ProveAlive,
    Quit,
    Reboot,
    ReviseGroup,
    SayGoodbye,
    SendHeartbeat,
    StartGroup,
    StopGroup,
)
from hbd.cluster.change import changes
from hbd.cluster.event import (
    ClockTicked,
    ConfigurationChanged,
    DiskFound,
    DiskLost,
    Event,
    GroupDefinition,
    GroupObserved,
    GroupStarted,
    GroupStartFailed,
    GroupStopFailed,
    GroupStopped,
    LifeRenewed,
    LineChanged,
    LinkDefinition,
    LinkHeard,
)
from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.cluster.node import Link, Node, new_node
from hbd.cluster.step import next_deadline, step
from hbd.cluster.terms import (
    MILLISECOND,
    SECOND,
    Generation,
    GroupName,
    GroupState,
    JobId,
    JobResult,
    LineState,
    LinkName,
    NodeName,
    Usec,
)
from hbd.cluster.timing import Timing
from hbd.link.speech import event_of
from hbd.r1.translator import Heard, Heeded, Translator
from hbd.wire.message import Message
from hbd.wire.session import Kind, Outgoing, Session
from tests.sim.disk import LOOK_EVERY, Disks, DiskView

if TYPE_CHECKING:
    from tests.sim.world import World

KEYRING = Keyring((Key(1, AuthMethod.CRC, b""),), 1)
ADDRESS_IN_USE = "somebody answers for the address"
PROBED_FOR = 90 * MILLISECOND  # as hbd.net.probe does before it believes the silence
BUFFERED = 100  # datagrams a paused machine's sockets hold for it


@dataclass
class Resources:
    """What really runs on a machine, and what goes wrong when it is told to change."""

    running: dict[GroupName, GroupState] = field(default_factory=dict)
    start_fails: set[GroupName] = field(default_factory=set)
    stop_fails: set[GroupName] = field(default_factory=set)
    hangs: set[GroupName] = field(default_factory=set)
    answers: set[GroupName] = field(default_factory=set)  # whose address is on this machine

    def writes(self, group: GroupName) -> bool:
        """Whether anything of the group runs: its disk may be written."""
        return self.running[group] is not GroupState.STOPPED

    def stopped(self, group: GroupName) -> None:
        """All of it is gone."""
        self.running[group] = GroupState.STOPPED
        self.answers.discard(group)


class Host:
    """A machine with power or without, its daemon running, paused or gone."""

    def __init__(self, world: World, name: NodeName, peer: NodeName) -> None:
        self.world = world
        self.name = name
        self.peer_name = peer
        self.resources = Resources(dict.fromkeys(world.homes, GroupState.STOPPED))
        self.generation = 0
        self.powered = False
        self.paused = False
        self.life = 0  # of the daemon; late timers and answers of an older one are void
        self.timer = 0
        self.node: Node | None = None
        self.session: Session | None = None
        self.translator: Translator | None = None
        self.backlog: list[tuple[LinkName, bytes] | Event] = []
        self.jobs: dict[JobId, JobResult] = {}
        self.leaving = False
        self.maintenance = False  # on its disk: a new life of the daemon reads it
        self.disks = Disks(self)
        self.wires: dict[LinkName, LineState] = {}  # as last told to the daemon
        self.lan_cut = False
        self.awake_since = world.now
        self.lines = world.lines()  # its haresources
        self.timing = world.timing  # its ha.cf

    # --- life -------------------------------------------------------------------------------

    def start_daemon(self) -> None:
        """The daemon starts: a new generation that observes what the machine runs."""
        assert self.node is None, "it runs already"
        self.powered = True
        self.life += 1
        self.generation += 1
        world = self.world
        self.leaving = False
        self.session = Session(
            node=self.name,
            peer=self.peer_name,
            uuid=self.name.encode().ljust(16, b"."),
            keyring=KEYRING,
            generation=Generation(self.generation),
            ttl=3,
            max_rexmit_delay_usec=Usec(250 * MILLISECOND),
            seed=world.random.randrange(2**32),
        )
        self.node = new_node(
            name=self.name,
            generation=Generation(self.generation),
            peer=self.peer_name,
            timing=self.timing,
            auto_failback=world.auto_failback,
            links=[Link(name) for name in world.links],
            groups=[(group, world.homes[group], texts) for group, texts in self.lines.items()],
            now=world.now,
            maintenance=self.maintenance,
            fencing=world.policy,
            has_stonith=world.has_switch,
        )
        if world.has_ping:
            ping = Link(world.ping, leads_to_peer=False)
            self.node = replace(self.node, links=(*self.node.links, ping))
        self.translator = Translator(self.node)
        self.awake_since = world.now
        self.wires.clear()
        self.disks.views = {}
        self.post(ClockTicked())
        for group in world.homes:
            self._meet_disk(group)
        self._look_again(self.life)
        for group in self.lines:
            self._act(ObserveGroup(group))
        for group in self.world.homes.keys() - self.lines.keys():
            self._release_orphan(group)

    def _release_orphan(self, group: GroupName) -> None:
        """The daemon's set-up stops what no line has any more."""

        def released() -> Event | None:
            if group not in self.lines:
                self.resources.stopped(group)
                self.disks.forget(group)
                self.disks.release(group)
            return None

        self._later(released)

    def reload(self, lines: Mapping[GroupName, tuple[str, ...]], timing: Timing) -> None:
        """The files say this now, and the daemon that runs is told to read them."""
        assert self.node is not None, "only a running daemon reloads"
        assert not self.paused, "only a running machine does anything"
        self.lines, self.timing = dict(lines), timing
        definitions = tuple(
            GroupDefinition(name, self.world.homes[name], texts, self._kept(self.node, name, texts))
            for name, texts in lines.items()
        )
        links = tuple(LinkDefinition(name) for name in self.world.links)
        failback = self.world.auto_failback
        self.post(ConfigurationChanged(timing, failback, links, definitions))

    @staticmethod
    def _kept(node: Node, name: GroupName, texts: tuple[str, ...]) -> int:
        group = node.group(name)
        known = () if group is None else tuple(resource.text for resource in group.resources)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(known, texts, strict=False))
        return sum(1 for _ in same)

    def _meet_disk(self, group: GroupName) -> None:
        """The daemon finds out what a group's disk can do, and begins to look at it."""
        link = LinkName(f"disk-{group}") if group in self.world.disks else None
        if link is not None and group not in self.disks.views:
            self.disks.views[group] = DiskView(link)
            if self.resources.writes(group) and not self.disks.holds(group):
                self.disks.views[group].stale_since = self.world.now
        self.post(DiskFound(group, link is not None, link))

    def _look_again(self, life: int) -> None:
        """Once a second, while the daemon lives: the disks, the wires and the ping node."""
        if self.life != life or self.node is None:
            return
        if not self.paused:
            self.disks.look()
            self.sense()
            if self.world.has_ping and not self.lan_cut and self.life == life:
                self.post(LinkHeard(self.world.ping))
        self.world.after(LOOK_EVERY, lambda: self._look_again(life))

    def sense(self) -> None:
        """Tell the daemon what the wires say by themselves."""
        for link in self.world.links:
            line = self.world.line(self, link)
            if self.wires.get(link) is not line and self.node is not None and not self.paused:
                self.wires[link] = line
                self.post(LineChanged(link, line))

    def kill_daemon(self) -> None:
        """SIGKILL: what runs goes on running, until the dead man's switch fires."""
        self.node = None
        self.session = None
        self.life += 1
        self.backlog.clear()
        life = self.life
        self.world.after(self.world.timing.deadtime_usec // 2, lambda: self._dead_man(life))

    def _dead_man(self, life: int) -> None:
        """The addresses go in any case; what cannot be stopped is not stopped by systemd either."""
        if self.node is not None or not self.powered or self.life != life:
            return
        if self.paused:
            self.world.after(100 * MILLISECOND, lambda: self._dead_man(life))
            return
        stuck = self.resources.hangs | self.resources.stop_fails
        left = [group for group in self.world.homes if self.resources.writes(group)]
        self.resources.answers.clear()
        for group in self.world.homes:
            if group not in stuck:
                self._end(group)
            elif group in left:
                self.resources.running[group] = GroupState.PARTIAL
        told = ", ".join(group for group in left if group in stuck)
        what = f"{told} cannot be stopped" if told else "everything it held is stopped"
        self.world.say(f"{self.name:8} dead man: {what}")

    def _stop_all(self) -> None:
        for group in self.world.homes:
            self._end(group)

    def _end(self, group: GroupName) -> None:
        self.resources.stopped(group)
        self.disks.forget(group)

    def cut_power(self) -> None:
        """The machine is gone at once, and with it everything it ran."""
        self.node = None
        self.session = None
        self.life += 1
        self.backlog.clear()
        self.powered = False
        self.paused = False
        self._stop_all()
        self.world.after(5 * MILLISECOND, self.world.other(self).sense)

    def resume(self) -> None:
        """A paused machine goes on where it stood; what arrived meanwhile is in its sockets."""
        self.paused = False
        self.awake_since = self.world.now
        backlog, self.backlog = self.backlog, []
        if self.world.random.random() < 0.5:
            self._tick()
        for item in backlog:
            if isinstance(item, tuple):
                self.receive(*item)
            else:
                self.post(item)
        self._tick()
        if self.node is not None:  # every timer is overdue: the disks are looked at, too
            self.disks.look()

    def _tick(self) -> None:
        if self.node is not None:
            self.post(ClockTicked())

    # --- events -----------------------------------------------------------------------------

    def post(self, event: Event) -> None:
        """Give the core one event and do what it asks."""
        if self.paused:
            self.backlog.append(event)
            return
        if self.node is None:
            return
        before = self.node
        life = self.life
        taken = step(before, event, self.world.now)
        self.node = taken.node
        assert self.translator is not None, "a node that runs has one"
        heeded = self.translator.heed(taken.node, self.world.now)
        self.world.trace(self, changes(before, taken.node))
        for heed in self.world.heeders:
            heed(before, event, taken)
        for action in taken.actions:
            if self.life == life:
                self._act(action)
        if self.life == life:
            self._negotiate(heeded)
        self._arm()

    def _negotiate(self, heeded: Heeded) -> None:
        """Say to a heartbeat peer what follows, and begin a new life on the wire."""
        for words in heeded.messages:
            self._send(words)
        for event in heeded.events:
            self.post(event)
        if heeded.renews and self.session is not None and self.translator is not None:
            self.generation += 1
            self.session.renew(Generation(self.generation))
            self.translator.renewed()
            self.post(LifeRenewed(Generation(self.generation)))

    def receive(self, link: LinkName, data: bytes) -> None:
        """One datagram or serial message came in."""
        if self.paused:
            if len(self.backlog) < BUFFERED:
                self.backlog.append((link, data))
            return
        if self.session is None:
            return
        received = self.session.receive(link, data, self.world.now, self.world.unix_time)
        for reply in received.replies:
            self._transmit(reply)
        assert self.translator is not None, "a node that runs has one"
        self.translator.recognise(received)
        if self.translator.is_heartbeat:
            event = self.translator.hear(Heard(link, received), self.world.now)
        else:
            event = event_of(link, received)
        if event is not None:
            self.post(event)

    def _arm(self) -> None:
        if self.node is None or self.session is None:
            return
        self.timer += 1
        timer, life = self.timer, self.life
        due = self.session.next_due()
        also = self.translator.next_due() if self.translator is not None else None
        moments = [next_deadline(self.node), due, also]
        moment = min(moment for moment in moments if moment is not None)
        delay = max(0, moment - self.world.now) + self.world.random.randrange(2000)
        self.world.after(delay, lambda: self._wake(timer, life))

    def _wake(self, timer: int, life: int) -> None:
        if timer != self.timer or life != self.life or self.session is None or self.paused:
            return
        for outgoing in self.session.due(self.world.now, self.world.unix_time):
            self._transmit(outgoing)
        self._tick()

    # --- actions ----------------------------------------------------------------------------

    def _act(self, action: Action) -> None:
        match action:
            case SendHeartbeat() | Announce() | SayGoodbye():
                assert self.translator is not None, "only a running daemon acts"
                words = self.translator.message(action, self.world.speech[self.name].message)
                if words is not None:
                    self._send(words)
            case ForgetPeerSequence():
                assert self.session is not None, "only a running daemon acts"
                self.session.peer_lost()
            case ObserveGroup():
                found = self.node.group(action.group) if self.node is not None else None
                self._observe(action.group, 0 if found is None else found.definition)
            case ReviseGroup():
                if self.resources.writes(action.group):  # by another definition: not whole
                    self.resources.running[action.group] = GroupState.PARTIAL
                self._meet_disk(action.group)
                self._observe(action.group, action.definition)
            case ForgetGroup():
                if self.resources.writes(action.group):
                    self.world.fail(f"{self.name} forgets {action.group}, which runs")
            case StartGroup():
                self._start(action)
            case StopGroup():
                self._stop(action)
            case Fence():
                self.world.fence(self, action)
            case Reboot():
                self.world.say(f"{self.name:8} reboots: {action.why}")
                for group in self.world.homes:
                    self.disks.give_up(group)
                self.cut_power()
                self.world.after(8 * SECOND, self._boot)
            case FinishJob():
                self.jobs[action.job] = action.result
            case KeepMaintenance():
                self.maintenance = action.on
            case ProveAlive():
                pass
            case Quit():
                self.node = None
                self.session = None
                self.life += 1

    def _send(self, words: Message) -> None:
        assert self.session is not None, "only a running daemon speaks"
        self._transmit(
            self.session.send(
                words,
                now=self.world.now,
                unix_time=self.world.unix_time,
                load_average="0.00 0.00 0.00 1/1 1",
            )
        )

    def _boot(self) -> None:
        if self.node is None and not self.powered:
            self.world.say(f"{self.name:8} has booted")
            self.start_daemon()

    def _observe(self, group: GroupName, definition: int) -> None:
        self._later(lambda: self._observed(group, definition))

    def _observed(self, group: GroupName, definition: int) -> Event:
        """What is true of a group, its disk included: what the disk refuses does not serve."""
        state = self.resources.running[group]
        if state is GroupState.STOPPED:
            self.disks.release(group)
        elif not self.disks.holds(group):
            self.post(DiskLost(group, "another machine is registered"))
            state = GroupState.PARTIAL
        return GroupObserved(group, state, definition)

    def _transmit(self, outgoing: Outgoing) -> None:
        for link in self.world.links:
            data = outgoing.classic if "tty" in link else outgoing.netstring
            self.world.carry(self, link, data, is_status=outgoing.kind is Kind.STATUS)

    def _start(self, action: StartGroup) -> None:
        group = action.group
        if group not in self.resources.answers and self.world.answers(self, group):
            refused = GroupStartFailed(group, action.operation, ADDRESS_IN_USE, is_in_use=True)
            self._later(lambda: refused)
            return
        if not self.disks.holds(group):  # whatever is mounted was mounted in another time
            self._end(group)
        if not self.disks.claim(group):
            self._later(lambda: GroupStartFailed(group, action.operation, "no way to the disk"))
            return
        self.resources.running[group] = GroupState.PARTIAL
        self._put_on_address(action)
        if group in self.resources.hangs:
            return
        if group in self.resources.start_fails:
            self._later(lambda: GroupStartFailed(group, action.operation, "will not start"))
            return

        def started() -> Event | None:
            if self._is_current(group, action.operation):
                self.resources.running[group] = GroupState.STARTED
            return GroupStarted(group, action.operation)

        self._later(started)

    def _put_on_address(self, action: StartGroup) -> None:
        """Nobody has answered for it: it is here when that has been waited for."""
        life = self.life

        def put_on() -> None:
            if self.life == life and self._is_current(action.group, action.operation):
                self.resources.answers.add(action.group)

        self.world.after(PROBED_FOR, put_on)

    def _stop(self, action: StopGroup) -> None:
        group = action.group
        if self.resources.writes(group):
            self.resources.running[group] = GroupState.PARTIAL
        if group in self.resources.hangs:
            return
        if group in self.resources.stop_fails or self.disks.is_cut(group):

            def failed() -> Event | None:
                if not action.leave:  # the address is left of the disk, and goes all the same
                    self.resources.answers.discard(group)
                return GroupStopFailed(group, action.operation, "will not stop")

            self._later(failed)
            return

        def stopped() -> Event | None:
            if self._is_current(group, action.operation) and not action.leave:
                self._end(group)
                self.disks.release(group)
            return GroupStopped(group, action.operation)

        self._later(stopped)

    def _is_current(self, group: GroupName, operation: int) -> bool:
        """Whether no newer start or stop has taken the place of this one."""
        found = self.node.group(group) if self.node is not None else None
        return found is not None and found.operation == operation

    def _later(self, answer: Callable[[], Event | None]) -> None:
        """Answer after a while, unless the machine or the daemon is gone by then."""
        life = self.life
        delay = self.world.random.randrange(20 * MILLISECOND, 400 * MILLISECOND)

        def deliver() -> None:
            if self.life != life or self.node is None:
                return
            if self.paused:  # the whole machine stood still: its jobs too
                self.world.after(100 * MILLISECOND, deliver)
                return
            event = answer()
            if event is not None:
                self.post(event)

        self.world.after(delay, deliver)
