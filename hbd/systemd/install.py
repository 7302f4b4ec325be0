"""hbd's unit files on disk: written all or nothing, removed when stale, and proven to be in force.

They live in /run: a reboot forgets them, and a machine on which hbd is not started keeps nothing of
the cluster. systemd is made to read them (daemon-reload takes 0.1 s and more) only when something
changed. Who owns a file is told by its first line; files of others are never touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from hbd.errors import AdapterError
from hbd.systemd import unitfile

UNIT_DIRECTORY: Final = Path("/run/systemd/system")

# Exists from before the first change until systemd has read the last one, so that a hbd killed in
# between leaves a trace and the next one reloads although it finds nothing to change.
RELOAD_DUE: Final = ".hbd-reload-due"


class UnitReader(Protocol):
    """What `install` needs of Manager."""

    async def reload(self) -> None:
        """daemon-reload."""

    async def properties(self, unit: str, interface: str, *names: str) -> tuple[object, ...]:
        """Properties of a unit."""


async def install(
    files: Mapping[PurePosixPath, str], systemd: UnitReader, directory: Path = UNIT_DIRECTORY
) -> bool:
    """Make `files` (paths below `directory`) the only ones of hbd there; True if that reloaded.

    Raises AdapterError if a file cannot be written, belongs to somebody else, or is overruled by
    another file of the same name (systemd prefers /etc/systemd/system): nothing of the cluster
    would be safe then.
    """
    changed = await asyncio.to_thread(_write_changes, files, directory)
    if changed:
        await systemd.reload()
        (directory / RELOAD_DUE).unlink(missing_ok=True)
    await asyncio.gather(*(_check_in_force(path, systemd, directory) for path in files))
    return changed


def check(files: Mapping[PurePosixPath, str], directory: Path = UNIT_DIRECTORY) -> None:
    """Raise AdapterError if one of `files` could not be written, since it belongs to others."""
    _refuse_foreign(list(unitfile.as_written(files, directory)))


def present(units: Iterable[str], directory: Path = UNIT_DIRECTORY) -> unitfile.Files:
    """The files that hbd has written for these units, as they are."""
    paths = [path for unit in units for path in (PurePosixPath(unit), unitfile.drop_in(unit))]
    texts = {path: _read(directory / path) for path in paths if unitfile.is_ours(directory / path)}
    return {path: text for path, text in texts.items() if text is not None}


def _write_changes(files: Mapping[PurePosixPath, str], directory: Path) -> bool:
    """Blocking: bring the directory in line; True if systemd must read it anew."""
    mark = directory / RELOAD_DUE
    wanted = unitfile.as_written(files, directory)
    stale = [path for path in _ours(directory) if path not in wanted]
    changed = [path for path, text in wanted.items() if _read(path) != text]
    try:
        if not stale and not changed:
            return mark.exists()
        _refuse_foreign(changed)
        directory.mkdir(parents=True, exist_ok=True)
        mark.touch()
        for path in changed:
            _replace(path, wanted[path])
        for path in stale:
            _remove(path, directory)
    except OSError as error:
        raise AdapterError(
            f"Failed to write unit files to '{directory}': '{error.filename}': {error.strerror}"
        ) from error
    return True


def _refuse_foreign(paths: list[Path]) -> None:
    for path in paths:
        if path.exists() and not unitfile.is_ours(path):
            raise AdapterError(
                f"Failed to write '{path}': there is one that hbd did not write; "
                f"remove it if nobody needs it"
            )


def _ours(directory: Path) -> list[Path]:
    candidates = [*directory.glob("*.*"), *directory.glob(f"*.d/{unitfile.DROP_IN}")]
    return [path for path in candidates if path.is_file() and unitfile.is_ours(path)]


def _replace(path: Path, text: str) -> None:
    if not path.parent.is_dir():
        path.parent.mkdir()
        path.parent.chmod(0o755)
    draft = path.with_name(f".{path.name}~")  # a name that systemd ignores
    draft.write_text(text, encoding="utf-8", errors="surrogateescape")
    draft.chmod(0o644)  # unit files are for all to read; hbd's umask is not
    draft.replace(path)


def _remove(path: Path, directory: Path) -> None:
    path.unlink(missing_ok=True)
    if path.parent != directory and not any(path.parent.iterdir()):
        path.parent.rmdir()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None


async def _check_in_force(path: PurePosixPath, systemd: UnitReader, directory: Path) -> None:
    """systemd must have read this very file."""
    if path.name == unitfile.DROP_IN:
        unit = path.parent.name.removesuffix(".d")
        (used,) = await systemd.properties(unit, "Unit", "DropInPaths")
        in_force = isinstance(used, list) and str(directory / path) in used
    else:
        unit = path.name
        (used,) = await systemd.properties(unit, "Unit", "FragmentPath")
        in_force = used == str(directory / path)
    if not in_force:
        raise AdapterError(
            f"Failed to put '{directory / path}' in force: systemd uses {used or 'nothing'!r} for "
            f"'{unit}'; remove or rename that (see systemctl cat '{unit}')"
        )
