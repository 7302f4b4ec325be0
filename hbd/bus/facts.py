"""What the API tells besides the node's belief: fixed facts, and numbers that are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hbd.cluster.terms import Generation, GroupName, LinkName


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """One link as configured; `kind` is ha.cf's word: bcast, mcast, ucast, serial or ping."""

    name: LinkName
    kind: str


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """One group's units: its target, and one per resource, left to right; empty for an address."""

    name: GroupName
    unit: str
    resource_units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What only a reload changes."""

    version: str
    generation: Generation
    links: tuple[LinkFacts, ...]
    groups: tuple[GroupFacts, ...]

    def link_kind(self, name: LinkName) -> str:
        """The word for the link's medium; empty if it is not among the facts."""
        return next((link.kind for link in self.links if link.name == name), "")

    def group_unit(self, name: GroupName) -> str:
        """The group's target; empty if it is not among the facts."""
        return next((group.unit for group in self.groups if group.name == name), "")

    def resource_unit(self, name: GroupName, index: int) -> str:
        """The unit of the group's resource, counted from 0; empty if it has none."""
        units = next((group.resource_units for group in self.groups if group.name == name), ())
        return units[index] if index < len(units) else ""


def _no_counters() -> Mapping[LinkName, Mapping[str, int]]:
    return {}


def _no_faults() -> Mapping[LinkName, str]:
    return {}


def _boot_usec() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


@dataclass(frozen=True, slots=True)
class LinkReadings:
    """How to ask the links for what the core does not know; all are called for every read.

    `counters` gives numbers by word for each link; `faults` gives a reason only for links that
    cannot work now. `now` is µs on CLOCK_BOOTTIME, by which an age can be told from an instant.
    """

    counters: Callable[[], Mapping[LinkName, Mapping[str, int]]] = _no_counters
    faults: Callable[[], Mapping[LinkName, str]] = _no_faults
    now: Callable[[], int] = _boot_usec
