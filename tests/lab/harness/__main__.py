"""The lab's own commands.

up [--suite S] [--package DEB]   build and boot, stay until Ctrl-C
shell NODE [COMMAND…]            look around in a node of the running lab
down                             end every lab on this machine and remove its traces
selftest [--suite S]             prove the lab without hbd
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from tests.lab.harness.cluster import Lab
from tests.lab.harness.host import LabError, must_be_root, say
from tests.lab.harness.image import SUITES
from tests.lab.harness.ledger import Ledger, all_ledgers
from tests.lab.harness.node import enter
from tests.lab.harness.program import main_program
from tests.lab.harness.selftest import selftest

OWNER_ENDS_WITHIN = 30.0  # s for a running lab program to take its lab down when asked to


async def up(suite: str, package: Path | None) -> None:
    """Boot a lab and keep it until told to end."""
    async with Lab(suite=suite, package=package, purpose="demo") as lab:
        await lab.boot()
        say(f"lab {lab.lab_id} is up; enter with `make demo-shell NODE=ttisrv1`; Ctrl-C ends it")
        await asyncio.Event().wait()


def shell(node: str, command: list[str]) -> None:
    """Become a shell (or `command`) on `node` of the lab that was started last."""
    leaders = [
        (ledger.began, int(ledger.facts[f"leader.{node}"]))
        for ledger in all_ledgers()
        if not ledger.is_orphan and ledger.facts.get(f"leader.{node}")
    ]
    if not leaders:
        raise LabError(f"no running lab has a node '{node}' that is on; `make demo` starts one")
    words = [*enter(max(leaders)[1]), *(command or ["sh", "-c", "cd /root && exec bash -l"])]
    os.execvp(words[0], words)


def down(*, tests_too: bool) -> None:
    """Ask the owners of running demos to end; sweep what they leave, and what the dead left."""
    for ledger in _doomed(tests_too=tests_too):
        if ledger.owner is not None:
            os.kill(ledger.owner, signal.SIGTERM)
    deadline = time.monotonic() + OWNER_ENDS_WITHIN
    while any(not ledger.is_orphan for ledger in _doomed(tests_too=tests_too)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    troubles = [line for ledger in _doomed(tests_too=tests_too) for line in ledger.sweep()]
    if troubles:
        raise LabError("still on this machine: " + "; ".join(troubles))
    say("nothing of it is left on this machine")


def _doomed(*, tests_too: bool) -> list[Ledger]:
    return [
        ledger
        for ledger in all_ledgers()
        if tests_too or ledger.is_orphan or ledger.facts.get("purpose") == "demo"
    ]


def main() -> int:
    """Exit status 0, or 1 with one line that says why."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.harness")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "selftest"):
        booted = verbs.add_parser(verb)
        booted.add_argument("--suite", choices=SUITES, default="bookworm")
        if verb == "up":
            booted.add_argument("--package", type=Path)
    looked = verbs.add_parser("shell")
    looked.add_argument("node")
    looked.add_argument("command", nargs=argparse.REMAINDER)
    ended = verbs.add_parser("down")
    ended.add_argument("--all", action="store_true")
    options = parser.parse_args()
    try:
        must_be_root()
        match options.verb:
            case "up":
                return main_program(up(options.suite, options.package))
            case "selftest":
                return main_program(selftest(options.suite))
            case "shell":
                shell(options.node, options.command)
            case "down":
                down(tests_too=options.all)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
