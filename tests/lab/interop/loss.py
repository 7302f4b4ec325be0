"""A bad medium: a share of all messages is lost, each way, whole.

On the wire it is a rule in the switch's own forwarding path (nft), on the serial line a sieve in
the pump, because this machine's kernel need not have netem.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.lab.harness.host import run
from tests.lab.harness.network import Network
from tests.lab.harness.serial import NullModem

_TABLE = "lossy"
_RULES = """\
table bridge {table} {{
    chain forward {{
        type filter hook forward priority 0;
        udp dport {port} numgen random mod 100 < {percent} counter drop
    }}
}}
"""
_HEAD = b">>>\n"


@asynccontextmanager
async def of_datagrams(network: Network, port: int, percent: int) -> AsyncIterator[None]:
    """Inside, the switches lose `percent` of the datagrams to `port`."""
    space = ["nsenter", f"--net=/run/netns/{network.namespace('wires')}"]
    rules = _RULES.format(table=_TABLE, port=port, percent=percent)
    await run([*space, "nft", "-f", "-"], stdin=rules.encode())
    try:
        yield
    finally:
        await run([*space, "nft", "delete", "table", "bridge", _TABLE])


@asynccontextmanager
async def of_lines(serial: NullModem, percent: int, seed: int) -> AsyncIterator[None]:
    """Inside, the serial line loses `percent` of the messages, the same ones for a `seed`."""
    sieves = [Sieve(percent, random.Random(f"{seed}/{end}")) for end in range(2)]
    serial.sieve_with(*(sieve.pass_on for sieve in sieves))
    try:
        yield
    finally:
        serial.sieve_with(bytes, bytes)


class Sieve:
    """Lets the bytes of a stream through, but for whole messages that chance has picked."""

    def __init__(self, percent: int, chance: random.Random) -> None:
        self._percent = percent
        self._chance = chance
        self._held = b""  # the beginning of a `>>>` line, perhaps
        self._drops = False

    def pass_on(self, data: bytes) -> bytes:
        """What of `data`, and of what was held back before, arrives."""
        data = self._held + data
        keep = next((n for n in (3, 2, 1) if data.endswith(_HEAD[:n])), 0)
        data, self._held = data[: len(data) - keep], data[len(data) - keep :]
        passed = []
        for number, piece in enumerate(data.split(_HEAD)):
            if number:
                self._drops = self._chance.randrange(100) < self._percent
                piece = _HEAD + piece
            if not self._drops:
                passed.append(piece)
        return b"".join(passed)
