"""The state drawings in docstrings, read back as words.

A drawing is one or more lines like

    unknown ──heard──► active ◄──heard── late        late ──deadtime──► lost

States stand between arrows; several that share an arrow are set apart by `,` or `|`; two or more
spaces set two chains on one line apart; what stands before a colon introduces the drawing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

ARROW = re.compile(r"──[^─►◄]*──►|◄──[^─►◄]*──|──►|◄──")
CHAINS = re.compile(r" {2,}")
SHARED = re.compile(r"[,|]")


def drawn_states(docstring: str) -> frozenset[str]:
    """The states a docstring draws; empty if it draws none."""
    return frozenset(
        state
        for line in docstring.splitlines()
        if ARROW.search(line)
        for chain in chains(line)
        for place in ARROW.split(chain)
        for name in SHARED.split(place)
        if (state := name.strip(" ."))
    )


def chains(line: str) -> Iterator[str]:
    """The chains of one line: those parts of it that hold an arrow."""
    drawing = line.rpartition(": ")[2]
    arrows_closed = ARROW.sub(lambda arrow: arrow[0].replace("  ", " "), drawing)
    return (chain for chain in CHAINS.split(arrows_closed) if ARROW.search(chain))


def enums(tree: ast.Module) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Every Enum with words for values in a file: its name, its docstring and its words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & {
            "Enum",
            "StrEnum",
        }:
            yield node.name, ast.get_docstring(node) or "", words(node)


def words(definition: ast.ClassDef) -> frozenset[str]:
    """The string values of an Enum's members."""
    return frozenset(
        node.value.value
        for node in definition.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
