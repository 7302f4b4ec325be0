"""What passes within moments is not told, neither its beginning nor its end."""

from __future__ import annotations

from hbd.cli.problems import Kind, Problem, Severity
from hbd.notify.standing import STANDS_SECONDS, Standing
from hbd.notify.words import Key

KEY = (Kind.LINK_DEAD, "eth1")
FOUND = {KEY: Problem(Severity.ERROR, *KEY, "link eth1 is dead", "ttisrv1", "ip link")}
NONE: dict[Key, Problem] = {}
FAST = 0.1  # s: a keepalive that does not count beside STANDS_SECONDS


def test_a_problem_counts_once_it_has_stood() -> None:
    """Goal: a moment is no news, and none is forgotten. Method: the same at three instants."""
    standing = Standing()
    assert standing.first(NONE) == {}
    counted, look_at = standing.feed(FOUND, 10.0, FAST)
    assert (counted, look_at) == ({}, 10.0 + STANDS_SECONDS)
    assert standing.feed(FOUND, 11.0, FAST) == ({}, look_at)
    assert standing.feed(FOUND, 12.0, FAST) == (FOUND, None)


def test_an_end_counts_once_it_has_lasted() -> None:
    """Goal: a flapping link stays dead until it is well. Method: gone, back, gone for good."""
    standing = Standing()
    standing.first(FOUND)
    assert standing.feed(NONE, 10.0, FAST)[0] == FOUND
    assert standing.feed(FOUND, 11.0, FAST) == (FOUND, None)
    assert standing.feed(NONE, 12.0, FAST) == (FOUND, 12.0 + STANDS_SECONDS)
    assert standing.feed(NONE, 14.0, FAST) == ({}, None)


def test_slow_heartbeats_get_their_time() -> None:
    """Goal: each link can be heard first. Method: a keepalive of 10 s needs two of them."""
    standing = Standing()
    standing.first(NONE)
    assert standing.feed(FOUND, 0.0, 10.0) == ({}, 20.0)
    assert standing.feed(FOUND, 19.0, 10.0)[0] == {}
    assert standing.feed(FOUND, 20.0, 10.0)[0] == FOUND
