"""Changes of units are told once each, and in full."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbd.systemd import unitname
from hbd.systemd.state import ActiveState, FileState, LoadState, UnitState
from hbd.systemd.watches import UNIT_INTERFACE, Watches

RUNNING = UnitState(
    unit="smbd.service",
    load=LoadState.LOADED,
    active=ActiveState.ACTIVE,
    sub="running",
    file_state=FileState.DISABLED,
    result="success",
)
PATH = unitname.bus_path("smbd.service")


def watching() -> tuple[Watches, list[UnitState]]:
    """Watches of one running unit, and what was told after its first state."""
    watches, told = Watches(), list[UnitState]()
    watches.add("smbd.service", told.append)
    watches.replace(RUNNING)
    told.clear()
    return watches, told


def test_a_change_is_told_with_the_result_that_came_before_it() -> None:
    """Goal: a failed unit is told as failed, and why. Method: systemd's signals in its order."""
    watches, told = watching()
    watches.changed(PATH, "org.freedesktop.systemd1.Service", {"Result": "signal"})
    watches.changed(PATH, UNIT_INTERFACE, {"ActiveState": "failed", "SubState": "failed"})
    failed = replace(RUNNING, active=ActiveState.FAILED, sub="failed", result="signal")
    assert told == [failed]


def test_what_is_known_already_is_not_told_again() -> None:
    """Goal: one change, one event. Method: the same signal and the same state twice."""
    watches, told = watching()
    for _ in range(2):
        watches.changed(PATH, UNIT_INTERFACE, {"ActiveState": "active", "SubState": "running"})
        watches.replace(RUNNING)
    assert told == []


def test_others_are_nobodys_business() -> None:
    """Goal: signals of unwatched units change nothing. Method: one of nmbd."""
    watches, told = watching()
    watches.changed(unitname.bus_path("nmbd.service"), UNIT_INTERFACE, {"ActiveState": "failed"})
    watches.replace(replace(RUNNING, unit="nmbd.service"))
    assert told == []


@pytest.mark.parametrize("is_known", [False, True])
async def test_what_changes_while_its_state_is_read_is_read_again(*, is_known: bool) -> None:
    """Goal: an old answer hides no failure. Method: a signal overtakes it, at first and later."""
    watches, told = watching()
    if not is_known:
        watches.add("smbd.service", told.append)
    failed = replace(RUNNING, active=ActiveState.FAILED, sub="failed")
    answers = [RUNNING, failed]

    async def read(unit: str) -> UnitState:
        assert unit == "smbd.service"
        if len(answers) == 2:
            watches.changed(PATH, UNIT_INTERFACE, {"ActiveState": "failed", "SubState": "failed"})
        return answers.pop(0)

    await watches.refresh("smbd.service", read)
    assert told == [failed]


def test_a_word_of_a_newer_systemd_is_unknown_not_an_error() -> None:
    """Goal: an upgrade of systemd does not stop the daemon. Method: a state that is not ours."""
    watches, told = watching()
    watches.changed(PATH, UNIT_INTERFACE, {"ActiveState": "hibernating", "SubState": "x"})
    assert [state.active for state in told] == [ActiveState.UNKNOWN]


def test_a_unit_that_is_watched_no_more_is_nobodys_business() -> None:
    """Goal: what a reload removed is forgotten. Method: removed, changed, and watched anew."""
    watches, told = watching()
    watches.remove("smbd.service")
    assert watches.units == ()
    watches.changed(PATH, UNIT_INTERFACE, {"ActiveState": "failed", "SubState": "failed"})
    watches.replace(replace(RUNNING, active=ActiveState.FAILED))
    assert told == []
    watches.add("smbd.service", told.append)
    watches.replace(RUNNING)
    assert told == [RUNNING]
