"""Groups of haresources as Pacemaker's: addresses and mounts by its agents, the rest by systemd.

A group there starts in order on one node and stops in reverse, as a line of haresources does.
Source: Pacemaker Explained, "Groups"; the agents' own metadata (resource-agents 4.12).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from hbd.config.model import (
    AddressResource,
    Config,
    FilesystemResource,
    GroupConfig,
    ResourceConfig,
    ServiceResource,
)
from hbd.export.device import path_of
from hbd.export.names import Names
from hbd.export.primitive import After, Agent, Clone, Operation, PlacedGroup, Primitive
from hbd.export.remark import Remark, gap, note
from hbd.export.site import Site
from hbd.export.unit import name_of, unit_file
from hbd.systemd.resource import OPTIONAL_WORDS, candidates

# Seconds. hbd watches its resources all the time, Pacemaker asks. A stop that takes too long costs
# the node its power there, so limits are the agents' own advice and not hbd's shorter ones.
ASK_EVERY: Final = 10
ADDRESS: Final = (
    Operation("start", 20),
    Operation("stop", 20),
    Operation("monitor", 20, ASK_EVERY),
)
MOUNT: Final = (Operation("start", 60), Operation("stop", 60), Operation("monitor", 40, 20))
UNIT: Final = (Operation("start", 100), Operation("stop", 100), Operation("monitor", 60, ASK_EVERY))


@dataclass(slots=True)
class Groups:
    """What the lines of haresources become; `units` are files by name."""

    groups: list[PlacedGroup] = field(default_factory=list)
    shared: list[Clone] = field(default_factory=list)
    after: list[After] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)


def groups(config: Config, names: Names, site: Site, head: str) -> Groups:
    """Every line, in the file's order."""
    return _Making(config, names, site, head).done()


class _Making:
    """One export of haresources, while it is made."""

    def __init__(self, config: Config, names: Names, site: Site, head: str) -> None:
        self._config = config
        self._names = names
        self._site = site
        self._head = head
        self._made = Groups()
        self._units: dict[str, str] = {}  # resource as written -> unit
        self._clones: dict[str, str] = {}  # unit -> ID of its clone

    def done(self) -> Groups:
        services = {
            one.text: one
            for group in self._config.groups
            for one in group.resources
            if isinstance(one, ServiceResource)
        }
        units = {text: self._unit(one) for text, one in services.items()}
        self._units = {text: unit for text, unit in units.items() if unit is not None}
        uses = Counter(
            unit
            for group in self._config.groups
            for unit in {
                self._units[one.text] for one in group.resources if one.text in self._units
            }
        )
        for unit, count in uses.items():
            if count > 1:
                self._share(unit)
        for group in self._config.groups:
            self._group(group)
        return self._made

    def _group(self, group: GroupConfig) -> None:
        ident = self._names.of("group", group.name)
        members: list[Primitive] = []
        for resource in group.resources:
            unit = self._units.get(resource.text)
            if unit in self._clones:
                after = After(self._names.of("after", unit or ""), ident, self._clones[unit or ""])
                self._made.after.append(after)
                continue
            primitive = self._primitive(resource)
            if primitive is not None:
                members.append(primitive)
        if not members:
            self._made.remarks.append(gap(group.name, "nothing of this group could be exported"))
            return
        self._made.groups.append(PlacedGroup(ident, group.name, tuple(members)))

    def _primitive(self, resource: ResourceConfig) -> Primitive | None:
        match resource:
            case AddressResource():
                return _address(resource, self._names)
            case FilesystemResource():
                return self._mount(resource)
            case ServiceResource():
                unit = self._units.get(resource.text)
                return None if unit is None else _service(unit, resource.text, self._names)

    def _mount(self, mount: FilesystemResource) -> Primitive:
        if mount.fstype == "auto":
            text = "Pacemaker's agent does better with the type: write it in place of auto"
            self._made.remarks.append(note(mount.text, text))
        parameters = [
            ("device", path_of(mount.device)),
            ("directory", mount.directory),
            ("fstype", mount.fstype),
        ]
        parameters += [("options", mount.options)] if mount.options else []
        ident = self._names.of("fs", mount.directory)
        agent = Agent("ocf", "Filesystem", "heartbeat")
        return Primitive(ident, agent, mount.text, tuple(parameters), MOUNT)

    def _unit(self, service: ServiceResource) -> str | None:
        """The unit for a word. None if there is nothing to start.

        systemd makes a unit of a script in /etc/init.d by itself; any other gets one written here.
        """
        script = self._site.script(service.word)
        known = [] if service.arguments else list(candidates(service.word))
        is_native = script is None or not script.startswith("/etc/ha.d/")
        if is_native and (unit := next(filter(self._site.has_unit, known), None)):
            return unit
        if script is not None:
            is_generated = is_native and not service.arguments
            return known[0] if is_generated else self._script(service, script)
        if not service.arguments and service.word in OPTIONAL_WORDS:
            text = "no unit of this machine is meant by it, as for hbd: left out"
            self._made.remarks.append(note(service.text, text))
            return None
        if not known:
            text = f"no script {service.word} on this machine, so it is left out"
            self._made.remarks.append(gap(service.text, text))
            return None
        text = f"no such unit on this machine: written as systemd:{_bare(known[0])}, look at it"
        self._made.remarks.append(gap(service.text, text))
        return known[0]

    def _script(self, service: ServiceResource, script: str) -> str:
        unit = name_of(service.word, service.arguments, self._names)
        self._made.units[unit] = unit_file(script, service.arguments, self._config.env, self._head)
        text = f"a script: put {unit} into /etc/systemd/system on both nodes, then daemon-reload"
        self._made.remarks.append(gap(service.text, text))
        if service.word == "drbddisk":
            text = "Pacemaker's own way with DRBD is a promotable clone of ocf:linbit:drbd"
            self._made.remarks.append(note(service.text, text))
        return unit

    def _share(self, unit: str) -> None:
        """A unit of several groups runs on both nodes: Pacemaker counts each as its own."""
        primitive = _service(unit, unit, self._names)
        clone = Clone(self._names.of("clone", _bare(unit)), primitive)
        self._clones[unit] = clone.ident
        self._made.shared.append(clone)
        text = (
            "several groups name it, which Pacemaker would start several times: it runs on both "
            "nodes all the time, and is there before the groups' disks are"
        )
        self._made.remarks.append(note(unit, text))


def _address(one: AddressResource, names: Names) -> Primitive:
    """What is left out is found by route there too."""
    parameters = [("ip", one.address)]
    parameters += [("cidr_netmask", str(one.prefix))] if one.prefix is not None else []
    parameters += [("nic", one.interface)] if one.interface else []
    parameters += [("broadcast", one.broadcast)] if one.broadcast else []
    agent = Agent("ocf", "IPaddr2", "heartbeat")
    return Primitive(names.of("ip", one.address), agent, one.text, tuple(parameters), ADDRESS)


def _service(unit: str, text: str, names: Names) -> Primitive:
    bare = _bare(unit)
    return Primitive(names.of("unit", bare), Agent("systemd", bare), text, (), UNIT)


def _bare(unit: str) -> str:
    """Pacemaker adds `.service` where no type stands."""
    return unit.removesuffix(".service")
