"""The client's note book: what counts as a gap."""

from __future__ import annotations

import pytest

from tests.lab.harness.client.acks import Acks, note
from tests.lab.harness.client.record import SIZE, record


def book(*times: float) -> Acks:
    """A note book with one write acknowledged at each of these times."""
    acks = Acks()
    note(acks, [f"w {time:.6f} {number}\n" for number, time in enumerate(times)])
    return acks


@pytest.mark.parametrize(
    ("since", "until", "gap"),
    [
        (0.0, 4.0, 2.0),  # the longest of several
        (0.0, 1.0, 1.0),  # a window that ends on an acknowledgement
        (1.5, 2.5, 2.0),  # a silence that reaches beyond both ends counts whole
        (3.0, 9.0, 5.0),  # one that has not ended counts to the window's end
        (-3.0, 1.0, 3.0),  # so does one before the very first
    ],
)
def test_a_gap_is_the_longest_silence_that_touches_the_window(
    since: float, until: float, gap: float
) -> None:
    """Goal: a step's figure is what the client felt. Method: one book, windows of each kind."""
    assert book(0.0, 1.0, 3.0, 4.0).gap(since, until) == pytest.approx(gap)


def test_a_client_that_was_never_answered_felt_the_whole_window() -> None:
    """Goal: silence is never mistaken for no gap. Method: an empty book."""
    assert Acks().gap(10.0, 12.0) == pytest.approx(2.0)


def test_a_line_still_being_written_is_left_for_later() -> None:
    """Goal: reading beside the writer is safe. Method: a last line without its end."""
    acks = Acks()
    note(acks, ["w 1.0 0\n", "w 2.0"])
    assert acks.written == [1.0]


def test_reads_and_troubles_are_told_apart() -> None:
    """Goal: a read counts as an answer, a trouble does not. Method: one line of each kind."""
    acks = Acks()
    note(acks, ["w 1.0 0\n", "r 2.0 0\n", "x 3.0 connect 445: timed out\n"])
    assert acks.times == [1.0, 2.0]
    assert acks.written == [1.0]
    assert acks.troubles == [(3.0, "connect 445: timed out")]
    assert list(acks.records_in(0.5, 2.5)) == [0]


def test_every_record_is_its_own() -> None:
    """Goal: a lost, stale or misplaced record is seen. Method: all of some are different."""
    records = {record(stream, number) for stream in ("smb", "nfs3") for number in range(100)}
    assert len(records) == 200
    assert {len(one) for one in records} == {SIZE}
