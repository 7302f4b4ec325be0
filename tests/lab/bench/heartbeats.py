"""How many heartbeats a second of CPU can carry: signed, told, verified, ordered and decided on.

No lab and no socket: the same code that the daemon runs on what a link hands it, with time passed
in. Each heartbeat comes in twice, as over two links; the second copy is the duplicate it is.
"""

from __future__ import annotations

import time

from hbd.cluster.keys import AuthMethod, Key, Keyring
from hbd.cluster.node import Link, Node, new_node, report_of
from hbd.cluster.step import step
from hbd.cluster.terms import (
    SECOND,
    AutoFailback,
    Generation,
    GroupName,
    Instant,
    LinkName,
    NodeName,
    Usec,
)
from hbd.cluster.timing import Timing
from hbd.link.speech import event_of
from hbd.wire import message
from hbd.wire.session import Session

COUNT = 3000
ALPHA, BETA = NodeName("ttisrv1"), NodeName("ttisrv2")
LINKS = (LinkName("/dev/ttyS0"), LinkName("eth1"))


def per_cpu_second() -> float:
    """Heartbeats heard and decided on, both copies, per second of this machine's CPU."""
    speaker, listener = _session(ALPHA, BETA), _session(BETA, ALPHA)
    told, node = report_of(_node(ALPHA, BETA)), _node(BETA, ALPHA)
    sent = []
    for number in range(COUNT):
        status = message.status(
            message.NodeState.ACTIVE, deadtime_usec=Usec(5 * SECOND), report=told
        )
        moment = Instant((number + 1) * SECOND)
        sent.append(speaker.send(status, now=moment, unix_time=number, load_average="0.1 0.1 0.1"))
    began = time.process_time()
    for number, outgoing in enumerate(sent):
        moment = Instant((number + 1) * SECOND)
        for link, data in zip(LINKS, (outgoing.classic, outgoing.netstring), strict=True):
            event = event_of(link, listener.receive(link, data, moment, number))
            if event is not None:
                node = step(node, event, moment).node
    return COUNT / (time.process_time() - began)


def _session(node: NodeName, peer: NodeName) -> Session:
    return Session(
        node=node,
        peer=peer,
        uuid=node.encode().ljust(16, b"\0"),
        keyring=Keyring((Key(3, AuthMethod.MD5, b"ttikey"),), 3),
        generation=Generation(1),
        ttl=1,
        max_rexmit_delay_usec=Usec(SECOND // 4),
        seed=1,
    )


def _node(name: NodeName, peer: NodeName) -> Node:
    return new_node(
        name=name,
        peer=peer,
        generation=Generation(1),
        timing=Timing(SECOND, Usec(2 * SECOND), Usec(5 * SECOND), Usec(12 * SECOND)),
        auto_failback=AutoFailback.LEGACY,
        links=[Link(link) for link in LINKS],
        groups=[(GroupName("192.168.0.100"), ALPHA, ("192.168.0.100",))],
        now=Instant(0),
    )
