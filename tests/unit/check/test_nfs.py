"""What the NFS servers' files say of a failover, in both servers' own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbd.check import ganesha, kernel_nfs, nfs
from hbd.check.finding import CheckId, Level

POINTS = ["/ttidisk"]


def levels(server: nfs.Server) -> dict[CheckId, Level]:
    """The worst level of each check."""
    found: dict[CheckId, Level] = {}
    for each in nfs.look(server, POINTS).findings:
        found[each.check] = max(each.level, found.get(each.check, Level.OK), key=list(Level).index)
    return found


def kernel(etc: Path, exports: str, conf: str = "", more: str = "") -> nfs.Server:
    """The kernel's server with these files."""
    (etc / "exports").write_text(exports)
    (etc / "nfs.conf").write_text(conf)
    (etc / "nfs.conf.d").mkdir(exist_ok=True)
    (etc / "nfs.conf.d/failover.conf").write_text(more)
    return kernel_nfs.server(etc)


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("/ttidisk/export 10.0.0.0/8(rw,fsid=2001)", Level.OK),
        ("/ttidisk/export 10.0.0.0/8(rw)", Level.ERROR),
        ("/ttidisk/export 10.0.0.0/8(rw,fsid=1) *(ro)", Level.ERROR),
        ("/ttidisk/export -fsid=1,rw 10.0.0.0/8 *(ro)", Level.OK),
        ('"/ttidisk/with blank" *(fsid=1)', Level.OK),
        ("/ttidisk/with\\040blank *(ro)", Level.ERROR),
        ("/ttidisk/export \\\n   *(rw,fsid=0)", Level.OK),
        ("/ttidisk/export", Level.ERROR),
        ("/elsewhere *(rw)", Level.WARNING),
        ("/ttidisk2/export *(rw,fsid=1)", Level.WARNING),
        ("# /ttidisk/export *(rw,fsid=1)", Level.WARNING),
        ("", Level.WARNING),
    ],
)
def test_every_client_of_the_disk_needs_an_fsid(tmp_path: Path, line: str, level: Level) -> None:
    """Goal: no stale handles. Method: lines of exports(5) in all its forms."""
    assert levels(kernel(tmp_path, line))[CheckId.NFS_FSID] is level


def test_exports_in_the_directory_count_too(tmp_path: Path) -> None:
    """Goal: exports.d is read as exportfs reads it. Method: a bare export there."""
    (tmp_path / "exports.d").mkdir()
    (tmp_path / "exports.d/web.exports").write_text("/ttidisk/web *(rw)\n")
    server = kernel(tmp_path, "/ttidisk/export *(rw,fsid=1)")
    assert levels(server)[CheckId.NFS_FSID] is Level.ERROR


@pytest.mark.parametrize(
    ("conf", "more", "level"),
    [
        ("", "", Level.WARNING),
        ("[nfsd]\nlease-time=15\ngrace-time=15\n", "", Level.OK),
        ("[nfsd]\ngrace-time=90", "[nfsd]\nlease-time = 15\ngrace-time = 15", Level.OK),
        ("[nfsd]\nlease-time=20\ngrace-time=15\n", "", Level.WARNING),
        ("[mountd]\nlease-time=15\ngrace-time=15\n", "", Level.WARNING),
        ("[nfsd]\n# grace-time=15\n", "", Level.WARNING),
        ("[nfsd]\ngrace-time=many\nlease-time=15", "", Level.WARNING),
    ],
)
def test_grace_is_short_and_not_below_the_lease(
    tmp_path: Path, conf: str, more: str, level: Level
) -> None:
    """Goal: the wait after a failover is known. Method: nfs.conf and its directory."""
    assert levels(kernel(tmp_path, "", conf, more))[CheckId.NFS_GRACE] is level


def test_state_on_the_disk_is_seen_and_elsewhere_told(tmp_path: Path) -> None:
    """Goal: who holds locks moves with the disk. Method: none, one, both directories on it."""
    nfsdcld = "[nfsdcld]\nstoragedir=/ttidisk/nfs/nfsdcld\n"
    statd = "[statd]\nstate-directory-path=/ttidisk/nfs/statd\n"
    assert levels(kernel(tmp_path, ""))[CheckId.NFS_STATE] is Level.WARNING
    assert levels(kernel(tmp_path, "", nfsdcld))[CheckId.NFS_STATE] is Level.WARNING
    assert levels(kernel(tmp_path, "", nfsdcld + statd))[CheckId.NFS_STATE] is Level.OK


def test_a_symbolic_link_to_the_disk_is_followed_by_its_text(tmp_path: Path) -> None:
    """Goal: the old way of sharing state counts. Method: a link to a disk that is not mounted."""
    link = tmp_path / "state"
    link.symlink_to("/ttidisk/nfs")
    conf = f"[nfsdcld]\nstoragedir={link}\n[statd]\nstate-directory-path={link}\n"
    assert levels(kernel(tmp_path, "", conf))[CheckId.NFS_STATE] is Level.OK


GANESHA = """
NFS_CORE_PARAM { Protocols = 3, 4; }
NFSv4 { # times
    Lease_Lifetime = 5;
    Grace_Period = 5;
    RecoveryRoot = /ttidisk/ganesha;
}
EXPORT {
    Export_Id = 1;
    Path = /ttidisk/export;
    Filesystem_Id = 2001.1;
    FSAL { Name = VFS; Path = /x; }
}
"""


@pytest.mark.parametrize(
    ("old", "new", "check", "level"),
    [
        ("", "", CheckId.NFS_FSID, Level.OK),
        ("Filesystem_Id = 2001.1;", "", CheckId.NFS_FSID, Level.ERROR),
        ("Filesystem_Id", "# Filesystem_Id", CheckId.NFS_FSID, Level.ERROR),
        ("/ttidisk/export", "/elsewhere", CheckId.NFS_FSID, Level.WARNING),
        ("EXPORT {", "export{", CheckId.NFS_FSID, Level.OK),
        ("Grace_Period = 5;", "", CheckId.NFS_GRACE, Level.WARNING),
        ("Grace_Period = 5;", "Grace_Period = 4;", CheckId.NFS_GRACE, Level.WARNING),
        ("", "", CheckId.NFS_GRACE, Level.OK),
        ("RecoveryRoot", "NoRecoveryRoot", CheckId.NFS_STATE, Level.WARNING),
        ("", "", CheckId.NFS_STATE, Level.OK),
        ("FSAL { Name = VFS; Path = /x; }", "FSAL {", CheckId.NFS_FSID, Level.OK),
    ],
)
def test_ganesha_says_the_same_in_its_own_words(
    tmp_path: Path, old: str, new: str, check: CheckId, level: Level
) -> None:
    """Goal: both servers are judged alike. Method: a good file, spoilt in one place each."""
    path = tmp_path / "ganesha.conf"
    path.write_text(GANESHA.replace(old, new, 1) if old else GANESHA)
    assert levels(ganesha.server(path))[check] is level


def test_a_server_without_a_file_exports_nothing(tmp_path: Path) -> None:
    """Goal: a missing file is a line, not a crash. Method: empty directories."""
    assert levels(ganesha.server(tmp_path / "none"))[CheckId.NFS_FSID] is Level.WARNING
    assert levels(kernel_nfs.server(tmp_path))[CheckId.NFS_FSID] is Level.WARNING
