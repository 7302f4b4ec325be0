"""What `hbctl check` finds is told when it is new, and taken away when it is mended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.cli.check import Line
from hbd.notify.findings import SUBJECT, of_check
from hbd.notify.note import Note, Urgency, Withdrawal

WELL = Line("ttisrv1", "clock", "ok", "0.01 s apart", "")
WARNING = Line("ttisrv2", "samba", "warning", "the share is not browseable", "smb.conf")
ERROR = Line("ttisrv2", "mount", "error", "no such folder", "mkdir /ttidisk")


@pytest.mark.parametrize(
    ("before", "after", "urgency"),
    [
        (None, [WELL, WARNING], Urgency.LOW),
        (None, [WELL, WARNING, ERROR], Urgency.CRITICAL),
        ([WELL], [WELL, WARNING], Urgency.NORMAL),
        ([WELL, WARNING], [WELL, WARNING, ERROR], Urgency.CRITICAL),
        ([WELL, ERROR], [WELL, ERROR, WARNING], Urgency.NORMAL),
    ],
)
def test_what_is_new_is_told(
    before: list[Line] | None, after: list[Line], urgency: Urgency
) -> None:
    """Goal: as urgent as what is new. Method: the first look, and later ones."""
    [told] = of_check(before, after)
    assert isinstance(told, Note)
    assert (told.subject, told.urgency) == (SUBJECT, urgency)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, [WELL]),
        ([WELL], [replace(WELL, text="0.02 s apart")]),
        ([WARNING], [replace(WARNING, text="it is still not browseable")]),
        ([WARNING, ERROR], [WARNING]),
    ],
)
def test_what_is_not_new_is_not_told(before: list[Line] | None, after: list[Line]) -> None:
    """Goal: no daily nagging. Method: all well; other figures; less than before."""
    assert of_check(before, after) == []


def test_what_is_mended_is_taken_away() -> None:
    """Goal: no stale warning. Method: all well after a warning."""
    assert of_check([WARNING], [WELL]) == [Withdrawal(SUBJECT)]
