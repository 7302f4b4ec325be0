"""A machine for exports: what a test says is there, and nothing else."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from hbd.config.surroundings import Family


@dataclass
class PaperSite:
    """Answers from tables."""

    networks: dict[str, str] = field(default_factory=dict)  # interface -> address/length
    hosts: dict[str, str] = field(default_factory=dict)
    units: frozenset[str] = frozenset(("smbd.service",))
    scripts: dict[str, str] = field(default_factory=dict)
    disks: dict[str, str] = field(default_factory=dict)

    def network_of(self, interface: str) -> ipaddress.IPv4Interface | None:
        """From the table."""
        address = self.networks.get(interface)
        return None if address is None else ipaddress.IPv4Interface(address)

    def is_own_address(self, address: str) -> bool:
        """An address of one of the interfaces."""
        return any(text.partition("/")[0] == address for text in self.networks.values())

    def resolve(self, name: str, family: Family) -> str | None:
        """A hosts file of one family."""
        address = self.hosts.get(name)
        wanted = Family.IPV6 if address is not None and ":" in address else Family.IPV4
        return address if family is wanted else None

    def has_unit(self, unit: str) -> bool:
        """From the set."""
        return unit in self.units

    def script(self, word: str) -> str | None:
        """From the table."""
        return self.scripts.get(word)

    def disk_of(self, device: str) -> str | None:
        """From the table."""
        return self.disks.get(device)
