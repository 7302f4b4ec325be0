"""Reservation keys: who, and how often it has shown that it is alive.

A key is 64 bits: the node's id in the upper half, a counter in the lower. Whoever reads the keys of
a disk sees whose they are, and by a counter that moves that the owner is alive. Pure.

A counter at 0 is a guard: its owner has nothing mounted. It only keeps out a node that had to be
taken over from, and that may still write through an old mount when it wakes up.

A counter at its largest is given up: its owner reboots, because it cannot unmount, and is to be
removed with what it has under way.
"""

from __future__ import annotations

import hashlib
from typing import Final

from hbd.cluster.terms import NodeName

COUNTER_BITS: Final = 32
COUNTERS: Final = 1 << COUNTER_BITS
NODE_IDS: Final = 1 << 32
GUARDING: Final = 0  # the counter of a guard
GIVEN_UP: Final = COUNTERS - 1


def node_id(node: NodeName) -> int:
    """The node's id: 1 … 2³²-1, the same on both nodes and for ever, made of the name alone.

    Two names may share one by chance, once in four thousand million pairs: see `are_distinct`.
    """
    digest = hashlib.sha256(node.encode()).digest()
    return int.from_bytes(digest[:4], "big") or 1  # zero would make key 0, "not registered"


def are_distinct(one: NodeName, other: NodeName) -> bool:
    """Whether a disk can tell the two nodes apart. If not, neither could be kept out."""
    return node_id(one) != node_id(other)


def key_of(node: NodeName, counter: int) -> int:
    """The key of `node` at `counter`, 0 … 2³²-1; never 0, which on the disk means no key."""
    assert 0 <= counter < COUNTERS, f"{counter} does not fit a key"
    return node_id(node) << COUNTER_BITS | counter


def node_id_of(key: int) -> int:
    """Whose key it is; 0 or an unknown id is a stranger's."""
    return key >> COUNTER_BITS


def counter_of(key: int) -> int:
    """How far its owner has counted."""
    return key % COUNTERS


def guard_of(node: NodeName) -> int:
    """The key under which `node` keeps others out of a disk that it does not use itself."""
    return key_of(node, GUARDING)


def is_guard(key: int) -> bool:
    """Whether its owner, whoever that is, only keeps others out."""
    return counter_of(key) == GUARDING


def given_up_of(node: NodeName) -> int:
    """The key under which `node` waits to be taken over from at once."""
    return key_of(node, GIVEN_UP)


def is_serving(key: int) -> bool:
    """Whether its owner, whoever that is, means to go on writing."""
    return counter_of(key) not in (GUARDING, GIVEN_UP)


def next_counter(counter: int) -> int:
    """The one after it, in a circle without the two that say something: only that it moved matters.

    At one step a second the circle takes 136 years.
    """
    return counter % (GIVEN_UP - 1) + 1
