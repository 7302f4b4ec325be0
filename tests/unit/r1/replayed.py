"""A captured heartbeat as the peer: what the real one said, when it said it, to our core.

The capture does not hear us. But a node of ours in the place of one of the two must be able to
follow what the other one said: it is what that one said to a heartbeat in the same place.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial

from hbd.cluster.action import (
    Fence,
    FinishJob,
    ForgetPeerSequence,
    SendHeartbeat,
    StartGroup,
    StopGroup,
)
from hbd.cluster.event import (
    ClockTicked,
    Event,
    FenceConfirmed,
    GroupObserved,
    GroupStarted,
    GroupStopped,
    LifeRenewed,
    LinkHeard,
)
from hbd.cluster.node import Link, Node, new_node
from hbd.cluster.step import next_deadline, step
from hbd.cluster.terms import (
    SECOND,
    AutoFailback,
    Generation,
    GroupName,
    GroupState,
    Instant,
    JobId,
    JobResult,
    LinkName,
    NodeName,
    Usec,
)
from hbd.cluster.timing import Timing
from hbd.link.speech import Speech
from hbd.r1.translator import Heard, Translator
from hbd.wire import message
from hbd.wire.message import Message, MessageType
from hbd.wire.session import Received, Verdict
from tests.unit.wire.captures import ALPHA, BETA, UNIX_TIME, Capture

TIMING = Timing(
    keepalive_usec=SECOND,
    warntime_usec=Usec(5 * SECOND // 2),
    deadtime_usec=Usec(5 * SECOND),
    initdead_usec=Usec(10 * SECOND),
)
WORK = Usec(SECOND // 20)  # a start or stop takes this long


class Replayed:
    """hbd as `me` in a capture, from `begins` (s) on."""

    def __init__(
        self,
        capture: Capture,
        me: NodeName,
        homes: dict[GroupName, NodeName],
        *,
        failback: AutoFailback = AutoFailback.ON,
        begins: float = 0.0,
        dead: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """`dead`: from when to when (s) nothing was heard of the other one."""
        self.now = Instant(int(begins * SECOND))
        self.capture = capture
        self.session = capture.session(me)
        self.running: set[GroupName] = set()
        self.said: list[Message] = []
        self.jobs: dict[JobId, JobResult] = {}
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        peer = BETA if me == ALPHA else ALPHA
        self.node: Node = new_node(
            name=me,
            generation=self.session.generation,
            peer=peer,
            timing=TIMING,
            auto_failback=failback,
            links=[Link(name) for name in sorted({each.link for each in capture.sightings})],
            groups=[(group, home, (group,)) for group, home in homes.items()],
            now=self.now,
        )
        self.translator = Translator(self.node)
        self.speech = Speech(me, homes)
        for sighting in capture.heard_by(me):
            if sighting.at >= self.now:
                self.at(sighting.at, partial(self._receive, sighting.link, sighting.raw))
        if capture.is_thinned:
            self._fill_in(peer, begins, dead)
        self.post(ClockTicked())
        for group in homes:
            self.post(GroupObserved(group, GroupState.STOPPED))

    def at(self, moment: int, call: Callable[[], None]) -> None:
        """Let something happen at a moment of the capture, in µs."""
        self._count += 1
        heapq.heappush(self._queue, (moment, self._count, call))

    def ends_here(self, lives_on: float) -> None:
        """Nothing more of the capture is heard but that the other one lives, for some seconds."""
        self._queue.clear()
        for moment in range(self.now, self.now + int(lives_on * SECOND), SECOND):
            self.at(moment, lambda: self.post(LinkHeard(self.node.links[0].name)))

    def _fill_in(self, peer: NodeName, begins: float, dead: tuple[float, float]) -> None:
        """Heartbeats were left out of the file: from the first one on, the peer was heard."""
        for sighting, heard in self.capture.messages():
            before = sighting.source == peer and sighting.at < begins * SECOND
            if before and heard.known_type is MessageType.STATUS:
                self.at(self.now, partial(self._receive, sighting.link, sighting.raw))
        first, last = (self._queue[0][0], max(moment for moment, _, _ in self._queue))
        for moment in range(first, last, SECOND):
            if not dead[0] <= moment / SECOND < dead[1]:
                self.at(moment, lambda: self.post(LinkHeard(self.node.links[0].name)))

    def until(self, seconds: float) -> None:
        """Let the capture go on to that moment, ticking when the core wants to be."""
        end = int(seconds * SECOND)
        while self.now < end:
            due = [end, next_deadline(self.node), self.translator.next_due() or end]
            due += [self._queue[0][0]] if self._queue else []
            due += [self.session.next_due() or end]
            self.now = Instant(max(self.now, min(due)))
            while self._queue and self._queue[0][0] <= self.now:
                heapq.heappop(self._queue)[2]()
            self.session.due(self.now, UNIX_TIME)
            self.post(ClockTicked())

    def post(self, event: Event) -> None:
        """One step, and what follows from it."""
        taken = step(self.node, event, self.now)
        self.node = taken.node
        heeded = self.translator.heed(self.node, self.now)
        for action in taken.actions:
            match action:
                case StartGroup(group, operation):
                    self.running.add(group)
                    self._later(GroupStarted(group, operation))
                case StopGroup(group, operation):
                    self._later(GroupStopped(group, operation))
                case FinishJob(job, result):
                    self.jobs[job] = result
                case SendHeartbeat() if self.translator.is_heartbeat:
                    words = self.translator.message(action, self.speech.message)
                    self.said += [words] if words is not None else []
                case Fence():
                    self.post(FenceConfirmed(self.node.peer.name, proven=False))
                case ForgetPeerSequence():
                    self.session.peer_lost()
                case _:
                    pass
        self.said += heeded.messages
        if any(words.known_type is MessageType.REQNODES for words in heeded.messages):
            self.at(self.now + WORK, self._list_nodes)
        for refused in heeded.events:
            self.post(refused)
        if heeded.renews:
            life = Generation(self.node.generation + 1)
            self.session.renew(life)
            self.translator.renewed()
            self.post(LifeRenewed(life))

    def _list_nodes(self) -> None:
        """Answer reqnodes for the captured node: it was asked at another time, if at all."""
        peer, me = self.node.peer, self.node.name
        words = message.repnodes(me, sorted((me, peer.name)))
        received = Received(Verdict.NEW, words, peer.generation)
        event = self.translator.hear(Heard(self.node.links[0].name, received), self.now)
        if event is not None:
            self.post(event)

    def _later(self, event: GroupStarted | GroupStopped) -> None:
        def done() -> None:
            if isinstance(event, GroupStopped):
                self.running.discard(event.group)
            self.post(event)

        self.at(self.now + WORK, done)

    def _receive(self, link: LinkName, raw: bytes) -> None:
        received = self.session.receive(link, raw, self.now, UNIX_TIME)
        self.translator.recognise(received)
        event = self.translator.hear(Heard(link, received), self.now)
        if event is not None:
            self.post(event)
