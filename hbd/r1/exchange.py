"""heartbeat's standby handshake: how a share goes from one node to the other, each step told.

    giver   ──me──►  taker        I want to give these
    giver   ◄─other─ taker        give them
    giver   ──done─► taker        they are released
    giver   ◄─done── taker        they are started

`me` has no negative answer: a taker that cannot is silent, and the giver gives up after 10 s.
Source: heartbeat 3.0.6 as observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hbd.cluster.terms import SECOND, Instant, Usec
from hbd.r1.shares import Share

ASK_LIMIT = Usec(10 * SECOND)  # heartbeat's own patience with a `me` that is not answered
MOVE_LIMIT = Usec(3600 * SECOND)  # … and with what it has agreed to
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
    """One hand-over under way; `deadline` is when it counts as forgotten by the other node."""

    role: Role
    share: Share
    stage: Stage
    deadline: Instant
