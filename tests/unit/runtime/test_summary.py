"""The one line that `systemctl status hbd` shows."""

from __future__ import annotations

from hbd.cluster.event import LinkHeard
from hbd.cluster.terms import GroupState
from hbd.runtime.summary import summary
from tests.unit.cluster.driven import (
    DISK,
    HERE,
    MAIL,
    ROUTER,
    SERIAL,
    THERE,
    fresh,
    joined,
    serving,
)


def parts(text: str) -> list[str]:
    """The line as its parts."""
    return text.split("; ")


def test_a_serving_node_says_what_it_serves() -> None:
    """Goal: all is well in one line. Method: the line, word for word: people read it."""
    assert parts(summary(serving().node)) == [
        "ttisrv1 active",
        "peer ttisrv2 active",
        "1 of 2 links up",
        "serving disk",
    ]


def test_a_fresh_node_says_what_it_does_not_know() -> None:
    """Goal: no promise before a look. Method: a daemon that has just been started."""
    assert parts(summary(fresh().node)) == [
        "ttisrv1 starting",
        "peer ttisrv2 unknown",
        "0 of 2 links up",
        "serving nothing",
        "disk unknown",
    ]


def test_what_moves_or_has_failed_is_named_with_its_state() -> None:
    """Goal: trouble is in the line. Method: one group serves, one would not stop."""
    driven = joined({DISK: HERE, MAIL: HERE})
    driven.peer_says(MAIL, GroupState.STARTED, owner=THERE, epoch=1)
    assert "mail stopping" in parts(summary(driven.node))
    driven.stop_fails(MAIL)
    assert "mail stop-failed" in parts(summary(driven.node))
    assert "serving disk" in parts(summary(driven.node))


def test_a_ping_node_is_not_counted_as_a_link_to_the_peer() -> None:
    """Goal: the number says how much is left. Method: the serial line, and the router."""
    driven = serving()
    driven.happens(LinkHeard(ROUTER))
    assert "1 of 2 links up" in parts(summary(driven.node))
    driven.happens(LinkHeard(SERIAL))
    assert "2 of 2 links up" in parts(summary(driven.node))


def test_it_is_one_line() -> None:
    """Goal: systemd takes one. Method: many groups, a failure with a newline in its reason."""
    driven = joined({DISK: HERE, MAIL: THERE})
    driven.observes(DISK, GroupState.STOPPED)
    driven.hears()
    driven.start_fails()
    assert "\n" not in summary(driven.node)
