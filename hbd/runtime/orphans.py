"""Groups that a former life of hbd held and haresources no longer has: stopped at the start.

A group leaves haresources by a reload, which stops it first. Where hbd was replaced before that was
done, or the files were edited while it was away, nobody else would ever stop what runs.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from hbd.cluster.terms import GroupName, NodeName, Usec
from hbd.errors import AdapterError
from hbd.journal import NOTICE, MessageId, fields
from hbd.net.address import SharedAddress
from hbd.systemd import hold, unitname
from hbd.systemd.limits import STOP_LIMIT_USEC

_log = logging.getLogger("hbd.group")


class Units(Protocol):
    """What is needed of Manager; each raises AdapterError."""

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        """Properties of a unit."""
        ...

    async def stop(self, unit: str, timeout_usec: Usec) -> None:
        """Be stopped, and proven so."""
        ...


class Addresses(Protocol):
    """What is needed of the network; raises AdapterError."""

    async def remove(self, shared: SharedAddress) -> None:
        """Be gone."""
        ...


async def release(
    node: NodeName,
    groups: Collection[GroupName],
    addresses: Collection[str],
    units: Units,
    network: Addresses,
    directory: Path = hold.RUNTIME_DIRECTORY,
) -> frozenset[str]:
    """Stop every group that is held and not one of `groups`, while its old units are in force.

    And take off every address that was noted for one and is none of `addresses`. What cannot be
    stopped stays held, for the dead man and the next start, and is an error in the journal: the
    answer are its units, which must keep their files until then.
    """
    for note in hold.noted_addresses(directory):
        if note.address not in addresses:
            await _remove(note, network, directory)
    left: set[str] = set()
    for name in sorted(hold.held_groups(directory) - set(groups)):
        left.update(await _stop(node, name, units, directory))
    return frozenset(left)


async def _remove(note: hold.AddressNote, network: Addresses, directory: Path) -> None:
    shared = SharedAddress(note.address, note.prefix, note.interface, None)
    try:
        await network.remove(shared)
    except AdapterError as error:
        _log.error("%s is no longer in haresources: %s; remove it by hand", shared, error)
        return
    hold.forget_address(note.address, directory)


async def _stop(node: NodeName, name: GroupName, units: Units, directory: Path) -> list[str]:
    """Answers the units of a group that may still run."""
    target = unitname.group_target(name)
    parts = [target]
    try:
        (found,) = await units.properties(target, "Unit", "ConsistsOf")
        parts += map(str, found if isinstance(found, list) else [])
        for unit in parts:  # the target, and with it all that is part of it, right to left
            await units.stop(unit, STOP_LIMIT_USEC)
        hold.let_go(name, directory)
    except AdapterError as error:
        _log.error(
            "Group %s is no longer in haresources and still runs: %s; systemctl stop '%s'",
            name,
            error,
            target,
            extra=fields(MessageId.STOP_FAILED, node=node, group=name, state="stop-failed"),
        )
        return parts
    text = "Group %s is no longer in haresources: what was left of it here is stopped"
    extra = fields(MessageId.GROUP_STOPPED, node=node, group=name, state="stopped")
    _log.log(NOTICE, text, name, extra=extra)
    return []
