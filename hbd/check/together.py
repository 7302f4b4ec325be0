"""What only both nodes together can judge: one disk, equal servers, equal clocks. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hbd.check import clock
from hbd.check.finding import CheckId, Finding, error, ok

_FILES = {
    "samba:smb.conf": ("smb.conf", "scp -p /etc/samba/smb.conf {peer}:/etc/samba/"),
    "nfs:exports": ("the exports or NFS times", "scp -p /etc/exports {peer}:/etc/"),
}


def compared(
    ours: Mapping[str, str], theirs: Mapping[str, str], peer: str, apart_usec: int
) -> list[Finding]:
    """Facts of both nodes against each other; what one of them lacks, its own lines tell of."""
    found = [
        *_disks(ours, theirs, peer),
        *_services(ours, theirs, peer),
        *_addresses(ours, theirs, peer),
    ]
    return [*found, clock.compared(apart_usec)]


def _disks(ours: Mapping[str, str], theirs: Mapping[str, str], peer: str) -> list[Finding]:
    found = []
    for name in sorted(ours.keys() & theirs.keys()):
        if not name.startswith("disk:"):
            continue
        directory = name.removeprefix("disk:")
        here, there = ours[name].split(" ", 1), theirs[name].split(" ", 1)
        if here[0] != there[0] or (len(here) == len(there) == 2 and here != there):
            why = f"{directory}: here it is {ours[name]}, on {peer} {theirs[name]}"
            remedy = "lsblk -o NAME,SIZE,SERIAL,WWN,UUID, on both nodes"
            found.append(error(CheckId.DISK_SAME, why, remedy))
        else:
            found.append(ok(CheckId.DISK_SAME, f"{directory}: both nodes see {ours[name]}"))
    return found


def _services(ours: Mapping[str, str], theirs: Mapping[str, str], peer: str) -> list[Finding]:
    both = [name for name in _FILES if name in ours and name in theirs]
    found = [
        error(
            CheckId.SERVICES_EQUAL,
            f"{_FILES[name][0]} on {peer} differ from ours: clients see another server",
            _FILES[name][1].format(peer=peer),
        )
        for name in both
        if ours[name] != theirs[name]
    ]
    if both and not found:
        told = " and ".join(_FILES[name][0] for name in both)
        found = [ok(CheckId.SERVICES_EQUAL, f"{told}: the same on both nodes")]
    return found


def _addresses(ours: Mapping[str, str], theirs: Mapping[str, str], peer: str) -> list[Finding]:
    found = []
    for name, answering in sorted(ours.items()):
        address = name.removeprefix("answers:")
        serving = theirs.get(f"mac:{address}")
        if name.startswith("answers:") and serving is not None and serving != answering.lower():
            why = f"{address}: {answering} answers, but {peer}, which serves it, is {serving}"
            found.append(error(CheckId.ADDRESS_FREE, why, f"arping -D -c 3 {address}"))
    return found
