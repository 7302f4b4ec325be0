"""Signals: the difference between what was told and what is true now.

PropertiesChanged carries only the properties that the contract says emit it, so counters and
times of hearing make no traffic. Objects that come and go (jobs) are told by the ObjectManager's
InterfacesAdded and InterfacesRemoved.
"""

from __future__ import annotations

from collections.abc import Mapping

from dbus_next.message import Message

from hbd.bus import names
from hbd.bus.connection import Connection
from hbd.bus.contract import Contract, Emits
from hbd.bus.jobs import Request
from hbd.bus.names import ROOT, Interface, Standard
from hbd.bus.properties import Properties, Tree, sendable
from hbd.cluster.terms import JobId, JobResult


class Announcer:
    """Remembers what the bus was told."""

    def __init__(self, contract: Contract) -> None:
        self._told: Tree = {}
        self._changing = _which(contract, Emits.CHANGED)
        self._constant = _which(contract, Emits.CONSTANT)

    def forget(self, tree: Tree) -> None:
        """The bus is new: whoever listens there reads this tree first."""
        self._told = tree

    def announce(self, bus: Connection, tree: Tree) -> None:
        """Tell what is new, what changed, and what is gone."""
        told, self._told = dict(self._told), tree
        for path, interfaces in tree.items():
            if path in told and self._is_another(told[path], interfaces):
                gone = list(told.pop(path))
                self._signal(bus, ROOT, "InterfacesRemoved", "oas", [path, gone])
            if path not in told:
                self._signal(bus, ROOT, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])
                continue
            for interface, properties in interfaces.items():
                self._changed(bus, path, interface, told[path][interface], properties)
        for path, interfaces in told.items():
            if path not in tree:
                self._signal(bus, ROOT, "InterfacesRemoved", "oas", [path, list(interfaces)])

    def job_new(self, bus: Connection, request: Request) -> None:
        """Tell that a request was accepted."""
        body: list[object] = [names.job_path(request.id), str(request.verb)]
        bus.send(Message.new_signal(ROOT, Interface.MANAGER, "JobNew", "os", body))

    def job_removed(self, bus: Connection, job: JobId, result: JobResult, why: str) -> None:
        """Tell how a request ended."""
        body: list[object] = [names.job_path(job), result.value, sendable(why)]
        bus.send(Message.new_signal(ROOT, Interface.MANAGER, "JobRemoved", "oss", body))

    def _is_another(self, before: dict[str, Properties], after: dict[str, Properties]) -> bool:
        """Whether an object at the same path differs in what cannot change: a reload made it."""
        return before.keys() != after.keys() or any(
            before[interface][name] != value
            for interface, properties in after.items()
            for name, value in properties.items()
            if name in self._constant[interface]
        )

    def _changed(
        self, bus: Connection, path: str, interface: str, before: Properties, after: Properties
    ) -> None:
        changing = self._changing[interface]
        news = {
            name: value
            for name, value in after.items()
            if name in changing and before[name] != value
        }
        if news:
            body: list[object] = [str(interface), news, []]
            message = Message.new_signal(
                path, Standard.PROPERTIES, "PropertiesChanged", "sa{sv}as", body
            )
            bus.send(message)

    @staticmethod
    def _signal(
        bus: Connection, path: str, member: str, signature: str, body: list[object]
    ) -> None:
        bus.send(Message.new_signal(path, Standard.OBJECT_MANAGER, member, signature, body))


def _which(contract: Contract, emits: Emits) -> Mapping[str, frozenset[str]]:
    """The properties of each interface whose change does what `emits` says."""
    return {
        interface: frozenset(
            name for name, described in each.properties.items() if described.emits is emits
        )
        for interface, each in contract.items()
    }
