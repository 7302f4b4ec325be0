"""Puts exported files into a folder: all of them or none, and never over another file.

Fence devices' passwords may be among them, so only their owner may read them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hbd.errors import AdapterError


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Make the folder if it is not there, and the files; AdapterError, and none is left."""
    written: list[Path] = []
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, text in files.items():
            path = folder / name
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            written.append(path)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise AdapterError(f"Failed to write {error.filename}: {error.strerror}") from error
