"""Ping nodes as Pacemaker's: an attribute that tells what a node reaches, and groups that heed it.

hbd lets a cut-off server go; a group there likes a node that reaches the network more than home,
and a network that nobody reaches moves nothing. Source: Pacemaker Explained, ocf:pacemaker:ping.
"""

from __future__ import annotations

from typing import Final

from hbd.cluster.terms import SECOND
from hbd.config.model import Config, Ping
from hbd.export.names import Names
from hbd.export.primitive import Agent, Clone, Operation, PlacedGroup, Primitive, Rule

REACHES: Final = "100000"  # above home and stickiness of the longest group, below INFINITY
ASK_EVERY: Final = 5  # s; one question waits 2 s for its answer, twice
TIMEOUT: Final = 60


def reach(
    config: Config, placed: list[PlacedGroup], names: Names
) -> tuple[list[Clone], list[Rule]]:
    """A clone for each ping node or group of them, and a wish of each resource group."""
    clones: list[Clone] = []
    rules: list[Rule] = []
    dampen = max(1, round(config.deadping_usec / SECOND))
    for medium in config.media:
        if not isinstance(medium, Ping):
            continue
        ident = names.of("ping", medium.name)
        parameters = (
            ("host_list", " ".join(medium.addresses)),
            ("name", ident),
            ("dampen", f"{dampen}s"),
        )
        operations = (
            Operation("start", TIMEOUT),
            Operation("stop", 20),
            Operation("monitor", TIMEOUT, ASK_EVERY),
        )
        agent = Agent("ocf", "ping", "pacemaker")
        text = f"ping node {medium.name}"
        primitive = Primitive(ident, agent, text, parameters, operations)
        clones.append(Clone(names.of("clone", ident), primitive))
        rules += [
            Rule(names.of("reach", f"{group.ident}-{ident}"), group.ident, REACHES, attribute=ident)
            for group in placed
        ]
    return clones, rules
