"""The shared addresses: here with their group, at the peer with it, or nowhere. By an ARP probe.

Who answers for an address that the peer serves should be the peer: both nodes together judge that
by the hardware address (`answers:` here, `mac:` there).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from hbd.check.finding import CheckId, Finding, Report, error, ok, warning
from hbd.errors import AdapterError

INTERFACES: Final = Path("/sys/class/net")


@dataclass(frozen=True, slots=True)
class Shared:
    """One address of a group: whether the group runs here, or at the peer."""

    address: str
    here: bool
    there: bool


class Lan(Protocol):
    """What is asked of the network about one address; each raises AdapterError."""

    async def interface(self, address: str) -> str:
        """Where it is or belongs."""

    async def is_present(self, address: str) -> bool:
        """Whether this node has it."""

    async def answering(self, address: str) -> str | None:
        """The MAC address of another machine that answers for it."""


async def look(shared: Shared, lan: Lan) -> Report:
    """One address."""
    address = shared.address
    try:
        interface = await lan.interface(address)
        present = await lan.is_present(address)
        answering = await lan.answering(address)
    except AdapterError as problem:
        why = f"{address}: {problem}"
        return Report((error(CheckId.ADDRESS_FREE, why, "ip -br address; ip route"),))
    facts = {}
    if answering is not None:
        facts[f"answers:{address}"] = answering
    if present and (mac := _mac(interface)):
        facts[f"mac:{address}"] = mac
    return Report((judged(shared, interface, answering, present=present),), facts)


def judged(shared: Shared, interface: str, answering: str | None, *, present: bool) -> Finding:
    """What the answers mean, given where the group is."""
    check, address = CheckId.ADDRESS_FREE, shared.address
    ask = f"arping -D -c 3 -I {interface} {address}"
    if present and not shared.here:
        why = f"{address} is on {interface} here though its group is not"
        return error(check, why, f"ip address show dev {interface}")
    if shared.here and not present:
        why = f"{address} is not on {interface} though its group runs here"
        return error(check, why, "hbctl status; journalctl -x -e -u hbd")
    if answering is not None and not shared.there:
        whose = "another machine has it too" if present else "it is not free"
        return error(check, f"{address}: {answering} answers for it on {interface}: {whose}", ask)
    if present:
        return ok(check, f"{address} is ours, on {interface}, and nobody else's")
    if not shared.there:
        return ok(check, f"{address} is free on {interface}")
    if answering is None:
        why = f"{address}: nobody answers on {interface}, though the peer serves it"
        return warning(
            check, f"{why}: is it the same LAN?", f"arping -c 3 -I {interface} {address}"
        )
    return ok(check, f"{address} is the peer's: {answering} answers on {interface}")


def _mac(interface: str) -> str | None:
    try:
        return (INTERFACES / interface / "address").read_text().strip().lower()
    except OSError:
        return None
