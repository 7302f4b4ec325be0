"""The floor under every planned hand-over: the same moves by hand, with no cluster software at all.

What it shows is the servers', the kernel's and this machine's own; the rest of a gap is hbd's.
"""

from __future__ import annotations

from tests.lab.demo.step import SERVED_WITHIN, SMB
from tests.lab.harness import hand
from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import now, say


async def floor(suite: str, runs: int) -> list[float]:
    """The SMB gap, in seconds, of `runs` moves to and fro by plain commands."""
    gaps: list[float] = []
    async with Lab(suite=suite, purpose="bench") as lab:
        await lab.boot()
        stream = lab.client.streams[SMB]
        await lab.client.start(SMB)
        here, there = lab.nodes
        await hand.start(here)
        await stream.served(since=now(), within=SERVED_WITHIN)
        for _ in range(runs):
            began = now()
            await hand.stop(here)
            await hand.start(there)
            await stream.served(since=now(), within=SERVED_WITHIN)
            gaps.append(stream.acks().gap(began, now()))
            here, there = there, here
    say(f"by hand: {', '.join(f'{gap:.2f}' for gap in gaps)} s")
    return gaps
