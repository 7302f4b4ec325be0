"""The machine the recorded verdicts were given on, as answers to `Surroundings`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from hbd.config.surroundings import Family, InterfaceState, PathKind


@dataclass
class LabMachine:
    """Node hpb: eth0 broadcasts, there is nothing else but what a test puts there."""

    name: str = "hpb"
    interfaces: dict[str, InterfaceState] = field(
        default_factory=lambda: {
            "lo": InterfaceState.NOT_BROADCAST,
            "eth0": InterfaceState.READY,
        }
    )
    paths: dict[str, PathKind] = field(
        default_factory=lambda: {"/dev/null": PathKind.CHARACTER_DEVICE}
    )
    texts: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset(("10.9.9.3",))
    programs: frozenset[str] = frozenset()
    port: int | None = None

    def host_name(self) -> str:
        """What uname -n prints there."""
        return self.name

    def interface(self, name: str) -> InterfaceState:
        """Only what was put there exists."""
        return self.interfaces.get(name, InterfaceState.ABSENT)

    def path(self, path: str) -> PathKind:
        """Only what was put there exists."""
        return self.paths.get(path, PathKind.ABSENT)

    def text(self, path: str) -> str | None:
        """Only what was put there exists."""
        return self.texts.get(path)

    def resolve(self, host: str, family: Family) -> str | None:
        """A hosts file of one family."""
        address = self.hosts.get(host)
        wanted = Family.IPV6 if address is not None and ":" in address else Family.IPV4
        return address if family is wanted else None

    def is_own_address(self, address: str) -> bool:
        """The addresses of hpb."""
        return address in self.addresses

    def user_exists(self, name: str) -> bool:
        """As on a bare Debian."""
        return name in ("root", "nobody")

    def is_executable(self, path: str) -> bool:
        """Only what was put there exists."""
        return path in self.programs

    def heartbeat_port(self) -> int | None:
        """The services entry ha-cluster."""
        return self.port

    def keys_owner(self) -> int:
        """Whoever runs the tests writes the key files, and stands for root."""
        return os.getuid()
