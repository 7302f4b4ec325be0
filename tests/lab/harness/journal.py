"""A node's journal: read it, or wait for a message in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.lab.harness.host import LabError, end

if TYPE_CHECKING:
    from tests.lab.harness.node import Node

Entry = dict[str, object]  # one journal entry, field by field, as journalctl -o json has it
_LINE_LIMIT = 1 << 20  # bytes: a journal entry may carry a whole core dump's backtrace


class Journal:
    """The journal of one node that is on."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def entries(self, *matches: str) -> list[Entry]:
        """All entries that match journalctl's own words (`-b`, `-u hbd`, `HBD_EVENT=…`)."""
        done = await self._node.run(["journalctl", "-o", "json", "--no-pager", "-q", *matches])
        return [json.loads(line) for line in done.out.splitlines()]

    async def cursor(self) -> str:
        """A place in the journal: everything that is written from now on comes after it."""
        done = await self._node.run(["journalctl", "-n", "0", "--show-cursor", "--no-pager", "-q"])
        return done.out.rpartition("cursor: ")[2].strip()

    async def wait_for(
        self,
        *matches: str,
        within: float,
        after: str | None = None,
        until: Callable[[Entry], bool] = lambda _: True,
    ) -> Entry:
        """The first entry with all of `matches` (`FIELD=value`), from `after` (a cursor) or this
        boot's beginning on.

        Follows the journal, so it answers when the entry is written; LabError after `within` s.
        The matching is done here: journalctl finds nothing when a match is rare after a cursor.
        """
        wanted = [match.split("=", 1) for match in matches]
        place = ["-b"] if after is None else [f"--after-cursor={after}"]
        words = ["journalctl", "-f", "-n", "all", "-o", "json", "-q", *place]
        process = await asyncio.create_subprocess_exec(
            *self._node.enter(), *words,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, limit=_LINE_LIMIT,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None, "asked for a pipe"
        try:
            async with asyncio.timeout(within):
                async for line in process.stdout:
                    entry: Entry = json.loads(line)
                    if all(entry.get(name) == value for name, value in wanted) and until(entry):
                        return entry
        except TimeoutError as error:
            raise LabError(
                f"{self._node.name}: no journal entry {' '.join(matches)} within {within:g} s"
            ) from error
        finally:
            await end(process)
        raise LabError(f"{self._node.name}: the journal ended while it was followed")
