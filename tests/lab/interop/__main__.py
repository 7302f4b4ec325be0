"""A pair to try things with, until Ctrl-C.

python -m tests.lab.interop [--home hbd|heartbeat] [--away hbd|heartbeat] [--medium M] [--method M]
                            [--failback on|off|legacy] [--idle]

Then from another terminal: `python -m tests.lab.harness shell ttisrv2 cl_status rscstatus`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.lab.harness.host import LabError, must_be_root, say
from tests.lab.harness.program import main_program
from tests.lab.interop.member import Kind
from tests.lab.interop.pair import Pair
from tests.lab.interop.wiring import Failback, Medium, Method, Wiring


async def up(home: Kind, away: Kind, wiring: Wiring, *, idle: bool) -> None:
    """Boot the pair, start both daemons at once unless told not to, and stay."""
    async with Pair(home, away, purpose="demo") as pair:
        await pair.configure(wiring)
        if not idle:
            await asyncio.gather(*(member.start() for member in pair.members))
        say(f"pair {pair.lab_id} is up on {wiring}: {pair.members}; Ctrl-C ends it")
        await asyncio.Event().wait()


def main() -> int:
    """Exit status 0, or 1 with one line that says why."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.interop")
    parser.add_argument("--home", type=Kind, choices=Kind, default=Kind.HBD)
    parser.add_argument("--away", type=Kind, choices=Kind, default=Kind.HEARTBEAT)
    parser.add_argument("--medium", type=Medium, choices=Medium, default=Medium.UCAST)
    parser.add_argument("--method", type=Method, choices=Method, default=Method.SHA1)
    parser.add_argument("--failback", type=Failback, choices=Failback, default=Failback.ON)
    parser.add_argument("--idle", action="store_true", help="start no daemon")
    chosen = parser.parse_args()
    wiring = Wiring(chosen.medium, chosen.method, chosen.failback)
    try:
        must_be_root()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return main_program(up(chosen.home, chosen.away, wiring, idle=chosen.idle))


if __name__ == "__main__":
    sys.exit(main())
