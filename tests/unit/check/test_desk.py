"""Two desks with a wire between them: who asks how often, and what is said when nobody answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hbd.check import parcel
from hbd.check.desk import ASK_EVERY_USEC, FRESH_USEC, Desk, Line, Nodes
from hbd.check.finding import CheckId, Level, Report, error, ok
from hbd.cluster.terms import SECOND, Instant, NodeName

HERE, THERE = NodeName("ttisrv1"), NodeName("ttisrv2")
START = Instant(1_000 * SECOND)


@dataclass
class Room:
    """A desk, a clock that stands still unless told, and what it says to the peer."""

    peer_is_hbd: bool = True
    now: Instant = START
    looks: int = 0
    said: list[str | None] = field(default_factory=list)
    may_look: asyncio.Event = field(default_factory=asyncio.Event)
    report: Report = field(default_factory=lambda: Report((ok(CheckId.DISK_PRESENT, "seen"),)))

    def __post_init__(self) -> None:
        self.may_look.set()
        self.desk = Desk(
            self._look,
            lambda: Nodes(HERE, THERE, peer_is_hbd=self.peer_is_hbd),
            self.said.append,
            lambda: self.now,
            lambda: 5_000_000,
            peer_limit_seconds=0.05,
        )

    async def _look(self) -> Report:
        self.looks += 1
        await self.may_look.wait()
        return self.report

    def passes(self, usec: int) -> None:
        """Time passes."""
        self.now = Instant(self.now + usec)


def answer(report: Report, unix_usec: int = 5_000_000) -> str:
    """What the peer would send."""
    return f"{unix_usec}:{parcel.packed(report)}"


def words(lines: list[Line], check: CheckId) -> list[tuple[str, str]]:
    """Node and level of a check's lines."""
    return [(line[0], line[2]) for line in lines if line[1] == check.value]


async def checked(room: Room, told: str | None) -> list[Line]:
    """A check during which the peer says `told`."""
    check = asyncio.create_task(room.desk.check())
    await asyncio.sleep(0)
    if told is not None:
        room.desk.told(told)
    return await check


async def test_the_lines_of_both_nodes_are_shown() -> None:
    """Goal: one command, two nodes. Method: the peer answers with an error of its own."""
    room = Room()
    theirs = Report((error(CheckId.MOUNT_POINT, "not there", "mkdir"),))
    lines = await checked(room, answer(theirs))
    assert room.said == [None]
    assert words(lines, CheckId.DISK_PRESENT) == [(HERE, "ok")]
    assert words(lines, CheckId.MOUNT_POINT) == [(THERE, "error")]
    assert words(lines, CheckId.PEER_ANSWERS) == [(HERE, "ok")]


async def test_a_peer_that_does_not_answer_is_a_line() -> None:
    """Goal: half a check is told as one. Method: silence, and a peer that is no hbd."""
    for is_hbd in (True, False):
        room = Room(peer_is_hbd=is_hbd)
        lines = await checked(room, None)
        assert words(lines, CheckId.PEER_ANSWERS) == [(HERE, "warning")]
        assert room.said == ([None] if is_hbd else [])


async def test_all_who_ask_share_one_look() -> None:
    """Goal: it is cheap to spam. Method: many callers at once, then again within three seconds."""
    room = Room(peer_is_hbd=False)
    room.may_look.clear()
    checks = [asyncio.create_task(room.desk.check()) for _ in range(50)]
    await asyncio.sleep(0)
    room.may_look.set()
    await asyncio.gather(*checks)
    assert room.looks == 1
    room.passes(FRESH_USEC - 1)
    await room.desk.check()
    assert room.looks == 1
    room.passes(1)
    await room.desk.check()
    assert room.looks == 2


async def test_a_caller_who_goes_does_not_end_the_check_of_others() -> None:
    """Goal: one is not another. Method: cancel the first of two who wait for one look."""
    room = Room(peer_is_hbd=False)
    room.may_look.clear()
    first, second = (asyncio.create_task(room.desk.check()) for _ in range(2))
    await asyncio.wait((first,), timeout=0.01)
    assert room.looks == 1
    first.cancel()
    await asyncio.wait((first,))
    room.may_look.set()
    assert words(await second, CheckId.DISK_PRESENT) == [(HERE, "ok")]
    assert room.looks == 1


async def test_the_peer_is_asked_once_in_ten_seconds() -> None:
    """Goal: the serial line is for heartbeats. Method: many checks, then ten seconds later."""
    room = Room()
    await checked(room, answer(room.report))
    for _ in range(20):
        room.passes(ASK_EVERY_USEC // 25)
        assert words(await room.desk.check(), CheckId.PEER_ANSWERS) == [(HERE, "ok")]
    assert room.said == [None]
    room.passes(ASK_EVERY_USEC)
    await checked(room, answer(room.report))
    assert room.said == [None, None]


async def test_a_peer_that_asks_without_end_is_answered_twice_in_ten_seconds() -> None:
    """Goal: nobody wears us out. Method: a hundred questions, and one ten seconds later."""
    room = Room()
    for _ in range(100):
        room.desk.asked()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert 1 <= len([text for text in room.said if text]) <= 2
    before = len([text for text in room.said if text])
    room.passes(ASK_EVERY_USEC)
    room.desk.asked()
    await room.desk.check()
    await asyncio.sleep(0)
    assert len([text for text in room.said if text]) == before + 1


async def test_what_is_no_answer_changes_nothing() -> None:
    """Goal: garbage and unasked news are ignored. Method: one of each before and during a check."""
    room = Room()
    room.desk.told(answer(room.report))  # unasked
    for garbage in ("", ":", "5:", "x:" + parcel.packed(room.report), "5:AAAA", "9" * 30 + ":x"):
        lines = await checked(room, garbage)
        assert words(lines, CheckId.PEER_ANSWERS) == [(HERE, "warning")], garbage
        room.passes(ASK_EVERY_USEC)


async def test_clocks_that_disagree_are_told() -> None:
    """Goal: NFS and Samba compare times. Method: a peer three seconds ahead, and none."""
    for ahead, level in ((3_000_000, "warning"), (-3_000_000, "warning"), (0, "ok")):
        lines = await checked(room := Room(), answer(Report(), 5_000_000 + ahead))
        assert words(lines, CheckId.CLOCK_SAME) == [(HERE, level)]
        await room.desk.close()


def test_a_healthy_report_is_small_on_a_serial_line() -> None:
    """Goal: less than a second of 19200 baud. Method: 25 lines of the usual length."""
    texts = [ok(check, f"{check.value}: all is well with number {check.name}") for check in CheckId]
    packed = parcel.packed(Report(tuple(texts)))
    assert len(packed) < 1_500
    assert parcel.unpacked(packed) == Report(tuple(texts))


def test_a_long_report_keeps_its_errors_and_says_that_there_is_more() -> None:
    """Goal: bounded, and what matters last to go. Method: hundreds of different lines."""
    ours = tuple(ok(CheckId.UNIT_EXISTS, f"{n * 7919:x}{n * 104729:x}") for n in range(400))
    bad = error(CheckId.MOUNT_POINT, "not there", "mkdir")
    packed = parcel.packed(Report((*ours, bad)))
    assert len(packed) <= parcel.MAX_TEXT
    report = parcel.unpacked(packed)
    assert report is not None
    assert bad in report.findings
    assert [each.level for each in report.findings][-1] is Level.WARNING


def test_a_bomb_is_not_unfolded() -> None:
    """Goal: few bytes never cost much memory. Method: a good answer and a megabyte of blanks."""
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(b'{"f":[],"t":{}}' + b" " * 1_000_000, 9)).decode()
    assert len(bomb) < parcel.MAX_TEXT
    assert parcel.unpacked(bomb) is None
