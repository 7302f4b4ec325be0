"""A seeded world with virtual time: two hosts, the cables between them, a fence device, dice.

Everything that happens comes out of one random generator and one event queue, so a seed is a
story. After every event the checkers look at what the machines really run.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from random import Random

from hbd.cluster import terms
from hbd.cluster.action import Fence
from hbd.cluster.change import Change
from hbd.cluster.event import Event, FenceConfirmed, FenceFailed
from hbd.cluster.node import Node, Step
from hbd.cluster.terms import (
    MILLISECOND,
    SECOND,
    AutoFailback,
    GroupName,
    GroupState,
    Instant,
    LineState,
    LinkName,
    Means,
    NodeName,
    PeerStatus,
    Phase,
    Usec,
)
from hbd.cluster.timing import Timing
from hbd.link.speech import Speech
from tests.sim.disk import LOOK_EVERY, SLOWEST_LOOK, SharedDisk
from tests.sim.host import ADDRESS_IN_USE, Host

A = NodeName("ttisrv1")
B = NodeName("ttisrv2")
ETHERNET = LinkName("eth1")
SERIAL = LinkName("/dev/ttyS0")
DISK = GroupName("disk")
MAIL = GroupName("mail")


class Fencing(Enum):
    """What confirms that a lost peer is off."""

    NONE = "none"  # the administrator's word, given at once
    POWER = "power"  # a switch that really cuts the power, when it works
    RESERVATION = "reservation"  # every disk carries reservations
    REQUIRED = "required"  # one disk carries reservations, the other needs the switch


class Violation(AssertionError):
    """Something happened that must never happen; the message holds seed and trace."""


class TwoWriters(Violation):
    """Both machines run a group: `served` did already when `other` began to."""

    def __init__(self, what: str, served: NodeName, other: NodeName) -> None:
        super().__init__(what)
        self.served = served
        self.other = other


@dataclass
class Cable:
    """One direction of one link."""

    is_cut: bool = False
    loss: float = 0.0
    repeat: float = 0.0
    slowest_usec: int = 3 * MILLISECOND


class World:
    """Two machines and everything between them."""

    def __init__(
        self,
        seed: int = 0,
        *,
        homes: dict[GroupName, NodeName] | None = None,
        auto_failback: AutoFailback = AutoFailback.ON,
        fencing: Fencing = Fencing.NONE,
        has_ping: bool = False,
        is_strict: bool = False,
    ) -> None:
        """`is_strict`: two writers are an end (`TwoWriters`) where nothing protects, too."""
        self.seed = seed
        self.random = Random(seed)
        self.homes = homes if homes is not None else {DISK: A}
        self.auto_failback = auto_failback
        self.fencing = fencing
        self.fence_works = True
        self.has_ping = has_ping
        self.has_switch = fencing in (Fencing.POWER, Fencing.REQUIRED)
        self.policy = {Fencing.REQUIRED: terms.Fencing.REQUIRED}.get(fencing, terms.Fencing.AUTO)
        reserved = {Fencing.RESERVATION: tuple(self.homes), Fencing.REQUIRED: (DISK,)}
        self.disks = {group: SharedDisk() for group in reserved.get(fencing, ())}
        self.ping = LinkName("gateway")
        self.timing = Timing(
            keepalive_usec=SECOND,
            warntime_usec=Usec(5 * SECOND // 2),
            deadtime_usec=Usec(5 * SECOND),
            initdead_usec=Usec(12 * SECOND),
        )
        self.links = (ETHERNET, SERIAL)
        self.now = Instant(1_000 * SECOND)
        self.story: list[str] = []
        self.heeders: list[Callable[[Node, Event, Step], None]] = []  # told of every step
        self.arrived: dict[NodeName, Instant] = {}  # when a status last reached a machine
        self.excused = False  # an unproven fencing let both run: the classic set-up's weakness
        self.split_brains = 0
        self._is_strict = is_strict
        self._served: dict[GroupName, NodeName] = {}  # who was last the only one to run a group
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self.speech = {name: Speech(name, self.homes) for name in (A, B)}
        self.a, self.b = Host(self, A, B), Host(self, B, A)
        self.cables = {(sender, link): Cable() for sender in (A, B) for link in self.links}

    @property
    def hosts(self) -> tuple[Host, Host]:
        """Both machines."""
        return (self.a, self.b)

    @property
    def unix_time(self) -> int:
        """Wall time, for messages only: no decision may depend on it."""
        return 1_700_000_000 + self.now // SECOND

    def lines(self) -> dict[GroupName, tuple[str, ...]]:
        """What both haresources should say, and say at the beginning: each group's resources."""
        return {group: (f"{group}-disk", f"{group}-server") for group in self.homes}

    def other(self, host: Host) -> Host:
        """The machine that is not this one."""
        return self.b if host is self.a else self.a

    # --- time -------------------------------------------------------------------------------

    def after(self, delay_usec: int, call: Callable[[], None]) -> None:
        """Let something happen later."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + delay_usec, self._count, call))

    def run_for(self, span: int) -> None:
        """Let virtual time pass, checking after every event."""
        until = self.now + span
        while self._queue and self._queue[0][0] <= until:
            moment, _, call = heapq.heappop(self._queue)
            self.now = Instant(max(self.now, moment))
            call()
            self.check()
        self.now = Instant(until)

    def run_until(self, condition: Callable[[], bool], within: int) -> None:
        """Let time pass until the condition holds; a Violation if it never does."""
        until = self.now + within
        while not condition():
            if not self._queue or self._queue[0][0] > until:
                self.fail(f"not reached within {within / SECOND:.0f} s")
            self.run_for(max(0, self._queue[0][0] - self.now))

    # --- the wires and the switch -----------------------------------------------------------

    def carry(self, sender: Host, link: LinkName, data: bytes, *, is_status: bool) -> None:
        """Lose, delay, repeat or deliver one message."""
        cable = self.cables[sender.name, link]
        if cable.is_cut or self.random.random() < cable.loss:
            return
        copies = 2 if self.random.random() < cable.repeat else 1
        receiver = self.other(sender)
        for _ in range(copies):
            delay = self.random.randrange(200, cable.slowest_usec)
            self.after(delay, partial(self._deliver, receiver, link, data, is_status))

    def _deliver(self, receiver: Host, link: LinkName, data: bytes, is_status: bool) -> None:
        if is_status:
            self.arrived[receiver.name] = self.now
        receiver.receive(link, data)

    def line(self, host: Host, link: LinkName) -> LineState:
        """What a wire says: a serial one tells a peer that listens, Ethernet only a dead one."""
        other = self.other(host)
        unplugged = all(self.cables[name, link].is_cut for name in (A, B))
        if unplugged or not other.powered:
            return LineState.DEAD
        if link == SERIAL:
            return LineState.LIVE if other.node is not None else LineState.DEAD
        return LineState.UNKNOWN

    def fence(self, asker: Host, action: Fence) -> None:
        """The peer is to be made unable to write."""
        target = self.other(asker)
        if action.means is Means.RESERVATION:
            self._reserve(asker, action)
        elif action.means is Means.NONE:
            assert self.fencing is Fencing.NONE, "protection is never forgone"
            self._ask_addresses(asker, action)
        elif self.fence_works:
            self.say(f"{'fence':8} power of {target.name} cut")
            target.cut_power()
            asker.post(FenceConfirmed(target.name, proven=True))
        else:
            asker.post(FenceFailed(target.name, "the switch does not answer"))

    def _ask_addresses(self, asker: Host, action: Fence) -> None:
        """Silence is enough, unless somebody answers for an address that is about to be taken."""
        target, life = self.other(asker), asker.life
        self._check_haste(asker, target)
        is_answered = any(self.answers(asker, group) for group in action.groups)

        def answer() -> None:
            if asker.life != life or asker.node is None:
                return
            if is_answered:
                asker.post(FenceFailed(action.target, ADDRESS_IN_USE))
                return
            if asker.node.peer.status is PeerStatus.LOST:
                self.excused = self.excused or target.powered
            asker.post(FenceConfirmed(action.target, proven=False))

        self.after(self.random.randrange(90 * MILLISECOND, 150 * MILLISECOND), answer)

    def answers(self, asker: Host, group: GroupName) -> bool:
        """Whether a probe of the group's address on the LAN (ARP) is answered."""
        target = self.other(asker)
        reached = not (target.lan_cut or asker.lan_cut)
        stands = target.paused or not target.powered
        return reached and not stands and group in target.resources.answers

    def _reserve(self, asker: Host, action: Fence) -> None:
        """The disks are asked, a little later; whatever has become true meanwhile."""
        life = asker.life

        def claim() -> None:
            if asker.life != life or asker.node is None:
                return
            if asker.paused:
                self.after(100 * MILLISECOND, claim)
                return
            held = {group for group in action.groups if asker.disks.holds(group)}
            why_needless = self._why_needless(asker, action)
            if all(asker.disks.secure(group) for group in sorted(action.groups)):
                if why_needless:
                    self.fail(why_needless)
                asker.post(FenceConfirmed(action.target, proven=True, groups=action.groups))
                return
            for group in action.groups:
                if group not in held and not asker.resources.writes(group):
                    asker.disks.release(group)
            asker.post(FenceFailed(action.target, "no way to the disk, or its holder lives"))

        self.after(self.random.randrange(5 * MILLISECOND, 200 * MILLISECOND), claim)

    def _why_needless(self, asker: Host, action: Fence) -> str:
        """Nothing may be taken from whom this machine can see renew its registration; else why.

        But for one who lost power to all appearance: both wires are dead, and it stood still.
        """
        dark = all(line is LineState.DEAD for line in asker.wires.values())
        wait = 2 * SECOND if dark else self.timing.deadtime_usec
        for group in action.groups:
            disk, view = self.disks.get(group), asker.disks.views.get(group)
            if disk is None or view is None or disk.renewed_at is None or view.silent_looks:
                continue
            assert disk.renewing_since is not None, "what was renewed began once"
            seen_for = self.now - max(disk.renewing_since, asker.awake_since)
            if seen_for < 2 * LOOK_EVERY + SLOWEST_LOOK:
                continue  # it came back, or this machine did, too late to be seen moving
            silence = self.now - disk.renewed_at
            if disk.holder == action.target and silence < wait - 2 * SECOND:
                return f"{action.target} fenced {silence} µs after it renewed {group}"
        return ""

    def _check_haste(self, asker: Host, target: Host) -> None:
        """Nobody may be thought lost whose word reached this machine within deadtime.

        Not even when the machine stood still then: what waits in its sockets is to be heard first.
        The allowance is for a word that was so slow that a newer one had overtaken it.
        """
        arrived = self.arrived.get(asker.name)
        if target.powered and arrived is not None:
            silence = self.now - arrived
            if silence < self.timing.deadtime_usec - 2 * SECOND:
                self.fail(f"{target.name} thought lost after {silence} µs of silence")

    # --- truth ------------------------------------------------------------------------------

    def check(self) -> None:
        """No disk has two writers, except where nothing but a word stood against it."""
        for host in self.hosts:
            host.disks.check()
        for group in self.homes:
            if group in self.disks:
                continue  # it takes the writes of one; that no mount is stale is checked above
            writers = [host.name for host in self.hosts if host.resources.writes(group)]
            if len(writers) == 1:
                self._served[group] = writers[0]
            elif len(writers) > 1:
                if self._is_strict:
                    served = self._served[group]
                    other = next(name for name in writers if name != served)
                    raise TwoWriters(self._told(f"both machines run {group}"), served, other)
                if self.excused:
                    self.split_brains += 1
                    return
                self.fail(f"both machines run {group}")
        if self.excused and all(self.sees_peer(host) for host in self.hosts):
            self.excused = False  # healed: from here on there is no excuse any more

    def sees_peer(self, host: Host) -> bool:
        """Whether this host's daemon works and believes the peer to be there."""
        node = host.node
        return (
            node is not None
            and not host.paused
            and node.phase is Phase.ACTIVE
            and node.peer.status in (PeerStatus.ACTIVE, PeerStatus.LATE)
        )

    def serves(self, host: Host, group: GroupName) -> bool:
        """Whether the group really and wholly runs on this host."""
        return host.resources.running[group] is GroupState.STARTED

    def is_settled(self) -> bool:
        """Whether both nodes see each other and every group is served exactly once."""
        once = all(sum(self.serves(h, group) for h in self.hosts) == 1 for group in self.homes)
        return once and self.is_at_rest()

    def is_one_off(self) -> bool:
        """Whether a daemon does not run: somebody has to start its machine."""
        return any(host.node is None for host in self.hosts)

    def is_at_rest(self) -> bool:
        """Whether both nodes see each other and nothing is under way."""
        idle = all(
            host.node is not None and all(group.deadline is None for group in host.node.groups)
            for host in self.hosts
        )
        return idle and all(self.sees_peer(host) for host in self.hosts)

    # --- the record -------------------------------------------------------------------------

    def say(self, line: str) -> None:
        """Add a line to the story."""
        self.story.append(f"{self.now / SECOND - 1000:9.3f}  {line}")

    def trace(self, host: Host, changed: Iterator[Change]) -> None:
        """Write down what a host now believes."""
        for change in changed:
            text = f"{host.name:8} {change.subject.value:6} {change.name}"
            if change.was or change.now:
                text += f": {change.was} -> {change.now}"
            if change.why:
                text += f" ({change.why})"
            self.say(text)

    def fail(self, what: str) -> None:
        """Stop here, showing how it came to this."""
        raise Violation(self._told(what))

    def _told(self, what: str) -> str:
        tail = "\n".join(self.story[-80:])
        return f"seed {self.seed}: {what} at {self.now / SECOND - 1000:.3f} s\n{tail}"
