"""What the journal holds of a transition, read by journalctl for who may not read it themselves.

Only lines that root has written count: any user may send the journal a line with any field. One
read at a time, in a process of its own with a deadline; a transition's id is the daemon's own word.
"""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from hbd.bus.history import JournalLine
from hbd.schedule import be_ordinary

LIMIT_SECONDS: Final = 5.0  # one indexed field of a large journal takes a tenth of a second
MAX_LINES: Final = 200  # a failover writes some twenty
MAX_TEXT: Final = 1000  # characters of one line

_turn = asyncio.Lock()


async def journal_lines(transition: str) -> Sequence[JournalLine]:
    """The lines of one, oldest first; none where the journal has none or cannot be read."""
    async with _turn:
        try:
            process = await asyncio.create_subprocess_exec(
                *("journalctl", "--output=json", "--no-pager", "--quiet", f"--lines={MAX_LINES}"),
                *("--output-fields=MESSAGE", f"HBD_TRANSITION={transition}", "_UID=0"),
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=DEVNULL,
                preexec_fn=be_ordinary,
            )
        except OSError:
            return ()
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                out, _ = await process.communicate()
        except TimeoutError:
            return ()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        return [line for line in map(_line, out.splitlines()) if line is not None]


def _line(data: bytes) -> JournalLine | None:
    try:
        entry = json.loads(data)
        return int(entry["__REALTIME_TIMESTAMP"]), str(entry["MESSAGE"])[:MAX_TEXT]
    except (ValueError, KeyError, TypeError):
        return None
