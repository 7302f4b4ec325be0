"""What an NFS client needs of a failover, in either server's own words.

A client knows a file system by its fsid: without `fsid=` it comes from the device, which the other
node may number differently, and every open file is stale. A server that starts waits for clients to
reclaim their locks (grace) before it gives new ones; who held locks is in its state directory.
Sources: exports(5), nfs.conf(5), nfsd(8), nfsdcld(8), rpc.statd(8); ganesha-core-config(8),
ganesha-export-config(8).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hbd.check.finding import CheckId, Finding, Report, error, ok, warning
from hbd.check.samba import hashed, is_below

LONGEST_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Export:
    """One exported path, and whether every client of it gets a fixed fsid."""

    path: str
    has_fsid: bool


@dataclass(frozen=True, slots=True)
class Server:
    """What one server's files say. `state` are the directories where it remembers locks."""

    where: str  # the file to mend
    exports: tuple[Export, ...]
    state: Mapping[str, str]  # what is kept -> where
    lease: int  # seconds
    grace: int
    fsid_remedy: str
    state_remedy: str
    grace_remedy: str


def look(server: Server, mount_points: Sequence[str]) -> Report:
    """Judge one server's files."""
    shared = [e for e in server.exports if any(is_below(e.path, p) for p in mount_points)]
    exports = sorted((each.path, each.has_fsid) for each in server.exports)
    meaning = repr((exports, server.lease, server.grace))
    findings = (*_fsid(server, shared), _state(server, mount_points), _grace(server))
    return Report(findings, {"nfs:exports": hashed(meaning)})


def _fsid(server: Server, shared: list[Export]) -> list[Finding]:
    if not shared:
        why = f"{server.where} exports nothing of the shared disk"
        return [warning(CheckId.NFS_FSID, why, server.fsid_remedy)]
    bare = [
        error(
            CheckId.NFS_FSID,
            f"the export {export.path} has no fsid: its clients get stale handles",
            server.fsid_remedy,
        )
        for export in shared
        if not export.has_fsid
    ]
    paths = ", ".join(export.path for export in shared)
    return bare or [ok(CheckId.NFS_FSID, f"exported with a fixed fsid: {paths}")]


def _state(server: Server, mount_points: Sequence[str]) -> Finding:
    local = {
        what: where
        for what, where in server.state.items()
        if not any(is_below(_resolved(where), point) for point in mount_points)
    }
    if not local:
        return ok(CheckId.NFS_STATE, "who holds locks is remembered on the shared disk")
    told = ", ".join(f"{what} in {where}" for what, where in local.items())
    why = f"kept on this node alone: {told}; locks are lost in a failover, files are not"
    return warning(CheckId.NFS_STATE, why, server.state_remedy)


def _resolved(path: str) -> str:
    """Symbolic links followed by their text alone: nothing on the shared disk is touched."""
    try:
        return os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
    except OSError:
        return path


def _grace(server: Server) -> Finding:
    if server.grace < server.lease:
        why = f"grace {server.grace} s is shorter than lease {server.lease} s: clients lose locks"
        return warning(CheckId.NFS_GRACE, why, server.grace_remedy)
    if server.grace > LONGEST_GRACE_SECONDS:
        why = f"after a failover NFSv4 clients wait {server.grace} s (grace) before they may lock"
        return warning(CheckId.NFS_GRACE, why, server.grace_remedy)
    text = f"NFSv4 clients wait {server.grace} s (grace) after a failover, lease {server.lease} s"
    return ok(CheckId.NFS_GRACE, text)
