"""Pacemaker's own scheduler, asked what it would do: no daemon runs, and nothing is started."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.lab.harness.node import Node


class Schedule:
    """A cluster that is only thought of; `path` is the file with its present state."""

    def __init__(self, node: Node, path: str) -> None:
        self._node = node
        self._steps = 0
        self.path = path

    async def goes_on(self, *events: str) -> set[str]:
        """Let this happen, and all that follows from it; returns which resources are stopped."""
        self._steps += 1
        saved = f"{self.path}.{self._steps}"
        words = ["crm_simulate", f"--xml-file={self.path}", *events, "--simulate"]
        told = await self._node.run([*words, f"--save-output={saved}"])
        self.path = saved
        return set(re.findall(r"Resource action: (\S+) +stop on", told.out))

    async def places(self, resources: Iterable[str]) -> dict[str, str]:
        """Where each resource runs then."""
        found: dict[str, str] = {}
        for name in resources:
            asked = ["crm_resource", "--resource", name, "--locate", "--quiet"]
            done = await self._node.run(["env", f"CIB_file={self.path}", *asked], check=False)
            found[name] = done.out.strip()
        return found
