"""The manual pages as the house tests read them: mdoc source, line by line."""

from __future__ import annotations

import re
from pathlib import Path

from tests.house.tree import ROOT

PAGES = ROOT / "man"


def pages() -> list[Path]:
    """Every page, by name."""
    return sorted(path for path in PAGES.iterdir() if re.fullmatch(r"\.[1-8]", path.suffix))


def items(page: Path, before: str) -> set[str]:
    """What a page's tagged lists explain: `.It Fl -check Ar x` after `Fl ` is `-check`."""
    return {
        match[1] for match in re.finditer(rf"^\.It {before}(\S+)", page.read_text(), re.MULTILINE)
    }


def references(page: Path) -> set[str]:
    """The pages a page refers to, as `ha.cf.5`."""
    found = re.finditer(r"^\.Xr (\S+) (\d)", page.read_text(), re.MULTILINE)
    return {f"{match[1]}.{match[2]}" for match in found}
