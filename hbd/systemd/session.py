"""The connection to systemd over time: opened, lost, opened again.

One Connection after another, with the subscriptions that must be made anew on each. Who calls while
there is none gets AdapterError at once; nobody waits for a bus that may not come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from hbd.cluster.terms import MILLISECOND, SECOND
from hbd.errors import AdapterError
from hbd.systemd import unitname
from hbd.systemd.connection import DBUS, SYSTEMD, Connection, Endpoint, Signal

BACK_OFF_USEC: Final = (20 * MILLISECOND, 100 * MILLISECOND, 500 * MILLISECOND, 2 * SECOND)


class Session:
    """Keeps a connection open to the first of `endpoints` that answers.

    `watched` names the units whose signals each new connection must ask for; `on_lost` hears why a
    connection ended, `on_back` runs when there is a new one.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        on_signal: Callable[[Signal], None],
        watched: Callable[[], Iterable[str]],
        on_lost: Callable[[str], None],
        on_back: Callable[[], Awaitable[None]],
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._on_signal = on_signal
        self._watched = watched
        self._on_lost = on_lost
        self._on_back = on_back
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Connect once, and from then on again whenever the connection is lost.

        Raises AdapterError when systemd cannot be reached now; nothing is left running then.
        """
        assert self._keeper is None, "connect is called once"
        self._connection = await self._open()
        self._keeper = asyncio.create_task(self._keep(), name="systemd-session")

    async def close(self) -> None:
        """Let go of systemd; units and their jobs go on by themselves."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    @property
    def endpoint(self) -> Endpoint | None:
        """Which way systemd is spoken to now; None while it cannot be reached."""
        return self._connection.endpoint if self._connection else None

    def require(self) -> Connection:
        """The connection. Raises AdapterError while there is none."""
        if self._connection is None:
            raise AdapterError(
                "Failed to reach systemd: there is no connection now, it is sought again"
            )
        return self._connection

    async def _open(self) -> Connection:
        """The first endpoint that answers and lets us subscribe."""
        failures: list[str] = []
        for endpoint in self._endpoints:
            try:
                connection = await Connection.open(endpoint, self._on_signal)
            except AdapterError as error:
                failures.append(str(error))
                continue
            try:
                await self._subscribe(connection)
            except AdapterError as error:
                failures.append(str(error))
                await connection.close()
                continue
            return connection
        raise AdapterError("; ".join(failures))

    async def _subscribe(self, connection: Connection) -> None:
        await asyncio.gather(
            connection.match(f"interface='{SYSTEMD}.Manager',member='JobRemoved'"),
            connection.call("Subscribe"),
            *(connection.match(watch_rule(unit)) for unit in self._watched()),
        )

    async def _keep(self) -> None:
        while True:
            why = await self.require().lost
            await self.require().close()
            self._connection = None
            self._on_lost(why)
            self._connection = await self._open_again()
            await self._on_back()

    async def _open_again(self) -> Connection:
        attempt = 0
        while True:
            try:
                return await self._open()
            except AdapterError:
                pause = BACK_OFF_USEC[min(attempt, len(BACK_OFF_USEC) - 1)]
                attempt += 1
                await asyncio.sleep(pause / SECOND)


def watch_rule(unit: str) -> str:
    """The match rule for every change of `unit`; its path is the same when it is loaded anew."""
    path = unitname.bus_path(unit)
    return f"interface='{DBUS}.Properties',member='PropertiesChanged',path='{path}'"
