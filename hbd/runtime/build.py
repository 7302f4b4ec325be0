"""From the configuration to the parts: the belief to begin with, the session, the facts.

Each layer has its own types and may not know config's; here they are translated, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import hbd
from hbd.bus.facts import Facts, GroupFacts, LinkFacts
from hbd.cluster.event import ConfigurationChanged, GroupDefinition, LinkDefinition
from hbd.cluster.node import Link as LinkBelief
from hbd.cluster.node import Node, new_node
from hbd.cluster.terms import Generation, Instant, LinkName, NodeName
from hbd.config.digest import digest
from hbd.config.model import Config, Ping
from hbd.link.link import Link
from hbd.link.speech import Speech
from hbd.wire.session import Session

NO_PEER: Final = NodeName("(none)")  # a cluster of one: a name that no node can have


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
        fencing=config.fencing,
        has_stonith=any(device.target in (None, config.peer) for device in config.fence_devices),
        digest=digest(config),
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


def speech_of(config: Config) -> Speech:
    """The core's words as messages, for this node and its groups."""
    return Speech(config.local, {group.name: group.preferred for group in config.groups})


def event_of(
    config: Config, new_links: frozenset[LinkName], groups: tuple[GroupDefinition, ...]
) -> ConfigurationChanged:
    """A configuration that was read anew, in the core's words."""
    return ConfigurationChanged(
        timing=config.timing,
        auto_failback=config.auto_failback,
        links=tuple(
            LinkDefinition(
                medium.name,
                leads_to_peer=not isinstance(medium, Ping),
                deadtime_usec=config.deadping_usec if isinstance(medium, Ping) else None,
                is_new=medium.name in new_links,
            )
            for medium in config.media
        ),
        groups=groups,
        digest=digest(config),
    )


def facts_of(
    generation: Generation, links: Iterable[Link], groups: tuple[GroupFacts, ...]
) -> Facts:
    """What D-Bus tells of the configuration."""
    return Facts(
        version=hbd.__version__,
        generation=generation,
        links=tuple(LinkFacts(link.name, link.kind) for link in links),
        groups=groups,
    )
