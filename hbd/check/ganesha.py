"""nfs-ganesha as its file has it: exports, times, and where it remembers its clients.

Sources: ganesha-config(8) (the form: blocks, `Key = value;`, no case), ganesha-core-config(8),
ganesha-export-config(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hbd.check.nfs import Export, Server

FILE: Final = Path("/etc/ganesha/ganesha.conf")
DEFAULT_LEASE, DEFAULT_GRACE = 60, 90  # seconds
DEFAULT_RECOVERY: Final = "/var/lib/nfs/ganesha"

_COMMENT = re.compile(r"[#%].*")
_BLOCK = re.compile(r"(\w+)\s*\{")
_SETTING = re.compile(r"(\w+)\s*=\s*([^;{}]+);")


def server(path: Path = FILE) -> Server:
    """What the file says now; one that is not there exports nothing."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        text = ""
    blocks = list(_blocks(_COMMENT.sub("", text)))
    v4 = next((settings for name, settings in blocks if name == "nfsv4"), {})

    def number(key: str, default: int) -> int:
        word = v4.get(key, "")
        return int(word) if word.isdigit() else default

    return Server(
        where=str(path),
        exports=tuple(
            Export(settings["path"], "filesystem_id" in settings)
            for name, settings in blocks
            if name == "export" and "path" in settings
        ),
        state={"NFSv4 clients": v4.get("recoveryroot", DEFAULT_RECOVERY)},
        lease=number("lease_lifetime", DEFAULT_LEASE),
        grace=number("grace_period", DEFAULT_GRACE),
        fsid_remedy=f"Filesystem_Id = NUMBER.NUMBER; in its EXPORT of {path}, on both nodes",
        state_remedy=f"RecoveryRoot = a directory on the disk; in NFSv4 of {path}",
        grace_remedy=f"Lease_Lifetime and Grace_Period in NFSv4 of {path}",
    )


def _blocks(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each outermost block: its name and its own settings, without inner blocks."""
    place = 0
    while (begun := _BLOCK.search(text, place)) is not None:
        depth, end = 1, begun.end()
        own: list[str] = []
        while end < len(text) and depth:
            character = text[end]
            depth += {"{": 1, "}": -1}.get(character, 0)
            if depth == 1:
                own.append(character)
            end += 1
        settings = {key.lower(): value.strip().strip('"') for key, value in _own("".join(own))}
        yield begun[1].lower(), settings
        place = end


def _own(text: str) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in _SETTING.finditer(text.replace("}", ";"))]
