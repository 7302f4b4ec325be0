"""Samba's configuration by Samba's own reading of it, and where the server's identity lies.

`testparm -s` reads smb.conf as smbd will (testparm(1), smb.conf(5)). One server means one set of
passwords and one identity, so `private dir` must move with the disk: on a disk of its own each node
would be another server to its clients.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from hbd.check.finding import CheckId, Finding, Report, error, ok, warning

LIMIT_SECONDS: Final = 3.5
REMEDY: Final = "testparm -s"

LOADED: Final = "Loaded services file OK"

# What testparm says of a file that is as it should be.
_USUAL: Final = (
    "Load smb config files from",
    LOADED,
    "Weak crypto is",
    "Server role:",
    "rlimit_max:",  # about the shell's own limit, not the file
)
# It also looks for directories: smbd makes those in /run when it starts, and those on the disk are
# there when the disk is.
_NO_DIRECTORY: Final = re.compile(r"\w+: [a-z ]+ directory (\S+) does not exist")
_AT_START: Final = "/run"


def look(mount_points: Sequence[str], away: Sequence[str]) -> Report:
    """Ask testparm twice: what is wrong with the file, and where the passwords are.

    `away` are the mount points whose disk is not mounted here.
    """
    program = shutil.which("testparm")
    if program is None:
        why = "testparm is not installed: smb.conf cannot be judged"
        return Report((error(CheckId.SAMBA_CONFIG, why, "apt-get install samba-common-bin"),))
    plain = _run([program, "-s"])
    found = [judged(plain.stderr, away)]
    if LOADED not in plain.stderr:
        return Report(tuple(found))
    private = _run([program, "-s", "--parameter-name=private dir"]).stdout.strip()
    found.append(private_dir(private, mount_points))
    return Report(tuple(found), {"samba:smb.conf": hashed(plain.stdout)})


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a program of the machine, without any input
        words,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def judged(said: str, away: Sequence[str]) -> Finding:
    """testparm's complaints. Its exit status says no more: it also counts missing directories."""
    told = [line.strip() for line in said.splitlines() if line.strip()]
    complaints = [
        line for line in told if not line.startswith(_USUAL) and not _comes_later(line, away)
    ]
    if LOADED not in said:
        first = complaints[0] if complaints else "testparm does not load the file"
        return error(CheckId.SAMBA_CONFIG, f"smbd would not start: {first}", REMEDY)
    if not complaints:
        return ok(CheckId.SAMBA_CONFIG, "testparm accepts smb.conf without a remark")
    severe = error if complaints[0].startswith("ERROR") else warning
    return severe(CheckId.SAMBA_CONFIG, f"smb.conf: {complaints[0]}", REMEDY)


def _comes_later(line: str, away: Sequence[str]) -> bool:
    found = _NO_DIRECTORY.match(line)
    return found is not None and any(is_below(found[1], place) for place in (_AT_START, *away))


def private_dir(directory: str, mount_points: Sequence[str]) -> Finding:
    """Whether passwords and identity are on a disk that moves with the group."""
    if any(is_below(directory, point) for point in mount_points):
        return ok(CheckId.SAMBA_PRIVATE, f"Samba's passwords are on the disk: {directory}")
    point = mount_points[0] if mount_points else "the disk"
    why = f"private dir is {directory or 'not known'}: passwords and identity stay on this node"
    remedy = f"in smb.conf, on both nodes: private dir = {point}/samba/private"
    return error(CheckId.SAMBA_PRIVATE, why, remedy)


def is_below(path: str, directory: str) -> bool:
    """Whether a path is a directory or in it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def hashed(text: str) -> str:
    """A short stand-in by which two nodes compare a file's meaning."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
