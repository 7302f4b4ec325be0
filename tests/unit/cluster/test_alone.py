"""A node that nobody answers: when it takes part all the same."""

from __future__ import annotations

from hbd.cluster.terms import Phase
from tests.unit.cluster.driven import fresh


def test_a_node_without_a_group_is_active_when_it_is_certainly_alone() -> None:
    """Goal: `starting` ends. Method: no group, nobody heard for initdead; then the peer."""
    driven = fresh({})
    driven.passes(11)
    assert driven.phase() is Phase.STARTING
    driven.passes(1)
    assert driven.phase() is Phase.ACTIVE
    assert driven.node.peer.fence_why == ""
    driven.hears()
    assert driven.phase() is Phase.ACTIVE
