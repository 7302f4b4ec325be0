"""Fencing as Pacemaker has it: one primitive per device, or the disk's own reservations.

Each line of ha.cf is read as either node reads it, since a `stonith_host` line may be for one of
them. Source: Pacemaker Explained, "Fencing"; fence_scsi(8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hbd.cluster.terms import SECOND, Fencing, NodeName, Usec
from hbd.config.model import Config, FenceDevice, FilesystemResource
from hbd.export.device import path_of
from hbd.export.names import Names
from hbd.export.primitive import Agent, Level, Operation, Primitive, Rule
from hbd.export.remark import Remark, gap, note
from hbd.export.site import Site

WATCHED: Final = (Operation("monitor", 60, 60),)
OUTLET: Final = "plug"


@dataclass(slots=True)
class Fences:
    """The devices, where each may run, and what is to be said."""

    devices: list[Primitive] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


@dataclass(slots=True)
class _Use:
    """Who uses a device against whom."""

    by: list[NodeName] = field(default_factory=list)
    against: list[NodeName] = field(default_factory=list)


def fences(views: tuple[Config, ...], wanted: Fencing, names: Names, site: Site) -> Fences:
    """`views` is the configuration as each node reads it; `wanted` is ha.cf's word or another."""
    made = Fences()
    config = views[0]
    if config.watchdog is not None:
        text = f"no equivalent by itself; the package sbd uses {config.watchdog} with Pacemaker"
        made.remarks.append(note("watchdog", text))
    uses = _uses(views)
    if wanted is Fencing.NONE:
        made.remarks.append(note("fencing none", "stonith-enabled=false, and as dangerous"))
    elif wanted is Fencing.RESERVATION:
        _reservation(config, names, site, made)
    elif uses:
        for device, use in uses.items():
            _device(device, use, names, made, config)
        if wanted in (Fencing.AUTO, Fencing.REQUIRED):
            text = (
                "the devices of stonith_host are exported; for the disk's reservations, "
                "which hbd prefers where there are some, export with the option fencing reservation"
            )
            made.remarks.append(note(f"fencing {wanted.value}", text))
    elif wanted is Fencing.REQUIRED:
        _reservation(config, names, site, made)
    else:
        text = (
            "whether the disk knows reservations is seen when hbd runs: if `hbctl status` says so, "
            "export with the option fencing reservation; as it is, nothing fences"
        )
        made.remarks.append(gap(f"fencing {wanted.value}", text))
    return made


def _uses(views: tuple[Config, ...]) -> dict[FenceDevice, _Use]:
    """Each line once, though both nodes see it, in their order; against itself a node uses none."""
    uses: dict[FenceDevice, _Use] = {}
    for view in views:
        for device in view.fence_devices:
            if device.target == view.local or view.peer is None:
                continue
            use = uses.setdefault(device, _Use())
            use.by.append(view.local)
            use.against.append(device.target or view.peer)
    return dict(sorted(uses.items(), key=lambda item: item[0].line))


def fencing_delay(deadtime_usec: Usec) -> int:
    """Seconds that the first node of ha.cf has to shoot first, where nothing else decides."""
    return max(1, -(-deadtime_usec // (2 * SECOND)))


def _device(device: FenceDevice, use: _Use, names: Names, made: Fences, config: Config) -> None:
    """Two nodes that serve as much as each other would shoot each other: the first one is spared.

    Devices against one node are tried in the order of ha.cf.
    """
    victims = sorted(set(use.against))
    given = dict(device.parameters)
    outlet = given.pop(OUTLET, None)
    if outlet is not None:
        host_map = ";".join(f"{name}:{outlet}" for name in victims)
        told = [("pcmk_host_map", host_map)]
    else:
        told = [("pcmk_host_list", " ".join(victims))]
    ident = names.of("fence", "-".join(victims))
    text = f"{device.agent}, ha.cf line {device.line}"
    spared = config.nodes[0]
    if spared in victims:
        delay = fencing_delay(config.timing.deadtime_usec)
        told.append(("pcmk_delay_base", f"{spared}:{delay}s"))
    parameters = (*given.items(), ("pcmk_host_check", "static-list"), *told)
    made.devices.append(
        Primitive(ident, Agent("stonith", device.agent), text, tuple(parameters), WATCHED)
    )
    for victim in victims:
        index = 1 + sum(level.target == victim for level in made.levels)
        made.levels.append(Level(names.of("level", f"{victim}-{index}"), victim, index, ident))
        if victim not in use.by:
            # heartbeat's rule too: only who can reach the device uses it
            rule = Rule(names.of("not-on", f"{ident}-{victim}"), ident, "-INFINITY", node=victim)
            made.rules.append(rule)


def _reservation(config: Config, names: Names, site: Site, made: Fences) -> None:
    mounts = [
        path_of(one.device)
        for group in config.groups
        for one in group.resources
        if isinstance(one, FilesystemResource) and ("=" in one.device or "/dev/" in one.device)
    ]
    disks = list(dict.fromkeys(site.disk_of(path) or path for path in mounts))
    if not disks:
        made.remarks.append(gap("fencing", "haresources has no disk that could refuse a writer"))
        return
    text = (
        f"whole disks, by names that do not wander, belong into `devices` of fence_scsi "
        f"(/dev/disk/by-id/...); now it has {', '.join(disks)}"
    )
    made.remarks.append(gap("fencing reservation", text))
    if any("nvme" in disk for disk in disks):
        made.remarks.append(note("fencing reservation", "NVMe disks need fence_scsi 4.13 or later"))
    parameters = (
        ("devices", ",".join(disks)),
        ("pcmk_host_list", " ".join(config.nodes)),
        ("pcmk_host_check", "static-list"),
        ("pcmk_reboot_action", "off"),
    )
    made.devices.append(
        Primitive(
            names.of("fence", "scsi"),
            Agent("stonith", "fence_scsi"),
            "the shared disk itself refuses the other node",
            parameters,
            WATCHED,
            (("provides", "unfencing"),),
        )
    )
