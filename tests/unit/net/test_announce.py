"""When a shared address is announced."""

from __future__ import annotations

from hbd.net.announce import next_round


def test_the_burst_keeps_its_times_and_then_every_minute() -> None:
    """Goal: 0, 0.2, 0.5, 1, 2, 5, 10 s, then each 60 s; a late round delays no later one."""
    began = 1000.0
    late_by = 0.05
    times = [began]
    for rounds in range(1, 9):
        now = times[-1] + late_by
        times.append(next_round(rounds, began, now))
    assert [round(at - began, 2) for at in times] == [0, 0.2, 0.5, 1, 2, 5, 10, 70.05, 130.1]
