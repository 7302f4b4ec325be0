"""One group as it is defined: its line of haresources, and what the words are on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hbd.cluster.terms import GroupName
from hbd.config.model import (
    AddressResource,
    Config,
    FilesystemResource,
    GroupConfig,
    ResourceConfig,
    ServiceResource,
)
from hbd.errors import AdapterError, ConfigError, Mistake, NoAnswer
from hbd.net.address import SharedAddress
from hbd.systemd import resource
from hbd.systemd.boot import StartsAtBoot
from hbd.systemd.manager import Manager


@dataclass(frozen=True, slots=True)
class Definition:
    """A group that can be run here. `found` has a resource for each word but the addresses."""

    config: GroupConfig
    found: resource.Group

    @property
    def name(self) -> GroupName:
        """The group's name."""
        return self.config.name

    @property
    def parts(self) -> tuple[tuple[ResourceConfig, resource.Resource | None], ...]:
        """Each resource, left to right, with what systemd has of it; None for an address."""
        units = iter(self.found.resources)
        return tuple(
            (r, None if isinstance(r, AddressResource) else next(units))
            for r in self.config.resources
        )

    @property
    def units(self) -> tuple[str | None, ...]:
        """Each resource's unit, left to right; None where there is none."""
        return tuple(None if found is None else found.unit for _, found in self.parts)

    @property
    def texts(self) -> tuple[str, ...]:
        """The resources as written."""
        return tuple(r.text for r in self.config.resources)

    def kept_by(self, other: Definition) -> int:
        """How many resources, from the left, are the same in every detail in `other`."""
        count = 0
        for mine, theirs in zip(self.parts, other.parts, strict=False):
            if mine != theirs:
                break
            count += 1
        return count


Definitions = Mapping[GroupName, Definition]


def differences(old: Definitions, new: Definitions) -> tuple[str, ...]:
    """One line for each group that differs, for people."""
    return tuple(_differences(old, new))


def _differences(old: Definitions, new: Definitions) -> Iterator[str]:
    for name, each in new.items():
        was = old.get(name)
        if was is None:
            yield f"group {name}: added; it starts once the peer knows it too"
            continue
        if was.config.preferred != each.config.preferred:
            yield f"group {name}: prefers {each.config.preferred}, stays where it is"
        if was.parts != each.parts:
            yield f"group {name}: {_changed(was, each, was.kept_by(each))}"
    for name in old.keys() - new.keys():
        yield f"group {name}: removed; what runs of it here is stopped"


def _changed(was: Definition, each: Definition, kept: int) -> str:
    """What a change means for what runs: left to right, from the first difference on."""
    parts = [
        f"{verb} {' '.join(texts)}"
        for verb, texts in (
            ("stop", was.texts[kept:]),
            ("start", each.texts[kept:]),
            ("untouched", each.texts[:kept]),
        )
        if texts
    ]
    return ", ".join(parts)


async def find(config: Config, manager: Manager) -> Definitions:
    """What the words of haresources are on this machine; ConfigError for those that are nothing."""
    resolver = resource.Resolver(manager.loaded_name)
    mistakes: list[Mistake] = []
    found: dict[GroupName, Definition] = {}
    for group in config.groups:
        specs = [spec for r in group.resources if (spec := _spec(r)) is not None]
        try:
            found[group.name] = Definition(group, await resolver.group(group.name, specs))
        except NoAnswer:  # that systemd is busy is no mistake in a file: the next start may do
            raise
        except AdapterError as error:
            what, remedy = f"group {group.name}", "then start or reload hbd again"
            mistakes.append(Mistake(group.file, group.line, what, str(error), remedy))
    if mistakes:
        raise ConfigError(tuple(mistakes))
    return found


def boot_mistakes(
    groups: Sequence[Definition], entries: Iterable[StartsAtBoot]
) -> tuple[Mistake, ...]:
    """Why units that start by themselves at boot cannot be managed, and how to end that."""
    return tuple(
        Mistake(
            *_place(groups, entry.unit),
            f"{entry.unit} starts at boot by itself ({entry.started_by})",
            "it would run on the node that does not hold its group",
            entry.fix,
        )
        for entry in entries
    )


def _place(groups: Sequence[Definition], unit: str) -> tuple[str, int]:
    """File and line of the group that has the unit."""
    config = next(group.config for group in groups if unit in group.units)
    return config.file, config.line


def shared_address(r: AddressResource) -> SharedAddress:
    """An address in the words of `net`."""
    return SharedAddress(r.address, r.prefix, r.interface, r.broadcast)


def _spec(r: ResourceConfig) -> resource.Spec | None:
    match r:
        case AddressResource():
            return None
        case FilesystemResource():
            return resource.Filesystem(r.text, r.device, r.directory, r.fstype, r.options)
        case ServiceResource():
            return resource.Service(r.text, r.word, r.arguments)
