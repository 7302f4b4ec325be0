"""The three files as they lie there: who may write them, and whether hbd runs with them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from hbd.check.finding import CheckId, Finding, Report, error, ok, warning
from hbd.config.digest import digest
from hbd.config.load import AUTHKEYS, HA_CF, HARESOURCES, judge

NAMES: Final = (HA_CF, HARESOURCES, AUTHKEYS)
OTHERS: Final = (Path("/etc/samba/smb.conf"), Path("/etc/exports"))  # root's servers do as they say
WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH


def look(directory: Path, node: str, running: str, owner: int = 0) -> Report:
    """Permissions, then meaning. `running` is the digest of what hbd runs with."""
    return Report((*_permissions(directory, owner), _loaded(directory, node, running)))


def _permissions(directory: Path, owner: int) -> list[Finding]:
    paths = [directory, *(directory / name for name in NAMES)]
    paths += [path for path in OTHERS if owner == 0]
    bad = [found for path in paths if (found := _mode(path, owner)) is not None]
    text = f"only root may write the files, only root may read {AUTHKEYS}"
    return bad or [ok(CheckId.FILE_PERMISSIONS, text)]


def _mode(path: Path, owner: int) -> Finding | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None  # a missing file of the three is told by `hbd --check`
    except OSError as problem:
        why = f"{path} cannot be looked at: {problem.strerror}"
        return error(CheckId.FILE_PERMISSIONS, why, f"ls -l {path}")
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != owner:
        why = f"{path} belongs to user {status.st_uid}, not to root"
        return error(CheckId.FILE_PERMISSIONS, why, f"chown root {path}")
    if path.name == AUTHKEYS and mode & 0o077:
        why = f"{path} has mode {mode:04o}: others may read the keys"
        return error(CheckId.FILE_PERMISSIONS, why, f"chmod 0600 {path}")
    if mode & WRITABLE and not _is_roots_group(status, mode):
        why = f"{path} has mode {mode:04o}: who may write it decides what root runs"
        return error(CheckId.FILE_PERMISSIONS, why, f"chmod go-w {path}")
    return None


def _is_roots_group(status: os.stat_result, mode: int) -> bool:
    return status.st_gid == 0 and not mode & stat.S_IWOTH


def _loaded(directory: Path, node: str, running: str) -> Finding:
    verdict = judge(directory, node)
    if verdict.config is None:
        more = f" and {len(verdict.mistakes) - 1} more" if len(verdict.mistakes) > 1 else ""
        why = f"hbd would not start with the files as they are: {verdict.mistakes[0]}{more}"
        return error(CheckId.CONFIG_LOADED, why, "hbd --check")
    if digest(verdict.config) != running:
        why = "the files have changed since hbd read them: it runs with the older ones"
        return warning(CheckId.CONFIG_LOADED, why, "systemctl reload hbd")
    return ok(CheckId.CONFIG_LOADED, "hbd runs with the files as they are")
