"""What is to be examined on this machine, and what came of it: JSON between two processes of ours.

The daemon writes the order and reads the result; the examiner (`examine`), started by systemd as
hbd-check.service, does the opposite. Both files are root's own, in /run/hbd/check.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hbd.check.finding import CheckId, Finding, Level, Report
from hbd.config.model import Config, FilesystemResource
from hbd.errors import AdapterError
from hbd.systemd.resource import Group

DIRECTORY: Final = Path("/run/hbd/check")
ORDER, FOUND = "order", "found"

SAMBA_UNITS: Final = frozenset({"smbd.service", "smb.service"})
KERNEL_NFS_UNITS: Final = frozenset({"nfs-server.service", "nfs-kernel-server.service"})
GANESHA_UNITS: Final = frozenset({"nfs-ganesha.service"})


@dataclass(frozen=True, slots=True)
class Disk:
    """One file system of a group: `held` when the group is this node's to mount now."""

    device: str  # as haresources has it
    directory: str
    held: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What to look at. `number` ties a result to its order; `digest` is what hbd runs with."""

    number: int
    config_directory: str
    node: str
    digest: str
    disks: tuple[Disk, ...]
    samba: bool
    kernel_nfs: bool
    ganesha: bool


def order_of(
    number: int, config: Config, digest: str, groups: Sequence[Group], held: frozenset[str]
) -> Order:
    """The order for what this node runs with. `held` are the names of groups that run here."""
    units = {unit for group in groups for unit in group.units}
    files = [Path(group.file).parent for group in config.groups] or [Path("/etc/ha.d")]
    return Order(
        number=number,
        config_directory=str(files[0]),
        node=config.local,
        digest=digest,
        disks=tuple(
            Disk(r.device, r.directory, held=group.name in held)
            for group in config.groups
            for r in group.resources
            if isinstance(r, FilesystemResource)
        ),
        samba=bool(units & SAMBA_UNITS),
        kernel_nfs=bool(units & KERNEL_NFS_UNITS),
        ganesha=bool(units & GANESHA_UNITS),
    )


def write_order(order: Order, directory: Path = DIRECTORY) -> None:
    """Leave the order for the examiner. AdapterError if that is not possible."""
    _write(directory, ORDER, asdict(order))


def read_order(directory: Path = DIRECTORY) -> Order:
    """The order; AdapterError if there is none that can be read."""
    try:
        said: dict[str, Any] = _read(directory, ORDER)
        disks = tuple(Disk(**each) for each in said.pop("disks"))
        return Order(**said, disks=disks)
    except (TypeError, KeyError, AttributeError) as problem:
        raise AdapterError(f"'{directory / ORDER}' is no order of this hbd: {problem}") from problem


def write_found(number: int, report: Report, directory: Path = DIRECTORY) -> None:
    """Leave the result for the daemon."""
    lines = [[f.check.value, f.level.value, f.text, f.remedy] for f in report.findings]
    _write(directory, FOUND, {"number": number, "findings": lines, "facts": dict(report.facts)})


def read_found(number: int, directory: Path = DIRECTORY) -> Report | None:
    """The result of the order with this number; None while there is none."""
    try:
        said = _read(directory, FOUND)
        if said["number"] != number:
            return None
        return report_of(said["findings"], said["facts"])
    except AdapterError:
        return None
    except (TypeError, KeyError, ValueError) as problem:
        raise AdapterError(
            f"'{directory / FOUND}' is no result of this hbd: {problem}"
        ) from problem


def report_of(lines: object, facts: object) -> Report:
    """Lines and facts as JSON has them. ValueError or TypeError if they are something else."""
    if not isinstance(lines, list) or not isinstance(facts, dict):
        raise TypeError("a list of findings and an object of facts")
    findings = []
    for check, level, text, remedy in lines:
        findings.append(Finding(CheckId(check), Level(level), str(text), str(remedy)))
    return Report(tuple(findings), {str(name): str(fact) for name, fact in facts.items()})


def _write(directory: Path, name: str, content: dict[str, object]) -> None:
    path = directory / name
    draft = directory / f"~{name}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(path)
    except OSError as problem:
        raise AdapterError(f"Failed to write '{path}': {problem.strerror}") from problem


def _read(directory: Path, name: str) -> dict[str, object]:
    path = directory / name
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise AdapterError(f"Failed to read '{path}': {problem}") from problem
    if not isinstance(said, dict):
        raise AdapterError(f"Failed to read '{path}': not an object")
    return said
