"""The three files' bytes, read so that no file can hurt: bounded, never waiting, opened once.

What cannot be read is a mistake of that file, never an exception.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from hbd.config.findings import Findings

LARGEST_FILE = 1 << 20  # bytes; a real one has a few thousand


def read_bytes(
    path: Path,
    findings: Findings,
    *,
    follow_links: bool = True,
    inspect: Callable[[os.stat_result], None] | None = None,
) -> bytes | None:
    """The content of a regular file, or None and a mistake.

    The file is opened once, without waiting (a FIFO would), and everything else is asked of the
    open file, so that what was inspected is what was read.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags if follow_links else flags | os.O_NOFOLLOW)
    except (OSError, ValueError) as error:
        _cannot(path, findings, error, follow_links=follow_links)
        return None
    try:
        status = os.fstat(descriptor)
        if inspect is not None:
            inspect(status)
        if stat.S_ISREG(status.st_mode):
            return _plausible(_whole(descriptor), findings)
    except OSError as error:
        _cannot(path, findings, error, follow_links=follow_links)
    else:
        if inspect is None:
            findings.mistake(0, "the file", "it is not a regular file", "write a plain file")
    finally:
        os.close(descriptor)
    return None


def read_text(path: Path, findings: Findings) -> str | None:
    """The content as text: UTF-8, or byte for byte where an older comment is not."""
    content = read_bytes(path, findings)
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def first_line(path: Path) -> str | None:
    """The stripped first line of a small optional file; None when it is absent or empty."""
    content = read_bytes(path, Findings(str(path)))
    if content is None:
        return None
    return content.decode("latin-1").partition("\n")[0].strip() or None


def _whole(descriptor: int) -> bytes:
    """The content, at most one byte more than is allowed."""
    content = b""
    while len(content) <= LARGEST_FILE:
        piece = os.read(descriptor, LARGEST_FILE + 1 - len(content))
        if not piece:
            break
        content += piece
    return content


def _plausible(content: bytes, findings: Findings) -> bytes | None:
    if len(content) > LARGEST_FILE:
        findings.mistake(0, "the file", "it is larger than 1 MiB", "is it the right file?")
        return None
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        findings.mistake(line, "a zero byte", "the file is not text", "write the file again")
        return None
    return content


def _cannot(
    path: Path, findings: Findings, error: OSError | ValueError, *, follow_links: bool
) -> None:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    remedy = "make it readable for root"
    if isinstance(error, FileNotFoundError):
        remedy = f"write {path.name}: see {path.name}(5)"
    elif isinstance(error, PermissionError):
        remedy = "run the check as root"
        if os.geteuid() == 0:  # the daemon: a root that reads what is root's
            remedy = f"chown root {path}"
    elif not follow_links and path.is_symlink():
        why = "it is a symbolic link, whose owner could change the keys"
        remedy = "put the file itself there"
    findings.mistake(0, "cannot read it", why, remedy)
