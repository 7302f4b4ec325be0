"""The daemon on the bus: exports the objects, answers calls, tells changes, survives the bus.

It decides nothing about the cluster: a permitted request becomes one event, a change of belief
becomes signals. While the bus is away nothing is kept for it, because the state is told anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hbd.bus import contract, properties
from hbd.bus.announce import Announcer
from hbd.bus.calls import Calls
from hbd.bus.connection import Connection
from hbd.bus.facts import Facts, LinkReadings
from hbd.bus.gate import Gate
from hbd.bus.history import HistoryReadings
from hbd.bus.jobs import Request, Requests
from hbd.bus.names import BUS_NAME, Verb
from hbd.bus.objects import Check, Reload, nothing_checked
from hbd.bus.polkit import Authority
from hbd.cluster.event import Event
from hbd.cluster.node import Node
from hbd.cluster.terms import GroupName, JobId, JobResult, Scope
from hbd.errors import AdapterError

LOG = logging.getLogger(__name__)

# dbus-daemon is back within a second of a restart; one that stays away costs a try every 5 s.
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0

NO_READINGS = LinkReadings()
NO_HISTORY = HistoryReadings()


class NameTaken(AdapterError):
    """Another process owns org.hbd.Heartbeat1: a second hbd on this machine."""


class Endpoint:
    """hbd's presence on the system bus.

    `post` puts an event into the inbox; it is called from the loop, after the caller has its
    answer. `next_job` gives numbers that are used once. `node` is the belief to begin with.
    """

    def __init__(
        self,
        *,
        facts: Facts,
        node: Node,
        post: Callable[[Event], None],
        next_job: Callable[[], JobId],
        authority: Authority,
        reload: Reload,
        readings: LinkReadings = NO_READINGS,
        history: HistoryReadings = NO_HISTORY,
        check: Check = nothing_checked,
    ) -> None:
        """Raise AdapterError when the interface files are not installed."""
        self._facts = facts
        self._node = node
        self._post = post
        self._readings = readings
        self._history = history
        self._requests = Requests(next_job)
        self._gate = Gate(authority)
        self._contract = contract.load()
        self._calls = Calls(
            tree=self._tree,
            contract=self._contract,
            gate=self._gate,
            submit=self._submit,
            groups=tuple(group.name for group in node.groups),
            history=history,
            reload=reload,
            check=check,
        )
        self._announcer = Announcer(self._contract)
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._address: str | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the bus can reach us now."""
        return self._connection is not None and self._connection.is_open

    async def connect(self, address: str | None = None) -> None:
        """Join the system bus (or the one at `address`) and own org.hbd.Heartbeat1.

        Afterwards the endpoint comes back by itself whenever the bus does. Raise AdapterError
        when there is no bus, NameTaken when another process owns the name; then nothing is left
        behind and connect may be called again.
        """
        assert self._keeper is None, "connected once"
        self._address = address
        self._connection = await self._join()
        self._keeper = asyncio.create_task(self._keep(), name="hbd-bus")

    def update(self, before: Node, after: Node) -> None:
        """Tell the bus what changed. Call after every step: it costs little if nothing did."""
        self._node = after
        if before is not after and not properties.looks_equal(before, after):
            self._announce()

    def refact(self, facts: Facts) -> None:
        """Other links or groups are configured: told with the belief that follows."""
        self._facts = facts
        self._calls.serve(tuple(group.name for group in facts.groups))

    def refresh(self) -> None:
        """Tell the bus what changed outside the node's belief: a link's fault, a transition."""
        self._announce()

    def finish_job(self, job: JobId, result: JobResult, why: str) -> None:
        """Remove the job's object and tell its result by JobRemoved. `why` is for people.

        A job that nobody on the bus asked for, or that was finished before, is none of ours.
        """
        if self._requests.finish(job) is None:
            return
        if self._connection is not None:
            self._announcer.job_removed(self._connection, job, result, why)
        self._announce()

    async def close(self) -> None:
        """End what still waits, say so, and leave the bus. Idempotent."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait((self._keeper,))
            self._keeper = None
        self._calls.cancel()
        for request in self._requests.running:
            self.finish_job(request.id, JobResult.FAILED, "hbd was stopped before it was done")
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _tree(self) -> properties.Tree:
        return properties.tree(
            self._node,
            self._facts,
            self._readings,
            self._requests.running,
            self._gate.denied_count,
            self._history.last_of,
        )

    def _announce(self) -> None:
        if self._connection is not None and self._connection.is_open:
            self._announcer.announce(self._connection, self._tree())

    def _submit(self, verb: Verb, scope: Scope, group: GroupName | None, by: str) -> Request:
        """Begin a job and tell of it; its event goes out once the caller has its answer."""
        request = self._requests.submit(verb, scope, group, by)
        self._announce()
        if self._connection is not None:
            self._announcer.job_new(self._connection, request)
        asyncio.get_running_loop().call_soon(self._post, request.event)
        return request

    async def _join(self) -> Connection:
        """A connection that owns our name; raise AdapterError, leaving nothing behind."""
        connection = await Connection.open(self._address, self._calls.take)
        owned = False
        try:
            owned = await connection.own(BUS_NAME)
        finally:
            if not owned:
                connection.abandon()
        if not owned:
            raise NameTaken(f"another process owns {BUS_NAME}; is hbd running already?")
        self._announcer.forget(self._tree())
        return connection

    async def _keep(self) -> None:
        """Come back whenever the bus does, until cancelled."""
        while True:
            assert self._connection is not None
            await self._connection.closed()
            self._calls.cancel()
            LOG.warning("the message bus has gone away; hbd works on and tries to join it again")
            self._connection = await self._rejoin()
            LOG.info("joined the message bus again")

    async def _rejoin(self) -> Connection:
        delay = FIRST_RETRY_SECONDS
        while True:
            await asyncio.sleep(delay)
            try:
                return await self._join()
            except AdapterError as error:
                if delay < LAST_RETRY_SECONDS <= 2 * delay:
                    LOG.warning("still not on the message bus: %s", error)
                delay = min(2 * delay, LAST_RETRY_SECONDS)
