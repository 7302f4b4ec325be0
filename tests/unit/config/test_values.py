"""Times, booleans, numbers and names: the small grammars of ha.cf(5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbd.cluster.terms import MILLISECOND, Usec
from hbd.config import values
from hbd.config.findings import BadValue


@pytest.mark.parametrize(
    ("word", "milliseconds"),
    [
        ("2", 2000),
        (".5", 500),
        ("1.5", 1500),
        ("2.", 2000),
        ("500ms", 500),
        ("500msec", 500),
        ("1000MS", 1000),
        ("500000us", 500),
        ("500000USec", 500),
        ("0", 0),
        ("1499us", 1),
        ("1500us", 2),
        ("499us", 0),
        ("0.0015", 2),
    ],
)
def test_a_time_is_heartbeats_in_whole_milliseconds(word: str, milliseconds: int) -> None:
    """Goal: units and rounding of 3.0.6. Method: forms tried there, half rounded up."""
    assert values.time(word) == milliseconds * MILLISECOND


@pytest.mark.parametrize(
    "word",
    [
        *("", ".", "ms", "2s", "1m", "1sec", "-1", "+1", "1.5e3ms", "1.2.3", "0x10", "٣"),
        *("9" * 30, "9" * 6000, "2147483648ms", "inf", "nan", "1_000"),
    ],
)
def test_what_is_no_time_is_refused(word: str) -> None:
    """Goal: no typing error becomes a timeout. Method: forms that are near a time."""
    with pytest.raises(BadValue):
        values.time(word)


@given(st.integers(min_value=0, max_value=values.LONGEST_TIME // MILLISECOND))
def test_a_time_reads_back_as_it_is_shown(milliseconds: int) -> None:
    """Goal: messages show what was understood. Method: any time, shown and read."""
    span = Usec(milliseconds * MILLISECOND)
    assert values.time(values.in_words(span)) == span


@pytest.mark.parametrize("word", ["true", "ON", "Yes", "y", "1"])
def test_yes(word: str) -> None:
    """Goal and method: each of heartbeat's words, in any case."""
    assert values.flag(word) is True


@pytest.mark.parametrize("word", ["false", "Off", "NO", "n", "0"])
def test_no(word: str) -> None:
    """Goal and method: each of heartbeat's words, in any case."""
    assert values.flag(word) is False


@pytest.mark.parametrize("word", ["", "maybe", "2", "yess"])
def test_neither_yes_nor_no_is_refused(word: str) -> None:
    """Goal and method: words near the known ones."""
    with pytest.raises(BadValue):
        values.flag(word)


@pytest.mark.parametrize("word", ["", "-", "1x", "1.0", "٣", "11", "-1", "9" * 5000, "1_0"])
def test_a_number_is_whole_and_in_range(word: str) -> None:
    """Goal: nothing is read by its beginning only. Method: words that C would take."""
    with pytest.raises(BadValue):
        values.number(word, 0, 10)


def test_a_number_may_carry_its_unit() -> None:
    """Goal: `max_rexmit_delay 100ms` means 100. Method: with and without; not another unit."""
    assert values.number("100", 1, 1000, unit="ms") == 100
    assert values.number("100ms", 1, 1000, unit="ms") == 100
    with pytest.raises(BadValue):
        values.number("100us", 1, 1000, unit="ms")


@pytest.mark.parametrize("word", ["", "a b", "-a", "ä", "a=b", "a/b", "x" * 100])
def test_what_no_machine_is_called_is_no_node(word: str) -> None:
    """Goal and method: names that uname -n does not print."""
    with pytest.raises(BadValue):
        values.node_name(word)


@pytest.mark.parametrize("word", ["", ".", "..", "a/b", "eth0:1", "x" * 16, "ä" * 8, "a b"])
def test_what_the_kernel_would_not_call_so_is_no_interface(word: str) -> None:
    """Goal and method: the kernel's rules for an interface name, each broken once."""
    with pytest.raises(BadValue):
        values.interface_name(word)


def test_only_ascii_blanks_separate_words() -> None:
    """Goal: as the C library splits. Method: blanks of both kinds."""
    assert values.words("a\tb\u00a0c  d,e") == ["a", "b\u00a0c", "d,e"]
    assert values.words("a, b,,c ", commas=True) == ["a", "b", "c"]
