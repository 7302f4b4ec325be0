"""The kernel's NFS server as its files have it: /etc/exports, /etc/nfs.conf and their directories.

Read, not asked of `exportfs`: on the node that does not serve nothing is exported, and that node is
the one whose files matter next. Sources: exports(5), nfs.conf(5), nfsd(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hbd.check.nfs import Export, Server

ETC: Final = Path("/etc")
DEFAULT_SECONDS: Final = 90  # nfsd(8), both times
STATE: Final = Path("/var/lib/nfs")

_WORD = re.compile(r'(?:"[^"]*"|\\.|[^\s"\\])+')
_OPTIONS = re.compile(r"\(([^)]*)\)")
_OCTAL = re.compile(r"\\([0-7]{3})")


def server(etc: Path = ETC) -> Server:
    """What the files say now; a file that is not there says nothing."""
    settings = _settings(etc)

    def number(key: str) -> int:
        word = settings.get(("nfsd", key), "")
        return int(word) if word.isdigit() else DEFAULT_SECONDS

    return Server(
        where="/etc/exports",
        exports=tuple(_exports(etc)),
        state={
            "NFSv4 clients": settings.get(("nfsdcld", "storagedir"), f"{STATE}/nfsdcld"),
            "NFSv3 locks": settings.get(("statd", "state-directory-path"), str(STATE)),
        },
        lease=number("lease-time"),
        grace=number("grace-time"),
        fsid_remedy="add fsid=NUMBER to its options in /etc/exports, the same on both nodes",
        state_remedy="nfs.conf(5): [nfsdcld] storagedir, [statd] state-directory-path, on the disk",
        grace_remedy="in /etc/nfs.conf.d/failover.conf, under [nfsd]: lease-time=15, grace-time=15",
    )


def _exports(etc: Path) -> Iterator[Export]:
    paths = [etc / "exports", *sorted((etc / "exports.d").glob("*.exports"))]
    for path in paths:
        for line in _lines(path):
            export = parse(line)
            if export is not None:
                yield export


def parse(line: str) -> Export | None:
    """One line: a path, perhaps `-options` for all clients, then clients with theirs."""
    words = _WORD.findall(line)
    if not words:
        return None
    path = _OCTAL.sub(lambda found: chr(int(found[1], 8)), words[0].strip('"'))
    common = ""
    clients = []
    for word in words[1:]:
        if word.startswith("-"):
            common = word[1:]
        else:
            options = _OPTIONS.search(word)
            clients.append(f"{common},{options[1] if options else ''}")
    return Export(path, all(_has_fsid(each) for each in clients or [common]))


def _has_fsid(options: str) -> bool:
    return any(option.strip().startswith("fsid=") for option in options.split(","))


def _settings(etc: Path) -> dict[tuple[str, str], str]:
    """Section and key, both in small letters; what is read later wins."""
    settings: dict[tuple[str, str], str] = {}
    for path in (etc / "nfs.conf", *sorted((etc / "nfs.conf.d").glob("*.conf"))):
        section = ""
        for line in _lines(path, comments="#;"):
            if line.startswith("["):
                section = line.strip("[] ").split()[0].lower() if line.strip("[] ") else ""
            elif "=" in line:
                key, _, value = line.partition("=")
                settings[section, key.strip().lower()] = value.strip().strip('"')
    return settings


def _lines(path: Path, comments: str = "#") -> Iterator[str]:
    """Lines with continuations joined, comments and empty ones left out."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for line in text.replace("\\\n", " ").splitlines():
        bare = line.strip()
        if bare and bare[0] not in comments:
            yield bare.partition(" #")[0]
