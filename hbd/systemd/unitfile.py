"""The text of every unit file and drop-in that hbd writes below /run/systemd/system.

Pure: names and facts in, text out; `install.py` puts it on disk. What the lines promise:

- a resource starts only while this node holds its group (AssertPathExists=), whoever asks; but a
  heartbeat that has taken hbd's place here may start the services of others, hbd-migrate(7);
- at shutdown systemd itself stops a group right to left (After=), and stopping the group's target
  stops all of it (PartOf=): the dead man needs no hbd;
- a server never serves the empty directory under a lost mount (BindsTo=);
- no distribution's 90 s stand between a hung unit and a failover.

Sources: systemd.unit(5), systemd.mount(5), systemd.service(5), systemd.syntax(7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from hbd import rival
from hbd.cluster.terms import SECOND, GroupName, Usec
from hbd.errors import AdapterError
from hbd.systemd import hold, unitname
from hbd.systemd.limits import (
    FSCK_LIMIT_USEC,
    START_LIMIT_USEC,
    STOP_LIMIT_USEC,
    deadman_usec,
    patience_usec,
)
from hbd.systemd.resource import Filesystem, Group, Kind, Resource

MARK: Final = "# Written by hbd from /etc/ha.d/haresources at its start; changes are lost."
DROP_IN: Final = "50-hbd.conf"
DEADMAN_TIMER: Final = "hbd-deadman.timer"
DEADMAN_SERVICE: Final = "hbd-deadman.service"

# lsb: 0 is clean, 1 is corrected. 2 ("reboot") concerns mounted file systems only: ours is not.
FSCK_OK_STATUS: Final = 1

Files = dict[PurePosixPath, str]
Environment = Sequence[tuple[str, str]]  # (NAME, VALUE)


def files(groups: Sequence[Group], deadtime_usec: Usec, environment: Environment = ()) -> Files:
    """Every file, by its path below /run/systemd/system. The same input gives the same text.

    `environment` are ha.cf's `env` pairs; resource scripts see each as HA_NAME, as in heartbeat.
    """
    _refuse_two_meanings(groups)
    written: Files = {}
    for group in groups:
        written |= _group_files(group, groups, environment)
    return written | _deadman_files(deadtime_usec)


def _refuse_two_meanings(groups: Sequence[Group]) -> None:
    """One mount point with two devices cannot be one unit."""
    seen: dict[str, Resource] = {}
    for resource in (resource for group in groups for resource in group.resources):
        if resource.kind is not Kind.MOUNT or resource.unit is None:
            continue
        if seen.setdefault(resource.unit, resource) is not resource:
            raise AdapterError(
                f"Failed to write {resource.unit}: '{seen[resource.unit].text}' and "
                f"'{resource.text}' both mount it; give each its own directory"
            )


def _group_files(group: Group, groups: Sequence[Group], environment: Environment) -> Files:
    written: Files = {drop_in(group.target): _target_drop_in(group)}
    for resource in group.resources:
        if resource.unit is None:
            continue
        users = tuple(other for other in groups if resource.unit in other.units)
        context = _dependencies(resource.unit, users)
        asserted = [*context, *_assertions([user.name for user in users])]
        if resource.filesystem is not None:
            written |= _mount_files(resource, resource.filesystem, asserted, users)
        elif resource.kind is Kind.SCRIPT:
            written |= _script_files(resource, asserted, environment)
        else:
            written[drop_in(resource.unit)] = _foreign_drop_in(context, users)
    return written


def drop_in(unit: str) -> PurePosixPath:
    """Where what hbd adds to a unit stands."""
    return PurePosixPath(f"{unit}.d") / DROP_IN


def _dependencies(unit: str, users: Sequence[Group]) -> list[str]:
    """The [Unit] lines that tie a unit to its groups and to what stands left of it there."""
    lines = [f"PartOf={group.target}" for group in users]
    lines += [
        f"After={group.units[position - 1]}"
        for group in users
        if (position := group.units.index(unit))
    ]
    if len(users) == 1:  # a shared unit outlives the release of one group's file system
        lines += _mount_bindings(unit, users[0])
    return [*lines, "StartLimitIntervalSec=0"]


def _mount_bindings(unit: str, group: Group) -> list[str]:
    """Stop with each file system to the left, whether it is stopped or just disappears."""
    lines: list[str] = []
    for resource in group.resources:
        if resource.unit == unit:
            break
        if resource.filesystem is not None:
            lines += [
                f"RequiresMountsFor={_quoted(resource.filesystem.directory)}",
                f"BindsTo={resource.unit}",
                f"After={resource.unit}",
            ]
    return lines


def _assertions(groups: Sequence[GroupName], *others: Path) -> list[str]:
    """Start only while a group that uses the unit is held here: any one of the files will do."""
    paths = [*(hold.hold_path(name) for name in groups), *others]
    bar = "|" if len(paths) > 1 else ""
    return [f"AssertPathExists={bar}{_specifiers(str(path))}" for path in paths]


def _target_drop_in(group: Group) -> str:
    units = [f"{verb}={unit}" for unit in group.units for verb in ("Wants", "After")]
    return _text("[Unit]", *units, *_assertions([group.name]))


def _foreign_drop_in(dependencies: Sequence[str], users: Sequence[Group]) -> str:
    """heartbeat starts it by its init script, which asks systemd; it mounts without asking.

    So a mount is hbd's alone: a pid file that outlived its heartbeat lets nobody write to the disk.
    """
    assertions = _assertions([group.name for group in users], rival.PID_FILE)
    return _text("[Unit]", *dependencies, *assertions, "", "[Service]", *_service_limits())


def _service_limits() -> list[str]:
    return [
        f"TimeoutStartSec={_span(START_LIMIT_USEC)}",
        f"TimeoutStopSec={_span(STOP_LIMIT_USEC)}",
    ]


def _mount_files(
    resource: Resource, spec: Filesystem, dependencies: Sequence[str], users: Sequence[Group]
) -> Files:
    """A mount unit, and before it a check where the type has no journal.

    DefaultDependencies=no: by default the unit is ordered before local-fs.target, and so before
    every ordinary service; at shutdown its stop would wait for hbd, which waits for its stop.
    """
    assert resource.unit is not None, "a mount resource has a unit"
    node = unitname.device_node(spec.device)
    check = unitname.fsck_unit(spec.directory)
    checked = [f"Requires={check}", f"After={check}"] if resource.is_checked else []
    written = {
        PurePosixPath(resource.unit): _text(
            "[Unit]",
            f"Description=Shared file system {_specifiers(spec.directory)} of the hbd cluster",
            "Documentation=man:hbd(8) man:haresources(5)",
            "DefaultDependencies=no",
            "Conflicts=umount.target shutdown.target",
            "Before=umount.target shutdown.target",
            *checked,
            *dependencies,
            "",
            "[Mount]",
            f"What={_specifiers(node)}",
            f"Where={_specifiers(spec.directory)}",
            *([f"Type={_specifiers(spec.fstype)}"] if spec.fstype != "auto" else []),
            *([f"Options={_specifiers(spec.options)}"] if spec.options else []),
            f"TimeoutSec={_span(START_LIMIT_USEC)}",  # one for both; a journal takes its time
        )
    }
    if resource.is_checked:
        written[PurePosixPath(check)] = _fsck_unit(spec, node, users)
    return written


def _fsck_unit(spec: Filesystem, node: str, users: Sequence[Group]) -> str:
    """Not systemd-fsck@.service: that one stays active, so it would check once per boot only."""
    program = f"/sbin/fsck.{spec.fstype}"
    return _text(
        "[Unit]",
        f"Description=Check of {_specifiers(node)} before it is mounted by the hbd cluster",
        "DefaultDependencies=no",
        "Conflicts=shutdown.target",
        "Before=shutdown.target",
        *_assertions([group.name for group in users]),
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart={_command(program, '-p', node)}",
        f"SuccessExitStatus={FSCK_OK_STATUS}",
        f"TimeoutStartSec={_span(FSCK_LIMIT_USEC)}",
    )


def _script_files(
    resource: Resource, dependencies: Sequence[str], environment: Environment
) -> Files:
    """A service around a resource script, and one that asks for its status on demand."""
    assert resource.unit is not None, "a script resource has a unit"
    assert resource.script is not None, "a script resource has its script"
    about = f"Description=Resource {_specifiers(resource.text)} of the hbd cluster"
    call = (str(resource.script), *resource.arguments)
    output = _specifiers(str(hold.status_path(resource.unit)))
    pairs = [f"HA_{name}={value}" for name, value in environment]
    given = ["Environment=HA_CURHOST=%H", *(f"Environment={_quoted(pair)}" for pair in pairs)]
    return {
        PurePosixPath(resource.unit): _text(
            "[Unit]",
            about,
            f"SourcePath={_specifiers(str(resource.script))}",
            *dependencies,
            "",
            "[Service]",
            "Type=oneshot",
            "RemainAfterExit=yes",
            *given,
            f"ExecStart={_command(*call, 'start')}",
            f"ExecStop={_command(*call, 'stop')}",
            *_service_limits(),
        ),
        PurePosixPath(status_unit(resource.unit)): _text(
            "[Unit]",
            about + ": status",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=oneshot",
            *given,
            f"ExecStart=-{_command(*call, 'status')}",
            f"StandardOutput=truncate:{output}",
            f"TimeoutStartSec={_span(STOP_LIMIT_USEC)}",
        ),
        PurePosixPath(stop_unit(resource.unit)): _text(
            "[Unit]",
            about + ": stop what was not started here",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=oneshot",
            *given,
            f"ExecStart={_command(*call, 'stop')}",
            f"TimeoutStartSec={_span(STOP_LIMIT_USEC)}",
        ),
    }


def status_unit(script_unit: str) -> str:
    """The unit that runs the script of `script_unit` with `status`."""
    return script_unit.replace("hbd-resource-", "hbd-status-", 1)


def stop_unit(script_unit: str) -> str:
    """The unit that runs the script of `script_unit` with `stop`, whatever systemd knows of it."""
    return script_unit.replace("hbd-resource-", "hbd-stop-", 1)


def _deadman_files(deadtime_usec: Usec) -> Files:
    """The dead man's times (see limits.py)."""
    delay, patience = deadman_usec(deadtime_usec), patience_usec(deadtime_usec)
    seconds = f"{patience / SECOND:f}"
    return {
        drop_in(DEADMAN_TIMER): _text("[Timer]", "OnActiveSec=", f"OnActiveSec={delay}us"),
        drop_in(DEADMAN_SERVICE): _text("[Service]", f"Environment=HBD_PATIENCE={seconds}"),
    }


def _text(*lines: str) -> str:
    return "\n".join((MARK, "", *lines)) + "\n"


def _span(usec: Usec) -> str:
    return f"{usec // SECOND}s" if usec % SECOND == 0 else f"{usec}us"


def _specifiers(value: str) -> str:
    """A value in which `%` means itself. Control characters would end or fake a line."""
    if any(ord(char) < ord(" ") or ord(char) == 127 for char in value) or value != value.strip():
        raise AdapterError(
            f"Failed to write {value!r} to a unit file: it has control characters or blanks "
            f"at an end; correct it in haresources"
        )
    if value.endswith("\\"):
        raise AdapterError(
            f"Failed to write {value!r} to a unit file: a \\ at the end would join two lines"
        )
    return value.replace("%", "%%")


def _quoted(value: str) -> str:
    """One word of a list or command line, as systemd.syntax(7) reads it."""
    escaped = _specifiers(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _command(*words: str) -> str:
    """A command line: `$` means itself too."""
    return " ".join([words[0], *(_quoted(word).replace("$", "$$") for word in words[1:])])


def is_ours(path: Path) -> bool:
    """Whether hbd wrote this file: only then may it be replaced or removed."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().rstrip("\n") == MARK
    except OSError:
        return False


def as_written(written: Mapping[PurePosixPath, str], directory: Path) -> dict[Path, str]:
    """The same files with their full paths."""
    return {directory / path: text for path, text in written.items()}
