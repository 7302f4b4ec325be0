"""Reservation keys: whose, how far counted, and never "no key"."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hbd.cluster.terms import NodeName
from hbd.fencing.key import (
    COUNTERS,
    counter_of,
    given_up_of,
    guard_of,
    is_guard,
    is_serving,
    key_of,
    next_counter,
    node_id,
    node_id_of,
)

names = st.text(min_size=1, max_size=99).map(NodeName)
counters = st.integers(0, COUNTERS - 1)


@given(names, counters)
def test_a_key_says_whose_it_is_and_how_far_counted(name: NodeName, counter: int) -> None:
    """Goal: nothing of a key is lost. Method: any name and counter, there and back."""
    key = key_of(name, counter)
    assert (node_id_of(key), counter_of(key)) == (node_id(name), counter)
    assert 0 < key < 1 << 64


@given(names, counters)
def test_the_next_key_differs_and_is_the_same_nodes(name: NodeName, counter: int) -> None:
    """Goal: every step can be seen, at the end of the circle too. Method: any step."""
    now, after = key_of(name, counter), key_of(name, next_counter(counter))
    assert now != after
    assert node_id_of(now) == node_id_of(after)
    assert is_serving(after)


@given(names)
def test_a_guard_is_a_key_like_any_other(name: NodeName) -> None:
    """Goal: the disk takes it, and both nodes know it. Method: any name."""
    assert node_id_of(guard_of(name)) == node_id(name)
    assert is_guard(guard_of(name))


@given(names)
def test_who_guards_or_gives_up_does_not_serve(name: NodeName) -> None:
    """Goal: neither is waited for, and they are not the same. Method: any name's two keys."""
    guard, given_up = guard_of(name), given_up_of(name)
    assert node_id_of(given_up) == node_id(name)
    assert (is_serving(guard), is_serving(given_up)) == (False, False)
    assert not is_guard(given_up)


def test_a_nodes_id_is_for_ever() -> None:
    """Goal: an upgrade does not change it under a running peer. Method: two known ones."""
    assert node_id(NodeName("ttisrv1")) == 0xF56FAB17
    assert node_id(NodeName("ttisrv2")) == 0xC7656774
    assert next_counter(COUNTERS - 2) == 1
