"""One step of the story: do something to the cluster, then see what the client and the kernel saw.

A step is judged by what it expects: who holds the group afterwards, how long the client may have
waited, and that disk and address were at no moment on both nodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tests.lab.harness.client.control import STREAMS, Verdict
from tests.lab.harness.client.record import SIZE
from tests.lab.harness.cluster import Lab
from tests.lab.harness.files import DEADTIME
from tests.lab.harness.host import LabError, now, say
from tests.lab.harness.things import Thing

HELD_WITHIN = 60.0  # s for a group to be where it is expected: beyond it something hangs
SERVED_WITHIN = 60.0  # s for every protocol to answer again: NFSv4 waits for its grace period
QUIET = DEADTIME + 3.0  # s to look on when nothing may move: what deadtime would set off, and more
SMB = "smb"

Action = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be true of a step. `smb_gap` in seconds; None: measured, but no limit."""

    holder: str
    smb_gap: float | None = None
    stays: bool = False  # nothing may move at all


@dataclass(slots=True)
class Row:
    """What was seen of one step. Times are CLOCK_MONOTONIC seconds."""

    title: str
    expected: Expected
    began: float
    ended: float = 0.0
    gaps: dict[str, float] = field(default_factory=dict)
    records: dict[str, range] = field(default_factory=dict)
    deviations: list[str] = field(default_factory=list)

    @property
    def acknowledged_bytes(self) -> int:
        """What the client was told is safe, over all protocols."""
        return sum(len(numbers) for numbers in self.records.values()) * SIZE

    def lost_bytes(self, verdicts: dict[str, Verdict]) -> int:
        """What of it was not there in the end."""
        return SIZE * sum(
            len(set(numbers) & set(verdicts[name].damaged))
            for name, numbers in self.records.items()
        )


def losses(rows: Sequence[Row], lab: Lab, verdicts: dict[str, Verdict]) -> list[str]:
    """Every acknowledged record that is not there: which, in which step, what is there instead."""
    found = []
    for name, verdict in verdicts.items():
        written = lab.client.streams[name].acks().written
        for number, instead in verdict.damaged.items():
            at = written[number]
            row = max((row for row in rows if row.began <= at), key=lambda row: row.began)
            found.append(
                f"{name} record {number}, acknowledged {at - row.began:.3f} s after the beginning "
                f"of '{row.title}', is lost: {instead}"
            )
        if verdict.unread:
            found.append(f"{name}: {verdict.unread} records could not be read back at all")
    return found


async def run_step(lab: Lab, title: str, expected: Expected, action: Action) -> Row:
    """Do `action`, wait until the cluster is as expected and every protocol is served again.

    What deviates is noted in the row and said at once; the story goes on as far as it can.
    """
    say(f"── {title}")
    row = Row(title, expected, now())
    try:
        await action()
        await _settle(lab, expected)
    except (LabError, TimeoutError) as error:
        row.deviations.append(str(error) or "timed out")
    row.ended = now()
    _measure(lab, row)
    _judge(lab, row)
    gaps = ", ".join(f"{name} {gap:.2f} s" for name, gap in row.gaps.items())
    say(f"   held by {holder(lab)}; longest gap: {gaps}")
    for deviation in row.deviations:
        say(f"   DEVIATION: {deviation}")
    return row


def holder(lab: Lab) -> str:
    """Who has the group, as the kernel knows it, in words."""
    disk, address = lab.watch.holders(Thing.DISK), lab.watch.holders(Thing.ADDRESS)
    if disk == address:
        return " and ".join(disk) or "nobody"
    return f"disk: {' and '.join(disk) or 'nobody'}, address: {' and '.join(address) or 'nobody'}"


async def _settle(lab: Lab, expected: Expected) -> None:
    if expected.stays:
        await asyncio.sleep(QUIET)  # the observation itself: that nothing happens takes its time
        return
    await lab.watch.until(
        lambda: all(lab.watch.holders(thing) == [expected.holder] for thing in Thing),
        f"{expected.holder} holds the group", HELD_WITHIN,
    )  # fmt: skip
    held = now()
    for name in STREAMS:
        await lab.client.streams[name].served(since=held, within=SERVED_WITHIN)


def _measure(lab: Lab, row: Row) -> None:
    for name, stream in lab.client.streams.items():
        acks = stream.acks()
        row.gaps[name] = acks.gap(row.began, row.ended)
        row.records[name] = acks.records_in(row.began, row.ended)


def _judge(lab: Lab, row: Row) -> None:
    expected = row.expected
    for thing in Thing:
        holders = lab.watch.holders(thing)
        if holders != [expected.holder]:
            row.deviations.append(f"{thing.value} is on {holders}, not on {expected.holder}")
    for overlap in lab.watch.overlaps(row.began):
        lasted = (overlap.until - overlap.since) * 1e3
        row.deviations.append(f"{overlap.thing.value} was on both nodes for {lasted:.0f} ms")
    if expected.stays and (moved := lab.watch.changes(row.began)):
        row.deviations.append(f"something moved: {moved}")
    if expected.smb_gap is not None and row.gaps[SMB] > expected.smb_gap:
        gap, limit = row.gaps[SMB], expected.smb_gap
        row.deviations.append(f"SMB was away for {gap:.2f} s, more than {limit:.2f} s")
