"""Groups as the resolver gives them, for tests: the article's, and one with a script."""

from __future__ import annotations

from pathlib import Path

from hbd.cluster.terms import GroupName, Usec
from hbd.systemd.resource import Filesystem, Group, Kind, Resource

DEADTIME_USEC = Usec(6_000_000)


def mount(
    directory: str = "/ttidisk", fstype: str = "ext4", options: str | None = None
) -> Resource:
    """A file system at `directory`."""
    spec = Filesystem(
        f"Filesystem::/dev/sda1::{directory}", "/dev/sda1", directory, fstype, options
    )
    name = directory.strip("/").replace("/", "-")
    return Resource(text=spec.text, kind=Kind.MOUNT, unit=f"{name}.mount", filesystem=spec)


def service(unit: str) -> Resource:
    """A unit of the distribution."""
    return Resource(text=unit, kind=Kind.UNIT, unit=unit)


def script(*arguments: str) -> Resource:
    """A script of /etc/ha.d/resource.d."""
    return Resource(
        text="::".join(("drbddisk", *arguments)),
        kind=Kind.SCRIPT,
        unit="hbd-resource-drbddisk.service",
        script=Path("/etc/ha.d/resource.d/drbddisk"),
        arguments=arguments,
    )


def group(*resources: Resource, name: str = "192.168.0.100") -> Group:
    """A group of `resources` in start order."""
    return Group(GroupName(name), resources)


ARTICLE = group(
    mount(fstype="ext2"),
    service("smbd.service"),
    service("rpc-statd.service"),
    service("nfs-server.service"),
)
