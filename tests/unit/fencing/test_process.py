"""A program that is run under a deadline."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from hbd.cluster.terms import SECOND, Usec
from hbd.fencing import process

PASSES = 8  # of the loop: by then asyncio has started a process and opened its pipes
HELD = 0.5  # s, the loop at most: until the program has begun, if it has been started yet
ENDS_WITHIN = 10.0  # s, on a busy machine
# As agents do: something that the program has started reads what it is told.
SCRIPT = "#!/bin/sh\nexec 3<&0\ncat <&3 >/dev/null &\n: >{}\nwait\n"


@pytest.mark.parametrize("passes", range(PASSES))
async def test_a_run_that_is_cancelled_while_it_begins_ends(tmp_path: Path, passes: int) -> None:
    """Goal: a deadline that strikes while an agent is started hangs nobody. Method: each moment."""
    script, begun = tmp_path / "agent", tmp_path / "begun"
    script.write_text(SCRIPT.format(begun))
    script.chmod(0o755)
    running = asyncio.ensure_future(process.run([str(script)], "", Usec(60 * SECOND)))
    for _ in range(passes):
        await asyncio.sleep(0)
    deadline = time.monotonic() + HELD
    while not begun.exists() and time.monotonic() < deadline:
        pass
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=ENDS_WITHIN)
    assert done == {running}
    assert running.cancelled()
