"""The connection under a systemd that is deaf, dies, or speaks half. Real sockets, small peers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dbus_next.constants import MessageType
from dbus_next.message import Message

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError
from hbd.systemd import connection
from hbd.systemd.connection import CallFailed, Connection, Endpoint
from hbd.systemd.manager import Manager

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]
SLOW_ANSWER = 0.2  # s
OK = b"OK 0123456789abcdef0123456789abcdef\r\n"


@asynccontextmanager
async def peer(path: Path, talk: Talk) -> AsyncIterator[Endpoint]:
    """Something that listens where systemd's own socket would be; it ends with the test."""
    writers: list[asyncio.StreamWriter] = []
    tasks: set[asyncio.Task[None]] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await talk(reader, writer)

    server = await asyncio.start_unix_server(accepted, str(path))
    try:
        yield Endpoint(str(path), is_bus=False)
    finally:
        server.close()
        for writer in writers:
            writer.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - a name in tmpfs, and nobody waits


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The handshake, as systemd does it."""
    await reader.readuntil(b"BEGIN\r\n")
    writer.write(OK)


def frame(message: Message) -> bytes:
    """A message as it travels."""
    return bytes(message._marshall())  # type: ignore[no-untyped-call]  # the library has no types


async def read_call(reader: asyncio.StreamReader) -> int:
    """Read one message and return its serial."""
    head = await reader.readexactly(16)
    body, serial, fields = (int.from_bytes(head[at : at + 4], "little") for at in (4, 8, 12))
    await reader.readexactly(fields + -fields % 8 + body)
    return serial


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every call with nothing."""
    await greet(reader, writer)
    while True:
        reply = Message(
            message_type=MessageType.METHOD_RETURN, reply_serial=await read_call(reader), serial=1
        )
        writer.write(frame(reply))


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one call after the other, each after its while."""
    await greet(reader, writer)
    while True:
        serial = await read_call(reader)
        await asyncio.sleep(SLOW_ANSWER)
        reply = Message(message_type=MessageType.METHOD_RETURN, reply_serial=serial, serial=1)
        writer.write(frame(reply))


async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every call with an error."""
    await greet(reader, writer)
    while True:
        reply = Message(
            message_type=MessageType.ERROR,
            error_name="org.freedesktop.systemd1.NoSuchUnit",
            reply_serial=await read_call(reader),
            serial=1,
            signature="s",
            body=["Unit x not loaded."],
        )
        writer.write(frame(reply))


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets, then reads and says nothing."""
    await greet(reader, writer)
    await reader.read()


async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets and dies at the first call."""
    await greet(reader, writer)
    await read_call(reader)
    writer.close()


async def closing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes in the middle of the handshake."""
    writer.close()


async def rejecting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Knows nobody."""
    await reader.readuntil(b"\r\n")
    writer.write(b"REJECTED EXTERNAL\r\n")
    await reader.read()


async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Accepts, and that is all: a bus that is being activated for ever."""
    await reader.read()


@pytest.mark.parametrize("talk", [closing, rejecting, mute])
async def test_a_peer_that_does_not_let_us_in_is_an_error_in_time(
    talk: Talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: no endless wait and no spinning. Method: three bad handshakes, a short limit."""
    monkeypatch.setattr(connection, "CONNECT_LIMIT_USEC", Usec(100_000))
    async with peer(tmp_path / "bus", talk) as endpoint, asyncio.timeout(5):
        with pytest.raises(AdapterError):
            await Connection.open(endpoint, lambda _: None)


async def test_nobody_there_is_an_error_at_once(tmp_path: Path) -> None:
    """Goal: a missing socket. Method: connect to nothing."""
    with pytest.raises(AdapterError):
        await Connection.open(Endpoint(str(tmp_path / "absent"), is_bus=False), lambda _: None)


async def test_a_call_without_an_answer_ends_the_connection(tmp_path: Path) -> None:
    """Goal: a deadline on each call. Method: a deaf peer; the next call is refused at once."""
    async with peer(tmp_path / "bus", deaf) as endpoint, asyncio.timeout(5):
        link = await Connection.open(endpoint, lambda _: None)
        with pytest.raises(AdapterError):
            await link.call("Subscribe", limit_usec=Usec(50_000))
        assert link.lost.done()
        with pytest.raises(AdapterError):
            await link.call("Subscribe")
        await link.close()


async def test_a_call_may_wait_its_turn_for_longer_than_the_limit(tmp_path: Path) -> None:
    """Goal: slow is not dead. Method: calls at once to who needs longer for all than one may take.

    An emulated machine's systemd took a second for each of the forty answers of a start.
    """
    limit = Usec(int(4 * SLOW_ANSWER * SECOND))
    async with peer(tmp_path / "bus", slow) as endpoint, asyncio.timeout(30):
        link = await Connection.open(endpoint, lambda _: None)
        asked = (link.call("GetUnit", "s", str(i), limit_usec=limit) for i in range(8))
        assert await asyncio.gather(*asked) == [[]] * 8
        assert not link.lost.done()
        await link.close()


async def test_a_peer_that_dies_ends_the_call_and_the_connection(tmp_path: Path) -> None:
    """Goal: dbus-next's endless call after a loss is not ours. Method: the peer closes."""
    async with peer(tmp_path / "bus", dying) as endpoint, asyncio.timeout(5):
        link = await Connection.open(endpoint, lambda _: None)
        with pytest.raises(AdapterError):
            await link.call("Subscribe")
        await link.lost
        with pytest.raises(AdapterError):
            await link.call("Subscribe")
        await link.close()


async def test_an_error_reply_keeps_its_name(tmp_path: Path) -> None:
    """Goal: callers can tell errors apart. Method: a peer that refuses, twice on one connection."""
    async with peer(tmp_path / "bus", refusing) as endpoint, asyncio.timeout(5):
        link = await Connection.open(endpoint, lambda _: None)
        for _ in range(2):
            with pytest.raises(CallFailed) as caught:
                await link.call("StopUnit", "ss", "x", "replace")
            assert caught.value.name == "org.freedesktop.systemd1.NoSuchUnit"
        await link.close()


async def test_the_first_call_may_follow_the_handshake_at_once(tmp_path: Path) -> None:
    """Goal: nothing of the first message is lost in the handshake. Method: many connections."""
    async with peer(tmp_path / "bus", answering) as endpoint, asyncio.timeout(10):
        for _ in range(50):
            link = await Connection.open(endpoint, lambda _: None)
            assert await link.call("Subscribe") == []
            await link.close()


async def test_a_lost_manager_says_so_and_comes_back_by_another_way(tmp_path: Path) -> None:
    """Goal: a failover does not need the bus. Method: the first endpoint dies, the second lives."""
    told: asyncio.Queue[bool] = asyncio.Queue()
    async with asyncio.timeout(10), peer(tmp_path / "private", answering) as private:
        async with peer(tmp_path / "bus", answering) as bus:
            manager = Manager([bus, private], told.put_nowait)
            await manager.connect()
            assert manager.endpoint == bus
        assert await told.get() is False
        assert await told.get() is True
        assert manager.endpoint == private
        await manager.close()


async def test_while_there_is_no_connection_callers_are_refused(tmp_path: Path) -> None:
    """Goal: an error now beats a wait without end. Method: the only endpoint goes, then returns."""
    told: asyncio.Queue[bool] = asyncio.Queue()
    async with asyncio.timeout(10):
        async with peer(tmp_path / "bus", answering) as bus:
            manager = Manager([bus], told.put_nowait)
            await manager.connect()
        assert await told.get() is False
        with pytest.raises(AdapterError):
            await manager.start("smbd.service", Usec(1_000_000))
        async with peer(tmp_path / "bus", answering):
            assert await told.get() is True
            await manager.reload()
            await manager.close()


async def test_stopping_what_does_not_exist_is_done(tmp_path: Path) -> None:
    """Goal: a release may be repeated. Method: systemd knows no such unit."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        first = Message(
            message_type=MessageType.METHOD_RETURN, reply_serial=await read_call(reader), serial=1
        )
        writer.write(frame(first))
        error = Message(
            message_type=MessageType.ERROR,
            error_name="org.freedesktop.systemd1.NoSuchUnit",
            reply_serial=await read_call(reader),
            serial=2,
        )
        writer.write(frame(error))
        await reader.read()

    async with peer(tmp_path / "bus", talk) as bus, asyncio.timeout(5):
        manager = Manager([bus])
        await manager.connect()
        await manager.stop("x.service", Usec(1_000_000))
        await manager.close()
