"""Which hbd package the nodes get."""

from __future__ import annotations

import sys
from pathlib import Path

_BUILD = Path(__file__).parents[3] / "build"


def built_package(wanted: Path | None = None) -> Path:
    """The package asked for, else the newest that `make deb` built; exit 1 if there is none."""
    found = [wanted] if wanted else sorted(_BUILD.glob("hbd_*.deb"), key=_age)
    if not found or not found[-1].is_file():
        sys.exit(f"no hbd package in {_BUILD}: run `make deb` first")
    return found[-1]


def beside(package: Path, name: str) -> Path:
    """Another of the packages that were built together; exit 1 if it is not there."""
    found = package.with_name(package.name.replace("hbd_", f"{name}_", 1))
    if not found.is_file():
        sys.exit(f"no {found.name} in {found.parent}: run `make deb` first")
    return found


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns
