"""heartbeat's standby handshake: how a share goes from one node to the other, each step told.

    giver   ──me──►  taker        I want to give these
    giver   ◄─other─ taker        give them
    giver   ──done─► taker        they are released
    giver   ◄─done── taker        they are started

`me` has no negative answer: a taker that cannot is silent, and the giver gives up after 10 s. It
comes from a script and is on the wire before the giver itself has looked at it: one that is said
at a bad time is refused there, and nobody is told. So of two the first counts, as it does there,
and `done` decides what was given: it names it.
Source: heartbeat 3.0.6 as observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hbd.cluster.terms import SECOND, Instant, Usec
from hbd.r1.shares import Share

ASK_LIMIT = Usec(10 * SECOND)  # heartbeat's own patience with a `me` that is not answered
MOVE_LIMIT = Usec(3600 * SECOND)  # … and with what it has agreed to
GIVE_WAY_LIMIT = Usec(15 * SECOND)  # … and ours with a giver that does not say what it lets go of
TAKEOVER_LIMIT = Usec(15 * SECOND)  # an hb_takeover runs a script there, which sends the `me`
RETRY_AFTER = Usec(5 * SECOND)
TRIES = 3  # of a `me` or hb_takeover that somebody waits for


class Role(Enum):
    """What this node does in the exchange."""

    GIVER = "giver"
    TAKER = "taker"


class Stage(Enum):
    """How far it has come.

    giver: asked ──other──► agreed ──released──► given
    taker: agreed ──done──► taking
    """

    ASKED = "asked"
    AGREED = "agreed"
    GIVEN = "given"
    TAKING = "taking"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One hand-over under way; `deadline` is when it counts as forgotten by the other node.

    `number` is that of the giver's `me` as this node heard it, `repeat_at` when it may say another.
    """

    role: Role
    share: Share
    stage: Stage
    deadline: Instant
    number: int = 0
    repeat_at: Instant = Instant(0)
