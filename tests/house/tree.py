"""The tree as the house tests see it: which files there are, and the syntax of the Python ones."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file that is or could be committed; git knows what is ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (ROOT / name for name in sorted(set(listing.stdout.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file())


def python_files(folder: str) -> tuple[Path, ...]:
    """The Python files of the tree below one of its folders."""
    return tuple(path for path in files() if path.suffix == ".py" and is_below(path, folder))


def is_below(path: Path, folder: str) -> bool:
    """Whether a file of the tree lies in that folder, however deep."""
    return (ROOT / folder) in path.parents


@cache
def syntax(path: Path) -> ast.Module:
    """The parsed source of one file."""
    return ast.parse(path.read_text(), filename=str(path))


def module_name(path: Path) -> str:
    """`hbd/wire/auth.py` is `hbd.wire.auth`, `hbd/wire/__init__.py` is `hbd.wire`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    """The daemon's modules by name."""
    return {module_name(path): path for path in python_files("hbd")}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method defined in a file, nested ones too."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def where(path: Path, line: int) -> str:
    """`file:line`, as editors jump to it."""
    return f"{path.relative_to(ROOT)}:{line}"
