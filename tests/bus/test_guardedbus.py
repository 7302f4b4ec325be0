"""What any user of the machine can send to the daemon, and what it may cost: next to nothing."""

from __future__ import annotations

import asyncio

import pytest
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message
from dbus_next.signature import SignatureTree

from hbd.bus import guardedbus
from hbd.bus.guardedbus import MAX_MESSAGE_BYTES, MESSAGES_PER_TURN, GuardedBus
from hbd.bus.names import BUS_NAME, ROOT, Standard
from tests.bus.client import Client
from tests.bus.private_bus import PrivateBus
from tests.bus.served import Served


def ping(**fields: object) -> Message:
    """A call that is answered without asking anybody."""
    call: dict[str, object] = {
        "destination": BUS_NAME,
        "path": ROOT,
        "interface": str(Standard.PEER),
        "member": "Ping",
    }
    return Message(**(call | fields))  # type: ignore[arg-type]  # keyword by keyword, as given


def inside(served: Served) -> GuardedBus:
    """The endpoint's own connection."""
    connection = served.endpoint._connection
    assert connection is not None
    return connection._bus


@pytest.mark.parametrize("megabytes", [1, 8])
async def test_a_huge_message_is_passed_over_unread(
    client: Client, served: Served, megabytes: int
) -> None:
    """Goal: a stranger's megabytes stop no heartbeat. Method: send them; the next call is answered.

    Numbers, one by one, are what costs the library seconds.
    """
    numbers = [0] * (megabytes * 1024 * 1024 // 4)
    silent = MessageFlag.NO_REPLY_EXPECTED
    await client.bus.send(ping(signature="ai", body=[numbers], flags=silent))
    assert (await client.send(ping())).message_type is MessageType.METHOD_RETURN
    assert inside(served).passed_over == 1


async def test_a_message_of_the_largest_size_is_still_read(client: Client, served: Served) -> None:
    """Goal: the limit is where it is said to be. Method: just below it, then just above."""
    below = await client.send(ping(signature="s", body=["x" * (MAX_MESSAGE_BYTES - 512)]))
    assert below.error_name == "org.freedesktop.DBus.Error.InvalidArgs"
    silent = MessageFlag.NO_REPLY_EXPECTED
    above = ping(signature="s", body=["x" * MAX_MESSAGE_BYTES], flags=silent)
    await client.bus.send(above)
    await client.send(ping())
    assert inside(served).passed_over == 1


async def test_an_unknown_kind_of_message_does_not_end_the_connection(
    client: Client, served: Served
) -> None:
    """Goal: nobody can throw us off the bus. Method: a message of type 9, then a call."""
    message = ping(flags=MessageFlag.NO_REPLY_EXPECTED, serial=client.bus.next_serial())
    raw = bytearray(message._marshall())  # type: ignore[no-untyped-call]  # the library's own
    raw[1] = 9
    client.bus._writer.messages.put_nowait((bytes(raw), [], None))
    assert (await client.send(ping())).message_type is MessageType.METHOD_RETURN
    assert served.endpoint.is_connected
    assert inside(served).passed_over <= 1  # the bus may drop it itself


async def test_a_flood_leaves_the_loop_its_turns(client: Client, served: Served) -> None:
    """Goal: a busy caller starves no heartbeat. Method: count the calls between two turns."""
    handled = 0
    most = 0

    def count(_message: Message) -> bool:
        nonlocal handled
        handled += 1
        return False

    bus = inside(served)
    bus._user_message_handlers.insert(0, count)
    asyncio.get_running_loop().remove_reader(bus._fd)
    for _ in range(400):
        await client.bus.send(ping(flags=MessageFlag.NO_REPLY_EXPECTED))
    last = asyncio.create_task(client.send(ping()))
    bus._read_on()
    while not last.done():
        before = handled
        await asyncio.sleep(0)
        most = max(most, handled - before)
    assert last.result().message_type is MessageType.METHOD_RETURN
    assert handled == 401
    assert 0 < most <= 2 * MESSAGES_PER_TURN


async def test_strange_signatures_are_not_remembered_for_ever(
    client: Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: no caller fills the memory. Method: a small bound, more signatures than it holds."""
    assert served.endpoint.is_connected
    monkeypatch.setattr(guardedbus, "MAX_SIGNATURES", 40)
    for length in range(1, 101):
        await client.send(ping(signature="y" * length, body=[0] * length))
        assert len(SignatureTree._cache) <= 40 + 30


async def test_a_full_socket_is_waited_for(private_bus: PrivateBus) -> None:
    """Goal: a burst is not taken for the end. Method: more than a socket holds, in one turn."""
    bus = GuardedBus(private_bus.address)
    await bus.connect()
    signal = Message.new_signal(ROOT, "org.example.Test", "Tick", "s", ["x" * 10_000])
    async with asyncio.timeout(10):
        await asyncio.gather(*(bus.send(signal) for _ in range(200)))
    assert bus.connected
    bus.abandon()


async def test_a_bus_that_does_not_read_is_given_up(private_bus: PrivateBus) -> None:
    """Goal: no unbounded queue. Method: queue more than the bound while the loop has no turn."""
    bus = await GuardedBus(private_bus.address).connect()
    assert isinstance(bus, GuardedBus)
    signal = Message.new_signal(ROOT, "org.example.Test", "Tick")
    for _ in range(guardedbus.MAX_QUEUED):
        bus.send(signal)
    assert bus.connected
    bus.send(signal)
    assert not bus.connected
    with pytest.raises(BufferError):
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # the library's own
