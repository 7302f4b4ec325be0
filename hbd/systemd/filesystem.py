"""The release of a file system, to the end: stopped, evicted if busy, and proven gone.

heartbeat's Filesystem script ends whatever uses the file system, a forgotten shell as well as a
daemon, because a release that waits for an administrator is an outage. The lazy unmount is no way
out: it hides the mount and keeps the file system. Only who is in a mount namespace of its own (a
container) is left alone, and named in the error.
"""

from __future__ import annotations

from typing import Final, Protocol

from hbd.cluster.terms import SECOND, Usec
from hbd.errors import AdapterError
from hbd.systemd import device, unitname
from hbd.systemd.device import Who
from hbd.systemd.naming import Naming
from hbd.systemd.resource import Resource

# It takes 0.1 s, or 0.7 s when it must kill; on a very slow machine it reads /proc for seconds.
EVICTION_LIMIT_USEC: Final = Usec(10 * SECOND)


class UnitRunner(Protocol):
    """What a release needs of Manager."""

    async def start(self, unit: str, timeout_usec: Usec) -> None:
        """Start a unit and wait."""

    async def stop(self, unit: str, timeout_usec: Usec) -> None:
        """Stop a unit and wait."""


async def release(resource: Resource, systemd: UnitRunner, who: Who | None = None) -> None:
    """Return when the file system is proven gone from this machine; repeating is harmless.

    Raises AdapterError that says, by `who`, who keeps it: the peer may not mount it then.
    """
    assert resource.unit is not None, "a mount resource has a unit"
    assert resource.filesystem is not None, "a mount resource has its file system"
    spec = resource.filesystem
    who = who or Naming(systemd).who
    try:
        await systemd.stop(resource.unit, resource.stop_limit_usec)
    except AdapterError:
        await systemd.start(unitname.evict_unit(spec.directory), EVICTION_LIMIT_USEC)
        try:
            await systemd.stop(resource.unit, resource.stop_limit_usec)
        except AdapterError as error:
            await device.prove_gone(spec.device, spec.directory, who)  # says who, if it is not
            raise AdapterError(f"{error}, although its device is free") from error
    await device.prove_gone(spec.device, spec.directory, who)
