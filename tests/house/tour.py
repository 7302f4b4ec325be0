"""The README's tour: what is typed where, and what is shown; read by people and by two tests.

A stop is a line with a prompt in an indented block, `user@node:~$ command` (`#` for root), with the
output below it. In what is shown `…` stands for any text within a line, and alone on a line for any
lines; blanks, and the lines that busctl draws a tree with, do not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.house.tree import ROOT

README = ROOT / "README.md"
_INDENT = "    "
_PROMPT = re.compile(r"(?P<user>[a-z]+)@(?P<node>\w+):~[#$] (?P<command>.+)")
_TREE = " │├└─"  # Debian 13's busctl draws it wider


@dataclass(frozen=True, slots=True)
class Stop:
    """One command of the tour."""

    user: str
    node: str
    command: str
    shown: str

    def is_so(self, output: str) -> bool:
        """Whether the output is what is shown."""
        return re.fullmatch(self._pattern(), _plain(output)) is not None

    def begins(self, output: str) -> bool:
        """Whether the output begins with what is shown: of a command that does not end."""
        return re.match(self._pattern(), _plain(output)) is not None

    def _pattern(self) -> str:
        lines = _plain(self.shown).splitlines()
        return "".join(
            r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
            for line in lines
        )


def stops() -> list[Stop]:
    """Every stop of the README, in order."""
    found: list[Stop] = []
    for block in _blocks(README.read_text().replace(f"\\\n{_INDENT}", "")):
        prompts = [*_PROMPT.finditer(block)]
        ends = [*(prompt.start() for prompt in prompts[1:]), len(block)]
        for prompt, end in zip(prompts, ends, strict=True):
            shown = block[prompt.end() : end].strip("\n")
            command = re.sub(r"\s+", " ", prompt["command"])
            found.append(Stop(prompt["user"], prompt["node"], command, shown))
    return found


def _blocks(text: str) -> list[str]:
    """The indented blocks that begin with a prompt, without their indent."""
    blocks = re.findall(rf"(?:^{_INDENT}.*\n|^\n(?={_INDENT}))+", text, re.MULTILINE)
    plain = [re.sub(rf"^{_INDENT}", "", block, flags=re.MULTILINE) for block in blocks]
    return [block for block in plain if _PROMPT.match(block.lstrip("\n"))]


def _plain(text: str) -> str:
    lines = [re.sub(r"\s+", " ", line.lstrip(_TREE)).strip() for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines if line)
