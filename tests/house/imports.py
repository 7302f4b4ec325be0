"""What a Python file imports, in full names, found without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPUTED = ("__import__", "import_module", "importlib.import_module")


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module or name: `from a.b import c` is `a.b.c` when `a.b.c` is a module."""

    name: str
    line: int

    def is_within(self, allowed: str) -> bool:
        """Whether it is that module or lies below it."""
        return self.name == allowed or self.name.startswith(allowed + ".")

    @property
    def top(self) -> str:
        """The distribution's import name: `pyroute2` of `pyroute2.netlink`."""
        return self.name.partition(".")[0]


def imports_of(tree: ast.Module, known_modules: frozenset[str]) -> Iterator[Import]:
    """Every import of a file, also those inside functions and under TYPE_CHECKING.

    `from hbd.cluster import terms` names a module and `from hbd.cluster.terms import Usec` does
    not: `known_modules` tells them apart. An import by a computed name counts as one of the part
    of the name that can be read: `import_module(f"pyroute2.{part}")` is `pyroute2`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in COMPUTED:
            yield Import(literal_start(node.args[0]), node.lineno)
        elif isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            assert node.module is not None, f"line {node.lineno}: import of nothing"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield Import(full if full in known_modules else node.module, node.lineno)


def literal_start(argument: ast.expr) -> str:
    """What a computed module name begins with for certain; "" where nothing is."""
    match argument:
        case ast.Constant(value=str(name)):
            return name
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]):
            return start.rpartition(".")[0]
        case _:
            return ""
