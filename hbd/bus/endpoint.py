"""The daemon on the bus: exports the objects, answers calls, tells changes, survives the bus.

It decides nothing about the cluster: a permitted request becomes one event, a change of belief
becomes signals.
"""

from __future__ import annotations

from collections.abc import Callable

from hbd.bus.facts import Facts, LinkReadings
from hbd.bus.polkit import Authority
from hbd.cluster.event import Event
from hbd.cluster.node import Node
from hbd.cluster.terms import JobId, JobResult


class Endpoint:
    """hbd's presence on the system bus."""

    def __init__(
        self,
        *,
        facts: Facts,
        node: Node,
        post: Callable[[Event], None],
        next_job: Callable[[], JobId],
        authority: Authority,
        readings: LinkReadings = LinkReadings(),  # noqa: B008  # frozen
    ) -> None:
        raise NotImplementedError

    async def connect(self, address: str | None = None) -> None:
        """Join the system bus (or the one at `address`) and own org.hbd.Heartbeat1.

        Afterwards the endpoint comes back by itself whenever the bus does. Raise AdapterError
        when there is no bus, or when another process owns the name.
        """
        raise NotImplementedError

    def update(self, before: Node, after: Node) -> None:
        """Tell the bus what changed. Call after every step: it costs little if nothing did."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Tell the bus what changed outside the node's belief: a link's fault came or went."""
        raise NotImplementedError

    def finish_job(self, job: JobId, result: JobResult, why: str) -> None:
        """Remove the job's object and tell its result by JobRemoved."""
        raise NotImplementedError

    async def close(self) -> None:
        """Say what is left to say and leave the bus. Idempotent."""
        raise NotImplementedError
