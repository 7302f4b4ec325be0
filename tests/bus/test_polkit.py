"""PolkitAuthority against a polkitd that speaks polkit's own messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hbd.bus.connection import Connection
from hbd.bus.exported import Caller
from hbd.bus.names import Permission
from hbd.bus.polkit import PolkitAuthority, Verdict
from tests.bus.polkitd import FAILED, Polkitd
from tests.bus.private_bus import PrivateBus

ROOT, OPERATOR = Caller(":1.1", 0), Caller(":1.42", 1000)
DETAILS = {"group": "192.168.0.100"}


@pytest.fixture
async def connection(private_bus: PrivateBus) -> AsyncIterator[Connection]:
    """The connection on which hbd asks."""
    connection = await Connection.open(private_bus.address, lambda _bus, _message: None)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def polkitd(private_bus: PrivateBus) -> AsyncIterator[Polkitd]:
    """A polkitd that says yes."""
    polkitd = await Polkitd.start(private_bus.address)
    try:
        yield polkitd
    finally:
        await polkitd.stop()


async def ask(
    connection: Connection,
    caller: Caller = OPERATOR,
    *,
    interactive: bool = False,
    seconds: float = 10.0,
) -> Verdict:
    """Put one question."""
    authority = PolkitAuthority(rule_seconds=seconds, person_seconds=seconds)
    return await authority.check(
        connection, caller, Permission.TAKEOVER, DETAILS, interactive=interactive
    )


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ((True, False), Verdict.ALLOWED),
        ((False, False), Verdict.DENIED),
        ((False, True), Verdict.CHALLENGE),
        (FAILED, Verdict.DENIED),
        ("org.freedesktop.systemd1.UnitMasked", Verdict.ABSENT),
    ],
)
async def test_each_answer_has_its_verdict(
    connection: Connection, polkitd: Polkitd, answer: tuple[bool, bool] | str, verdict: Verdict
) -> None:
    """Goal: only a yes is a yes. Method: each answer polkit can give."""
    polkitd.answer = answer
    assert await ask(connection) is verdict


@pytest.mark.parametrize("interactive", [True, False])
async def test_polkit_is_asked_about_the_callers_connection(
    connection: Connection, polkitd: Polkitd, interactive: bool
) -> None:
    """Goal: the subject is who called, not who we are. Method: read the question."""
    await ask(connection, interactive=interactive)
    [[subject, action, details, flags, cancellation]] = polkitd.questions
    assert isinstance(subject, list)
    assert subject[0] == "system-bus-name"
    assert {key: value.value for key, value in subject[1].items()} == {"name": OPERATOR.sender}
    assert action == Permission.TAKEOVER.value
    assert details == DETAILS
    assert flags == (1 if interactive else 0)
    assert cancellation


async def test_a_silent_polkit_is_a_no_and_its_dialogue_is_closed(
    connection: Connection, polkitd: Polkitd
) -> None:
    """Goal: an own deadline. Method: no answer; the verdict comes, and the same id is cancelled."""
    polkitd.answer = None
    assert await ask(connection, interactive=True, seconds=0.05) is Verdict.SILENT
    async with asyncio.timeout(10):
        assert await polkitd.cancelled.get() == polkitd.questions[0][4]


async def test_without_polkit_only_root_may(connection: Connection) -> None:
    """Goal: fail closed, but never lock root out. Method: nobody owns polkit's name."""
    assert await ask(connection, ROOT) is Verdict.ALLOWED
    assert await ask(connection, OPERATOR) is Verdict.ABSENT


async def test_root_is_not_asked_about(connection: Connection, polkitd: Polkitd) -> None:
    """Goal: root acts at once, whatever polkit does. Method: a silent polkit, no question."""
    polkitd.answer = None
    assert await ask(connection, ROOT) is Verdict.ALLOWED
    assert polkitd.questions == []


async def test_a_bus_that_dies_meanwhile_is_a_no(
    private_bus: PrivateBus, connection: Connection, polkitd: Polkitd
) -> None:
    """Goal: no question hangs. Method: kill the bus while polkit is silent."""
    polkitd.answer = None
    question = asyncio.create_task(ask(connection))
    async with asyncio.timeout(10):
        await polkitd.asked.wait()
        await private_bus.kill()
        assert await question is Verdict.SILENT
    assert await ask(connection) is Verdict.SILENT
