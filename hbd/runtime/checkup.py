"""`hbctl check`: what each part of the daemon knows, the examiner's word, and the peer's.

It binds `check` to the parts; what a finding means is said there. Everything has a deadline, so
that a hung disk, systemd or peer costs a line and not the answer.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hbd.check import address, links, units
from hbd.check.desk import Desk, Nodes
from hbd.check.finding import CheckId, Report, error, joined, ok, warning
from hbd.check.order import DIRECTORY, order_of, read_found, write_order
from hbd.cluster.node import Group, Node
from hbd.cluster.terms import SECOND, GroupName, GroupState, Usec
from hbd.config.digest import digest
from hbd.config.model import AddressResource, Config
from hbd.errors import AdapterError
from hbd.net.address import Addresses, SharedAddress
from hbd.runtime.clock import now
from hbd.runtime.definition import shared_address
from hbd.runtime.media import Media
from hbd.systemd import resource
from hbd.systemd.manager import Manager

EXAMINER: Final = "hbd-check.service"
# 4 s for its subjects; a machine that is busy takes a while to start a process.
EXAMINER_LIMIT_USEC: Final = Usec(7 * SECOND)
PART_SECONDS: Final = 5.0

_MOVING = (GroupState.STARTING, GroupState.STOPPING)


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is to check now. A reload gives the next check another one."""

    node: Node
    config: Config
    found: tuple[resource.Group, ...]
    addresses: Addresses


class Checkup:
    """This node's half of a check, and through `desk` both halves."""

    def __init__(
        self,
        situation: Callable[[], Situation],
        media: Media,
        manager: Manager,
        directory: Path = DIRECTORY,
    ) -> None:
        """`situation` is asked at each check. Answers to the peer go out by `media`."""
        self._situation = situation
        self._media = media
        self._manager = manager
        self._directory = directory
        self._numbers = itertools.count(time.time_ns())  # no older life has left a result of ours
        self.desk = Desk(self._look, self._nodes, self._tell_peer, now, _unix_usec)
        media.on_check = self._heard

    def _heard(self, text: str | None) -> None:
        if text is None:
            self.desk.asked()
        else:
            self.desk.told(text)

    def _nodes(self) -> Nodes:
        node = self._situation().node
        is_hbd = node.peer.is_heard and node.peer.report is not None and not node.peer.is_heartbeat
        return Nodes(node.name, node.peer.name, peer_is_hbd=is_hbd)

    def _tell_peer(self, found: str | None) -> None:
        self._media.tell_check(self._situation().node.peer.name, found)

    async def _look(self) -> Report:
        at = self._situation()
        known = Report(
            (
                *links.ready(at.node),
                *links.equal(at.node),
                *links.proven(at.node, self._media.faults()),
                units.limits(at.found, at.config.timing.deadtime_usec),
            )
        )
        moving = [group.name for group in at.node.groups if group.state in _MOVING]
        if moving:  # a look at a disk or an address that is on its way would be in its way
            why = f"not checked: {', '.join(moving)} is moving; neither units, disk nor address"
            return joined([known, Report((warning(CheckId.EXAMINED, why, "hbctl check, later"),))])
        parts = await asyncio.gather(
            _part(CheckId.UNIT_EXISTS, "systemd", self._units(at)),
            self._examined(at),
            *(
                _part(CheckId.ADDRESS_FREE, shared.address, self._address(at, shared))
                for shared in _addresses(at)
            ),
        )
        return joined([known, *parts])

    async def _units(self, at: Situation) -> Report:
        return Report(tuple(await units.look(at.found, self._manager)))

    async def _address(self, at: Situation, shared: address.Shared) -> Report:
        return await address.look(shared, _Lan(at.addresses, at.config))

    async def _examined(self, at: Situation) -> Report:
        """Let the examiner look; what it found before it was stopped counts too."""
        number = next(self._numbers)
        held = frozenset(group.name for group in at.node.groups if group.state.is_held)
        order = order_of(number, at.config, digest(at.config), at.found, held)
        trouble = ""
        try:
            write_order(order, self._directory)
            await self._manager.start(EXAMINER, EXAMINER_LIMIT_USEC)
        except AdapterError as problem:
            trouble = str(problem)
        try:
            report = read_found(number, self._directory)
        except AdapterError as problem:
            report, trouble = None, str(problem)
        if report is None:
            why = f"files, disks, Samba and NFS are not checked: {trouble or 'no result'}"
            return Report((error(CheckId.EXAMINED, why, f"journalctl -e -u {EXAMINER}"),))
        told = ok(CheckId.EXAMINED, "files, disks and servers were looked at")
        return joined([report, Report((told,))])


class _Lan:
    """The network, asked about one address at a time."""

    def __init__(self, addresses: Addresses, config: Config) -> None:
        self._addresses = addresses
        self._config = config

    async def interface(self, text: str) -> str:
        return (await self._addresses.locate(self._shared(text))).interface

    async def is_present(self, text: str) -> bool:
        return await self._addresses.is_present(self._shared(text))

    async def answering(self, text: str) -> str | None:
        return await self._addresses.probe(self._shared(text))

    def _shared(self, text: str) -> SharedAddress:
        found = (r for _, r in _address_resources(self._config) if r.address == text)
        return shared_address(next(found))


async def _part(check: CheckId, what: str, work: Awaitable[Report]) -> Report:
    """One part, or the line that says that it did not answer."""
    try:
        async with asyncio.timeout(PART_SECONDS):
            return await work
    except TimeoutError:
        why = f"{what}: no answer in {PART_SECONDS:g} s"
    except AdapterError as problem:
        why = f"{what}: {problem}"
    return Report((error(check, why, "journalctl -e -u hbd"),))


def _addresses(at: Situation) -> list[address.Shared]:
    return [
        address.Shared(r.address, here=_is_here(group), there=_is_there(at.node, group))
        for name, r in _address_resources(at.config)
        if (group := at.node.group(name)) is not None
    ]


def _address_resources(config: Config) -> Sequence[tuple[GroupName, AddressResource]]:
    return [
        (group.name, r)
        for group in config.groups
        for r in group.resources
        if isinstance(r, AddressResource)
    ]


def _is_here(group: Group) -> bool:
    return group.state is GroupState.STARTED


def _is_there(node: Node, group: Group) -> bool:
    word = node.peer.word_on(group.name)
    return word is not None and word.state.is_held


def _unix_usec() -> int:
    return time.time_ns() // 1000
