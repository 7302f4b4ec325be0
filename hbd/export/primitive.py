"""What a Cluster Information Base is made of, as values: primitives and what is wanted of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Agent:
    """Who starts and stops it: `ocf:heartbeat:IPaddr2`, `systemd:smbd`, `stonith:fence_scsi`."""

    standard: str
    kind: str
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing an agent is asked to do; seconds. Interval 0: not repeated."""

    name: str
    timeout: int
    interval: int = 0


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Primitive:
    """One resource. `text` is what the files say of it, for the comment above it."""

    ident: str
    agent: Agent
    text: str
    parameters: Pairs = field(default=(), repr=False)  # passwords of fence devices are in here
    operations: tuple[Operation, ...] = ()
    meta: Pairs = ()


@dataclass(frozen=True, slots=True)
class Clone:
    """A primitive that runs on both nodes."""

    ident: str
    primitive: Primitive


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a resource may be, or likes to be.

    With an `attribute` the score counts where that node attribute is above 0.
    """

    ident: str
    resource: str
    score: str
    node: str | None = None
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A fence device against `target`; those of a lower `index`, from 1, are tried before it."""

    ident: str
    target: str
    index: int
    device: str


@dataclass(frozen=True, slots=True)
class After:
    """`group` starts after `first`, and only where that runs."""

    ident: str
    group: str
    first: str


@dataclass(frozen=True, slots=True)
class PlacedGroup:
    """A line of haresources: started left to right, on one node."""

    ident: str
    text: str
    members: tuple[Primitive, ...]
