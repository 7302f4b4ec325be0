"""From the configuration to the parts: the belief to begin with, the session, the groups' units.

Each layer has its own types and may not know config's; here they are translated, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import hbd
from hbd.bus.facts import Facts, GroupFacts, LinkFacts
from hbd.cluster.event import Event
from hbd.cluster.node import Link as LinkBelief
from hbd.cluster.node import Node, new_node
from hbd.cluster.terms import Generation, GroupName, Instant, NodeName
from hbd.config.model import (
    AddressResource,
    Config,
    FilesystemResource,
    GroupConfig,
    Ping,
    ResourceConfig,
    ServiceResource,
)
from hbd.errors import AdapterError, ConfigError, Mistake
from hbd.link.link import Link
from hbd.net.address import SharedAddress
from hbd.runtime.executor import GroupRunner, SharedUnits
from hbd.runtime.network import Network
from hbd.runtime.resources import AddressRunnable, Runnable, UnitRunnable
from hbd.systemd import resource, unitfile
from hbd.systemd.boot import StartsAtBoot
from hbd.systemd.manager import Manager
from hbd.wire.session import Session

NO_PEER: Final = NodeName("(none)")  # a cluster of one: a name that no node can have

Found = Mapping[GroupName, resource.Group]


def node_of(
    config: Config, generation: Generation, now: Instant, *, maintenance: bool = False
) -> Node:
    """The belief of a daemon that has just been started."""
    return new_node(
        name=config.local,
        generation=generation,
        peer=config.peer or NO_PEER,
        timing=config.timing,
        auto_failback=config.auto_failback,
        links=[
            LinkBelief(medium.name, leads_to_peer=False, deadtime_usec=config.deadping_usec)
            if isinstance(medium, Ping)
            else LinkBelief(medium.name)
            for medium in config.media
        ],
        groups=[
            (group.name, group.preferred, tuple(r.text for r in group.resources))
            for group in config.groups
        ],
        now=now,
        maintenance=maintenance,
    )


def session_of(config: Config, generation: Generation, uuid: bytes) -> Session:
    """The conversation with the peer, in the life that `generation` numbers."""
    return Session(
        node=config.local,
        peer=config.peer or NO_PEER,
        uuid=uuid,
        keyring=config.keys,
        generation=generation,
        ttl=config.ttl,
        max_rexmit_delay_usec=config.max_rexmit_delay_usec,
        seed=int(generation),
    )


async def find_groups(config: Config, manager: Manager) -> Found:
    """What the words of haresources are on this machine; ConfigError for those that are nothing."""
    resolver = resource.Resolver(manager.loaded_name)
    mistakes: list[Mistake] = []
    found: dict[GroupName, resource.Group] = {}
    for group in config.groups:
        specs = [spec for r in group.resources if (spec := _spec(r)) is not None]
        try:
            found[group.name] = await resolver.group(group.name, specs)
        except AdapterError as error:
            what, remedy = f"group {group.name}", "then start hbd again"
            mistakes.append(Mistake(group.file, group.line, what, str(error), remedy))
    if mistakes:
        raise ConfigError(tuple(mistakes))
    return found


def runners(
    config: Config,
    found: Found,
    network: Network,
    manager: Manager,
    post: Callable[[Event], None],
) -> Mapping[GroupName, GroupRunner]:
    """One runner for each group."""
    shared = SharedUnits(unitfile.shared_units(tuple(found.values())))
    return {
        group.name: GroupRunner(
            group.name,
            found[group.name].target,
            _runnables(group, found[group.name], network, manager),
            manager,
            shared,
            post,
        )
        for group in config.groups
    }


def facts_of(config: Config, found: Found, generation: Generation, links: Iterable[Link]) -> Facts:
    """What D-Bus tells of the configuration."""
    return Facts(
        version=hbd.__version__,
        generation=generation,
        links=tuple(LinkFacts(link.name, link.kind) for link in links),
        groups=tuple(
            GroupFacts(
                group.name,
                found[group.name].target,
                tuple(unit or "" for unit in _units(group, found[group.name])),
            )
            for group in config.groups
        ),
    )


def boot_mistakes(config: Config, entries: Iterable[StartsAtBoot]) -> tuple[Mistake, ...]:
    """Why units that start by themselves at boot cannot be managed, and how to end that."""
    return tuple(
        Mistake(
            str(config.groups[0].file),
            0,
            f"{entry.unit} starts at boot by itself ({entry.started_by})",
            "it would run on the node that does not hold its group",
            entry.fix,
        )
        for entry in entries
    )


def group_of_address(config: Config, shared: SharedAddress) -> tuple[GroupName, str] | None:
    """The group that has the address, and the resource as written."""
    for group in config.groups:
        for r in group.resources:
            if isinstance(r, AddressResource) and r.address == shared.address:
                return group.name, r.text
    return None


def _runnables(
    group: GroupConfig, found: resource.Group, network: Network, manager: Manager
) -> list[Runnable]:
    units = iter(found.resources)
    return [
        AddressRunnable(r.text, _shared(r), network.addresses, network.announcer)
        if isinstance(r, AddressResource)
        else UnitRunnable(next(units), manager)
        for r in group.resources
    ]


def _units(group: GroupConfig, found: resource.Group) -> list[str | None]:
    units = iter(found.resources)
    return [None if isinstance(r, AddressResource) else next(units).unit for r in group.resources]


def _spec(r: ResourceConfig) -> resource.Spec | None:
    match r:
        case AddressResource():
            return None
        case FilesystemResource():
            return resource.Filesystem(r.text, r.device, r.directory, r.fstype, r.options)
        case ServiceResource():
            return resource.Service(r.text, r.word, r.arguments)


def _shared(r: AddressResource) -> SharedAddress:
    return SharedAddress(r.address, r.prefix, r.interface, r.broadcast)
